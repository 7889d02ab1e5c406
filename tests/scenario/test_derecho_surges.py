"""The storm of May 2024 in Houston's real list, without Kafka: which surges are published, when, and that none is before.

The hours come from the list itself: alarms 7 → 20 (16 May 23:00 UTC) and 32 (17 May 08:00), hazards on the road 9 → 24 and
gas 4 → 8 (17 May 00:00), power lines 2 → 15 (17 May 11:00). Medical calls run from 12 to 60 an hour every day; in the night
after, 72 of them within an hour (until 17 May 03:41) pass the bar, and alarms pass it a third time (17 May 23:28).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.city.city import load_city
from schemas.event import Event
from tests.scenario.surge_rises import RISES
from tests.scenario.test_derecho_joins import RECORDING, Heard, heard, lived, lived_once

MINUTE = 60_000
STORM = (
    ("alarm", "16 23:00"),
    ("hazard", "17 00:00"),
    ("gas", "17 00:00"),
    ("alarm", "17 08:00"),
    ("wires", "17 11:00"),
)
"""Kind and begin of the hour in which the list's own count rises."""
RAISED = [
    ("alarm", "16 23:37:25"),
    ("wires", "16 23:52:25"),
    ("hazard", "17 00:24:34"),
    ("gas", "17 00:54:14"),
    ("medical", "17 03:52:22"),
    ("alarm", "17 08:10:17"),
    ("wires", "17 11:37:33"),
    ("alarm", "18 00:24:26"),
]
"""Every surge that is published: the recording is the same each time, and so are they."""


def may(clock: str) -> int:
    day, time = clock.split()
    return int(datetime.fromisoformat(f"2024-05-{day}T{time}").replace(tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(scope="module")
def recording(data_dir: Path) -> Heard:
    return heard(data_dir / RECORDING)


@pytest.fixture(scope="module")
def said(data_dir: Path) -> list[Event]:
    return lived_once(data_dir / RECORDING)


def surges(said: list[Event], topic: str = "core.alert") -> list[Mapping[str, Any]]:
    values = (event.value for event in said if event.topic == topic and event.value is not None)
    return [value for value in values if value["rule"] == "surge"]


def raised(said: list[Event]) -> list[tuple[str, int]]:
    """(kind, time) of each surge's alert to the operator."""
    return [
        (one["kind"], one["event_time"])
        for one in surges(said)
        if one["audience"] == "operator" and one["message_type"] == "alert"
    ]


@pytest.mark.parametrize("family", RISES)
def test_each_family_is_told_within_45_minutes_after_its_rise_and_not_before(
    said: list[Event], recording: Heard, family: str
) -> None:
    """By the clock of the poll at which the operator's first alert came."""
    rise = int(datetime.fromisoformat(RISES[family]).timestamp() * 1000)
    told = min(at for kind, at in raised(said) if kind == family)
    polled = min(at for at, _ in recording.polls if at >= told)
    assert 0 <= polled - rise <= 45 * MINUTE


def test_none_is_told_before_the_storm(said: list[Event]) -> None:
    assert min(at for _, at in raised(said)) >= may("16 22:30")


@pytest.mark.parametrize(("kind", "clock"), STORM)
def test_each_surge_is_told_within_75_minutes_after_its_hour_begins(
    said: list[Event], kind: str, clock: str
) -> None:
    assert any(one == kind and 0 <= at - may(clock) <= 75 * MINUTE for one, at in raised(said))


def test_these_surges_are_told_and_no_other(said: list[Event]) -> None:
    told = [(kind, at - at % 1_000) for kind, at in raised(said)]
    assert told == [(kind, may(clock)) for kind, clock in RAISED]


def test_a_surge_is_over_when_the_rate_is_back_and_not_before(said: list[Event]) -> None:
    ends = [
        (one["kind"], one["event_time"])
        for one in surges(said, "core.situation")
        if one["status"] == "closed"
    ]
    first_alarms = [at for kind, at in ends if kind == "alarm"]
    assert may("17 00:54") < first_alarms[0] < may("17 07:00")
    assert all(at > may("17 20:30") for kind, at in ends if kind == "wires" and at > may("17 11:00"))


def test_single_situations_stand_beneath_it_and_are_not_told_alone(said: list[Event]) -> None:
    wires = [one for one in surges(said, "core.situation") if one["kind"] == "wires"]
    beneath = {situation for one in wires for situation in one["situations"]}
    assert len(beneath) > 100
    alone = {
        event.value["situation_id"]
        for event in said
        if event.topic == "core.alert" and event.value is not None and event.value["rule"] == "joint-incident"
        if event.value["audience"] == "operator" and event.value["kind"].startswith("wires")
        if may("17 12:00") < event.value["event_time"] < may("18 04:30") and event.value["revision"] == 1
    }
    listed = {
        event.key
        for event in said
        if event.topic == "core.situation" and event.value is not None and event.value["listed_under"]
    }
    assert alone == set()
    assert len(listed & beneath) > 100


def test_without_the_hour_of_the_day_medical_calls_would_look_like_a_surge(recording: Heard) -> None:
    """The control: the same calls against a flat level that is too low."""
    flat = {"kinds": ["medical"], "per_hour": 20, "by_hour": [1] * 24}
    config = load_city("houston").rules.canonical()
    config["others"] = [{"name": "surge", "numbers": {"families": {"medical": flat}}}]
    assert any(at < may("16 22:30") for _, at in raised(lived(recording, rules=config)))


def test_a_level_far_too_high_hides_the_storm(recording: Heard) -> None:
    """The other control: the checker above would notice a missing surge."""
    config = load_city("houston").rules.canonical()
    families = {kind: {"kinds": [kind], "per_hour": 120} for kind, _ in STORM}
    config["others"] = [{"name": "surge", "numbers": {"families": families}}]
    assert raised(lived(recording, rules=config)) == []
