"""Drones that contradict themselves are found within seconds, and honest ones are left alone."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from zoneinfo import ZoneInfo

import pytest

from streams.drones.fleet import REASONS, DroneVerdict, Fleet
from streams.drones.numbers import DroneNumbers
from streams.stages.drones import verdict_event
from tests.drone_flights import FAULT_S, LIES, NOON_MS, Row, a_position, honest, lying, place

NUMBERS = DroneNumbers.model_validate({})
WITHIN_MS = 5_000
SHARE = {"gate": (5, 60), "whole": (100, 1_000)}
"""The numbers of seeds of each kind, and of honest flights."""


def verdicts_of(rows: Iterable[Row], fleet: Fleet | None = None) -> list[DroneVerdict]:
    fleet = fleet or Fleet()
    return [one for row in rows for one in fleet.take(row)]


def found_in_time(kind: str, seed: int) -> bool:
    """Whether the verdict of *kind* comes in time, and none of its reason before the lie."""
    fleet, begin_ms = Fleet(), NOON_MS + FAULT_S * 1000
    for row in lying(kind, seed):
        for one in fleet.take(row):
            if one.verdict == "implausible":
                late_ms = row["received_time"] - begin_ms
                if late_ms < -100:
                    return False
                if kind in one.reasons:
                    return bool(late_ms <= WITHIN_MS + 100)
    return False


def missed(seeds: int) -> dict[str, int]:
    found = {kind: [found_in_time(kind, seed) for seed in range(seeds)] for kind in LIES}
    return {kind: some.count(False) for kind, some in found.items() if not all(some)}


def accused(flights: int) -> dict[int, set[str]]:
    """The honest flights held implausible, by seed."""
    found = {}
    for seed in range(flights):
        told = [one for one in verdicts_of(honest(seed)) if one.verdict == "implausible"]
        if told:
            found[seed] = {reason for one in told for reason in one.reasons}
    return found


def test_there_are_ten_kinds_and_each_is_a_reason() -> None:
    assert len(LIES) == 10
    assert {*LIES, "silent"} == set(REASONS)


def test_a_share_of_the_lies_is_found_within_five_seconds() -> None:
    assert missed(SHARE["gate"][0]) == {}


def test_a_share_of_the_honest_flights_is_left_alone() -> None:
    assert accused(SHARE["gate"][1]) == {}


@pytest.mark.long
def test_of_a_hundred_lies_of_each_kind_ninety_nine_are_found_within_five_seconds() -> None:
    seeds = SHARE["whole"][0]
    assert all(count <= seeds // 100 for count in missed(seeds).values())


@pytest.mark.long
def test_of_a_thousand_honest_flights_five_at_most_are_accused() -> None:
    flights = SHARE["whole"][1]
    found = accused(flights)
    assert len(found) <= flights * 0.005


def flying(seconds: Iterable[int], **said: object) -> list[Row]:
    """Positions of a drone that flies north at 10 m/s."""
    return [
        a_position(NOON_MS + 1_000 * at, **{"position": place(10.0 * at, 0, 5.0), "speed_mps": 10.0, **said})
        for at in seconds
    ]


def gist(told: Iterable[DroneVerdict]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [((one.at_ms - NOON_MS) // 1000, one.verdict, one.reasons) for one in told]


def test_a_plausible_drone_is_told_at_once_and_then_each_half_minute_or_minute() -> None:
    assert gist(verdicts_of(flying(range(90)))) == [(at, "unknown", ()) for at in (0, 30, 60)]
    for known_as in ("own", "registered"):
        told = verdicts_of(flying(range(90), known_as=known_as))
        assert gist(told) == [(0, known_as, ()), (60, known_as, ())]


def test_a_silent_drone_is_stale_once_at_the_same_time_whoever_notices() -> None:
    fleet = Fleet()
    verdicts_of(flying(range(6)), fleet)
    assert fleet.pass_time(NOON_MS + 15_000) == []
    assert gist(fleet.pass_time(NOON_MS + 16_000)) == [(15, "stale", ("silent",))]
    assert fleet.pass_time(NOON_MS + 60_000) == []
    by_clock = gist(verdicts_of(flying([40]), fleet))
    by_its_next = gist(verdicts_of([*flying(range(6)), *flying([40])]))
    assert by_clock == [(40, "unknown", ())]
    assert by_its_next == [(0, "unknown", ()), (15, "stale", ("silent",)), (40, "unknown", ())]


def test_a_reason_stands_for_a_minute_after_its_last_sign() -> None:
    rows = [*flying(range(3)), *flying([3], speed_mps=130.0), *flying(range(4, 80))]
    told = gist(verdicts_of(rows))
    assert told == [
        (0, "unknown", ()),
        (3, "implausible", ("speed",)),
        (33, "implausible", ("speed",)),
        (63, "implausible", ("speed",)),
        (64, "unknown", ()),
    ]


def test_the_transmitter_may_change_with_the_citys_day_and_not_within_it() -> None:
    seoul = ZoneInfo("Asia/Seoul")
    midnight_s = 15 * 3_600 - NOON_MS // 1000 % 86_400
    about = {"known_as": "own"}
    before = flying(range(midnight_s - 3, midnight_s), transmitter="a", **about)
    after = flying(range(midnight_s, midnight_s + 3), transmitter="b", **about)
    again = flying([midnight_s + 3], transmitter="a", **about)
    fleet = Fleet(zone=seoul)
    assert {one.verdict for one in verdicts_of([*before, *after], fleet)} == {"own"}
    assert [one.reasons for one in verdicts_of(again, fleet)] == [("address_changed",)]
    assert {one.verdict for one in verdicts_of([*before, *after], Fleet())} == {"own", "implausible"}


def test_an_unknown_drone_may_change_its_transmitter() -> None:
    rows = [*flying(range(3), transmitter="a"), *flying(range(3, 6), transmitter="b")]
    assert {one.verdict for one in verdicts_of(rows)} == {"unknown"}


def test_the_nearest_own_drone_is_one_seen_within_a_minute_that_is_itself() -> None:
    fleet = Fleet()
    own = {"known_as": "own", "speed_mps": None}
    verdicts_of([a_position(NOON_MS, drone_id="near", position=place(100, 0), **own)], fleet)
    verdicts_of([a_position(NOON_MS, drone_id="far", position=place(900, 0), **own)], fleet)
    false = a_position(NOON_MS, drone_id="false", position=place(1, 0), **{**own, "id_verdict": "invalid"})
    verdicts_of([false], fleet)
    (first,) = verdicts_of([a_position(NOON_MS + 50_000, position=place(0, 0))], fleet)
    assert first.nearest_own == "near" and first.nearest_own_m == pytest.approx(100, abs=0.5)
    (later,) = fleet.copy().take(a_position(NOON_MS + 81_000, position=place(0, 0)))[1:]
    assert (later.nearest_own, later.nearest_own_m) == (None, None)


def test_no_more_drones_are_kept_than_the_bound_the_longest_unseen_go() -> None:
    fleet = Fleet(NUMBERS.model_copy(update={"drones_max": 3}))
    for number in (0, 1, 2, 0, 3):
        fleet.take(a_position(NOON_MS, drone_id=f"d{number}"))
    assert list(fleet.drones) == ["d2", "d0", "d3"] and fleet.dropped == 1


def test_a_drone_named_by_its_address_is_not_told_stale_once_it_has_an_id() -> None:
    fleet = Fleet()
    verdicts_of(flying([0], drone_id="rid-1", transmitter="rid-1", id_kind="address"), fleet)
    verdicts_of(flying(range(1, 20), transmitter="rid-1"), fleet)
    assert list(fleet.drones) == ["D"]


def test_a_frame_heard_again_late_by_another_receiver_is_no_replay_and_by_the_same_one_is() -> None:
    first = flying(range(60), receiver="a")
    late = [{**row, "receiver": "b", "received_time": row["received_time"] + 60_000} for row in first[10:20]]
    same = [{**row, "received_time": row["received_time"] + 60_000} for row in first[10:20]]
    assert {one.verdict for one in verdicts_of([*first, *late])} == {"unknown"}
    assert ("replayed",) in {one.reasons for one in verdicts_of([*first, *same])}


def test_hovering_with_a_frozen_place_and_no_speed_is_honest() -> None:
    here = place(0, 0, 3.0)
    for said in ({"speed_mps": 0.0}, {"speed_mps": None}, {"speed_mps": 0.4}, {"flight_status": "ground"}):
        assert {one.verdict for one in verdicts_of(flying(range(30), **{"position": here, **said}))} == {
            "unknown"
        }


def test_a_pilot_who_moves_with_noise_of_their_own_is_found_within_a_quarter_of_a_minute() -> None:
    for seed in range(20):
        chance = Random(seed)
        rows = flying(range(16))
        for at, row in enumerate(rows):
            off = (chance.gauss(0, 4), chance.gauss(0, 4))
            row["operator_position"] = place(10.0 * at + off[0], 30 + off[1], 5.0)
            row["operator_position_kind"] = "live"
        assert "operator_follows" in {reason for one in verdicts_of(rows) for reason in one.reasons}, seed


def test_after_a_restart_at_any_point_the_rest_is_told_once() -> None:
    rows = [*lying("two_places", 1)]
    whole = gist(verdicts_of(rows))
    for cut in range(0, len(rows), 7):
        told = verdicts_of(rows[:cut])
        after = Fleet()
        for one in told:
            after.remember(as_row(one))
        again = verdicts_of(rows, after)
        assert gist(told) + gist(again) == whole, cut


def test_a_commit_that_was_not_heard_of_is_not_told_again() -> None:
    rows = lying("jump", 1)
    before = Fleet()
    for row in rows[:40]:
        before.take(row)
    lost = before.copy()
    told = verdicts_of(rows[40:], lost)
    new = Fleet().resumed(as_row(one) for one in told)
    assert verdicts_of(rows[40:], before.resumed(as_row(one) for one in told)) == []
    assert verdicts_of(rows[40:], new) == []


def as_row(one: DroneVerdict) -> Row:
    return dict(verdict_event("mukdahan", one).value or {})
