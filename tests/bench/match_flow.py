"""Detections at a steady rate, also when the match falls behind: its lag, and its memory.

Open loop: a second's detections are due in that second; a publisher that cannot keep up reports that. A run is void as in
``bench match``.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from statistics import mean
from threading import Thread
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
from tests.bench.match import (
    answers,
    committed_of,
    look_back_of,
    offsets_of,
    remove,
    verify,
    wait_until,
    worker_of,
)
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
"""The number of times a second at which detections are published."""
READY_S, DRAIN_S = 60.0, 60.0
MADE_BEFORE_MAX = 10_000_000
"""The rate above which a second's detections are encoded in the second before."""
WARM = 0.2
"""The share of the run that is not evaluated, at its start."""


@dataclass(slots=True)
class Figures:
    """Second by second: records behind, resident MB; and the publisher's own greatest delay in seconds."""

    behind: list[int] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    filled_s: int = 0
    """The time in which the look-back index grows by design."""
    publisher_late_s: float = 0.0
    drained_s: float = 0.0
    matches: int = 0
    held_s: float = 0.0
    """The seconds that the first worker's look-back holds at the end."""
    dropped: float = 0.0
    moved_s: float | None = None
    """The time from the kill until all partitions are read again."""


def measure(platform: Platform, load: Load, tell: Any = lambda _: None, *, kill: bool = False) -> Figures:
    """Measure one run. *kill*: two workers, one of which is killed (-9) at half time."""
    there = ground(f"bench-{uuid4().hex[:8]}", load)
    ensure_topics(platform.kafka, [there.city])
    figures = Figures(filled_s=load.look_back_s)
    try:
        publish_watches(platform, there)
        gc.disable()  # keep the garbage collector from scanning millions of prepared messages again and again
        with ExitStack() as stack:
            workers, ports = [], []
            for _ in range(2 if kill else 1):
                process, port, _ = stack.enter_context(worker_of(platform, there, ""))
                wait_until(partial(answers, port, "/readyz"), READY_S, process)
                ports.append(port)
                workers.append(psutil.Process(process.pid))
            _flow(platform, there, workers, figures, tell)
            figures.held_s, figures.dropped = look_back_of(ports[0])
            wanted = oracle(there)
            verify(platform, there, wanted)
            figures.matches = len(wanted)
    finally:
        gc.enable()
        remove(platform, there.city)
    return figures


def _flow(
    platform: Platform, there: Ground, workers: Sequence[psutil.Process], figures: Figures, tell: Any
) -> None:
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
    seconds = there.load.detections // rate
    for second in range(seconds):
        if len(workers) > 1 and second == seconds // 2:
            tell(f"second {second}: one of two is killed")
            Thread(target=_killed, args=(platform, there.city, workers[1], figures)).start()
        _send(sending, topic, due, begun + second)
        figures.publisher_late_s = max(figures.publisher_late_s, time.monotonic() - begun - second - 1)
        figures.behind.append((second + 1) * rate - committed_of(admin, there.city))
        figures.rss_mb.append(workers[0].memory_info().rss / 1e6)
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


def _killed(platform: Platform, city: str, worker: psutil.Process, figures: Figures) -> None:
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    worker.kill()
    killed = time.monotonic()
    worker.wait()
    before = offsets_of(admin, city)  # its last evidence is readable by now
    while time.monotonic() - killed < DRAIN_S:
        now = offsets_of(admin, city)
        if all(now[number] > before[number] for number in range(PARTITIONS)):
            figures.moved_s = time.monotonic() - killed
            return
        time.sleep(0.02)


def _seconds(platform: Platform, there: Ground) -> Iterator[list[dict[str, Any]]]:
    """The detections due in each second, encoded as the producer's batch call wants them."""
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
        **({} if figures.moved_s is None else {"all_partitions_read_again_s": round(figures.moved_s, 2)}),
        "drained_s": round(figures.drained_s, 2),
        "publisher_late_s": round(figures.publisher_late_s, 2),
        "look_back_held_s": round(figures.held_s),
        "look_back_dropped": round(figures.dropped),
        "rss_peak_mb": round(max(figures.rss_mb)),
        "rss_mb": f"{first:.0f} after warm-up, {last:.0f} at the end ({(last / first - 1) * 100:+.1f} %)",
    }
