"""Detections at a steady rate, whether the match follows or not: how far it falls behind, and what it holds in memory.

Open loop: a second's detections are due in that second; a publisher that cannot keep up says so. Void as ``bench match``
is.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any
from uuid import uuid4

import psutil
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from schemas.framing import frame
from tests.bench.match import answers, committed_of, remove, verify, wait_until, worker_of
from tests.bench.match_load import (
    CAMERAS,
    CONTRACT,
    PARTITIONS,
    Ground,
    Load,
    ground,
    oracle,
    payloads,
    publish_watches,
    sender,
    writers,
)

SLICES = 20
"""So many times a second detections go out."""
READY_S, DRAIN_S = 60.0, 60.0
MADE_BEFORE_MAX = 10_000_000
"""Beyond it a second's detections are encoded in the second before."""
WARM = 0.2
"""The first fifth is not looked at."""


@dataclass(slots=True)
class Figures:
    """Second by second: records behind, resident MB; and how late the publisher itself was at most, in seconds."""

    behind: list[int] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    filled_s: int = 0
    """So long the look back grows, as it is meant to."""
    publisher_late_s: float = 0.0
    drained_s: float = 0.0
    matches: int = 0


def measure(platform: Platform, load: Load, tell: Any = lambda _: None) -> Figures:
    there = ground(f"bench-{uuid4().hex[:8]}", load)
    ensure_topics(platform.kafka, [there.city])
    figures = Figures(filled_s=load.look_back_s)
    try:
        publish_watches(platform, there)
        gc.disable()  # millions of messages, made beforehand, are not to be looked through again and again
        with worker_of(platform, there, "") as (process, port, _):
            wait_until(lambda: answers(port, "/readyz"), READY_S, process)
            _flow(platform, there, psutil.Process(process.pid), figures, tell)
            wanted = oracle(there)
            verify(platform, there, wanted)
            figures.matches = len(wanted)
    finally:
        gc.enable()
        remove(platform, there.city)
    return figures


def _flow(platform: Platform, there: Ground, worker: psutil.Process, figures: Figures, tell: Any) -> None:
    rate, topic = there.load.a_second, topic_name(there.city, CONTRACT)
    admin, sending = (
        AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3}),
        sender(platform.kafka),
    )
    ahead = _seconds(platform, there)
    if there.load.detections <= MADE_BEFORE_MAX:
        tell("encoding all of it beforehand")
        ahead = iter(list(ahead))
    due, begun = next(ahead), time.monotonic()
    for second in range(there.load.detections // rate):
        _send(sending, topic, due, begun + second)
        figures.publisher_late_s = max(figures.publisher_late_s, time.monotonic() - begun - second - 1)
        figures.behind.append((second + 1) * rate - committed_of(admin, there.city))
        figures.rss_mb.append(worker.memory_info().rss / 1e6)
        due = next(ahead, [])
        if second % 30 == 0:
            tell(f"second {second}: {figures.behind[-1]} behind, {figures.rss_mb[-1]:.0f} MB")
    sending.flush(30)
    ended = time.monotonic()
    while committed_of(admin, there.city) < there.load.detections:
        if time.monotonic() - ended > DRAIN_S:
            raise Fatal("void: it does not come to its end")
        time.sleep(0.05)
    figures.drained_s = time.monotonic() - ended


def _seconds(platform: Platform, there: Ground) -> Iterator[list[dict[str, Any]]]:
    """What is due in each second, encoded, as the producer takes many."""
    ((schema_id, schema),) = writers(platform, there)
    rate = there.load.a_second
    for first in range(0, there.load.detections, rate):
        values = payloads(there, range(first, first + rate), schema)
        yield [
            {
                "value": frame(schema_id, one),
                "key": b"cam-%d" % (number % CAMERAS),
                "partition": number % PARTITIONS,
            }
            for number, one in enumerate(values, first)
        ]


def _send(sending: Producer, topic: str, due: Sequence[dict[str, Any]], at: float) -> None:
    for part in range(SLICES):
        wait_s = at + part / SLICES - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        slice_of = due[len(due) * part // SLICES : len(due) * (part + 1) // SLICES]
        if sending.produce_batch(topic, slice_of) != len(slice_of):
            raise Fatal("void: the publisher's own queue is full")
        sending.poll(0)


def shown(figures: Figures) -> dict[str, Any]:
    behind, rss = (every[int(len(every) * WARM) :] for every in (figures.behind, figures.rss_mb))
    half = len(behind) // 2
    rss = figures.rss_mb[max(figures.filled_s, len(figures.rss_mb) - len(rss)) :] or rss
    first, last = mean(rss[: max(1, len(rss) // 10)]), mean(rss[-max(1, len(rss) // 10) :])
    return {
        "matches": figures.matches,
        "behind_first_half": f"{mean(behind[:half]):.0f} (at most {max(behind[:half])})",
        "behind_second_half": f"{mean(behind[half:]):.0f} (at most {max(behind[half:])})",
        "drained_s": round(figures.drained_s, 2),
        "publisher_late_s": round(figures.publisher_late_s, 2),
        "rss_mb": f"{first:.0f} after warm-up, {last:.0f} at the end ({(last / first - 1) * 100:+.1f} %)",
    }
