"""Columbia's real log of March and April 2026 under its rules, without Kafka, on event time: which reports join."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Reading
from connectors.recordings import read_recording
from deploy.city.city import load_city
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step

FILE = "columbia/columbia_mo_cad_2026-03_04.csv"
Situation = Mapping[str, Any]


@cache
def log(path: Path) -> Reading:
    (heard,) = read_recording(path)
    reading: Reading = load_city("columbia").load("cad").read(heard, {})
    return reading


@cache
def situations(path: Path, police_later_min: int) -> tuple[Situation, ...]:
    """The last revision of every live situation."""
    state, newest = CityState.empty(), dict[str, Situation]()
    rules = load_city("columbia").rules.canonical()
    if police_later_min:  # a control of what joins: surges join nobody, and take half of the time
        rules |= {"others": []}
    step(state, Entry("rules", "columbia.rules", 0, 0, rules))
    told = []
    for offset, event in enumerate(log(path).events):
        value = dict(event.value or {})
        later = police_later_min * 60_000 if event.topic.startswith("police") else 0
        value |= {key: value[key] + later for key in ("event_time", "received_time")}
        told.append(Entry("incident", f"columbia.{event.topic}", 0, offset, value))
    for entry in sorted(told, key=lambda entry: (entry.value["event_time"], entry.topic, entry.offset)):
        for event in step(state, entry):
            if event.topic == "core.situation" and event.value is not None:
                newest[event.key] = event.value
    return tuple(one for one in newest.values() if one["merged_into"] is None)


def joined(path: Path, police_later_min: int = 0) -> Counter[str]:
    """Count the police incidents in one situation with the fire or ambulance service, by the police's word."""
    words = {event.key: event.value["kind_text"] for event in log(path).events if event.value}
    found = Counter[str]()
    for one in situations(path, police_later_min):
        if any(incident["domain"] == "fire" for incident in one["incidents"]):
            police = (i["incident_id"] for i in one["incidents"] if i["domain"] == "police")
            found.update(words[incident] for incident in police)
    return found


@pytest.fixture(scope="module")
def path(data_dir: Path) -> Path:
    found = data_dir / FILE
    if not found.is_file():
        pytest.skip(f"no log at {found}")
    return found


def test_the_police_help_where_the_ambulance_or_the_fire_service_is(path: Path) -> None:
    found = joined(path)
    assert 79 <= found["ASSIST MEDICS"] <= 91
    assert 152 <= found["ACCIDENT"] <= 186
    assert 28 <= found["ASSIST FIRE"] <= 34


def test_a_theft_a_traffic_stop_or_a_quarrel_joins_nobody_by_chance(path: Path) -> None:
    found = joined(path)
    assert (found["LARCENY"], found["TRAFFIC STOP"], found["DISTURBANCE"]) == (0, 0, 0)


def test_with_the_police_six_hours_later_hardly_any_join(path: Path) -> None:
    found = joined(path, 360)
    assert found["ASSIST MEDICS"] <= 6
    assert found["ACCIDENT"] <= 10
    assert found["ASSIST FIRE"] <= 2


def test_no_situation_grows_by_chains_and_each_incident_is_in_one(path: Path) -> None:
    found = situations(path, 0)
    members = [incident["incident_id"] for one in found for incident in one["incidents"]]
    assert len(members) == len(set(members)) == 14_367
    assert max(len(one["incidents"]) for one in found) == 4


def test_what_nobody_speaks_of_any_more_lapses(path: Path) -> None:
    still_open = [one for one in situations(path, 0) if one["status"] != "closed"]
    assert len(still_open) == 8
