"""From a report being accepted to a subscriber reading its camera grants, with real Kafka and all transactions on.

Open loop: reports come at their scheduled times whether or not the last one is through, and each latency counts
from the scheduled time. A report counts as answered when the last of its grants has been read with read_committed.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import orjson
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.base import Heard, Place, Reading
from connectors.simulation.chance import METRES_PER_DEGREE, moved
from deploy.assembly.child import worker_running
from deploy.assembly.ingest import ingest_of
from deploy.city.city import City, load_city
from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from schemas.event import Event, derived_id
from streams.ingest.ingest import Ingest
from streams.runtime.kafka import partitions_of, reader
from streams.runtime.records import Record, record_of
from tests.bench.machine import described

WARM_UP_S = 10.0
FIRST_ANSWER_S = 60.0
LAST_ANSWER_S = 10.0
P50_TARGET_MS, P99_TARGET_MS = 30.0, 100.0
CITY = """\
name = "{name}"
timezone = "Etc/UTC"
law = "us"

[bounds] # a square on the equator: a degree is as long in both directions
south = 0
west = 0
north = {side_deg}
east = {side_deg}

[[source]]
name = "reports"
type = "generated_cameras" # read by the benchmark's own reader
live = false

[[source]]
name = "cameras"
type = "generated_cameras"
reference = true
seed = {seed}
count = {cameras}
"""
REPORTERS = (
    ("fire.incident", "Fire Department", "crash.vehicle"),
    ("police.incident", "Police Department", "crash.minor"),
)
"""The two agencies. Each reports every happening: half of all reports open a situation, half join one."""
APART_M, MARGIN_M = 400.0, 500.0
CAMERAS_PER_KM2 = 30


@dataclass(frozen=True, slots=True)
class Load:
    """The load: *rate* reports a second for *seconds*, each happening *APART_M* metres from all others."""

    rate: float = 20.0
    seconds: float = 60.0
    seed: int = 1

    @property
    def reports(self) -> int:
        return round(self.rate * (WARM_UP_S + self.seconds))

    @property
    def happenings_a_side(self) -> int:
        return math.ceil(math.sqrt(self.reports / len(REPORTERS) + 1))

    @property
    def side_m(self) -> float:
        return self.happenings_a_side * APART_M + 2 * MARGIN_M

    @property
    def cameras(self) -> int:
        return round((self.side_m / 1000) ** 2 * CAMERAS_PER_KM2)

    def bodies(self) -> list[bytes]:
        """The agencies' reports, in order."""
        side = self.happenings_a_side
        places = list(range(side * side))
        Random(self.seed).shuffle(places)
        return [self._body(number, places[number // len(REPORTERS)]) for number in range(self.reports + 1)]

    def _body(self, number: int, place: int) -> bytes:
        topic, agency, kind = REPORTERS[number % len(REPORTERS)]
        row, column = divmod(place, self.happenings_a_side)
        says = {"number": number, "topic": topic, "agency": agency, "kind": kind}
        lat, lon = moved(0, 0, north_m=MARGIN_M + row * APART_M, east_m=MARGIN_M + column * APART_M)
        return orjson.dumps({**says, "lat": lat, "lon": lon})


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds from the scheduled time: until the ingest's commit came back, and until all grants were read."""

    reports: int
    grants: int
    accepted_ms: Sequence[float]
    readable_ms: Sequence[float]

    @property
    def meets_targets(self) -> bool:
        return (
            percentile(self.readable_ms, 50) <= P50_TARGET_MS
            and percentile(self.readable_ms, 99) <= P99_TARGET_MS
        )


class Reports:
    """A source of one report a body, in our own form."""

    def __init__(self, city: City, source: str = "reports") -> None:
        self._context = city.context(source)

    def read(self, heard: Heard, place: Place) -> Reading:
        said = orjson.loads(heard.body)
        incident_id = derived_id(self._context.city, said["number"])
        value = {
            "event_id": derived_id(incident_id, 1),
            "city": self._context.city,
            "source": self._context.source,
            "event_time": heard.at_ms,
            "event_time_accuracy_s": None,
            "received_time": heard.at_ms,
            "position": {"lat": said["lat"], "lon": said["lon"], "accuracy_m": None},
            "incident_id": incident_id,
            "agency": said["agency"],
            "agency_case_no": str(said["number"]),
            "kind": said["kind"],
            "kind_text": said["kind"],
            "priority": None,
            "status": "open",
            "units": [],
            "address": None,
            "revision": 1,
            "closed_reason": None,
        }
        return Reading([Event(said["topic"], incident_id, value)], {})


@dataclass(slots=True)
class Subscriber:
    """Reads ``core.grant`` as any subscriber would, and records when each report's last grant was readable.

    A grant has the trace id of its report, which is derived from the report's event id.
    """

    bootstrap: str
    topic: str
    seen_s: dict[str, float] = field(default_factory=dict)
    grants: list[tuple[str, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        consumer = reader(self.bootstrap, **{"enable.partition.eof": False})
        try:
            places = partitions_of(consumer, [self.topic])
            consumer.assign([TopicPartition(p.topic, p.partition, 0) for p in places])
            while not self._stop.is_set():
                message = consumer.poll(0.1)
                if message is not None and message.error() is None:
                    self._read(record_of(message), time.perf_counter())
        finally:
            consumer.close()

    def _read(self, record: Record, now_s: float) -> None:
        trace = (record.traceparent or b"--").decode().split("-")[1]
        self.seen_s[trace] = now_s
        self.grants.append((trace, record.headers["ce_id"].decode()))

    def stop(self) -> None:
        self._stop.set()


def measure(platform: Platform, load: Load) -> Figures:
    """One run. ``Fatal`` when a report was not answered, or a grant came twice: then no figure counts."""
    with _city(platform, load) as city:
        subscriber = Subscriber(platform.kafka, topic_name(city.name, "core.grant"))
        following = threading.Thread(target=subscriber.run, daemon=True)
        following.start()
        ingest = Ingest(city.context("reports"), Reports(city), bootstrap=platform.kafka, wire=platform.wire)
        ingest.open()
        with worker_running(city, "--only-stages") as check, _clock(platform, city):
            due_s, done_s = _send(city, ingest, load, subscriber, check)
        subscriber.stop()
        following.join(10)
    return _figures(city, load, subscriber, due_s, done_s)


def _send(
    city: City, ingest: Ingest, load: Load, subscriber: Subscriber, check: Callable[[], None]
) -> tuple[list[float], list[float]]:
    """Publish the load; return each report's scheduled time, and the time of the ingest's commit."""
    first, *others = load.bodies()
    _accept(ingest, first)
    _wait_for(lambda: bool(subscriber.seen_s), FIRST_ANSWER_S, check)
    due_s, done_s = [0.0], [0.0]
    begun_s = time.perf_counter()
    for number, body in enumerate(others, 1):
        due_s.append(begun_s + number / load.rate)
        time.sleep(max(0.0, due_s[-1] - time.perf_counter()))
        _accept(ingest, body)
        done_s.append(time.perf_counter())
    asked = {event_id_of(city, number) for number in range(1, len(due_s))}
    _wait_for(lambda: asked <= subscriber.seen_s.keys(), LAST_ANSWER_S, check)
    return due_s, done_s


def _accept(ingest: Ingest, body: bytes) -> None:
    ingest.take(Heard(body, at_ms=time.time_ns() // 1_000_000), played=False)


def event_id_of(city: City, number: int) -> str:
    return derived_id(derived_id(city.name, number), 1)


def _wait_for(is_so: Callable[[], bool], at_most_s: float, check: Callable[[], None]) -> None:
    """Wait until *is_so* or the deadline. The figures then show what is missing."""
    deadline_s = time.perf_counter() + at_most_s
    while not is_so() and time.perf_counter() < deadline_s:
        check()
        time.sleep(0.05)


def _figures(
    city: City, load: Load, subscriber: Subscriber, due_s: Sequence[float], done_s: Sequence[float]
) -> Figures:
    if len(set(subscriber.grants)) != len(subscriber.grants):
        raise Fatal("void: a grant was read twice")
    readable, accepted = [], []
    for number in range(1, len(due_s)):
        event_id = event_id_of(city, number)
        if event_id not in subscriber.seen_s:
            raise Fatal(f"void: report {number} of {len(due_s) - 1} led to no grant that could be read")
        if number > WARM_UP_S * load.rate:
            readable.append((subscriber.seen_s[event_id] - due_s[number]) * 1000)
            accepted.append((done_s[number] - due_s[number]) * 1000)
    return Figures(len(readable), len(subscriber.grants), accepted, readable)


@contextmanager
def _city(platform: Platform, load: Load) -> Iterator[City]:
    """A city of this run, with its topics and cameras; all removed at the end."""
    name = f"bench-{uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(prefix="bongsu-bench-") as folder:
        file = Path(folder) / f"{name}.toml"
        file.write_text(
            CITY.format(
                name=name, seed=load.seed, cameras=load.cameras, side_deg=load.side_m / METRES_PER_DEGREE
            ),
            encoding="utf-8",
        )
        city = load_city(str(file))
        ensure_topics(platform.kafka, [name])
        try:
            source = city.load("cameras")
            places = ingest_of(city, platform, "cameras", source)
            places.open()
            places.take(asyncio.run(source.poll({})), played=False)
            yield city
        finally:
            admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
            topics = [topic for topic in admin.list_topics(timeout=10).topics if topic.startswith(f"{name}.")]
            for future in admin.delete_topics(topics).values():
                future.result()


@contextmanager
def _clock(platform: Platform, city: City) -> Iterator[None]:
    """Publish a tick a second, as in every city."""
    stopping = threading.Event()
    ingest = ingest_of(city, platform, "clock", None)

    def tell() -> None:
        ingest.open()
        while not stopping.wait(1.0):
            ingest.tick(time.time_ns() // 1_000_000)

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(10)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that *percent* of all do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def surroundings(load: Load) -> Mapping[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        **described(),
        "seed": load.seed,
        "rate_per_s": load.rate,
        "seconds": load.seconds,
        "warm_up_s": WARM_UP_S,
        "cameras": load.cameras,
        "kafka": "one node, transactions on both hops, read_committed",
    }


def shown(figures: Figures) -> Mapping[str, Any]:
    def of(values: Sequence[float]) -> Mapping[str, float]:
        return {
            name: round(percentile(values, at), 1)
            for name, at in (("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100))
        }

    return {
        "reports": figures.reports,
        "grants": figures.grants,
        "accepted → committed by the ingest, ms": of(figures.accepted_ms),
        "accepted → grants readable, ms": of(figures.readable_ms),
    }
