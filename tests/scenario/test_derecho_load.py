"""The operator's load of alerts in Houston's storm of May 2024, compared with one alert for each incident.

The city's list came every quarter of an hour, and all reports of a poll count at that one moment: floods are counted as
they would have come.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from schemas.event import Event
from schemas.parts import kind_of
from streams.effects import INTERVAL_MS, first_heard, load_of, load_of_times
from tests.scenario.test_derecho_joins import RECORDING, heard, lived_once
from tests.scenario.test_derecho_surges import may
from tests.scenario.test_own_alerts import by_parts, grave, unalerted

STORM = (may("16 23:00"), may("17 18:00"))


@pytest.fixture(scope="module")
def said(data_dir: Path) -> list[Event]:
    return lived_once(data_dir / RECORDING)


def values(said: list[Event], topic: str) -> list[Mapping[str, Any]]:
    return [event.value for event in said if event.topic == topic and event.value is not None]


def test_the_storm_asks_a_fifth_of_the_operator_and_hardly_any_flood_is_left(said: list[Event]) -> None:
    start, end = STORM
    times = first_heard(values(said, "core.situation")).values()
    before = load_of_times(times, from_ms=start, to_ms=end)
    after = load_of(values(said, "core.alert"), "operator", from_ms=start, to_ms=end)
    assert before.alerts >= 5 * after.alerts
    assert after.flood_share < before.flood_share / 2
    assert after.chattering == 0


def test_over_the_whole_recording_less_than_a_hundredth_of_the_time_is_a_flood(said: list[Event]) -> None:
    alerts = values(said, "core.alert")
    start, end = min(one["event_time"] for one in alerts), max(one["event_time"] for one in alerts)
    assert load_of(alerts, "operator", from_ms=start, to_ms=end).flood_share < 0.01


def test_hardly_ever_do_ten_alerts_come_in_ten_minutes_of_the_operators_clock(
    data_dir: Path, said: list[Event]
) -> None:
    """An alert comes with the poll that is the first at or after it."""
    polls = [at for at, _ in heard(data_dir / RECORDING).polls]
    alerts = (one for one in values(said, "core.alert") if one["audience"] == "operator")
    comes = [polls[bisect_left(polls, one["event_time"])] for one in alerts if one["demands_attention"]]
    counts = Counter((at - polls[0]) // INTERVAL_MS for at in comes)
    many = sum(count >= 10 for count in counts.values())
    assert len(comes) > 300
    assert many <= 0.01 * (polls[-1] - polls[0]) / INTERVAL_MS


def test_a_surge_carries_the_fire_services_heading_and_no_fire_that_says_more(said: list[Event]) -> None:
    carried = {
        one["kind"]
        for one in values(said, "core.situation")
        if one["listed_under"] is not None and one["kind"].startswith("fire")
    }
    assert carried == {"fire"}


def test_every_grave_word_has_its_own_alert(data_dir: Path, said: list[Event]) -> None:
    chosen = grave(event for _, events in heard(data_dir / RECORDING).polls for event in events)
    assert len(chosen) > 80
    assert unalerted(chosen, said) == set()


def test_without_any_table_its_parts_put_a_grave_word_where_it_belongs(data_dir: Path) -> None:
    words = {
        event.key + event.value["kind_text"]: event.value["kind_text"]
        for _, events in heard(data_dir / RECORDING).polls
        for event in events
        if event.value is not None
    }
    assert by_parts({"kind_text": word, **kind_of(None, word).fields} for word in words.values()) > 80


def test_a_graver_word_for_the_same_case_is_told_even_if_it_was_listed(said: list[Event]) -> None:
    """Some of the listed cases turned out to be graver: those left the list."""
    kinds: dict[str, set[bool]] = {}
    for one in values(said, "core.situation"):
        kinds.setdefault(one["situation_id"], set()).add(one["listed_under"] is None)
    assert any(len(told) == 2 for told in kinds.values())
