"""The load of the match's benchmarks: detections in Kafka, open watches, and the expected matches by a plain search.

Four loads. ``ingest``: discs, places at random, the log as ingest writes it: every field, three headers, a transaction for
each 2,000 events. ``lean``: the same with the ten fields that this load fills, without headers and transactions. ``hot``: as
``lean``, with discs, polygons and fences, half of all detections in one place. ``all``: as ``lean``, but three writers'
schemas in one topic and one unreadable record in a thousand.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyruhvro
from confluent_kafka import Producer

from deploy.platform import Platform
from schemas.catalogue import Schema, load_catalogue, topic_name
from schemas.event import Event
from schemas.framing import frame
from schemas.rows import plain
from streams.geo import EARTH_RADIUS_M
from streams.runtime.kafka import transactional_producer
from streams.runtime.records import Headers, headers_of
from streams.runtime.transaction import transaction

CONTRACT = "cctv.detection"
TEN = (
    "event_id",
    "city",
    "source",
    "event_time",
    "received_time",
    "position",
    "camera_id",
    "track_id",
    "label",
    "confidence",
)
"""The contract's fields that the usual load fills."""
SIDE_M, RADIUS_M, HOT_M = 200_000.0, 500.0, 100.0
LAT, LON = 36.0, 127.0
LABELS = ("person", "car", "truck", "smoke")
HOT_SHARE = 0.03
"""The share of smoke among the detections in the hot place; the watches there want only smoke."""
CAMERAS, PARTITIONS, CHUNK = 50_000, 4, 200_000
TAKEN = 2_000
"""Events of a transaction of ingest."""
EMPTY = {"bool": False, "string": ""}
BAD_EACH = 1_000
PER_SECOND_MAX = 10_000
BAD = (b"", b"\1not a frame", b"\0\0\0\0\0", b"\0\x7f\xff\xff\xffnobody's schema", None)

Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Load:
    """*name*: ``ingest``, ``lean``, ``hot`` or ``all``. *a_second*: detections in a second of event time."""

    name: str = "ingest"
    detections: int = 6_000_000
    watches: int = 2_000
    seed: int = 1
    look_back_s: int = 0
    a_second: int = 40_000

    @property
    def bad(self) -> int:
        """The number of unreadable records beside the detections."""
        return self.detections // BAD_EACH if self.name == "all" else 0


@dataclass(frozen=True, slots=True)
class Ground:
    """Of each detection its place in degrees and its label's number; of each watch the same, and its shape."""

    city: str
    load: Load
    base_ms: int
    lat: Floats
    lon: Floats
    label: np.ndarray[Any, Any]
    watch_lat: Floats
    watch_lon: Floats
    watch_label: np.ndarray[Any, Any]

    def shape(self, number: int) -> str:
        return "disc" if self.load.name != "hot" else ("disc", "polygon", "fence")[number % 3]

    def corners(self, number: int) -> list[tuple[float, float]]:
        """The diamond within the disc of watch *number*."""
        lat, lon = float(self.watch_lat[number]), float(self.watch_lon[number])
        up = float(np.degrees(RADIUS_M / EARTH_RADIUS_M))
        across = up / float(np.cos(np.radians(lat)))
        return [(lat + up, lon), (lat, lon + across), (lat - up, lon), (lat, lon - across)]


def ground(city: str, load: Load) -> Ground:
    chance = np.random.default_rng(load.seed)
    lat, lon = _places(chance, load.detections)
    label = chance.integers(0, len(LABELS), load.detections)
    watch_lat, watch_lon = _places(chance, load.watches)
    watch_label = chance.integers(0, len(LABELS), load.watches)
    if load.name == "hot":
        watch_lat[0], watch_lon[0], watch_label[0] = LAT + 0.9, LON + 0.9, LABELS.index("smoke")
        hot = np.flatnonzero(chance.random(load.detections) < 0.5)
        reach = np.degrees(HOT_M / EARTH_RADIUS_M)
        lat[hot] = watch_lat[0] + (chance.random(len(hot)) - 0.5) * reach
        lon[hot] = watch_lon[0] + (chance.random(len(hot)) - 0.5) * reach
        label[hot] = np.where(chance.random(len(hot)) < HOT_SHARE, watch_label[0], 0)
    base_ms = int(time.time() * 1000) - 3_600_000
    return Ground(city, load, base_ms, lat, lon, label, watch_lat, watch_lon, watch_label)


