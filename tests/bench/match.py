"""A backlog of detections held against open watches by a real match worker, exactly once, on one core.

The worker is ``bongsu run CITY --stage match`` as operators start it, pinned to the last core; Kafka is on the others.
A run is void unless the evidence under ``read_committed`` is what a plain search finds, each once.
"""

from __future__ import annotations

import json
import os
import platform as machine
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import numpy as np
import psutil
import pyarrow as pa
import pyruhvro
from confluent_kafka import ConsumerGroupTopicPartitions, Producer
from confluent_kafka.admin import AdminClient

from deploy.platform import Platform
from deploy.stages import free_port
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue, topic_name
from schemas.columns import ColumnCodec
from schemas.errors import Fatal
from schemas.event import Event
from schemas.framing import frame
from schemas.rows import plain
from streams.geo import EARTH_RADIUS_M
from streams.runtime.kafka import read_whole, transactional_producer
from streams.runtime.transaction import transaction

SIDE_M, RADIUS_M = 200_000.0, 500.0
LAT, LON = 36.0, 127.0
LABELS = ("person", "car", "truck", "smoke")
CAMERAS, PARTITIONS, CHUNK = 50_000, 4, 200_000
EVENTS_A_SECOND = 40_000
READY_S, DONE_S, LOOK_S = 60.0, 300.0, 0.02
CITY = """
name = "{name}"
timezone = "Etc/UTC"
law = "kr"
[bounds]
south = 35
west = 126
north = 39
east = 131
[match]
look_back_s = {look_back_s}
per_second_max = 10000
"""


@dataclass(frozen=True, slots=True)
class Load:
    detections: int = 6_000_000
    watches: int = 2_000
    seed: int = 1
    look_back_s: int = 0


@dataclass(slots=True)
class Figures:
    """Of each run: events a second from the assignment to the last commit, and in the second half; CPU µs an event."""

    rates: list[float] = field(default_factory=list)
    second_halves: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    cpu_us_late: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    matches: int = 0


@dataclass(frozen=True, slots=True)
class Ground:
    """What was published: places in degrees and the number of each label, detection by detection; the watches."""

    city: str
    lat: np.ndarray[Any, Any]
    lon: np.ndarray[Any, Any]
    label: np.ndarray[Any, Any]
    watch_lat: np.ndarray[Any, Any]
    watch_lon: np.ndarray[Any, Any]
    watch_label: np.ndarray[Any, Any]


def measure(platform: Platform, load: Load, runs: int, tell: Any = lambda _: None) -> Figures:
    """The same backlog *runs* times, by a new group each time. ``Fatal`` when the evidence is not the oracle's."""
    figures = Figures()
    city = f"bench-{uuid4().hex[:8]}"
    ensure_topics(platform.kafka, [city])
    try:
        tell("publishing the backlog")
        ground = publish(platform, city, load)
        tell("searching plainly")
        wanted = oracle(ground)
        figures.matches = len(wanted)
        for number in range(runs):
            tell(f"run {number + 1} of {runs}")
            _run(platform, ground, load, figures)
            _verify(platform, city, wanted)
            _forget(platform, city)
    finally:
        _remove(platform, city)
    return figures


def publish(platform: Platform, city: str, load: Load) -> Ground:
    chance = np.random.default_rng(load.seed)
    reach_lat = np.degrees(SIDE_M / EARTH_RADIUS_M)
    reach_lon = reach_lat / np.cos(np.radians(LAT + reach_lat / 2))
    lat, lon = (
        start + chance.random(load.detections) * reach
        for start, reach in ((LAT, reach_lat), (LON, reach_lon))
    )
    label = chance.integers(0, len(LABELS), load.detections)
    w_lat, w_lon = (
        start + chance.random(load.watches) * reach for start, reach in ((LAT, reach_lat), (LON, reach_lon))
    )
    w_label = chance.integers(0, len(LABELS), load.watches)
    ground = Ground(city, lat, lon, label, w_lat, w_lon, w_label)
    base_ms = int(time.time() * 1000) - 3_600_000
    _publish_watches(platform, ground, base_ms)
    topic = topic_name(city, "cctv.detection")
    schema_id = platform.wire.registry.id_of(topic, load_catalogue()["cctv.detection"])
    producer = Producer(
        {
            "bootstrap.servers": platform.kafka,
            "compression.type": "lz4",
            "linger.ms": 20,
            "queue.buffering.max.messages": 1_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
        }
    )
    for first in range(0, load.detections, CHUNK):
        rows = range(first, min(first + CHUNK, load.detections))
        for number, payload in zip(rows, _payloads(ground, rows, base_ms), strict=True):
            while True:
                try:
                    producer.produce(
                        topic, frame(schema_id, payload), b"cam-%d" % (number % CAMERAS), number % PARTITIONS
                    )
                except BufferError:
                    producer.poll(0.1)
                else:
                    break
            if number % 1000 == 0:
                producer.poll(0)
    producer.flush(60)
    return ground


