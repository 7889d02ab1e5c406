"""A small made town for missing persons: cameras on a street, passers-by, and a case with its key, on the real bus."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random
from typing import Any

from connectors.transport.case_keys import CaseKeys
from schemas.event import Event, derived_id, event_fields
from streams.cases.candidate_answers import answer_id
from streams.cases.sealing import sealed
from streams.persons.persons_numbers import PersonsNumbers
from tests.hub_bus import HubBus, whole
from tests.hub_day import Input

NOON = 1_780_000_000_000
HOUR_MS = 3_600_000
LAT, LON = 37.50, 126.78
METRE = 1 / 111_195
"""A metre in degrees of latitude."""
CAMERAS = {f"cam-{number}": (LAT + number * 200 * METRE, LON) for number in range(10)}
"""Cameras 200 m apart on a street to the north."""
OUTSIDE = {"far": (LAT + 0.05, LON)}
AREA = '{"type":"Polygon","coordinates":[[[126.77,37.49],[126.79,37.49],[126.79,37.53],[126.77,37.53],[126.77,37.49]]]}'
LOOKS = {"upper_colour": "red", "lower_colour": "green", "hat": "yes"}
OTHERS = {"upper_colour": "black", "lower_colour": "blue", "hat": "no"}
SETTINGS: dict[str, Any] = {
    "clock_s": 5.0,
    "within_m": 20.0,
    "route": {"show": 1e-9, "looks_floor": 1.0, "accept": 0.6, "keep": 0.1},
}
NUMBERS = PersonsNumbers.model_validate(SETTINGS)


def head(contract: str, at_ms: int, *parts: Any) -> dict[str, Any]:
    """The fields that every event has."""
    return event_fields(
        "town", "test", event_id=derived_id(contract, *parts), event_time_ms=at_ms, received_ms=at_ms
    )


def a_camera(name: str, at: tuple[float, float]) -> Input:
    about = {"owner": "town", "purposes": ["crime"], "status": "ok", "camera_id": name}
    row = {**head("camera", NOON, name), "position": {"lat": at[0], "lon": at[1]}, **about}
    return "place.camera", name, row


def a_stop(name: str, at: tuple[float, float]) -> Input:
    row = {**head("stop", NOON, name), "position": {"lat": at[0], "lon": at[1]}, "hub_id": name}
    return "place.hub", name, {**row, "kind": "parking"}


def a_trip(at_ms: int, calls: Mapping[str, int], trip: str = "bus-1") -> Input:
    """A trip that is expected at stops: stop → when."""
    delays = [{"stop_id": name, "arrival_time": due_ms} for name, due_ms in calls.items()]
    row = {**head("trip", at_ms, trip, at_ms), "trip_id": trip, "relationship": "scheduled"}
    return "mobility.trip", trip, {**row, "delays": delays}


def a_tick(at_ms: int) -> Input:
    return "core.tick", "town", {**head("tick", at_ms, at_ms), "city": "town"}


def a_person(
    number: int, camera: str, at_ms: int, looks: Mapping[str, str], analytic: str = "onvif", **said: Any
) -> Input:
    """A sighting. *number*: makes its id."""
    words = [{"name": name, "word": word, "confidence": 0.9} for name, word in looks.items()]
    about = {"camera_id": camera, "track_id": str(number), "analytic": analytic, "attributes": words}
    crop = {"ref": f"canary-crop-{number}", "expires_at": at_ms + HOUR_MS}
    return "cctv.person", camera, {**head("person", at_ms, number), **about, "crop": crop, **said}


def a_missing(case_id: str, revision: int = 0, **said: Any) -> Event:
    about = {
        "case_id": case_id,
        "revision": revision,
        "agency": "112",
        "agency_case_no": f"canary-{case_id}",
        "state": "open",
        "ground": "dementia",
        "requester": "canary-unit-3",
        "area": AREA,
        "from_time": NOON - 2 * HOUR_MS,
        "until_time": NOON + 48 * HOUR_MS,
        "last_seen": {
            "seen_at": NOON - HOUR_MS,
            "position": {"lat": LAT, "lon": LON, "accuracy_m": 20.0},
        },
        "attributes": [{"name": name, "word": word, "confidence": None} for name, word in LOOKS.items()],
        "photo_ref": "canary-photo",
    }
    row = {**head("missing", NOON, case_id, revision), **about, **said}
    missing: Input = ("police.missing", case_id, row)
    ((topic, key, value),) = whole([missing])
    return Event(topic, key, value)


def an_act(case_id: str, act: str = "case_opened") -> Input:
    """The record of a case that was opened."""
    about = {"act": act, "at": NOON - HOUR_MS // 2, "situation_id": case_id, "writer": "test", "sequence": 1}
    return "core.access", "town", {**head("access", NOON, case_id, act), **about}


def an_answer(
    case_id: str, candidate_id: str, verdict: str, number: int, at_ms: int, *, saw: int = 0
) -> Event:
    """An answer, as the gateway writes it. *saw*: the candidate's revision that the person saw."""
    about = {
        "action_id": answer_id(case_id, candidate_id, saw),
        "situation_id": case_id,
        "action": verdict,
        "account_id": "acc-7",
        "role": "operator",
        "reason": "canary-note",
        "case_id": case_id,
        "candidate_id": candidate_id,
    }
    ((topic, key, value),) = whole([("core.action", case_id, {**head("action", at_ms, number), **about})])
    return Event(topic, key, value)


class TownBus(HubBus):
    """A bus that seals what is of a case as its writers do."""

    def __init__(self, city: str, bootstrap: str, wire: Any, keys: CaseKeys) -> None:
        super().__init__(city, bootstrap, wire)
        self.city, self.keys = city, keys

    def put_sealed(self, events: Iterable[Event]) -> None:
        for event in events:
            value = {**(event.value or {}), "city": self.city}
            done = sealed(replace(event, value=value), self.keys.make(value["case_id"]))
            self.put([(done.topic, done.key, dict(done.value or {}))])


def a_crowd(random: Random, first: int, count: int, since_ms: int, until_ms: int) -> list[Input]:
    """Passers-by at all cameras, a few of them dressed as the person."""
    found = []
    for number in range(first, first + count):
        camera = random.choice([*CAMERAS, *OUTSIDE])
        looks = LOOKS if random.random() < 0.15 else OTHERS
        found.append(a_person(number, camera, random.randrange(since_ms, until_ms), looks))
    return sorted(found, key=lambda one: one[2]["event_time"])  # type: ignore[index] # each has a row


def can_be(camera: str, seen_ms: int) -> bool:
    """By hand: whether a walker who was last seen an hour before noon can be at a camera at another time."""
    lat, lon = CAMERAS[camera]
    north, east = (lat - LAT) / METRE, (lon - LON) / METRE * math.cos(math.radians(lat))
    away_m = max(0.0, math.hypot(north, east) - 20.0 - SETTINGS["within_m"])
    most_s = (seen_ms - NOON + HOUR_MS) / 1000 + SETTINGS["clock_s"]
    return bool(most_s > 0 and away_m / 2.5 <= most_s)
