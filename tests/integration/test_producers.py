"""Both producers of evidence, side by side on the real bus: the same records, offsets and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from deploy.settings import Endpoints
from streams.match.native.evidence_frames import EvidenceFrames, a_sample
from streams.match.native.librdkafka import Library
from streams.match.native.producer import NativeProducer
from streams.match.worker.choice import make_producer
from streams.runtime.clients import producer_of
from streams.runtime.kafka import Fenced, as_ours, group_consumer, read_whole, transactional_producer
from streams.runtime.records import Record
from streams.runtime.transaction import Outbox, transaction

pytestmark = pytest.mark.cluster

Make = Callable[[dict[str, Any]], Any]
WAIT_S = 30.0


@pytest.fixture
def topics(cluster: Endpoints) -> tuple[str, str]:
    names = (f"sent-{uuid4().hex[:8]}.one", f"sent-{uuid4().hex[:8]}.other")
    admin = AdminClient({"bootstrap.servers": cluster.kafka})
    made = admin.create_topics([NewTopic(one, 4, 1) for one in names])
    for future in made.values():
        future.result(WAIT_S)
    return names


def opened(cluster: Endpoints, make: Make, **settings: Any) -> Any:
    return transactional_producer(cluster.kafka, f"sent-{uuid4().hex[:8]}", make=make, **settings)


def put_and_read(cluster: Endpoints, topic: str, producer: Any, work: Callable[[Outbox], None]) -> list[Any]:
    nothing: Any = None
    with transaction(producer, nothing, "testcity") as outbox:
        work(outbox)
    records = read_whole(cluster.kafka, [topic])
    return [said(one) for one in sorted(records, key=lambda one: (one.partition, one.offset))]


def said(record: Record) -> tuple[Any, ...]:
    return record.partition, record.offset, record.key, record.value, list(record.headers.items())


def test_evidence_sent_by_compiled_code_is_evidence_sent_one_by_one(
    cluster: Endpoints, topics: tuple[str, str]
) -> None:
    columns = a_sample().take(np.tile([0, 1], 700))
    one, other = topics
    quick = put_and_read(
        cluster,
        one,
        opened(cluster, make_producer, **{"queue.buffering.max.messages": 100}),  # full again and again
        lambda outbox: EvidenceFrames("testcity", b"head").put(columns, one, outbox),
    )
    plain = put_and_read(
        cluster,
        other,
        opened(cluster, Producer),
        lambda outbox: EvidenceFrames("testcity", b"head").put(columns, other, outbox),
    )
    assert len(quick) == 1_400
    assert quick == plain


@pytest.mark.parametrize("headers", [[], [("one", b""), ("two", b"\x00\xff")]])
@pytest.mark.parametrize(("key", "value"), [(b"key", b"value"), (b"", b""), (None, b"value"), (b"key", None)])
def test_a_record_by_itself_arrives_as_it_was_given(
    cluster: Endpoints, topics: tuple[str, str], key: bytes | None, value: bytes | None, headers: Any
) -> None:
    producer = opened(cluster, make_producer)
    assert isinstance(producer, NativeProducer)
    (found,) = put_and_read(
        cluster,
        topics[0],
        producer,
        lambda outbox: producer.produce(topics[0], value, key=key, headers=headers),
    )
    assert found[2:] == (key, value, headers)


def test_offsets_stand_with_what_is_said_of_them(cluster: Endpoints, topics: tuple[str, str]) -> None:
    group = f"sent-{uuid4().hex[:8]}"
    consumer = Consumer({"bootstrap.servers": cluster.kafka, "group.id": group})
    consumer.subscribe([topics[0]])
    while not consumer.assignment():
        consumer.poll(0.1)
    producer = opened(cluster, make_producer)
    producer.begin_transaction()
    given = [
        TopicPartition(topics[0], number, 10 + number, metadata=f"stands {number}") for number in range(4)
    ]
    producer.send_offsets_to_transaction(given, consumer.consumer_group_metadata(), WAIT_S)
    producer.commit_transaction(WAIT_S)
    found = consumer.committed([TopicPartition(topics[0], number) for number in range(4)], timeout=WAIT_S)
    assert [(one.offset, one.metadata) for one in found] == [(one.offset, one.metadata) for one in given]
    consumer.close()


def test_what_is_given_up_is_not_read(cluster: Endpoints, topics: tuple[str, str]) -> None:
    producer, nothing = opened(cluster, make_producer), None
    with pytest.raises(ZeroDivisionError), transaction(producer, nothing, "testcity"):  # type: ignore[arg-type]  # no match is needed
        producer.produce(topics[0], b"never")
        raise ZeroDivisionError
    assert put_and_read(cluster, topics[0], producer, lambda outbox: producer.produce(topics[0], b"then"))[0][
        3
    ] == (b"then")


def test_outside_a_transaction_and_after_another_took_over_it_is_refused_as_elsewhere(
    cluster: Endpoints, topics: tuple[str, str]
) -> None:
    name = f"sent-{uuid4().hex[:8]}"
    producer = transactional_producer(cluster.kafka, name, make=make_producer)
    with pytest.raises(KafkaException, match="_STATE"):
        producer.produce(topics[0], b"outside")
    producer.begin_transaction()
    producer.produce(topics[0], b"late")
    producer.flush(WAIT_S)
    transactional_producer(cluster.kafka, name)
    with pytest.raises(KafkaException) as caught:
        producer.commit_transaction(WAIT_S)
    assert isinstance(as_ours(caught.value, "committing"), Fenced)
    assert list(read_whole(cluster.kafka, [topics[0]])) == []


def test_where_a_setting_is_refused_the_plain_producer_is_made_or_says_so(cluster: Endpoints) -> None:
    with pytest.raises(KafkaException, match="_INVALID_ARG"):
        make_producer({"bootstrap.servers": cluster.kafka, "no.such.setting": 1})
    assert isinstance(make_producer({"bootstrap.servers": cluster.kafka}), NativeProducer)
    assert Library().version() > 0


def test_what_was_given_up_is_seen_by_no_member_of_a_group(
    cluster: Endpoints, topics: tuple[str, str]
) -> None:
    nothing: Any = None
    producer, topic = opened(cluster, producer_of), topics[0]
    with pytest.raises(ValueError, match="given up"), transaction(producer, nothing, "testcity") as outbox:
        outbox.put_bytes(topic, b"k", b"given up", [])
        producer.flush(WAIT_S)  # it lies in the log, marked as given up
        raise ValueError("given up")
    with transaction(producer, nothing, "testcity") as outbox:
        outbox.put_bytes(topic, b"k", b"told", [])
    consumer = group_consumer(cluster.kafka, f"member-{uuid4().hex[:8]}")
    consumer.subscribe([topic])
    try:
        seen = next(one for _ in range(100) if (one := consumer.poll(WAIT_S / 100)) is not None)
        assert (seen.error(), seen.value()) == (None, b"told")
        assert consumer.poll(0.2) is None
    finally:
        consumer.close()