def _payloads(ground: Ground, rows: range, base_ms: int) -> list[bytes]:
    """Avro of the catalogue's detection, by columns."""
    contract = load_catalogue()["cctv.detection"]
    numbers = np.arange(rows.start, rows.stop)
    count, part = len(rows), slice(rows.start, rows.stop)
    times = pa.array(base_ms + numbers * 1000 // EVENTS_A_SECOND, pa.int64())
    codec = ColumnCodec(contract.newest)
    nothing = {
        name: pa.nulls(count, codec.schema.field(name).type)
        for name in ("event_time_accuracy_s", "label_text", "speed_mps")
    }
    place = pa.StructArray.from_arrays(
        [pa.array(ground.lat[part]), pa.array(ground.lon[part]), pa.nulls(count, pa.float32())],
        fields=list(codec.schema.field("position").type),
    )
    shares = pa.array(np.full(count, 0.25, np.float32))
    box = pa.StructArray.from_arrays([shares] * 4, fields=list(codec.schema.field("bounding_box").type))
    columns = {
        "event_id": _hex(numbers),
        "city": pa.array([ground.city] * count),
        "source": pa.array(["bench"] * count),
        "event_time": times,
        "received_time": times,
        "position": place,
        "camera_id": pa.array([f"cam-{number % CAMERAS}" for number in rows]),
        "track_id": pa.array([str(number % 1_000) for number in rows]),
        "label": pa.array(LABELS).take(pa.array(ground.label[part])),
        "confidence": pa.array(np.full(count, 0.75, np.float32)),
        "bounding_box": box,
        "position_source": pa.array(["analytics"] * count),
        "ended": pa.array(np.zeros(count, bool)),
        "classes": pa.array([[]] * count, codec.schema.field("classes").type),
        "attributes": pa.array([[]] * count, codec.schema.field("attributes").type),
        **nothing,
    }
    batch = pa.RecordBatch.from_arrays([columns[name] for name in codec.schema.names], schema=codec.schema)
    (encoded,) = pyruhvro.serialize_record_batch(batch, json.dumps(plain(contract.newest)), 1)
    return [bytes(one) for one in encoded.to_pylist()]


def _hex(numbers: np.ndarray[Any, Any]) -> pa.Array:
    """32 hexadecimal digits each."""
    return pa.array([f"{number:032x}" for number in numbers.tolist()])


def _publish_watches(platform: Platform, ground: Ground, base_ms: int) -> None:
    producer = transactional_producer(platform.kafka, f"{ground.city}.bench")
    with transaction(producer, platform.wire, ground.city) as outbox:
        for number in range(len(ground.watch_lat)):
            outbox.put(_watch(ground, number, base_ms))


def _watch(ground: Ground, number: int, base_ms: int) -> Event:
    value = {
        "event_id": f"w{number}",
        "city": ground.city,
        "source": "bench",
        "event_time": base_ms,
        "event_time_accuracy_s": None,
        "received_time": base_ms,
        "position": None,
        "watch_id": f"w{number}",
        "revision": 1,
        "situation_id": f"s{number}",
        "kind": "incident",
        "shape": "disc",
        "event": "seen",
        "centre": {"lat": float(ground.watch_lat[number]), "lon": float(ground.watch_lon[number])},
        "radius_m": RADIUS_M,
        "polygon": [],
        "hysteresis_m": 0.0,
        "topics": ["cctv.detection"],
        "labels": [LABELS[ground.watch_label[number]]],
        "tokens": [],
        "min_confidence": None,
        "opens_at": base_ms - 1,
        "closes_at": None,
        "since": base_ms,
        "per_second_max": 10_000,
        "purpose": "fire-safety",
        "rule": None,
        "rule_version": None,
    }
    return Event("core.watch", f"w{number}", value)


def oracle(ground: Ground) -> set[tuple[str, int]]:
    """(watch, detection) of every match: all detections of a watch's latitudes, one by one."""
    order = np.argsort(ground.lat)
    lat, lon, label = ground.lat[order], ground.lon[order], ground.label[order]
    reach = np.degrees(RADIUS_M / EARTH_RADIUS_M) * 1.001
    found: set[tuple[str, int]] = set()
    for number, (at, across) in enumerate(zip(ground.watch_lat, ground.watch_lon, strict=True)):
        first, last = np.searchsorted(lat, [at - reach, at + reach])
        near = slice(first, last)
        d_lat, d_lon = np.radians(lat[near] - at), np.radians(lon[near] - across)
        chord = (
            np.sin(d_lat / 2) ** 2
            + np.cos(np.radians(at)) * np.cos(np.radians(lat[near])) * np.sin(d_lon / 2) ** 2
        )
        metres = np.round(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(chord)), 3)
        hits = np.flatnonzero((metres <= RADIUS_M) & (label[near] == ground.watch_label[number]))
        found.update((f"w{number}", int(one)) for one in order[near][hits])
    return found


