"""Drones that contradict themselves are found within seconds, and honest ones are left alone."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from streams.drones.fleet import REASONS, DroneVerdict, Fleet
from streams.drones.numbers import DroneNumbers
from tests.drone_flights import FAULT_S, LIES, NOON_MS, Row, honest, lying

NUMBERS = DroneNumbers.model_validate({})
WITHIN_MS = 5_000
SHARE = {"gate": (5, 60), "whole": (100, 1_000)}
"""How many seeds of each kind, and how many honest flights."""


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
                    return late_ms <= WITHIN_MS + 100
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
