"""One receiver's queue: what is tried when, in order for each situation. Pure: time and chance are parameters.

Events of one situation go one after the other; situations do not wait for each other. After a failure its situation waits,
longer with each further failure. Once two situations fail in a row, the receiver is taken to be down: it is tried with one
event at a time, as a whole ever more seldom. After a day of failures it is dead, and no longer tried until ``revive``.

The queue is bounded. A receiver without room keeps its place alone, and its events are read again from the log.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from connectors.base import Delivery
from streams.deliver.backoff import DAY_MS, Backoff, Chance
from streams.deliver.topic_place import TopicPlace

ReceiverState = Literal["active", "paused", "dead"]
DOWN_AT = 2
"""So many situations that fail, with no success between, mean that the receiver is down."""
HOPELESS_AT = 8
"""After so many failures an event is set aside if it alone holds back the others."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Bounds of one receiver: events and bytes in its queue, deliveries at a time, offsets done above its place."""

    queue: int = 500
    queue_bytes: int = 8 << 20
    at_a_time: int = 8
    ahead: int = 1_000


@dataclass(frozen=True, slots=True)
class Item:
    """One delivery of the queue. *round* tells whether the queue was emptied since, *traceparent* the
    span in which its event was put."""

    topic: str
    offset: int
    delivery: Delivery
    round: int
    traceparent: bytes | None = None


@dataclass(slots=True)
class _Lane:
    """The waiting events of one situation. *beside*: its attempts that failed before one of another situation succeeded."""

    items: deque[Item] = field(default_factory=deque)
    is_busy: bool = False
    attempts: int = 0
    beside: int = 0
    next_at: int = 0
    failing_since: int | None = None


@dataclass(slots=True)
class Counts:
    """Whole-life counts of one receiver."""

    delivered: int = 0
    set_aside: int = 0


