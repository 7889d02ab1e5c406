"""The simulated Mukdahan: what its drones, cameras and agencies send is taken by the sources of its file, and lies where the
drawing says."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Heard
from deploy.city.city import City, load_city
from deploy.cli.demo import seeded
from deploy.demo.devices import RID_SECRET, RiverDevices
from deploy.demo.field import ROUND_S, Said
from deploy.demo.river import LIAR, PARK, PATROL, STRANGER, VISITOR, a_round, setup
from schemas.event import Event
from streams.geo import distance_m
from streams.situations.rules.zone.areas import ZoneArea, holds

NIGHT = round(datetime(2026, 3, 8, 14, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder = tmp_path_factory.mktemp("river")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RID_SECRET, "0123456789abcdef0123456789abcdef")
        yield seeded(load_city("mukdahan"), 1, folder, RiverDevices(1, None))


def heard(city: City, messages: list[Said], start_ms: int = NIGHT) -> list[Event]:
    """The events of *messages* in their order; nothing may be set aside, or be noted."""
    sources: dict[str, Any] = {name: city.load(name) for name in {one.source for one in messages}}
    places: dict[str, Any] = defaultdict(dict)
    events = []
    for one in messages:
        at_ms = start_ms + round(one.after_s * 1_000) + 300
        reading = sources[one.source].read(Heard(one.body, at_ms), places[one.source])
        assert not list(reading.aside), (one.source, [aside.reason for aside in reading.aside])
        assert not reading.noted, (one.source, reading.noted)
        events += reading.events
        places[one.source] = dict(reading.place)
    return events


def by_drone(events: list[Event]) -> dict[str, list[dict[str, Any]]]:
    found = defaultdict(list)
    for one in events:
        if one.topic == "drone.position" and one.value is not None:
            found[str(one.value["drone_id"])].append(dict(one.value))
    return dict(found)


@pytest.fixture(scope="module")
def round_of(city: City) -> list[Event]:
    return heard(city, a_round(1, 0, NIGHT))


def test_the_zones_and_the_mission_are_taken(city: City) -> None:
    found = Counter(one.topic for one in heard(city, setup(1, NIGHT)))
    assert found == {"place.zone": 3, "drone.mission": 1}


def test_every_message_of_a_round_is_taken_by_its_source(round_of: list[Event]) -> None:
    found = Counter(one.topic for one in round_of)
    assert found["fire.incident"] == 3 and found["drone.mission"] == 1
    assert found["cctv.detection"] == 2 + 12 + 16
    assert found["drone.footprint"] >= ROUND_S - 2
    assert set(by_drone(round_of)) == {PATROL, VISITOR, STRANGER, LIAR}


def test_each_drone_is_known_as_the_city_knows_it(round_of: list[Event]) -> None:
    known = {drone: {one["known_as"] for one in its} for drone, its in by_drone(round_of).items()}
    assert known == {PATROL: {"own"}, VISITOR: {"registered"}, STRANGER: {"unknown"}, LIAR: {"unknown"}}


def test_what_is_drawn_comes_back_as_it_was_drawn(round_of: list[Event]) -> None:
    positions = by_drone(round_of)
    park = (ZoneArea(PARK),)
    inside = [
        one for one in positions[STRANGER] if holds(park, one["position"]["lat"], one["position"]["lon"])
    ]
    assert 20 < len(inside) < len(positions[STRANGER])
    assert {round(one["above_ground_m"]) for one in positions[STRANGER]} == {80}
    assert {round(one["above_takeoff_m"]) for one in positions[PATROL] if one["above_takeoff_m"]} == {110}
    steps = [
        distance_m(a["position"]["lat"], a["position"]["lon"], b["position"]["lat"], b["position"]["lon"])
        for a, b in zip(positions[LIAR], positions[LIAR][1:], strict=False)
    ]
    assert sorted(steps)[-2] < 10 and max(steps) > 2_000, "it jumps once"


def test_a_footprint_lies_around_its_drone_and_the_fire_is_in_one(round_of: list[Event]) -> None:
    (fire, *_) = [one.value for one in round_of if one.topic == "fire.incident"]
    assert fire is not None
    nearest = math.inf
    for one in round_of:
        if one.topic == "drone.footprint" and one.value is not None:
            lats = [corner["lat"] for corner in one.value["corners"]]
            lons = [corner["lon"] for corner in one.value["corners"]]
            at = one.value["position"]
            assert min(lats) < at["lat"] < max(lats) and min(lons) < at["lon"] < max(lons)
            place = fire["position"]
            nearest = min(nearest, distance_m(at["lat"], at["lon"], place["lat"], place["lon"]))
    assert nearest < 14 * 120, "the patrol serves it"


def test_rounds_go_on_where_the_last_ended(city: City) -> None:
    """No own or registered drone jumps between two rounds."""
    messages = a_round(1, 0, NIGHT)
    first = by_drone(heard(city, messages))
    second = by_drone(heard(city, a_round(1, 1, NIGHT + ROUND_S * 1_000), NIGHT + ROUND_S * 1_000))
    for drone in (PATROL, VISITOR):
        last, then = first[drone][-1], second[drone][0]
        seconds = (then["event_time"] - last["event_time"]) / 1_000
        a, b = last["position"], then["position"]
        assert distance_m(a["lat"], a["lon"], b["lat"], b["lon"]) < 16 * seconds
