"""The counts of alerts, and the times until help arrives."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from streams.effects import CoreEvents, compared, first_heard, help_of, load_of, load_of_times
from streams.stages.effects import FIELDS, Kept, effect_events

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
    assert (
        found.dispatch_minutes is None
    )  # it was dispatched in its first revision: the time of dispatch is unknown
    assert found.arrival_minutes is None and found.arrived_within_7_min is None
    assert found.joined_share is None  # one agency only: there is no other to join


def test_a_merged_situation_is_not_counted_twice() -> None:
    told = [a_situation(1), a_situation(2, 2, "closed", merged_into="other")]
    assert help_of(told, from_ms=0, to_ms=DAY).situations == 0


def test_what_was_over_before_it_was_heard_of_would_have_alerted_nobody() -> None:
    assert first_heard([a_situation(1, status="closed")]) == {}
    assert first_heard([a_situation(1), a_situation(2, 2)]) == {"i": MINUTE}


def a_grant(at_min: float, situation_id: str = "s") -> dict[str, Any]:
    return {
        "situation_id": situation_id,
        "opened_at": round(at_min * MINUTE),
        "event_time": round(at_min * MINUTE),
        "revision": 1,
    }


def test_the_first_camera_is_timed_and_the_first_video_is_not_reported_until_somebody_says_when() -> None:
    told, grants = [a_situation(1)], [a_grant(4), a_grant(3), a_grant(1, "another")]
    found = help_of(told, from_ms=0, to_ms=DAY, grants=grants)
    assert (found.camera_minutes, found.video_minutes) == (3, None)
    uses = [{"situation_id": "s", "event_time": 5 * MINUTE}]
    assert help_of(told, from_ms=0, to_ms=DAY, uses=uses).video_minutes == 5


def two_days() -> CoreEvents:
    """On the first day units take six minutes, on the second two; no arrival is reported."""
    situations = []
    for day, minutes in ((0, 6), (1, 2)):
        start = day * 24 * 60
        about: dict[str, Any] = {"situation_id": f"s{day}", "opened_at": start * MINUTE}
        situations += [a_situation(start, **about), a_situation(start + minutes, 2, "dispatched", **about)]
    return CoreEvents([an_alert(1), an_alert(24 * 60 + 1, "b")], situations, [], since=0)


def test_a_period_is_held_against_its_control() -> None:
    found = {
        one.name: one
        for one in compared(two_days(), from_ms=DAY, to_ms=2 * DAY, control_from=0, control_to=DAY)
    }
    dispatch = found["dispatch_minutes"]
    assert (dispatch.value, dispatch.control, dispatch.change) == (2, 6, -4)
    assert found["alerts:operator"].value == found["alerts:operator"].control == 1
    assert found["arrival_minutes"].value is found["arrival_minutes"].change is None


def test_a_control_before_the_log_begins_is_not_reported() -> None:
    found = compared(two_days(), from_ms=0, to_ms=DAY, control_from=-DAY, control_to=0)
    assert {one.control for one in found} == {None}


def test_the_topic_of_effects_tells_the_newest_day_of_the_log_and_the_day_before() -> None:
    kept, told = Kept(), two_days()
    for alert in told.alerts:
        kept.put("core.alert", alert)
    for situation in [
        *told.situations,
        a_situation(2 * 24 * 60 - 1, situation_id="last", opened_at=2 * DAY - MINUTE),
    ]:
        kept.put("core.situation", situation)
    kept.put("core.grant", a_grant(24 * 60 + 3, "s1"))
    kept.put("core.grant", {**a_grant(24 * 60 + 1, "s1"), "revision": 2})
    for act, minute in (("redeemed", 4), ("first_use", 5), ("ended", 9), ("first_use", 20 * DAY)):
        at = {"event_time": (24 * 60 + minute) * MINUTE}
        kept.put("core.access", {"act": act, "situation_id": "s1", **at})
    codec = RowCodec(load_catalogue()["core.effect"].newest)
    events = {event.key: dict(event.value or {}) for event in effect_events("demo", kept)}
    assert all(codec.decode(codec.encode(value)) == value for value in events.values())
    assert (events["dispatch_minutes"]["value"], events["dispatch_minutes"]["control_value"]) == (2, None)
    assert events["camera_minutes"]["value"] == 3
    assert events["video_minutes"]["value"] == 5
    assert events["arrival_minutes"]["value"] is None
    assert {value["situations"] for value in events.values()} == {2}
    assert events["alerts:operator"]["to_time"] - events["alerts:operator"]["from_time"] == DAY


def test_what_is_older_than_two_days_is_forgotten_but_not_what_still_stands() -> None:
    kept = Kept()
    kept.put("core.alert", an_alert(0, "ended"))
    kept.put("core.alert", an_alert(1, "ended", kind="cancel", attention=False))
    kept.put("core.alert", an_alert(1, "stands"))
    kept.put("core.alert", an_alert(2, "stands", kind="update"))
    for minute in (24 * 60, 49 * 60, 72 * 60):
        kept.put("core.alert", an_alert(minute, str(minute)))
    assert [one["alert_id"] for one in kept.told().alerts] == ["stands", "1440", "2940", "4320"]
    assert kept.told().since == 0
    found = {one.name: one.value for one in kept.measures()}
    assert found["stale:operator"] == 2  # that, and the one of the second day


def test_where_something_had_to_go_for_want_of_room_nothing_wrong_is_told() -> None:
    kept = Kept({contract: deque(maxlen=3) for contract in FIELDS})
    for minute in range(40 * 60, 60 * 60, 60):
        kept.put("core.alert", an_alert(minute, str(minute)))
    assert {(one.value, one.control) for one in kept.measures()} == {(None, None)}
    kept.rows["core.alert"].clear()
    for minute in (60 * 60, 90 * 60, 91 * 60):
        kept.put("core.alert", an_alert(minute, str(minute)))
    found = {one.name: (one.value, one.control) for one in kept.measures()}
    assert found["alerts:operator"] == (2, None)
