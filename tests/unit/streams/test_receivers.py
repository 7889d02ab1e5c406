"""One receiver's queue: in order for each situation, others not delayed, bounded, dead after a day of failures."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Delivery
from streams.deliver.backoff import DAY_MS, Backoff
from streams.deliver.receivers import HOPELESS_AT, Item, QueueLimits, Receiver
from streams.deliver.topic_place import TopicPlace

TOPIC, OTHER = "town.core.situation", "town.core.alert"
MINUTE_MS = 60_000


def a_delivery(key: str, offset: int, *, size: int = 2) -> Delivery:
    return Delivery(f"{key}-{offset}", "core.situation", "core.situation", key, b"x" * size, "text/plain", 0)


def a_receiver(*, limits: QueueLimits | None = None, at: int = 0, chance: float = 0.999) -> Receiver:
    return Receiver({TOPIC: TopicPlace(at)}, chance=lambda: chance, limits=limits)


def offer(receiver: Receiver, *keys: str, at: int = 0) -> None:
    for offset, key in enumerate(keys, at):
        receiver.offer(TOPIC, offset, a_delivery(key, offset))


def taken(receiver: Receiver, now: int = 0) -> Item:
    item = receiver.take(now)
    assert item is not None
    return item


def test_situations_go_side_by_side_and_one_situation_goes_in_order() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "a", "b")
    first, second = taken(receiver), taken(receiver)
    assert {first.offset, second.offset} == {0, 2}
    assert receiver.take(0) is None
    receiver.succeed(first, 0)
    assert taken(receiver).offset == 1


def test_a_situation_that_fails_delays_no_other() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "b")
    first = taken(receiver)
    receiver.fail(first, 0, "500")
    assert taken(receiver).delivery.key == "b"
    assert receiver.take(0) is None


def test_the_place_is_below_what_is_open_and_what_lies_above_is_remembered() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "b", "c")
    items = {one.offset: one for one in (taken(receiver), taken(receiver), taken(receiver))}
    receiver.succeed(items[1], 0)
    assert (receiver.places[TOPIC].next_offset, receiver.places[TOPIC].done_above) == (0, [1])
    receiver.succeed(items[0], 0)
    assert (receiver.places[TOPIC].next_offset, receiver.places[TOPIC].done_above) == (2, [])
    receiver.succeed(items[2], 0)
    assert receiver.places[TOPIC].next_offset == 3


def test_what_an_earlier_process_delivered_is_not_delivered_again() -> None:
    receiver = Receiver({TOPIC: TopicPlace(5, {6, 8})}, chance=lambda: 0.5)
    offer(receiver, "a", "b", "c", "d", at=5)
    assert {taken(receiver).offset, taken(receiver).offset} == {5, 7}
    assert receiver.take(0) is None


def test_a_receiver_that_is_down_is_tried_with_one_event_at_a_time_and_ever_more_seldom() -> None:
    receiver = a_receiver()
    offer(receiver, *"abcdef")
    now, waits = 0, []
    for one in [taken(receiver) for _ in range(6)]:
        receiver.fail(one, now, "500")
    for _ in range(8):
        wake = receiver.wake_at()
        assert wake is not None and receiver.take(wake - 1) is None
        waits.append(wake - now)
        now = wake
        item = taken(receiver, now)
        assert receiver.take(now) is None, "one at a time"
        receiver.fail(item, now, "500")
    assert waits == sorted(waits) and waits[-1] > 16 * waits[0]


def test_all_that_waited_comes_at_once_when_the_receiver_is_back() -> None:
    receiver = a_receiver()
    offer(receiver, *"abcdef")
    for one in [taken(receiver) for _ in range(6)]:
        receiver.fail(one, 0, "500")
    now = receiver.wake_at() or 0
    receiver.succeed(taken(receiver, now), now)
    assert len([receiver.take(now) for _ in range(5)]) == 5 and receiver.take(now) is None


def test_retry_after_holds_for_the_whole_receiver_and_for_a_day_at_most() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "b")
    receiver.fail(taken(receiver), 0, "503", retry_after_ms=10 * MINUTE_MS)
    assert receiver.take(10 * MINUTE_MS - 1) is None
    receiver.fail(taken(receiver, 10 * MINUTE_MS), 10 * MINUTE_MS, "503", retry_after_ms=90 * DAY_MS)
    assert receiver.wake_at() == 10 * MINUTE_MS + DAY_MS


def test_after_a_day_of_failures_it_is_dead_and_revived_it_begins_at_its_place() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "a", "b")
    now = 0
    while receiver.state == "active":
        receiver.fail(taken(receiver, now), now, "500")
        now = max(now, receiver.wake_at() or 0)
    assert DAY_MS <= now <= 3 * DAY_MS
    assert (receiver.size, receiver.has_room, receiver.take(now)) == (0, False, None)
    receiver.revive()
    assert receiver.places[TOPIC].read_to == 0
    offer(receiver, "a", "a", "b")
    assert taken(receiver, now).offset == 0


def test_an_event_that_fails_for_a_day_is_set_aside_if_the_receiver_takes_others() -> None:
    receiver = a_receiver()
    offer(receiver, "bad", "bad")
    now, offset = 0, 2
    while receiver.counts.set_aside == 0:
        item = receiver.take(now)
        if item is not None and item.offset == 0:
            receiver.fail(item, now, "500")
        now += 10 * MINUTE_MS
        receiver.offer(TOPIC, offset, a_delivery(f"good-{offset}", offset))
        while (item := receiver.take(now)) is not None and item.offset != 0:
            receiver.succeed(item, now)
        if item is not None:
            receiver.fail(item, now, "500")
        offset += 1
        assert now < 3 * DAY_MS
    assert now >= DAY_MS and receiver.state == "active"
    assert "a day" in str(receiver.last_set_aside)
    assert taken(receiver, now).offset == 1


def test_a_refused_event_is_counted_and_the_next_of_its_situation_goes_on() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "a")
    receiver.set_aside(taken(receiver), "422")
    assert (receiver.counts.set_aside, receiver.last_set_aside) == (1, "422")
    assert taken(receiver).offset == 1


def test_a_refusal_of_before_it_was_revived_does_not_kill_it_again() -> None:
    receiver = a_receiver()
    offer(receiver, "a", "b")
    first, late = taken(receiver), taken(receiver)
    states = []
    receiver.refuse(first, "404")
    states.append(receiver.state)
    receiver.revive()
    receiver.refuse(late, "404")
    assert [*states, receiver.state] == ["dead", "active"]


def test_a_result_of_before_the_queue_was_emptied_changes_nothing() -> None:
    receiver = a_receiver()
    offer(receiver, "a")
    late = taken(receiver)
    receiver.pause()
    receiver.revive()
    receiver.succeed(late, 0)
    assert receiver.places[TOPIC].next_offset == 0 and receiver.counts.delivered == 0


@pytest.mark.parametrize("limits", [QueueLimits(queue=3), QueueLimits(queue_bytes=6)])
def test_a_full_queue_takes_no_more(limits: QueueLimits) -> None:
    receiver = a_receiver(limits=limits)
    offer(receiver, *"abc")
    assert not receiver.has_room
    receiver.succeed(taken(receiver), 0)
    assert receiver.has_room


def test_one_bad_event_cannot_hold_back_the_others_for_ever() -> None:
    receiver = a_receiver(limits=QueueLimits(ahead=5))
    offer(receiver, "bad")
    now = 0
    for _ in range(HOPELESS_AT):
        receiver.fail(taken(receiver, now), now, "500")
        now = receiver.wake_at() or now
    offset = 1
    while receiver.counts.set_aside == 0:
        assert receiver.has_room
        receiver.offer(TOPIC, offset, a_delivery(f"k{offset}", offset))
        one = taken(receiver, now - 1)
        receiver.succeed(one, now - 1)
        offset += 1
    assert offset <= 8 and "held back" in str(receiver.last_set_aside)


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_queue_full_of_one_situations_events_loses_the_bad_one_if_others_were_taken(is_busy: bool) -> None:
    receiver = a_receiver(limits=QueueLimits(queue=3))
    offer(receiver, "bad")
    now = fail_often(receiver)
    offer(receiver, "good", at=1)
    receiver.succeed(taken(receiver), 0)
    bad = taken(receiver, now) if is_busy else None
    offer(receiver, "bad", "bad", at=2)
    if bad is not None:
        assert not receiver.has_room and receiver.counts.set_aside == 0
        receiver.fail(bad, now, "500")
    assert receiver.counts.set_aside == 1 and receiver.has_room
    assert "held back" in str(receiver.last_set_aside)


def test_a_queue_full_of_one_situations_events_loses_none_while_the_receiver_is_down() -> None:
    receiver = a_receiver(limits=QueueLimits(queue=2))
    offer(receiver, "a", "a")
    fail_often(receiver)
    assert not receiver.has_room and receiver.counts.set_aside == 0


def fail_often(receiver: Receiver) -> int:
    """Let the first event fail as often as a hopeless one; return when it is due again."""
    now = 0
    for _ in range(HOPELESS_AT):
        receiver.fail(taken(receiver, now), now, "500")
        now = receiver.wake_at() or now
    return now


def test_the_wait_is_any_time_up_to_a_bound_that_doubles_up_to_the_longest() -> None:
    backoff = Backoff(first_ms=1_000, max_ms=DAY_MS)
    assert [backoff.bound_ms(n) for n in (1, 2, 3, 17, 18, 500)] == [
        1_000,
        2_000,
        4_000,
        65_536_000,
        DAY_MS,
        DAY_MS,
    ]
    chance = random.Random(7).random
    waits = [backoff.wait_ms(4, chance) for _ in range(500)]
    assert min(waits) < 400 and 7_600 < max(waits) <= 8_000


@given(
    keys=st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    seed=st.integers(0, 2**32),
    restarts=st.integers(0, 3),
)
def test_all_arrives_in_order_per_situation_whatever_fails_and_whenever_it_is_killed(
    keys: list[str], seed: int, restarts: int
) -> None:
    chance = random.Random(seed)
    limits = QueueLimits(queue=5, ahead=4, at_a_time=3)
    received: dict[str, list[int]] = defaultdict(list)
    places = {TOPIC: TopicPlace(0)}
    for life in range(restarts + 1):
        receiver = Receiver(places, chance=chance.random, limits=limits, backoff=Backoff(10, 2.0, 100))
        noted, now, open_items = receiver.places[TOPIC].again(), 0, []
        for _ in range(100_000 if life == restarts else chance.randrange(60)):
            place = receiver.places[TOPIC]
            if place.next_offset == len(keys):
                break
            while receiver.has_room and place.read_to < len(keys):
                offset = place.read_to
                receiver.offer(TOPIC, offset, a_delivery(keys[offset], offset))
            assert (
                receiver.size <= limits.queue and len(place.done_above) <= limits.ahead + limits.at_a_time + 4
            )
            if (item := receiver.take(now)) is not None:
                open_items.append(item)
            elif open_items:
                one = open_items.pop(chance.randrange(len(open_items)))
                if chance.random() < 0.3:
                    receiver.fail(one, now, "500")
                else:
                    received[one.delivery.key].append(one.offset)
                    receiver.succeed(one, now)
            else:
                now = max(now + 1, receiver.wake_at() or 0)
            if chance.random() < 0.3:
                noted = place.again()
        places = {TOPIC: noted}
    for key, offsets in received.items():
        assert list(dict.fromkeys(offsets)) == [n for n, one in enumerate(keys) if one == key]
    assert receiver.counts.set_aside == 0 and sum(len(set(one)) for one in received.values()) == len(keys)
