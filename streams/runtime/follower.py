"""Follow a compacted topic of one partition from its beginning, in a thread of its own, through failures of Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from schemas.errors import BongsuError
from streams.log import log
from streams.runtime.kafka import as_ours, partition_of, reader
from streams.runtime.records import Record, record_of

AGAIN_S = 2.0
LOOK_S = 0.5
END_S = 10.0


class Follower:
    """Passes on the records of *topic* in order: those already there, then new ones.

    *begin* is called before each reading from the beginning. *take* gets the new records and whether the end
    of the topic was reached once; when the end is first reached without records, it gets none. *trouble*: the
    reason why the topic is not fully read; ``None`` once it is.
    """

    def __init__(
        self,
        name: str,
        topic: str,
        *,
        bootstrap: str,
        begin: Callable[[], None],
        take: Callable[[Sequence[Record], bool], None],
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self._name = name
        self._topic = topic
        self._bootstrap = bootstrap
        self._begin = begin
        self._take = take
        self._before = before
        self._ends = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.trouble: str | None = f"the {name} are being read"

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ends.set()
        if self._thread.ident is not None:  # it may be ended before it was started
            self._thread.join(END_S)

    def wait_for_news(self, at_most_s: float) -> None:
        """Wait until records were taken, at most *at_most_s* seconds."""
        with self._news:
            self._news.wait(at_most_s)

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._before()
                self._follow()
            except Exception as error:  # stopping would show old data as current
                why = error.what if isinstance(error, BongsuError) else type(error).__name__
                self.trouble = why
                log.warning(f"{self._name} cannot be read", why=why)
                self._ends.wait(AGAIN_S)

    def _follow(self) -> None:
        consumer = reader(self._bootstrap)
        try:
            place = partition_of(consumer, self._topic)
            consumer.assign([TopicPartition(self._topic, place.partition, 0)])
            self._begin()
            while not self._ends.is_set():
                self._look(consumer)
        finally:
            consumer.close()

    def _look(self, consumer: Consumer) -> None:
        records: list[Record] = []
        was_behind = self.trouble is not None
        first = consumer.poll(LOOK_S)
        for message in [] if first is None else [first, *consumer.consume(500, 0)]:
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                self.trouble = None
            elif not error.retriable():
                raise as_ours(KafkaException(error), f"reading {self._topic}")
        if records or (was_behind and self.trouble is None):
            self._take(records, self.trouble is None)
            with self._news:
                self._news.notify_all()