def _places(chance: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    reach_lat = np.degrees(SIDE_M / EARTH_RADIUS_M)
    reach_lon = reach_lat / np.cos(np.radians(LAT + reach_lat / 2))
    return LAT + chance.random(count) * reach_lat, LON + chance.random(count) * reach_lon


# -- to Kafka ------------------------------------------------------------------------------------------------


def publish_watches(platform: Platform, there: Ground) -> None:
    producer = transactional_producer(platform.kafka, f"{there.city}.bench")
    with transaction(producer, platform.wire, there.city) as outbox:
        for number in range(there.load.watches):
            outbox.put(watch(there, number))


def publish(platform: Platform, there: Ground) -> None:
    """Publish the watches, then all detections, round robin over the partitions."""
    publish_watches(platform, there)
    topic = topic_name(there.city, CONTRACT)
    if there.load.name == "ingest":
        publish_as_ingest(platform, there)
        return
    sending = sender(platform.kafka)
    for count, (value, camera, partition) in enumerate(records(platform, there)):
        put(sending, topic, value, camera, partition)
        if there.load.bad and count % BAD_EACH == 0:
            put(sending, topic, BAD[count // BAD_EACH % len(BAD)], b"bad", partition)
    sending.flush(60)


def publish_as_ingest(platform: Platform, there: Ground) -> None:
    """Publish all detections as ingest writes them: by its producer, with its headers, in its transactions."""
    topic = topic_name(there.city, CONTRACT)
    producer = transactional_producer(platform.kafka, f"{there.city}.ingest.bench")
    producer.begin_transaction()
    for number, (value, camera, partition) in enumerate(records(platform, there)):
        if number and number % TAKEN == 0:
            producer.commit_transaction()
            producer.begin_transaction()
        producer.produce(topic, value, camera, partition, headers=headers_as_ingest(there, number))
    producer.commit_transaction()


def headers_as_ingest(there: Ground, number: int) -> Headers:
    at_ms = there.base_ms + number * 1000 // there.load.a_second
    value = {"event_id": f"{number:032x}", "event_time": at_ms, "city": there.city, "source": "bench"}
    return headers_of(Event(CONTRACT, "", value), topic=topic_name(there.city, CONTRACT))


def sender(kafka: str) -> Producer:
    return Producer(
        {
            "bootstrap.servers": kafka,
            "compression.type": "lz4",
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
        }
    )


def put(sending: Producer, topic: str, value: bytes | None, key: bytes, partition: int) -> None:
    while True:
        try:
            sending.produce(topic, value, key, partition)
        except BufferError:
            sending.poll(0.1)
        else:
            return


def records(platform: Platform, there: Ground) -> Iterator[tuple[bytes, bytes, int]]:
    """(value, camera, partition) of each detection."""
    written = writers(platform, there)
    for first in range(0, there.load.detections, CHUNK):
        rows = range(first, min(first + CHUNK, there.load.detections))
        schema_id, schema = written[first // CHUNK % len(written)]
        for number, payload in zip(rows, payloads(there, rows, schema), strict=True):
            yield frame(schema_id, payload), b"cam-%d" % (number % CAMERAS), number % PARTITIONS


def writers(platform: Platform, there: Ground) -> list[tuple[int, Schema]]:
    """The writers' schemas, used by turns, with their ids: the contract, and two later versions, the last unknown here."""
    contract = load_catalogue()[CONTRACT]
    if there.load.name == "ingest":
        topic = topic_name(there.city, CONTRACT)
        return [(platform.wire.registry.register(topic, contract), contract.newest)]
    longer = {"name": "remark", "type": ["null", "string"], "default": None}
    later = [(), ("speed_mps",), ("speed_mps", "label_text")]
    written = [
        {
            **contract.newest,
            "fields": [one for one in contract.newest["fields"] if one["name"] in (*TEN, *more)],
        }
        for more in (later if there.load.name == "all" else later[:1])
    ]
    if there.load.name == "all":
        written[-1]["fields"].append(longer)
    topic, registry = topic_name(there.city, CONTRACT), platform.wire.registry
    return [(registry.register(topic, replace(contract, versions=(one,))), one) for one in written]


def payloads(there: Ground, rows: range, schema: Schema) -> list[bytes]:
    """The rows as Avro payloads of *schema*."""
    numbers = np.arange(rows.start, rows.stop)
    count, part = len(rows), slice(rows.start, rows.stop)
    times = pa.array(there.base_ms + numbers * 1000 // there.load.a_second, pa.int64())
    text = json.dumps(plain(schema))
    shape = pyruhvro.deserialize_array([], text).schema
    fields = {name: shape.field(name) for name in shape.names}
    place = pa.StructArray.from_arrays(
        [pa.array(there.lat[part]), pa.array(there.lon[part]), pa.nulls(count, pa.float32())],
        fields=list(fields["position"].type),
    )
    columns = {
        "event_id": pa.array([f"{number:032x}" for number in numbers.tolist()]),
        "city": pa.array([there.city] * count),
        "source": pa.array(["bench"] * count),
        "event_time": times,
        "received_time": times,
        "position": place,
        "camera_id": pa.array([f"cam-{number % CAMERAS}" for number in rows]),
        "track_id": pa.array([str(number % 1_000) for number in rows]),
        "label": pa.array(LABELS).take(pa.array(there.label[part])),
        "confidence": pa.array(np.full(count, 0.75, np.float32)),
    }
    columns |= {
        name: pa.nulls(count, one.type)
        if one.nullable
        else pa.array([EMPTY.get(str(one.type), [])] * count, one.type)
        for name, one in fields.items()
        if name not in columns
    }
    batch = pa.RecordBatch.from_arrays([columns[name] for name in fields], schema=shape)
    (encoded,) = pyruhvro.serialize_record_batch(batch, text, 1)
    return [bytes(one) for one in encoded.to_pylist()]


def watch(there: Ground, number: int) -> Event:
    shape, base_ms = there.shape(number), there.base_ms
    centre = {"lat": float(there.watch_lat[number]), "lon": float(there.watch_lon[number])}
    corners = [{"lat": lat, "lon": lon} for lat, lon in there.corners(number)]
    value = {
        "event_id": f"w{number}",
        "city": there.city,
        "source": "bench",
        "event_time": base_ms,
        "event_time_accuracy_s": None,
        "received_time": base_ms,
        "position": None,
        "watch_id": f"w{number}",
        "revision": 1,
        "situation_id": f"s{number}",
        "kind": "incident",
        "shape": "disc" if shape == "disc" else "polygon",
        "event": "entered" if shape == "fence" else "seen",
        "centre": centre if shape == "disc" else None,
        "radius_m": RADIUS_M if shape == "disc" else None,
        "polygon": [] if shape == "disc" else corners,
        "hysteresis_m": 0.0,
        "topics": [CONTRACT],
        "labels": [LABELS[there.watch_label[number]]],
        "tokens": [],
        "min_confidence": None,
        "opens_at": base_ms - 1,
        "closes_at": None,
        "since": base_ms,
        "per_second_max": PER_SECOND_MAX,
        "purpose": "fire-safety",
        "rule": None,
        "rule_version": None,
        "areas": [],
        "floor": None,
        "ceiling": None,
        "windows": [],
        "inside": [],
        "tell_inside_every_s": None,
    }
    return Event("core.watch", f"w{number}", value)


# -- expected matches ----------------------------------------------------------------------------------------


def oracle(there: Ground) -> set[tuple[str, int]]:
    """(watch, detection) of every match: all detections in a watch's band of latitude are tried, one by one."""
    order = np.argsort(there.lat)
    lat, lon, label = there.lat[order], there.lon[order], there.label[order]
    reach = np.degrees(RADIUS_M / EARTH_RADIUS_M) * 1.001
    found: set[tuple[str, int]] = set()
    for number, at in enumerate(there.watch_lat):
        first, last = np.searchsorted(lat, [at - reach, at + reach])
        near = slice(first, last)
        if there.shape(number) == "disc":
            inside = _in_disc(at, there.watch_lon[number], lat[near], lon[near])
        else:
            inside = _in_diamond(there.corners(number), lat[near], lon[near])
        fits = label[near] == there.watch_label[number]
        hits = np.sort(order[near][inside & fits]).tolist()
        if there.shape(number) == "fence":
            hits = list(_entered(there, number, hits))
        found.update((f"w{number}", one) for one in hits)
    return found


def _in_disc(at: float, across: float, lat: Floats, lon: Floats) -> np.ndarray[Any, Any]:
    d_lat, d_lon = np.radians(lat - at), np.radians(lon - across)
    chord = np.sin(d_lat / 2) ** 2 + np.cos(np.radians(at)) * np.cos(np.radians(lat)) * np.sin(d_lon / 2) ** 2
    metres: Floats = np.round(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(chord)), 3)
    return metres <= RADIUS_M


def _in_diamond(corners: Sequence[tuple[float, float]], lat: Floats, lon: Floats) -> np.ndarray[Any, Any]:
    """Whether each place is on the same side of all four edges."""
    sides = [
        (lon2 - lon1) * (lat - lat1) - (lat2 - lat1) * (lon - lon1) > 0
        for (lat1, lon1), (lat2, lon2) in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]
    inside: np.ndarray[Any, Any] = np.all(sides, axis=0) | ~np.any(sides, axis=0)
    return inside


def _entered(there: Ground, number: int, hits: Sequence[int]) -> Iterator[int]:
    """The sights inside a fence whose object was outside when it was last seen with the wanted label."""
    inside = set(hits)
    wanted = there.watch_label[number]
    for one in hits:
        before = one - CAMERAS  # the load repeats a camera with the same track, in the same partition
        while before >= 0 and there.label[before] != wanted:
            before -= CAMERAS
        if before not in inside:
            yield one
