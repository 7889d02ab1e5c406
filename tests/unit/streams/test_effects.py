"""How the load of alerts and the coming of help are counted."""

from __future__ import annotations

from typing import Any

import pytest

from streams.effects import first_heard, help_of, load_of, load_of_times

MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def an_alert(
    at_min: float, name: str = "a", *, kind: str = "alert", attention: bool = True
) -> dict[str, Any]:
    return {
        "event_time": round(at_min * MINUTE),
        "alert_id": name,
        "audience": "operator",
        "message_type": kind,
        "demands_attention": attention,
    }


def a_situation(
    at_min: float, revision: int = 1, status: str = "open", *, agencies: tuple[str, ...] = ("F",), **more: Any
) -> dict[str, Any]:
    return {
        "situation_id": "s",
        "event_time": round(at_min * MINUTE),
        "opened_at": 0,
        "revision": revision,
        "status": status,
        "agencies": list(agencies),
        "incidents": [{"incident_id": "i"}],
        "merged_into": None,
        **more,
    }


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    counts = [10, 11, 7, 5, 4, 11]
    times = [n * 10 * MINUTE + one for n, count in enumerate(counts) for one in range(count)]
    load = load_of_times(times, from_ms=0, to_ms=60 * MINUTE)
    assert (load.floods, load.flood_minutes, load.most_in_10_min) == (2, 40, 11)
    assert load.flood_share == pytest.approx(40 / 60)
    assert load.per_10_min == pytest.approx(8)


def test_only_what_demands_attention_counts_and_only_within_the_period() -> None:
    alerts = [
        an_alert(1),
        an_alert(2, kind="update", attention=False),
        an_alert(3, kind="cancel", attention=False),
        an_alert(99, "later"),
    ]
    assert load_of(alerts, "operator", from_ms=0, to_ms=10 * MINUTE).alerts == 1
    assert load_of(alerts, "somebody else", from_ms=0, to_ms=10 * MINUTE).alerts == 0


def test_an_alert_that_calls_three_times_in_a_minute_chatters() -> None:
    often = [an_alert(one / 4, kind="update") for one in range(3)]
    seldom = [an_alert(one, "b", kind="update") for one in range(3)]
    assert load_of([*often, *seldom], "operator", from_ms=0, to_ms=DAY).chattering == 1


def test_an_alert_that_stood_for_a_day_is_stale_even_before_its_end() -> None:
    alerts = [an_alert(0), an_alert(5, "b"), an_alert(25 * 60, "b", kind="cancel", attention=False)]
    assert load_of(alerts, "operator", from_ms=0, to_ms=26 * 60 * MINUTE).stale == 2
    assert load_of(alerts, "operator", from_ms=0, to_ms=23 * 60 * MINUTE).stale == 0


def test_help_is_timed_from_the_report() -> None:
    told = [
        a_situation(1),
        a_situation(2, 2, "dispatched", agencies=("F", "P")),
        a_situation(6, 3, "arrived", agencies=("F", "P")),
    ]
    found = help_of(told, from_ms=0, to_ms=DAY)
    assert (found.dispatch_minutes, found.arrival_minutes, found.arrived_within_7_min) == (2, 6, 1)
    assert (found.situations, found.joined_share) == (1, 1)


def test_what_a_city_does_not_report_is_not_zero() -> None:
    found = help_of([a_situation(17, status="dispatched")], from_ms=0, to_ms=DAY)
    assert found.dispatch_minutes is None  # it was on its way when first heard of: since when, nobody knows
    assert found.arrival_minutes is None and found.arrived_within_7_min is None


def test_a_merged_situation_is_not_counted_twice() -> None:
    told = [a_situation(1), a_situation(2, 2, "closed", merged_into="other")]
    assert help_of(told, from_ms=0, to_ms=DAY).situations == 0


def test_what_was_over_before_it_was_heard_of_would_have_alerted_nobody() -> None:
    assert first_heard([a_situation(1, status="closed")]) == {}
    assert first_heard([a_situation(1), a_situation(2, 2)]) == {"i": MINUTE}
