"""The contents of one transaction: a whole snapshot, a minute of a file, and nothing twice."""

from __future__ import annotations

from connectors.base import Heard, Reading
from schemas.event import Event
from streams.ingest.place import ALL_DONE, SourcePlace
from streams.ingest.slices import SLICE_EVENTS, Slice, slices, time_of
from streams.ingest.source_events import tick

MINUTE = 60_000


def calls(*times_ms: int, topic: str = "fire.incident") -> list[Event]:
    return [Event(topic, str(number), {"event_time": at}) for number, at in enumerate(times_ms)]


def cut(
    events: list[Event], standing: SourcePlace, *, at_ms: int | None = None, body: bytes = b"file"
) -> list[Slice]:
    aside = Event("source.dlq", "calls", {"event_time": 0})
    return list(slices(Heard(body, at_ms), Reading(events, {"read": True}), [aside], standing))


def done(part: Slice) -> int:
    (only,) = part.standing.files.values()
    return only


def test_a_snapshot_is_one_transaction_however_long_it_took_to_happen() -> None:
    (only,) = cut(calls(0, 90 * MINUTE), SourcePlace(), at_ms=99 * MINUTE)
    assert (len(only.events), len(only.asides), only.time_ms) == (2, 1, 99 * MINUTE)
    assert (only.standing.heard_at_ms, only.standing.place) == (99 * MINUTE, {"read": True})


def test_a_file_goes_minute_by_minute_in_order_of_time() -> None:
    parts = cut(calls(3 * MINUTE, 0, 1, 3 * MINUTE - 1), SourcePlace(file_place={"old": True}))
    assert [[e.value["event_time"] for e in part.events if e.value] for part in parts] == [
        [0, 1], [3 * MINUTE - 1], [3 * MINUTE]
    ]  # fmt: skip
    assert [done(part) for part in parts] == [2, 3, ALL_DONE]
    assert [len(part.asides) for part in parts] == [1, 0, 0], "what was set aside is told once"


def test_the_source_moves_on_only_with_the_last_slice_of_a_file() -> None:
    parts = cut(calls(0, MINUTE), SourcePlace(file_place={"old": True}))
    assert [dict(part.standing.file_place) for part in parts] == [{"old": True}, {"read": True}]


def test_a_file_that_was_cut_short_goes_on_where_it_stood() -> None:
    events = calls(0, MINUTE, 2 * MINUTE)
    whole = cut(events, SourcePlace())
    again = cut(events, whole[0].standing)
    assert [part.events for part in again] == [part.events for part in whole[1:]]
    assert all(not part.asides for part in again)


def test_another_file_begins_at_its_beginning() -> None:
    first = cut(calls(0, MINUTE), SourcePlace())[0]
    assert len(cut(calls(0, MINUTE), first.standing, body=b"another")) == 2


def test_no_transaction_grows_without_bound() -> None:
    parts = cut(calls(*[0] * (SLICE_EVENTS + 1)), SourcePlace())
    assert [len(part.events) for part in parts] == [SLICE_EVENTS, 1]


def test_reference_data_has_no_minutes() -> None:
    parts = cut(calls(0, 99 * MINUTE, topic="place.camera"), SourcePlace())
    assert [len(part.events) for part in parts] == [2]


def test_a_file_that_says_nothing_is_still_remembered_as_heard() -> None:
    (only,) = cut([], SourcePlace())
    assert done(only) == ALL_DONE
    assert len(only.asides) == 1


def test_a_barrier_names_what_the_rules_wait_for_and_nothing_else() -> None:
    ends = {("c.fire.incident", 0): 7, ("c.place.camera", 0): 3, ("c.source.dlq", 0): 9}
    value = tick("c", 5, barrier=ends).value or {}
    assert {one["topic"]: one["next_offset"] for one in value["barrier"]} == {
        "c.fire.incident": 7, "c.place.camera": 3
    }  # fmt: skip
    assert (tick("c", 5, barrier=None).value or {})["barrier"] is None


def test_a_slice_has_the_time_of_its_last_event_and_a_minute_ends_before_the_next() -> None:
    parts = cut(calls(0, 5, MINUTE - 1, MINUTE), SourcePlace())
    assert [part.time_ms for part in parts] == [MINUTE - 1, MINUTE]
    assert [len(part.events) for part in parts] == [3, 1]
    assert cut([], SourcePlace())[0].time_ms is None


def test_reference_data_is_cut_by_its_number_alone() -> None:
    parts = cut(calls(*[0] * (SLICE_EVENTS + 2), topic="place.camera"), SourcePlace())
    assert [len(part.events) for part in parts] == [SLICE_EVENTS, 2]
    after = cut([*calls(0), *calls(*[1] * 3, topic="place.camera")], SourcePlace())
    assert sum(len(part.events) for part in after) == 4


def test_an_event_without_a_value_stands_before_all_others() -> None:
    assert time_of(Event("core.watch", "w", None)) == 0
    assert time_of(*calls(7)) == 7
