"""Daejeon, the reference city, under the rules of its own file and without Kafka.

Each of the seven rules answers in Korean, what is pushed is bound to its source, and its simulated calls are no surge.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.base import Heard, Reading
from connectors.recordings import read_recording
from connectors.simulation.scenario import Domain, scenario
from deploy.city.city import City, load_city
from schemas.event import Event
from schemas.kinds import load_kinds
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from tests.scenario.a_scenario import Scenario
from tests.scenario.running import Running
from tests.unit.deploy.test_shipped_cities import ALL, in_force

HOUR_MS = 3_600_000
NOW_MS = round(datetime(2026, 10, 5, 3, tzinfo=UTC).timestamp() * 1000)
HOURS = 2
CALLS: dict[str, Domain] = {"calls-119": "fire", "reports-112": "police"}
HANGUL = re.compile(r"[가-힣]")

DAY: tuple[Mapping[str, Any], ...] = (
    {"at": "12:00", "camera": "30110CTVPOC1"},
    {"at": "12:00", "camera": "30110CTVPOC2", "where": "4000 m N"},
    {"at": "12:00", "camera": "30110CTVPOC3", "where": "4050 m N"},
    {"at": "12:01", "speed": 60, "minutes": 45},  # what is usual there at that hour
    {"at": "day 2 12:00", "report": "119 F1", "kind": "crash.injury"},
    {"at": "day 2 12:01", "report": "112 P1", "kind": "crash", "where": "60 m E"},
    {"at": "day 2 12:04", "speed": 15, "minutes": 5},
    {"at": "day 2 12:10", "event": "civil.observation", "where": "9000 m S", "sensor_id": "underpass-1"}
    | {"quantity": "water-level", "value": 0.2, "unit": "m"},
    {"at": "day 2 12:11", "event": "civil.vulnerable", "where": "9000 m W", "person_ref": "p-1"}
    | {"cause": "zone_exit", "consent_ref": "c-1"},
    {"at": "day 2 12:12", "wanted": "W1", "number": "12가3456", "offence": "robbery", "ground": "warrant"},
    {"at": "day 2 12:13", "plate": "12가3456", "by": "30110CTVPOC1"},
    {"at": "day 2 12:14", "seen": "smoke", "by": "30110CTVPOC2"},
    {"at": "day 2 12:14:10", "seen": "smoke", "by": "30110CTVPOC3"},
    *(
        {"at": f"day 2 12:{20 + number // 4}:{number % 4 * 15:02}", "report": f"119 M{number}"}
        | {"kind": "medical", "where": "9000 m E"}
        for number in range(60)
    ),
)
"""Two days in which something happens for each rule, by the clock of the scenarios."""

PUSHED: Mapping[str, dict[str, Any]] = {
    "hubs": {"hub_id": "hub-1", "name": "대전역", "kind": "hub"},
    "sites": {"site_id": "site-1", "name": "대덕 LPG", "kind": "gas-store"},
    "analytics": {"camera_id": "30200CTVPOC1", "label": "smoke", "confidence": 0.9},
    "plates": {"camera_id": "30200CTVLPC1", "plate_token": f"{7:032x}", "confidence": 0.9},
    "sensors": {"sensor_id": "underpass-1", "quantity": "water-level", "value": 0.2, "unit": "m"},
    "vehicles": {"vehicle_id": "bus-1", "vehicle_type": "bus", "operator": "대전시내버스", "speed_mps": 9.5}
    | {"is_stale": False},
    "wanted-vehicles": {"entry_id": "W-1", "agency": "112", "is_listed": True, "offence": "robbery"}
    | {"legal_ground": "warrant", "tokens": [f"{7:032x}"]},
    "protected-persons": {"person_ref": "p-1", "cause": "button", "consent_ref": "c-1"},
}
"""Pushed source → a record of its own."""
OTHERS: Mapping[str, dict[str, Any]] = {
    "hubs": {"hub_id": "station-1"},
    "sites": {"site_id": "hub-1"},
    "analytics": {"camera_id": "30200BITBIT1"},
    "plates": {"camera_id": "daejeon-generated-00001"},
    "sensors": {"sensor_id": "30200CTVPOC1"},
    "vehicles": {"vehicle_id": "patrol-7"},
    "wanted-vehicles": {"agency": "119"},
}
"""Pushed source → what makes that record another's."""