class Receiver:
    """The queue and the places of one receiver. *places*: one for each Kafka topic."""

    def __init__(
        self,
        places: Mapping[str, TopicPlace],
        *,
        chance: Chance,
        backoff: Backoff | None = None,
        limits: QueueLimits | None = None,
        dead_after_ms: int = DAY_MS,
    ) -> None:
        self.places = dict(places)
        self.state: ReceiverState = "active"
        self.counts = Counts()
        self.attempts = 0
        self.failing_since: int | None = None
        self.last_error: str | None = None
        self.last_set_aside: str | None = None
        self.changes = 0
        self._chance = chance
        self._backoff = backoff or Backoff()
        self._limits = limits or QueueLimits()
        self._dead_after_ms = dead_after_ms
        self._lanes: dict[str, _Lane] = {}
        self._failed: set[str] = set()
        self._not_before = 0
        self._in_flight = self._size = self._bytes = self._round = 0

    # -- reading ---------------------------------------------------------------------------------------------

    @property
    def has_room(self) -> bool:
        """Whether it takes a further event."""
        return (
            self.state == "active"
            and self._size < self._limits.queue
            and self._bytes < self._limits.queue_bytes
            and sum(one.ahead for one in self.places.values()) < self._limits.ahead
        )

    @property
    def size(self) -> int:
        """The count of events in the queue."""
        return self._size

    def skip(self, topic: str, offset: int) -> None:
        """Pass over a record that is not for this receiver."""
        self._pass(topic, offset + 1)

    def pass_to(self, topic: str, next_offset: int) -> None:
        """Note that there is nothing to deliver below *next_offset* that was not offered."""
        self._pass(topic, next_offset)

    def _pass(self, topic: str, next_offset: int) -> None:
        before = self.places[topic].next_offset
        self.places[topic].skip_to(next_offset)
        self.changes += self.places[topic].next_offset != before

    def offer(self, topic: str, offset: int, delivery: Delivery, traceparent: bytes | None = None) -> None:
        """Queue *delivery*, unless it was delivered before. Call only if ``has_room``."""
        if self.places[topic].begin(offset):
            self._lanes.setdefault(delivery.key, _Lane()).items.append(
                Item(topic, offset, delivery, self._round, traceparent)
            )
            self._size += 1
            self._bytes += len(delivery.body)
            self._make_room()

    # -- trying ----------------------------------------------------------------------------------------------

    @property
    def is_down(self) -> bool:
        """Whether it is tried with one event at a time only."""
        return len(self._failed) >= DOWN_AT

    def take(self, now: int) -> Item | None:
        """The next event to try at *now*; its result must be told by ``succeed``, ``fail`` or ``set_aside``."""
        if not self._may_try(now):
            return None
        due = [lane for lane in self._lanes.values() if not lane.is_busy and lane.next_at <= now]
        if not due:
            return None
        lane = min(due, key=lambda one: one.next_at)
        lane.is_busy = True
        self._in_flight += 1
        return lane.items[0]

    def _may_try(self, now: int) -> bool:
        at_a_time = 1 if self.is_down else self._limits.at_a_time
        return self.state == "active" and now >= self._not_before and self._in_flight < at_a_time

    def wake_at(self) -> int | None:
        """The earliest time for the next try; ``None`` where only a new event or a result can lead to one."""
        at_a_time = 1 if self.is_down else self._limits.at_a_time
        if self.state != "active" or self._in_flight >= at_a_time:
            return None
        times = [lane.next_at for lane in self._lanes.values() if not lane.is_busy]
        return max(min(times), self._not_before) if times else None

    # -- results ---------------------------------------------------------------------------------------------

    def succeed(self, item: Item, now: int) -> None:
        """The receiver has *item*."""
        if (lane := self._ended(item)) is None:
            return
        if self.attempts > DOWN_AT or self.is_down:  # it is back: what waited because of it need not wait on
            for one in self._lanes.values():
                one.next_at = min(one.next_at, now)
        self.attempts, self.failing_since, self._not_before = 0, None, 0
        self._failed.clear()
        self.counts.delivered += 1
        self._drop_head(item, lane)
        for one in self._lanes.values():
            one.beside = one.attempts
        self._make_room()

    def fail(self, item: Item, now: int, why: str, *, retry_after_ms: int | None = None) -> None:
        """*item* may succeed later. *retry_after_ms*: the receiver's own word, heeded up to a day."""
        if (lane := self._ended(item)) is None:
            return
        self.attempts += 1
        lane.attempts += 1
        self.last_error = why
        self.failing_since = now if self.failing_since is None else self.failing_since
        lane.failing_since = now if lane.failing_since is None else lane.failing_since
        self._failed.add(item.delivery.key)
        lane.next_at = now + self._backoff.wait_ms(lane.attempts, self._chance)
        if retry_after_ms is not None:
            self._not_before = max(self._not_before, now + min(max(0, retry_after_ms), DAY_MS))
            lane.next_at = max(lane.next_at, self._not_before)
        elif self.is_down:
            self._not_before = now + self._backoff.wait_ms(self.attempts, self._chance)
        if now - self.failing_since >= self._dead_after_ms:
            self.die(why)
        elif now - lane.failing_since >= self._dead_after_ms:
            self._put_aside(item, lane, f"failed for a day: {why}")
        self._make_room()

    def set_aside(self, item: Item, why: str) -> None:
        """*item* can never be delivered: the next event of its situation goes on."""
        if (lane := self._ended(item)) is not None:
            self._put_aside(item, lane, why)

    def refuse(self, item: Item, why: str) -> None:
        """The receiver refuses us at *item*: it is dead, unless its queue was emptied meanwhile, as when it was revived."""
        if self._ended(item) is not None:
            self.die(why)

    def die(self, why: str) -> None:
        """Try no more until ``revive``."""
        self.state, self.last_error = "dead", why
        self._empty()

    def pause(self) -> None:
        self.state = "paused"
        self._empty()

    def revive(self) -> None:
        """Try again, from the place, as if it had not failed."""
        self.state = "active"
        self.attempts, self.failing_since = 0, None
        self._empty()

    def read_again(self) -> None:
        """Forget the queue: its subscription has changed, and what was in it is judged anew."""
        self._empty()

    def _empty(self) -> None:
        """Forget the queue; what was in it is read again from the place."""
        self.places = {topic: one.again() for topic, one in self.places.items()}
        self._lanes.clear()
        self._failed.clear()
        self._in_flight = self._size = self._bytes = self._not_before = 0
        self._round += 1
        self.changes += 1

    def _ended(self, item: Item) -> _Lane | None:
        """The lane of a try that ended; ``None`` where its queue was emptied meanwhile."""
        if item.round != self._round:
            return None
        lane = self._lanes[item.delivery.key]
        lane.is_busy = False
        self._in_flight -= 1
        self.changes += 1
        return lane

    def _put_aside(self, item: Item, lane: _Lane, why: str) -> None:
        self.counts.set_aside += 1
        self.last_set_aside = why
        self._drop_head(item, lane)

    def _drop_head(self, item: Item, lane: _Lane) -> None:
        lane.items.popleft()
        lane.attempts, lane.beside, lane.next_at, lane.failing_since = 0, 0, 0, None
        self._size -= 1
        self._bytes -= len(item.delivery.body)
        self.places[item.topic].end(item.offset)
        self._failed.discard(item.delivery.key)
        if not lane.items:
            del self._lanes[item.delivery.key]

    def _make_room(self) -> None:
        """Set aside the event that failed most, if the queue is full because of it while the receiver took others."""
        if self.has_room or not self._lanes:
            return
        worst = max(self._lanes.values(), key=lambda one: -1 if one.is_busy else one.beside)
        if worst.beside >= HOPELESS_AT and not worst.is_busy:
            self.changes += 1
            self._put_aside(worst.items[0], worst, f"held back others: {self.last_error}")
