"""Two cities on one cluster: what of one is in the other's topics, and whether a latency is as it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from connectors.base import Heard
from connectors.simulation.chance import moved
from deploy.assembly.ingest import ingest_of
from deploy.city.city import City
from deploy.platform import Platform
from schemas.catalogue import topic_name
from streams.runtime.records import Record
from tests.bench.latency import REPORTERS, Reports, Subscriber, event_id_of, percentile

P50_FACTOR, P50_MORE_MS = 1.5, 15.0
P99_FACTOR, P99_MORE_MS = 2.0, 100.0
"""The latency is as it was while the median is at most 1.5 times what it was and 15 ms, and the p99 twice and 100 ms: what
the same load gives twice on a machine that does other work, too."""

ANSWER_S = 20.0
SPREAD_M = 9_000.0


def strays(
    records: Iterable[tuple[Record, Mapping[str, Any] | None]],
    names: Sequence[str],
    *,
    parts: Collection[str] = (),
) -> list[str]:
    """The records in a topic of one city of *names* that speak of another. *records*: each with its decoded value.

    A topic's prefix, the value's ``city`` and every byte of key, headers and value must agree, and no key is of two cities.
    *parts*: contracts whose keys are names of a city's parts (``clock``), which every city has.
    """
    found: list[str] = []
    keys: dict[bytes, str] = {}
    for record, value in records:
        owner, contract = record.topic.split(".", 1)
        where = f"{record.topic} {record.partition} {record.offset}"
        if owner not in names:
            found.append(f"{where}: no topic of these cities")
            continue
        if value is not None and value.get("city", owner) != owner:
            found.append(f"{where}: city {value['city']}")
        held = b"\0".join([record.key or b"", record.value or b"", *record.headers.values()])
        found += [f"{where}: speaks of {one}" for one in names if one != owner and one.encode() in held]
        key = record.key or b""
        if contract not in parts and keys.setdefault(key, owner) != owner:
            found.append(f"{where}: a key of {keys[key]}")
    return found


def as_it_was(before_ms: Sequence[float], now_ms: Sequence[float]) -> list[str]:
    """The percentiles of *now_ms* that are worse than those of *before_ms* by more than the tolerance."""
    found = []
    for percent, factor, more in ((50, P50_FACTOR, P50_MORE_MS), (99, P99_FACTOR, P99_MORE_MS)):
        before, now = percentile(before_ms, percent), percentile(now_ms, percent)
        if now > before * factor + more:
            found.append(f"p{percent} {now:.0f} ms, was {before:.0f} ms")
    return found


def figures(values_ms: Sequence[float]) -> str:
    """Count, median and p99, for a line of output."""
    return f"{len(values_ms)} reports, p50 {percentile(values_ms, 50):.0f} ms, p99 {percentile(values_ms, 99):.0f} ms"


@dataclass(slots=True)
class Reporting:
    """Reports of two agencies to *city*, at a rate, with the latency from each one's scheduled time to its situation.

    Every city that reports so has the same agencies, kinds and case numbers.
    """

    city: City
    source: str
    platform: Platform
    at: tuple[float, float]
    subscriber: Subscriber = field(init=False)
    due_s: dict[int, float] = field(default_factory=dict)
    _number: int = 0

    def __post_init__(self) -> None:
        self.subscriber = Subscriber(self.platform.kafka, topic_name(self.city.name, "core.situation"))
        threading.Thread(target=self.subscriber.run, daemon=True).start()

    def send(self, seconds: float, per_s: float) -> list[int]:
        """Publish on schedule for *seconds*; return the reports' numbers."""
        reader = Reports(self.city, self.source)
        ingest = ingest_of(self.city, self.platform, self.source, reader)
        ingest.open()
        begun_s, sent = time.perf_counter(), []
        for step in range(round(seconds * per_s)):
            self.due_s[self._number] = begun_s + step / per_s
            time.sleep(max(0.0, self.due_s[self._number] - time.perf_counter()))
            ingest.take(Heard(self._body(self._number), at_ms=time.time_ns() // 1_000_000), played=False)
            sent.append(self._number)
            self._number += 1
        return sent

    def answered_ms(self, numbers: Sequence[int]) -> list[float]:
        """The latencies of *numbers*; fails where one has no situation in time."""
        ids = {number: event_id_of(self.city, number) for number in numbers}
        deadline_s = time.perf_counter() + ANSWER_S
        while not set(ids.values()) <= self.subscriber.seen_s.keys() and time.perf_counter() < deadline_s:
            time.sleep(0.05)
        missing = [number for number, one in ids.items() if one not in self.subscriber.seen_s]
        assert not missing, f"{self.city.name}: {len(missing)} of {len(ids)} reports led to no situation"
        return [(self.subscriber.seen_s[one] - self.due_s[number]) * 1000 for number, one in ids.items()]

    def _body(self, number: int) -> bytes:
        topic, agency, kind = REPORTERS[number % len(REPORTERS)]
        chance = Random(number // len(REPORTERS))  # both agencies report one happening
        north, east = (chance.uniform(-SPREAD_M, SPREAD_M) for _ in range(2))
        lat, lon = moved(*self.at, north_m=north, east_m=east)
        says = {"number": number, "topic": topic, "agency": agency, "kind": kind}
        return orjson.dumps({**says, "lat": lat, "lon": lon})
