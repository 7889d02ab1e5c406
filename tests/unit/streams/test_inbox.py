"""The order of a stage's records: live ones at once; played ones in one order, once the barrier has them all."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.inbox import Inbox
from streams.runtime.records import PLAYED, Record

TICK, CAMERA, FIRE, POLICE = "c.core.tick", "c.place.camera", "c.fire.incident", "c.police.incident"


def a_record(topic: str, offset: int, *, played: bool = False) -> Record:
    headers = {PLAYED: b"1"} if played else {}
    return Record(topic, 0, offset, 0, None, b"", headers)


def an_event(at: int = 0) -> dict[str, object]:
    return {"event_time": at}


def a_tick(barrier: dict[str, int] | None, at: int = 0) -> dict[str, object]:
    if barrier is None:
        return {"event_time": at, "barrier": None}
    places = [{"topic": topic, "partition": 0, "next_offset": end} for topic, end in barrier.items()]
    return {"event_time": at, "barrier": places}


def taken(inbox: Inbox) -> list[tuple[str, int]]:
    return [(one.record.topic, one.record.offset) for one in inbox.take()]


def test_a_live_record_is_taken_at_once() -> None:
    inbox = Inbox(TICK, CAMERA)
    inbox.offer(a_record(FIRE, 4), an_event())
    assert taken(inbox) == [(FIRE, 4)]
    assert inbox.next_offsets() == {(FIRE, 0): 5}


def test_a_played_record_waits_for_its_tick() -> None:
    inbox = Inbox(TICK, CAMERA)
    inbox.offer(a_record(FIRE, 4, played=True), an_event())
    assert taken(inbox) == []
    assert inbox.next_offsets() == {(FIRE, 0): 4}
    inbox.offer(a_record(TICK, 0, played=True), a_tick({FIRE: 5}))
    assert taken(inbox) == [(FIRE, 4), (TICK, 0)]
    assert inbox.next_offsets() == {(FIRE, 0): 5, (TICK, 0): 1}


def test_time_never_overtakes_an_event_that_lies_before_it() -> None:
    inbox = Inbox(TICK, CAMERA)
    inbox.offer(a_record(TICK, 0, played=True), a_tick({FIRE: 5, POLICE: 9}))
    inbox.offer(a_record(FIRE, 4, played=True), an_event())
    assert taken(inbox) == []
    assert inbox.next_offsets()[TICK, 0] == 0, "a tick that waits is not committed"
    inbox.offer(a_record(POLICE, 8, played=True), an_event())
    assert taken(inbox) == [(FIRE, 4), (POLICE, 8), (TICK, 0)]


def test_of_several_that_wait_the_first_is_where_its_partition_stands() -> None:
    inbox = Inbox(TICK, CAMERA)
    for offset in (4, 5, 7):
        inbox.offer(a_record(FIRE, offset, played=True), an_event(offset))
    inbox.offer(a_record(FIRE, 8), an_event(8))
    for offset, end in ((0, 6), (1, 9)):
        inbox.offer(a_record(TICK, offset, played=True), a_tick({FIRE: end, POLICE: 1}))
    assert taken(inbox) == [], "a live one behind a played one waits, too"
    assert inbox.next_offsets() == {(FIRE, 0): 4, (TICK, 0): 0}
    assert [(one.topic, one.offset) for one in inbox.waiting_records()] == [
        (TICK, 0), (TICK, 1), (FIRE, 4), (FIRE, 5), (FIRE, 7), (FIRE, 8),
    ]  # fmt: skip
    inbox.offer(a_record(POLICE, 0, played=True), an_event())
    assert taken(inbox) == [(POLICE, 0), (FIRE, 4), (FIRE, 5), (TICK, 0), (FIRE, 7), (FIRE, 8), (TICK, 1)]
    assert inbox.next_offsets() == {(FIRE, 0): 9, (TICK, 0): 2, (POLICE, 0): 1}


def test_what_lies_behind_the_barrier_waits_for_the_next_tick() -> None:
    inbox = Inbox(TICK, CAMERA)
    for offset in (4, 5, 7):
        inbox.offer(a_record(FIRE, offset, played=True), an_event())
    inbox.offer(a_record(TICK, 0, played=True), a_tick({FIRE: 6}))
    assert taken(inbox) == [(FIRE, 4), (FIRE, 5), (TICK, 0)]
    assert inbox.next_offsets()[FIRE, 0] == 7


def test_a_bad_record_does_not_hold_its_barrier_back() -> None:
    inbox = Inbox(TICK, CAMERA)
    inbox.offer(a_record(TICK, 0, played=True), a_tick({FIRE: 6}))
    inbox.saw(a_record(FIRE, 5, played=True))
    assert taken(inbox) == [(TICK, 0)]


def test_cameras_come_first_then_event_time() -> None:
    inbox = Inbox(TICK, CAMERA)
    inbox.offer(a_record(FIRE, 0, played=True), an_event(at=20))
    inbox.offer(a_record(POLICE, 0, played=True), an_event(at=10))
    inbox.offer(a_record(CAMERA, 0, played=True), an_event(at=30))
    inbox.offer(a_record(TICK, 0, played=True), a_tick({FIRE: 1, POLICE: 1, CAMERA: 1}))
    assert [topic for topic, _ in taken(inbox)] == [CAMERA, POLICE, FIRE, TICK]


@given(order=st.permutations(range(9)), cuts=st.sets(st.integers(1, 8)))
def test_a_play_is_taken_in_one_order_however_it_reaches_us(order: list[int], cuts: set[int]) -> None:
    """Three topics of three records each, interleaved and cut into batches at random (in order per topic)."""
    ticks = [a_tick({FIRE: 1, POLICE: 1}, at=5), a_tick({FIRE: 2}, at=6), a_tick({FIRE: 3, POLICE: 3}, at=7)]
    lines = {
        FIRE: [(a_record(FIRE, i, played=True), an_event(at=9 - i)) for i in range(3)],
        POLICE: [(a_record(POLICE, i, played=True), an_event(at=i)) for i in range(3)],
        TICK: [(a_record(TICK, i, played=True), tick) for i, tick in enumerate(ticks)],
    }
    sources = {topic: iter(line) for topic, line in lines.items()}
    inbox, seen = Inbox(TICK, CAMERA), []
    for number, topic in enumerate([FIRE, POLICE, TICK][i % 3] for i in order):
        inbox.offer(*next(sources[topic]))
        if number in cuts:
            seen += taken(inbox)
    seen += taken(inbox)
    expected = [
        [(POLICE, 0), (FIRE, 0), (TICK, 0)],
        [(FIRE, 1), (TICK, 1)],
        [(POLICE, 1), (POLICE, 2), (FIRE, 2), (TICK, 2)],
    ]
    assert seen == list(itertools.chain(*expected))
    assert inbox.waiting == 0
