"""Calls of buses from rows of trips: known once their time has passed, as they were told last, and never before."""

from __future__ import annotations

from typing import Any

from streams.sightings import bus_calls
from streams.sightings.bus_calls import BusCalls

T = 1_780_000_000_000
STOPS = {"a": 0, "b": 1, "c": 2}


def a_row(at_s: float, trip: str, *stops: tuple[str, float], **said: Any) -> dict[str, Any]:
    delays = [
        {
            "stop_id": name,
            "stop_sequence": number,
            "arrival_time": T + round(due_s * 1000),
            "departure_time": None,
            "relationship": None,
        }
        for number, (name, due_s) in enumerate(stops)
    ]
    about = {"trip_start_date": "20260602", "trip_start_clock": None, "relationship": "scheduled"}
    return {"trip_id": trip, "event_time": T + round(at_s * 1000), "delays": delays, **about, **said}


def calls(
    many: BusCalls, *, from_s: float = -3600, before: int | None = None
) -> list[tuple[int, int, float]]:
    found = many.at(STOPS, from_ms=T + round(from_s * 1000)).before(before)
    return [
        (int(run), int(stop), round(float(at) - T / 1000, 3))
        for run, stop, at in zip(found.run, found.stop, found.time_s, strict=True)
    ]


def taken(*rows: dict[str, Any]) -> BusCalls:
    many = BusCalls()
    for offset, row in enumerate(rows):
        many.take(row, offset)
    return many


def test_a_call_is_known_when_the_topics_time_has_passed_it_as_it_was_told_last() -> None:
    many = taken(
        a_row(0, "one", ("a", 60), ("b", 120)),
        a_row(50, "one", ("a", 70), ("b", 130)),
        a_row(90, "two", ("c", 100)),
    )
    assert calls(many) == [(0, 0, 70.0)]
    many.take(a_row(140, "one", ("c", 300)), 3)
    assert calls(many) == [(0, 0, 70.0), (0, 1, 130.0), (1, 2, 100.0)]
    assert calls(many, before=3) == [(0, 0, 70.0)] and calls(many, before=2) == []
    assert calls(many, from_s=100) == [(0, 1, 130.0), (1, 2, 100.0)]
    assert many.end == 4 and many.version == 3


def test_a_stop_that_is_told_after_it_was_left_is_one_call() -> None:
    many = taken(*(a_row(at, "one", ("a", 60 + at / 10)) for at in (50, 70, 80, 200)))
    assert calls(many) == [(0, 0, 65.0)]


def test_a_trip_may_come_to_a_stop_twice_and_runs_each_day() -> None:
    many = taken(
        a_row(0, "loop", ("a", 10), ("b", 20), ("a", 30)),
        a_row(40, "loop", ("a", 50), trip_start_date="20260603"),
        a_row(60, "loop"),
    )
    assert calls(many) == [(0, 0, 10.0), (0, 1, 20.0), (0, 0, 30.0), (1, 0, 50.0)]


def test_what_does_not_run_or_call_is_no_call() -> None:
    skipped = a_row(5, "two", ("b", 20))
    skipped["delays"][0]["relationship"] = "skipped"
    many = taken(
        a_row(0, "one", ("a", 10)),
        a_row(0, "two", ("b", 20)),
        a_row(5, "one", relationship="canceled"),
        skipped,
        a_row(30, "three", ("elsewhere", 10), ("c", 30)),
    )
    assert calls(many) == [(0, 2, 30.0)]


def test_a_reading_that_begins_later_knows_the_same_at_each_offset() -> None:
    rows = [a_row(at, f"trip-{at:04}", ("a", at + 9), ("b", at + 33)) for at in range(0, 3_000, 5)]
    whole, late = taken(*rows), BusCalls()
    for offset in range(100, len(rows)):
        late.take(rows[offset], offset)
    for before in (300, 450, None):
        again = [one[1:] for one in calls(late, from_s=1_000, before=before)]
        assert again == [one[1:] for one in calls(whole, from_s=1_000, before=before)] and len(again) > 5


def test_no_more_is_held_than_the_bounds_say(monkeypatch: Any) -> None:
    monkeypatch.setattr(bus_calls, "EXPECTED_MAX", 50)
    monkeypatch.setattr(bus_calls, "CALLS_OF_STOP_MAX", 40)
    many = BusCalls()
    for number in range(400):
        many.take(a_row(number, f"trip-{number}", ("a", number + 300), ("b", number + 0.5)), number)
    assert len(many._expected) <= 50 and len(many._due) <= 100
    assert many.left_out > 300, "what is not taken is counted"
    assert len(many._made["b"]) <= 40 and max(one[2] for one in calls(many)) > 300
    many.take(a_row(400 + bus_calls.KEPT_MS / 1000, "next", ("b", 400 + bus_calls.KEPT_MS / 1000)), 400)
    assert len(many._made["b"]) <= 2
