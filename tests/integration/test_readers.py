"""All readers of observations, side by side on the real bus: the same columns, texts and records set aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue
from schemas.framing import frame
from schemas.rows import RowCodec
from streams.match.core.batch import ObservationBatch, joined
from streams.match.core.cells import Cells, Filter
from streams.match.core.codes import code_of
from streams.match.core.observations import NAMES
from streams.match.native.batch_reader import FastReader
from streams.match.native.decode import Decoder
from streams.match.native.frames import KernelFrames
from streams.match.native.messages import decoded
from streams.match.worker.choice import reader_opener
from streams.match.worker.message_reader import PlainReader
from streams.match.worker.publish import EvidencePublisher
from streams.match.worker.reader import Reader
from streams.match.worker.rows import Rows
from tests.integration.test_match import now_ms, some_sights
from tests.living_city import LivingCity
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

READ_S = 30.0
SIEVE = Filter(Cells.near(36.0), 1_000)
SIEVE.want_everywhere(np.array([code_of("person")], np.uint64))
SIEVE.words[::2] = SIEVE.words[::2] | np.uint16(0b1010101010101010)
BAD = {
    b"no-frame": b"\x07rubbish",
    b"empty": b"",
    b"short": b"\x00\x00\x00",
    b"unknown-schema": b"\x00\x7f\xff\xff\xfe\x00",
}


@pytest.fixture(scope="module")
def city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivingCity]:
    """A city with detections and plates, some broken, some tombstones, in all partitions."""
    made = LivingCity("two-readers", tmp_path_factory.mktemp("readers"), cluster)
    ensure_topics(cluster.kafka, [made.name])
    bus = Bus(made.name, cluster.kafka, made.wire)
    chance = Random(1)
    bus.see(some_sights(300, now_ms(), chance=chance))
    topic = f"{made.name}.cctv.detection"
    producer = Producer({"bootstrap.servers": cluster.kafka, "partitioner": "murmur2_random"})
    for key, value in BAD.items():
        producer.produce(topic, value, key, headers=[("why", b"test"), ("none", None)])
    producer.produce(topic, None, b"tombstone")
    (record, *_) = made.records("cctv.detection")
    sound = record.value or b""
    for cut in (1, 5, 40):
        producer.produce(topic, sound[:-cut], b"cut")
    producer.produce(topic, sound + b"\x00", b"longer")
    producer.produce(topic, frame(int.from_bytes(sound[1:5], "big"), b"\xff" * 60), b"noise")
    producer.flush(30)
    bus.see(some_sights(300, now_ms(), chance=chance, prefix="p"))
    yield made
    made.remove()


def read_all(reader: Reader, count: int) -> ObservationBatch:
    """Read everything, as one batch that may outlive the reader."""
    parts: list[ObservationBatch] = []
    aside: list[Any] = []
    ends: dict[Any, int] = {}
    reader.subscribe(lambda places: dict.fromkeys(places, 0), lambda: None, lambda: None)
    until = monotonic() + READ_S
    while sum(map(len, parts)) + len(aside) < count:
        assert monotonic() < until, f"{sum(map(len, parts))} and {len(aside)} of {count} were read"
        batch = reader.read(0.1, lambda: SIEVE)
        if batch is not None:
            if batch.passing is not None:
                passing = SIEVE.passing(batch.seen.lat, batch.seen.lon, batch.seen.label)
                assert batch.passing.tolist() == passing.tolist()
            aside += batch.aside
            ends |= batch.ends
            parts.append(batch.kept())
    everything = joined(parts)
    return ObservationBatch(
        everything.seen,
        everything.places,
        everything.place,
        everything.offset,
        everything.frames,
        ends,
        None,
        aside,
    )


def rows(batch: ObservationBatch) -> dict[tuple[Any, int], tuple[Any, ...]]:
    """(partition, offset) → every column, and the texts."""
    words = batch.frames.texts(batch.seen.at).words()
    columns = [getattr(batch.seen, name).tolist() for name in NAMES[1:]]
    told = {}
    for number, (place, offset) in enumerate(zip(batch.place.tolist(), batch.offset.tolist(), strict=True)):
        numbers = tuple(repr(column[number]) for column in columns)
        told[batch.places[place], offset] = (*numbers, words[number])
    return told


def asides(batch: ObservationBatch) -> dict[tuple[Any, int], tuple[Any, ...]]:
    return {
        ((record.topic, record.partition), record.offset): (
            record.key,
            record.value,
            record.timestamp_ms,
            dict(record.headers),
            error.field,
        )
        for record, error in batch.aside
    }


def plain_reader(city: LivingCity, group: str, *, with_kernels: bool) -> PlainReader:
    registry = city.wire.registry
    decode = partial(decoded, Decoder(registry)) if with_kernels else Rows(registry).batch
    return PlainReader(city.name, group, bootstrap=city.places.kafka, decode=decode)


def fast_reader(city: LivingCity, group: str) -> FastReader:
    return FastReader(city.name, group, bootstrap=city.places.kafka, registry=city.wire.registry)


def test_all_read_the_same_and_set_the_same_aside(city: LivingCity) -> None:
    count = len(city.records("cctv.detection")) + len(city.records("cctv.plate"))
    by_rows = plain_reader(city, "rows", with_kernels=False)
    quicker = plain_reader(city, "objects", with_kernels=True), fast_reader(city, "fast")
    try:
        theirs = read_all(by_rows, count)
        assert len(rows(theirs)) > 500
        assert len(asides(theirs)) == len(BAD) + 6
        for reader in quicker:
            ours = read_all(reader, count)
            assert rows(ours) == rows(theirs)
            assert asides(ours) == asides(theirs)
            assert all(
                error.__traceback__ is None for _, error in [*ours.aside, *theirs.aside]
            )  # it holds a batch
            assert ours.ends == theirs.ends
            for place, end in ours.ends.items():
                assert reader.begin_of(place) == by_rows.begin_of(place) == 0
                assert reader.end_of(place) == end
                again = joined([batch.kept() for batch in reader.between(place, 3, end - 2)])
                inside = {
                    at: row for at, row in rows(theirs).items() if at[0] == place and 3 <= at[1] < end - 2
                }
                assert rows(again) == inside
            assert reader.group_metadata()
    finally:
        for one in (by_rows, *quicker):
            one.close()


def test_a_writers_schema_that_no_kernel_can_walk_is_read_row_by_row(
    cluster: Endpoints, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    city = LivingCity("newer-writer", tmp_path, cluster)
    ensure_topics(cluster.kafka, [city.name])
    try:
        bus = Bus(city.name, cluster.kafka, city.wire)
        bus.see(some_sights(20, now_ms(), chance=Random(2)))
        contract = load_catalogue()["cctv.detection"]
        newer = {
            **contract.newest,
            "fields": [
                *contract.newest["fields"],
                {"name": "thumb", "type": ["null", "bytes"], "default": None},
            ],
        }
        topic = f"{city.name}.cctv.detection"
        with SchemaRegistryClient({"url": cluster.registry}) as client:
            number = client.register_schema(f"{topic}-value", Schema(json.dumps(newer), "AVRO"))
        value = {
            **city.wire.decode(topic, city.records("cctv.detection")[0].value or b""),
            "thumb": b"\xff\xd8",
        }
        value["event_id"] = "newer"
        producer = Producer({"bootstrap.servers": cluster.kafka})
        producer.produce(topic, frame(number, RowCodec(newer).encode(value)), b"newer")
        producer.flush(30)
        by_rows, fast = plain_reader(city, "rows", with_kernels=False), fast_reader(city, "fast")
        theirs, ours = read_all(by_rows, 21), read_all(fast, 21)
        assert rows(ours) == rows(theirs)
        assert "newer" in {words.observation_id for words in ours.frames.texts(ours.seen.at).words()}
        assert "row by row" in caplog.text
        by_rows.close()
        fast.close()
    finally:
        city.remove()


def test_here_the_quick_ways_are_taken(city: LivingCity, caplog: pytest.LogCaptureFixture) -> None:
    opened = reader_opener(city.name, bootstrap=city.places.kafka, registry=city.wire.registry)("quick")
    assert isinstance(opened, FastReader)
    opened.close()
    EvidencePublisher(city.name, "quick", city.wire)
    assert not caplog.records


@pytest.mark.parametrize(
    ("what", "instead"),
    [
        ("aiokafka.protocol.fetch.FetchRequest_v11.API_VERSION", 999),  # a broker of another API version
        ("streams.match.native.unpack.STAMP", 8),
    ],
)
def test_where_record_batches_cannot_be_had_messages_are_read_with_the_same_kernels_and_it_is_said(
    city: LivingCity,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    what: str,
    instead: int,
) -> None:
    monkeypatch.setattr(what, instead)
    opened = reader_opener(city.name, bootstrap=city.places.kafka, registry=city.wire.registry)("objects")
    assert isinstance(opened, PlainReader)
    assert [record.message for record in caplog.records if "fast reader not available" in record.message]
    opened.subscribe(lambda places: dict.fromkeys(places, 0), lambda: None, lambda: None)
    batch = None
    while batch is None:
        batch = opened.read(1.0, lambda: SIEVE)
    assert isinstance(batch.frames, KernelFrames)
    opened.close()


def test_where_the_kernels_do_not_prove_themselves_rows_are_taken_and_said(
    city: LivingCity, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("streams.match.worker.choice.fill", lambda seen, row, value, form: seen.lat.fill(1.0))
    opened = reader_opener(city.name, bootstrap=city.places.kafka, registry=city.wire.registry)("rows")
    assert isinstance(opened, PlainReader)
    assert "row by row" in caplog.text
    opened.close()


def test_the_comparison_notices_a_column_that_differs(city: LivingCity) -> None:
    reader = fast_reader(city, "again")
    try:
        batch = read_all(reader, 500)
        before = rows(batch)
        batch.seen.lat[:] = np.nan
        assert rows(batch) != before
    finally:
        reader.close()