@cache
def daejeon() -> City:
    return load_city("daejeon")


def pushed(source: str, said: Mapping[str, Any]) -> Reading:
    at = datetime.fromtimestamp(NOW_MS / 1000, UTC).isoformat()
    record = {"event_time": at, "position": {"lat": 36.35, "lon": 127.385, "accuracy_m": None}, **said}
    reading: Reading = daejeon().load(source).read(Heard(orjson.dumps(record), NOW_MS), {})
    return reading


@cache
def simulated() -> tuple[tuple[int, Event], ...]:
    """*HOURS* of the city's simulated calls, by the time at which they are told."""
    found = []
    for name, domain in CALLS.items():
        source, place = daejeon().load(name), dict[str, Any]()
        for at_ms, record in scenario(source.city, domain, NOW_MS):
            if at_ms > NOW_MS + HOURS * HOUR_MS:
                break
            reading = source.read(Heard(orjson.dumps(record), at_ms), place)
            place = dict(reading.place)
            found += [(at_ms, event) for event in reading.events]
    return tuple(sorted(found, key=lambda one: (one[0], one[1].topic)))


def test_each_of_its_seven_rules_answers_in_korean() -> None:
    city = Scenario("daejeon", "", "", daejeon().rules, DAY, (), (), ())
    alerts = [event.value for event in Running(city).run() if event.topic == "core.alert" and event.value]
    assert {one["rule"] for one in alerts} == ALL == in_force(daejeon())
    assert [one["headline"] for one in alerts if not HANGUL.search(one["headline"])] == []


@pytest.mark.parametrize("source", PUSHED)
def test_a_pushed_record_of_its_own_is_taken(source: str) -> None:
    reading = pushed(source, PUSHED[source])
    assert [event.topic for event in reading.events] == [daejeon().source_file(source).settings["contract"]]
    assert not reading.aside


@pytest.mark.parametrize("source", OTHERS)
def test_a_pushed_record_of_anothers_is_refused(source: str) -> None:
    reading = pushed(source, PUSHED[source] | OTHERS[source])
    assert not reading.events
    assert len(reading.aside) == 1


def test_every_pushed_source_is_tried_here() -> None:
    assert set(PUSHED) == {one.name for one in daejeon().file.source if one.push}


def test_every_camera_of_the_list_is_one_that_its_analytics_may_speak_of(data_dir: Path) -> None:
    path = data_dir / "korea" / "daejeon_cctv_cp949.csv"
    if not path.is_file():
        pytest.skip(f"no file at {path}")
    (heard,) = read_recording(path)
    reading = daejeon().load("cameras").read(heard, {})
    ids = {event.key for event in reading.events}
    assert len(ids) > 1_700
    assert {one for one in ids if "CTV" not in one} == set()


def test_its_simulated_calls_are_no_surge_and_two_agencies_share_situations() -> None:
    state, said = CityState.empty(), list[Event]()
    step(state, Entry("rules", "daejeon.rules", 0, 0, daejeon().rules.canonical()))
    for offset, (_, event) in enumerate(simulated()):
        said += step(state, Entry("incident", f"daejeon.{event.topic}", 0, offset, dict(event.value or {})))
    situations = {event.key: event.value for event in said if event.topic == "core.situation" and event.value}
    assert [one["reason"] for one in situations.values() if one["rule"] == "surge"] == []
    assert sum(one["agencies"] == ["112", "119"] for one in situations.values()) > 50 * HOURS


@pytest.mark.parametrize("family", next(one.numbers["families"] for one in daejeon().rules.others))
def test_the_level_in_the_file_is_that_of_the_simulated_calls(family: str) -> None:
    """It knows no hour of the day: two hours show it to a quarter."""
    said = daejeon().rules.others[0].numbers["families"][family]
    kinds = {event.key: (event.value or {})["kind"] for _, event in simulated()}
    counted = sum(load_kinds().is_a(kind, said["kinds"][0]) for kind in kinds.values())
    assert counted / HOURS == pytest.approx(said["per_hour"], rel=0.25, abs=3)
