"""One transaction: a stage's results, the records it sets aside, and its consumed offsets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaException, Message, Producer, TopicPartition

from schemas.errors import Retriable
from schemas.event import Event
from schemas.wire import Wire
from streams.runtime.clients import consumer_of
from streams.runtime.inbox import Partition
from streams.runtime.kafka import as_ours
from streams.runtime.records import headers_of

Headers = Sequence[tuple[str, bytes]]
Made = tuple[bytes, bytes, list[tuple[str, bytes]]]
"""The key, frame and headers of a record ready to send."""

COMMIT_TIMEOUT_S = 30.0
ASK_TIMEOUT_S = 5.0


class Outbox:
    """Sends events to Kafka within one open transaction of *producer*."""

    def __init__(self, producer: Producer, wire: Wire, city: str) -> None:
        self.producer = producer
        self._wire = wire
        self._city = city
        self._failed: Any = None
        self._is_unplaced = False
        self.delivered: dict[Partition, int] = {}

    def put(
        self, event: Event, *, traceparent: bytes | None = None, played: bool = False, more: Headers = ()
    ) -> None:
        """Send an event. *more*: headers beside those that every event has."""
        topic, key, value = self._wire.encode(self._city, event)
        headers = headers_of(event, topic=topic, traceparent=traceparent, played=played)
        self.put_bytes(topic, key, value, [*headers, *more])

    def put_bytes(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers) -> None:
        """Send a record as it is, to a topic by its full name."""
        self._produce(topic, value, key=key, headers=list(headers), on_delivery=self._delivered)

    def put_many(self, topic: str, records: Iterable[Made]) -> None:
        """Send records as they are. ``delivered`` does not count them; a failed one fails the commit."""
        for key, value, headers in records:
            self._produce(topic, value, key=key, headers=headers)

    def _produce(self, topic: str, value: bytes | None, **about: Any) -> None:
        while True:
            try:
                self.producer.produce(topic, value, **about)
            except BufferError:  # the local queue is full: serve deliveries until there is room
                self.producer.poll(0.01)
            else:
                break

    def flush(self) -> dict[Partition, int]:
        """Wait until all records are delivered; return the next offset of every partition written to.

        ``Retriable`` where one is not known: what is derived from it, a barrier or a snapshot, would be too early.
        """
        self.producer.flush(COMMIT_TIMEOUT_S)
        if self._failed is not None:
            raise as_ours(KafkaException(self._failed), "producing")
        if self._is_unplaced:
            raise Retriable("producing: the offset of a record is not known; the transaction is done again")
        return self.delivered

    def read_up_to(self, places: Mapping[Partition, int], group_metadata: Any) -> None:
        """Add the consumed offsets to the transaction."""
        offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in places.items()]
        self.producer.send_offsets_to_transaction(offsets, group_metadata, COMMIT_TIMEOUT_S)

    def _delivered(self, error: Any, message: Message) -> None:
        if error is not None:
            self._failed = error
            return
        offset = message.offset()
        if offset is None:
            # the answer to the first sending was lost, and librdkafka does not know the offset of one sent again
            self._is_unplaced = True
            return
        place = (str(message.topic()), int(message.partition() or 0))
        self.delivered[place] = max(self.delivered.get(place, 0), offset + 1)


@contextmanager
def transaction(producer: Producer, wire: Wire, city: str) -> Iterator[Outbox]:
    """Commit everything put in the outbox, or nothing. Aborts on any error, and raises it as one of ours."""
    try:
        producer.begin_transaction()
    except KafkaException as error:
        raise as_ours(error, "beginning a transaction") from error
    try:
        outbox = Outbox(producer, wire, city)
        yield outbox
        outbox.flush()
        _commit(producer)
    except KafkaException as error:
        _abort(producer)
        raise as_ours(error, "transaction") from error
    except BaseException:
        _abort(producer)
        raise


def _commit(producer: Producer) -> None:
    while True:
        try:
            # a retriable failure leaves the transaction open, and the outcome unknown: committing again is
            # safe
            producer.commit_transaction(COMMIT_TIMEOUT_S)
        except KafkaException as error:
            if not error.args[0].retriable():
                raise
        else:
            return


def _abort(producer: Producer) -> None:
    try:
        producer.abort_transaction(COMMIT_TIMEOUT_S)
    except KafkaException as error:
        ours = as_ours(error, "aborting a transaction")
        if not isinstance(ours, Retriable):
            raise ours from error


def ask_ours(producer: Producer, group: str, topic: str, *, bootstrap: str) -> None:
    """Return if *producer* still owns its transactional id. ``Fenced``: another does. ``Retriable``: Kafka is
    unavailable.

    It aborts a transaction with an offset of *group* in *topic*: the coordinator checks the id, and nothing
    is published.
    """
    consumer = consumer_of({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    try:
        producer.begin_transaction()
        try:
            offset = [TopicPartition(topic, 0, 0)]
            producer.send_offsets_to_transaction(offset, consumer.consumer_group_metadata(), ASK_TIMEOUT_S)
        finally:
            producer.abort_transaction(ASK_TIMEOUT_S)
    except KafkaException as error:
        raise as_ours(error, "checking the transactional id") from error
    finally:
        consumer.close()
