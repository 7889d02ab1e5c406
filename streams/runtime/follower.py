"""Follow topics of one partition each from their beginnings: one consumer and one thread for all, through failures of Kafka.

A consumer costs three threads and two requests a second even when nothing happens, so a process that follows ten topics
shares one. A topic that cannot be read is begun again by itself; the others go on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from schemas.errors import BongsuError, Retriable, Unreachable
from streams.log import log
from streams.runtime.kafka import UNKNOWN_END, as_ours, end_of, partition_of, reader
from streams.runtime.records import Record, record_of

AGAIN_S = 2.0
LOOK_S = 0.5
NEWS_S = 0.05
"""The longest single wait of who waits for something: news may have come just before it."""
END_S = 10.0
Found = TypeVar("Found")


class Following:
    """Reads the topics of its followers, from ``start`` to ``end``. *before* is called before each reading of all."""

    def __init__(self, name: str, *, bootstrap: str, before: Callable[[], object] = lambda: None) -> None:
        self._bootstrap = bootstrap
        self._before = before
        self._followers: dict[str, list[Follower]] = {}
        self._due: dict[str, float] = {}
        """The topics that are not being read, and the time from which each may be begun."""
        self._ends_at: dict[str, int] = {}
        """The end of each topic when its reading began: from there on all of before is known."""
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def add(self, follower: Follower) -> None:
        """Read the topic of *follower* too. Call before ``start``."""
        self._followers.setdefault(follower.topic, []).append(follower)
        self._ends_at.setdefault(follower.topic, UNKNOWN_END)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        if self._thread.ident is not None:  # it may be ended before it was started
            self._thread.join(END_S)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._before()
                self._follow()
            except Exception as error:  # stopping would show old data as current
                for topic in self._followers:
                    self._tell_trouble(topic, error)
                self._ends.wait(AGAIN_S)

    def _follow(self) -> None:
        consumer = reader(self._bootstrap)
        self._due = dict.fromkeys(self._followers, 0.0)
        try:
            while not self._ends.is_set():
                self._begin_due(consumer)
                self._look(consumer)
        finally:
            consumer.close()

    def _begin_due(self, consumer: Consumer) -> None:
        now = monotonic()
        for topic in [topic for topic, from_s in self._due.items() if from_s <= now]:
            try:
                place = partition_of(consumer, topic)
            except (Retriable, Unreachable):
                raise
            except BongsuError as error:  # missing, or parted: this topic alone
                self._tell_trouble(topic, error)
                self._due[topic] = monotonic() + AGAIN_S
                continue
            del self._due[topic]
            self._ends_at[topic] = end_of(consumer, place)
            for follower in self._followers[topic]:
                follower.begin()
            consumer.incremental_assign([TopicPartition(topic, place.partition, 0)])

    def _look(self, consumer: Consumer) -> None:
        first = consumer.poll(LOOK_S)
        found: dict[str, list[Message]] = {}
        for message in [] if first is None else [first, *consumer.consume(500, 0)]:
            if (topic := message.topic()) in self._followers:
                found.setdefault(topic, []).append(message)
            elif not (error := message.error()).retriable():
                raise as_ours(KafkaException(error), "following topics")
        for topic, messages in found.items():
            try:
                self._pass_on(topic, messages)
            except Exception as error:  # the other topics go on
                self._tell_trouble(topic, error)
                consumer.incremental_unassign([TopicPartition(topic, 0)])
                self._due[topic] = monotonic() + AGAIN_S

    def _pass_on(self, topic: str, messages: Sequence[Message]) -> None:
        records: list[Record] = []
        is_at_end = False
        for message in messages:
            error = message.error()
            if error is None:
                records.append(record_of(message))
                # where something is written all the time, a reader is never told that it has reached the end
                is_at_end = is_at_end or records[-1].offset + 1 >= self._ends_at[topic]
            elif error.code() == KafkaError._PARTITION_EOF:
                is_at_end = True
            elif not error.retriable():
                raise as_ours(KafkaException(error), f"reading {topic}")
        for follower in self._followers[topic]:
            follower.pass_on(records, is_at_end=is_at_end)

    def _tell_trouble(self, topic: str, error: Exception) -> None:
        why = error.what if isinstance(error, BongsuError) else type(error).__name__
        for follower in self._followers[topic]:
            follower.trouble = why
            log.warning(f"{follower.name} cannot be read", why=why)


class Follower:
    """Passes on the records of *topic* in order: those already there, then new ones. *following* reads them.

    *begin* is called before each reading from the beginning. *take* gets the new records and whether the end
    of the topic was reached once; when the end is first reached without records, it gets none. *trouble*: the
    reason why the topic is not fully read; ``None`` once it is.
    """

    def __init__(
        self,
        name: str,
        topic: str,
        following: Following,
        *,
        begin: Callable[[], None],
        take: Callable[[Sequence[Record], bool], None],
    ) -> None:
        self.name = name
        self.topic = topic
        self.begin = begin
        self._take = take
        self._news = threading.Condition()
        self.trouble: str | None = f"the {name} are being read"
        following.add(self)

    def pass_on(self, records: Sequence[Record], *, is_at_end: bool) -> None:
        """Take what ``Following`` read of the topic."""
        is_whole = is_at_end or self.trouble is None
        if not records and not (is_whole and self.trouble is not None):
            return
        self._take(records, is_whole)
        if is_whole:
            self.trouble = None  # not before: what was read last is known now
        with self._news:
            self._news.notify_all()

    def wait_for_news(self, at_most_s: float) -> None:
        """Wait until records were taken, at most *at_most_s* seconds."""
        with self._news:
            self._news.wait(at_most_s)

    def wait_until(self, found: Callable[[], Found | None], within_s: float) -> Found | None:
        """Return what *found* gives once that is not ``None``; ``None`` where it is not so *within_s* seconds from now."""
        until = monotonic() + within_s
        while (it := found()) is None and (left_s := until - monotonic()) > 0:
            self.wait_for_news(min(left_s, NEWS_S))
        return it
