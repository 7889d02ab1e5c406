"""Shared vehicles under names of their own: none lasts over a rental or a day, and one that stands keeps its."""

from __future__ import annotations

from collections import defaultdict
from random import Random
from typing import Any

import pytest

from connectors.gateway.shared_fleet import SharedFleet
from tests.unit.gateway.a_hub_city import DAY_MS, OPERATORS_ID, a_fleet, a_row

MIDNIGHT = 20_000 * DAY_MS
MINUTE = 60_000


def names(fleet: SharedFleet, now_ms: int) -> list[str]:
    return [one.name for one in fleet.parked(now_ms)]


def at(lat: float) -> dict[str, Any]:
    return {"lat": lat, "lon": 126.5, "accuracy_m": None}


def test_over_a_day_no_two_rentals_share_a_name_and_what_stands_keeps_its() -> None:
    chance = Random(20261130)
    fleet, again = a_fleet(), a_fleet()
    stands: dict[tuple[str, int], set[str]] = defaultdict(set)
    place: dict[str, float] = {}
    number: dict[str, int] = {}
    riding: dict[str, int] = {}
    for minute in range(24 * 60):
        now = MIDNIGHT + minute * MINUTE
        for vehicle in (f"bike-{one}" for one in range(5)):
            place.setdefault(vehicle, 33.5)
            number.setdefault(vehicle, 0)
            left = riding.get(vehicle, 0)
            if left == 0 and chance.random() < 0.02:
                riding[vehicle] = left = chance.randint(2, 20)
                number[vehicle] += 1
                if chance.random() < 0.8:  # else it is brought back to where it was
                    place[vehicle] += chance.choice((-0.02, 0.01, 0.03))
            riding[vehicle] = max(0, left - 1)
            state = "on_trip" if riding[vehicle] else "available"
            jitter = chance.uniform(-0.0002, 0.0002)
            row = a_row(vehicle, at_ms=now, state=state, position=at(place[vehicle] + jitter))
            fleet.take(row)
            again.take(row)
        told = {(one.lat, one.name) for one in fleet.parked(now)}
        assert told == {(one.lat, one.name) for one in again.parked(now)}, "the names follow from the log"
        for vehicle, left in riding.items():
            if not left:
                lone = a_fleet()  # the name of that vehicle alone
                lone._stands = {key: one for key, one in fleet._stands.items() if key[1] == vehicle}
                stands[vehicle, number[vehicle]] |= set(names(lone, now))
    assert len(stands) > 80
    assert {len(one) for one in stands.values()} == {1}, "a name is stable while the vehicle stands"
    told_names = [name for one in stands.values() for name in one]
    assert len(told_names) == len(set(told_names)), "no two stands share a name"
    assert not any("bike" in name for name in told_names)


@pytest.mark.parametrize(
    "between",
    [
        pytest.param({"state": "on_trip"}, id="in use"),
        pytest.param({"state": "removed"}, id="taken away"),
        pytest.param({"speed_mps": 4.0}, id="moving"),
        pytest.param({"trip_id": "T-1"}, id="on a trip"),
    ],
)
def test_a_vehicle_in_use_is_not_told_and_comes_back_under_another_name(between: dict[str, Any]) -> None:
    fleet = a_fleet()
    fleet.take(a_row(at_ms=MIDNIGHT))
    (before,) = names(fleet, MIDNIGHT)
    fleet.take(a_row(at_ms=MIDNIGHT + MINUTE, **between))
    assert names(fleet, MIDNIGHT + MINUTE) == []
    fleet.take(a_row(at_ms=MIDNIGHT + 2 * MINUTE))
    (after,) = names(fleet, MIDNIGHT + 2 * MINUTE)
    assert after != before


