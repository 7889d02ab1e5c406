"""Houston's real list of 15–17 May 2024 under the rules, without Kafka: which reports join, and which would by chance.

An incident's event time is its first CALL_TIME. It counts under the kind of any of its revisions: the fire
department's medical call often becomes a vehicle incident when the first unit arrives.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from connectors.recordings import read_recording
from deploy.city.city import City, load_city
from schemas.event import Event
from streams.geo import distance_m
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step

RECORDING = "houston/houston_active_incidents_2024-05-15_17_derecho.jsonl.gz"
ROAD = ("crash.vehicle", "crash.motorcycle", "crash.pedestrian")
Situations = Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class Heard:
    """The recording as events, poll by poll, and all kinds of each incident's revisions."""

    polls: list[tuple[int, list[Event]]] = field(default_factory=list)
    kinds: dict[str, set[str]] = field(default_factory=dict)
    domains: dict[str, str] = field(default_factory=dict)

    def those(self, domain: str, *kinds: str) -> set[str]:
        return {
            one
            for one, called in self.kinds.items()
            if self.domains[one] == domain and any(kind.startswith(kinds) for kind in called)
        }


@cache
def heard(path: Path) -> Heard:
    source, place, found = load_city("houston").load("active-incidents"), dict[str, Any](), Heard()
    for one in read_recording(path):
        reading = source.read(one, place)
        place = dict(reading.place)
        found.polls.append((one.at_ms or 0, list(reading.events)))
        for event in reading.events:
            assert event.value is not None
            found.kinds.setdefault(event.key, set()).add(event.value["kind"])
            found.domains[event.key] = event.topic.split(".")[0]
    return found


def cameras(city: City) -> Iterator[Event]:
    source = city.load("cameras")
    yield from source.read(asyncio.run(source.poll({})), {}).events


def lived(
    found: Heard,
    *,
    police_later_min: int = 0,
    shuffled: int | None = None,
    rules: Mapping[str, Any] | None = None,
) -> list[Event]:
    """The rules' answers to the recording; with *shuffled* in a random order of that seed; with other *rules*."""
    city, state, said = load_city("houston"), CityState.empty(), list[Event]()
    step(state, Entry("rules", "houston.rules", 0, 0, rules or city.rules.canonical()))
    for event in cameras(city):
        step(state, Entry("place", "houston.place.camera", 0, 0, event.value or {}))
    polls = found.polls
    if shuffled is not None:
        everything = [event for _, events in polls for event in events]
        Random(shuffled).shuffle(everything)
        polls = [(polls[-1][0], everything)]
    for at_ms, events in polls:
        for offset, event in enumerate(events):
            value = dict(event.value or {})
            if event.topic.startswith("police"):
                value["event_time"] += police_later_min * 60_000
            said += step(state, Entry("incident", f"houston.{event.topic}", 0, offset, value))
        said += step(state, Entry("tick", "houston.core.tick", 0, 0, {"event_time": at_ms}))
    return said


@cache
def lived_once(path: Path) -> list[Event]:
    """The answers to a recording under the city's own rules: folded once for all tests that only read them."""
    return lived(heard(path))


def situations(said: Iterable[Event]) -> Situations:
    return {e.key: e.value for e in said if e.topic == "core.situation" and e.value is not None}


def live(found: Situations) -> list[Mapping[str, Any]]:
    return [one for one in found.values() if one["merged_into"] is None]


def beside_a_police_crash(found: Situations, recording: Heard) -> set[str]:
    crashes = recording.those("police", "crash")
    groups = [{incident["incident_id"] for incident in one["incidents"]} for one in live(found)]
    return {one for group in groups if group & crashes for one in group - crashes}


@pytest.fixture(scope="module")
def recording(data_dir: Path) -> Heard:
    return heard(data_dir / RECORDING)


@pytest.fixture(scope="module")
def said(data_dir: Path) -> list[Event]:
    return lived_once(data_dir / RECORDING)


def test_the_reports_of_one_happening_find_each_other(recording: Heard, said: list[Event]) -> None:
    joined = beside_a_police_crash(situations(said), recording)
    road, medical = recording.those("fire", *ROAD), recording.those("fire", "medical")
    assert (len(road), len(road & joined), len(medical & joined)) == (127, 68, 186)


def test_with_the_police_six_hours_later_hardly_any_do(recording: Heard) -> None:
    joined = beside_a_police_crash(situations(lived(recording, police_later_min=360)), recording)
    assert len(recording.those("fire", *ROAD) & joined) <= 4
    assert len(recording.those("fire", "medical") & joined) <= 15


def of_reports(found: Situations) -> list[Mapping[str, Any]]:
    """The situations that hold reports; a surge has none of its own."""
    return [one for one in live(found) if one["rule"] == "joint-incident"]


def test_no_situation_outgrows_its_bounds(said: list[Event]) -> None:
    for one in of_reports(situations(said)):
        times = [incident["event_time"] for incident in one["incidents"]]
        places = [incident["position"] for incident in one["incidents"] if incident["position"]]
        assert len(times) <= 6
        assert max(times) - min(times) <= 90 * 60_000
        assert all(distance_m(a["lat"], a["lon"], b["lat"], b["lon"]) <= 600 for a in places for b in places)


def test_each_incident_is_in_exactly_one_live_situation(recording: Heard, said: list[Event]) -> None:
    homes = [incident["incident_id"] for one in live(situations(said)) for incident in one["incidents"]]
    assert sorted(homes) == sorted(recording.kinds)


def test_every_grant_ends_with_its_situation(said: list[Event]) -> None:
    newest = {e.value["grant_id"]: e.value for e in said if e.topic == "core.grant" and e.value is not None}
    ends = {one["situation_id"]: one["closed_at"] for one in situations(said).values()}
    assert len(newest) == 33_764
    for grant in newest.values():
        over = ends[grant["situation_id"]]
        if over is not None:
            assert grant["revoked_at"] <= min(over, grant["expires_at"]) + 5_000


def test_the_order_in_which_the_reports_came_does_not_matter(recording: Heard, said: list[Event]) -> None:
    def groups(found: Situations) -> set[tuple[str, ...]]:
        return {
            tuple(sorted(incident["incident_id"] for incident in one["incidents"]))
            for one in of_reports(found)
        }

    assert groups(situations(lived(recording, shuffled=1))) == groups(situations(said))
