"""Past sightings by fetched record batches: the same rows as by confluent-kafka, none of those that are the live flow's."""

from __future__ import annotations

import threading
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import Producer

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.event import Event
from schemas.registry import Registry
from schemas.wire import Wire
from streams.runtime.kafka import transactional_producer
from streams.sightings.past_rows import plain_past, quick_past
from streams.sightings.sighting_columns import SightingReader
from tests.hub_bus import whole
from tests.person_town import NOON, a_crowd

pytestmark = pytest.mark.cluster

PARTITIONS, COUNT = 3, 600


def test_both_readers_give_the_same_rows(cluster: Endpoints) -> None:
    random, city, wire = Random(4), f"past-{uuid4().hex[:8]}", Wire(Registry(cluster.registry))
    ensure_topics(cluster.kafka, [city])
    topic = f"{city}.cctv.person"
    frames = [
        wire.encode(city, Event(contract, key, {**(row or {}), "city": city}))[2]
        for contract, key, row in whole(a_crowd(random, 0, COUNT, NOON - 9_000_000, NOON))
    ]
    for codec in ("none", "lz4", "zstd"):
        producer = Producer({"bootstrap.servers": cluster.kafka, "compression.type": codec, "linger.ms": 50})
        for frame in random.sample(frames, COUNT // 2):
            body = random.choice([frame] * 18 + [None, b"junk"])
            producer.produce(topic, body, partition=random.randrange(PARTITIONS))
        producer.flush()
        for ends in ("commit_transaction", "abort_transaction"):
            writer = transactional_producer(cluster.kafka, f"{city}.{codec}.{ends}")
            writer.begin_transaction()
            for frame in random.sample(frames, 40):
                writer.produce(topic, frame, partition=random.randrange(PARTITIONS))
            writer.flush()
            getattr(writer, ends)()

    begins = {(topic, number): random.randrange(5, 30) for number in range(PARTITIONS)}
    for end in (250, 10_000):  # within the log, and beyond it: the rest was deleted
        ends_at = dict.fromkeys(begins, end)
        reader = SightingReader(city, wire)
        plain = rows_of(plain_past, cluster.kafka, reader, begins, ends_at)
        quick = rows_of(quick_past, cluster.kafka, reader, begins, ends_at)
        assert quick == plain
        assert len(plain) > 500 if end > 1_000 else {offset for _, offset, *_ in plain} <= set(range(5, 250))


def rows_of(past: Any, bootstrap: str, reader: SightingReader, begins: Any, ends: Any) -> list[Any]:
    """The rows in the order of partitions and offsets, each with its frame."""
    found = []
    for many in past(bootstrap, reader, begins, ends, threading.Event()):
        columns = zip(
            many.partition.tolist(),
            many.offset.tolist(),
            many.numbers.tolist(),
            many.at.tolist(),
            many.words.tolist(),
            strict=True,
        )
        found += [(*one, frame) for one, frame in zip(columns, many.frames, strict=True)]
    assert len({one[:2] for one in found}) == len(found)
    return sorted(((p, o, n, str(at), w, frame) for p, o, n, at, w, frame in found), key=lambda one: one[:2])