@pytest.mark.parametrize(
    ("at_ms", "about"),
    [
        pytest.param(MINUTE, {"position": at(33.51)}, id="moved"),
        pytest.param(MINUTE, {"hub_id": "H-2"}, id="at another hub"),
        pytest.param(5 * MINUTE + 1, {}, id="not heard meanwhile"),
        pytest.param(DAY_MS, {}, id="the next day"),
    ],
)
def test_a_name_ends_with_a_stand_and_with_the_day(at_ms: int, about: dict[str, Any]) -> None:
    fleet = a_fleet()
    fleet.take(a_row(at_ms=MIDNIGHT + DAY_MS - MINUTE if at_ms == DAY_MS else MIDNIGHT, hub_id="H-1"))
    (before,) = names(fleet, MIDNIGHT + (DAY_MS - MINUTE if at_ms == DAY_MS else 0))
    fleet.take(a_row(at_ms=MIDNIGHT + at_ms, **{"hub_id": "H-1", **about}))
    (after,) = names(fleet, MIDNIGHT + at_ms)
    assert after != before


def test_a_vehicle_that_stands_keeps_its_name_though_it_is_reserved_or_broken() -> None:
    fleet = a_fleet()
    found = set()
    said: list[dict[str, Any]] = [{}, {"is_reserved": True}, {"state": "non_operational"}, {"position": None}]
    for number, about in enumerate(said):
        fleet.take(a_row(at_ms=MIDNIGHT + number * MINUTE, **about))
        found |= set(names(fleet, MIDNIGHT + number * MINUTE))
    assert len(found) == 1


def test_a_reading_that_lacks_the_day_s_beginning_never_gives_an_old_name_again() -> None:
    rows = []
    for number in range(0, 40, 2):
        rows.append(a_row(at_ms=MIDNIGHT + number * MINUTE, position=at(33.5 + number / 50)))
        rows.append(a_row(at_ms=MIDNIGHT + (number + 1) * MINUTE, state="on_trip"))
    whole, seen = a_fleet(), []
    for row in rows:
        whole.take(row)
        seen += names(whole, row["received_time"])
    assert len(set(seen)) == 20
    for start in range(len(rows)):
        late = a_fleet()
        for row in rows[start:]:
            late.take(row)
        late.take(a_row(at_ms=MIDNIGHT + 41 * MINUTE))
        assert not set(names(late, MIDNIGHT + 41 * MINUTE)) & set(seen)


def test_what_is_stale_moves_or_is_no_shared_vehicle_is_not_told() -> None:
    fleet = a_fleet()
    said: list[dict[str, Any]] = [
        {"is_stale": True},
        {"vehicle_type": "bus"},
        {"vehicle_type": "car"},
        {"route_id": "R-1"},
    ]
    for number, about in enumerate(said):
        fleet.take(a_row(f"one-{number}", at_ms=MIDNIGHT, **about))
    fleet.take(a_row("good", at_ms=MIDNIGHT))
    assert len(names(fleet, MIDNIGHT + 300_000)) == 1
    assert names(fleet, MIDNIGHT + 300_001) == []


def test_cars_are_told_of_the_sources_that_are_named_alone() -> None:
    fleet = a_fleet(sources={"share"})
    fleet.take(a_row("taxi", at_ms=MIDNIGHT, vehicle_type="car"))
    fleet.take(a_row("ours", at_ms=MIDNIGHT, vehicle_type="car", source="share"))
    assert len(names(fleet, MIDNIGHT)) == 1


def test_there_are_so_many_vehicles_and_further_ones_are_counted() -> None:
    fleet = a_fleet(vehicles_max=3)
    for number in range(5):
        fleet.take(a_row(f"one-{number}", at_ms=MIDNIGHT))
    assert (len(names(fleet, MIDNIGHT)), fleet.refused) == (3, 2)
    for number in range(5, 8):
        fleet.take(a_row(f"one-{number}", at_ms=MIDNIGHT + 600_000))
    assert (len(names(fleet, MIDNIGHT + 600_000)), fleet.refused) == (3, 2)


def test_another_secret_source_or_city_gives_other_names() -> None:
    found = set()
    for secret, source in ((b"s" * 32, "a"), (b"t" * 32, "a"), (b"s" * 32, "b")):
        fleet = a_fleet(secret)
        fleet.take(a_row(OPERATORS_ID, at_ms=MIDNIGHT, source=source))
        found |= set(names(fleet, MIDNIGHT))
    assert len(found) == 3
    assert not any(OPERATORS_ID in name for name in found)