def _run(platform: Platform, ground: Ground, load: Load, figures: Figures) -> None:
    with _worker(platform, ground.city, load) as (process, port):
        begun = time.monotonic()
        _await(lambda: _answers(port, "/readyz"), READY_S, process)
        ready = time.monotonic()
        cpu = _cpu_s(process)
        half_at = first_at = 0.0
        admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
        while True:
            done = _committed(admin, ground.city)
            now = time.monotonic()
            first_at = first_at or (now if done else 0.0)
            half_at = half_at or (now if done >= load.detections / 2 else 0.0)
            if half_at == now:
                half_done, half_cpu = done, _cpu_s(process)
            if done >= load.detections:
                break
            if now - ready > DONE_S or process.poll() is not None:
                raise Fatal(f"void: {done} of {load.detections} were read")
            time.sleep(LOOK_S)
        figures.rates.append(load.detections / (now - ready))
        figures.second_halves.append((load.detections - half_done) / max(1e-3, now - half_at))
        figures.cpu_us.append((_cpu_s(process) - cpu) / load.detections * 1e6)
        late = load.detections - half_done
        figures.cpu_us_late.append((_cpu_s(process) - half_cpu) / max(1, late) * 1e6)
        figures.rss_mb.append(psutil.Process(process.pid).memory_info().rss / 1e6)
        figures.first_s.append(first_at - begun)


def _committed(admin: AdminClient, city: str) -> int:
    asked = [ConsumerGroupTopicPartitions(f"{city}.match")]
    (future,) = admin.list_consumer_group_offsets(asked).values()
    topic = topic_name(city, "cctv.detection")
    return sum(max(0, one.offset) for one in future.result().topic_partitions if one.topic == topic)


def _verify(platform: Platform, city: str, wanted: set[tuple[str, int]]) -> None:
    topic = topic_name(city, "core.evidence")
    codec = ColumnCodec(load_catalogue()["core.evidence"].newest)
    payloads = [record.value[5:] for record in read_whole(platform.kafka, [topic]) if record.value]
    columns = codec.decode(payloads)
    batch = columns.batch
    told = list(
        zip(
            batch.column("watch_id").to_pylist(),
            (int(one, 16) for one in batch.column("observation_id").to_pylist()),
            strict=True,
        )
    )
    if columns.aside or len(told) != len(set(told)) or set(told) != wanted:
        raise Fatal(
            f"void: {len(told)} matches were told, {len(set(told) & wanted)} of them of {len(wanted)}"
        )


@contextmanager
def _worker(platform: Platform, city: str, load: Load) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "city.toml"
        file.write_text(CITY.format(name=city, look_back_s=load.look_back_s))
        words = ["run", str(file), "--stage", "match", "--quiet", "--web-port", str(port)]
        environment = {**os.environ, **platform.endpoints.as_environment(), "BONGSU_HOME": folder}
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", *words], env=environment, start_new_session=True
        )
        try:
            cores = sorted(psutil.Process().cpu_affinity() or [])
            if len(cores) > 1:
                psutil.Process(process.pid).cpu_affinity(cores[-1:])
            yield process, port
        finally:
            process.terminate()
            process.wait()


def _forget(platform: Platform, city: str) -> None:
    """Ready for the next run: no offsets, no evidence."""
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    for future in admin.delete_consumer_groups([f"{city}.match"]).values():
        future.result()
    for future in admin.delete_topics([topic_name(city, "core.evidence")]).values():
        future.result()
    _await(lambda: topic_name(city, "core.evidence") not in admin.list_topics(timeout=10).topics, 30)
    ensure_topics(platform.kafka, [city])


def _remove(platform: Platform, city: str) -> None:
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    topics = [one for one in admin.list_topics(timeout=10).topics if one.startswith(f"{city}.")]
    for future in admin.delete_topics(topics).values():
        future.result()


def _answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _await(is_so: Any, seconds: float, process: subprocess.Popen[bytes] | None = None) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until or (process is not None and process.poll() is not None):
            raise Fatal(f"not so within {seconds:.0f} s")
        time.sleep(LOOK_S)


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def surroundings(load: Load) -> dict[str, Any]:
    """What stands beside the figures."""
    return {
        "benchmark": "match",
        "detections": load.detections,
        "watches": load.watches,
        "look_back_s": load.look_back_s,
        "seed": load.seed,
        "machine": f"{os.cpu_count()} cores, Python {machine.python_version()}, load {os.getloadavg()[0]:.1f}",
    }


def shown(figures: Figures) -> dict[str, Any]:
    def told(values: list[float], digits: int = 0) -> str:
        return f"{round(median(values), digits)} ({round(min(values), digits)}–{round(max(values), digits)})"

    return {
        "matches": figures.matches,
        "events_per_s": told(figures.rates),
        "second_half": told(figures.second_halves),
        "cpu_us_per_event": told(figures.cpu_us, 3),
        "cpu_us_per_event_second_half": told(figures.cpu_us_late, 3),
        "rss_mb": told(figures.rss_mb),
        "start_to_first_commit_s": told(figures.first_s, 1),
    }
