"""A backlog of detections matched with open watches by a real match worker, exactly once, on one core.

The worker is ``bongsu run CITY --stage match`` as operators start it, alone on the last core; Kafka and this process use
the others. A run is void unless the evidence under ``read_committed`` equals that of a plain search, each once, and the
unreadable records are in the DLQ.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

import psutil
from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from deploy.assembly.stages import free_port
from deploy.platform import Platform
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Fatal
from schemas.rows import RowCodec
from streams.runtime.kafka import read_whole, reader
from tests.bench.machine import described
from tests.bench.match_load import CONTRACT, Ground, Load, ground, oracle, publish

__all__ = ["Load", "measure", "shown", "surroundings"]

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
AFRESH = ("core.evidence", f"{CONTRACT}.dlq")


@dataclass(slots=True)
class Figures:
    """The figures of each run: events a second until the last commit, and in the second half; CPU µs an event."""

    rates: list[float] = field(default_factory=list)
    second_halves: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    cpu_us_late: list[float] = field(default_factory=list)
    rss_mb: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    matches: int = 0
    held_s: list[float] = field(default_factory=list)
    """The seconds that the look-back holds at the end."""
    dropped: list[float] = field(default_factory=list)
    """The observations that had no room in it."""


def measure(
    platform: Platform, load: Load, runs: int, *, reader: str = "", tell: Any = lambda _: None
) -> Figures:
    """Match the same backlog *runs* times, by a new group each time. ``Fatal`` when the evidence is not the oracle's.

    *reader*: ``plain`` for the reader that is used where the fast one is not available.
    """
    figures = Figures()
    there = ground(f"bench-{uuid4().hex[:8]}", load)
    ensure_topics(platform.kafka, [there.city])
    try:
        tell("publishing the backlog")
        publish(platform, there)
        tell("searching plainly")
        wanted = oracle(there)
        figures.matches = len(wanted)
        with core_for_worker(platform) as core:
            for number in range(runs):
                tell(f"run {number + 1} of {runs}")
                _run(platform, there, reader, core, figures)
                verify(platform, there, wanted)
                _forget(platform, there.city)
    finally:
        remove(platform, there.city)
    return figures


@contextmanager
def core_for_worker(platform: Platform) -> Iterator[int | None]:
    """Reserve the last core for the worker: this process, and a local Kafka, are pinned to the others.

    ``None`` on a machine of one core.
    """
    cores = sorted(psutil.Process().cpu_affinity() or [])
    port = int(platform.kafka.rpartition(":")[2])
    brokers = {
        one.pid for one in psutil.net_connections("tcp") if one.laddr.port == port and one.status == "LISTEN"
    }
    with ExitStack() as stack:
        for pid in {os.getpid(), *filter(None, brokers)}:
            if len(cores) > 1:
                _pin(pid, cores[:-1])
                stack.callback(_pin, pid, cores)
        yield cores[-1] if len(cores) > 1 else None


def _pin(pid: int, cores: list[int]) -> None:
    """Pin all threads of *pid*: each has its own affinity."""
    for thread in psutil.Process(pid).threads():
        os.sched_setaffinity(thread.id, cores)


def _run(platform: Platform, there: Ground, reader: str, core: int | None, figures: Figures) -> None:
    total = there.load.detections + there.load.bad
    end = end_of(platform, there.city)
    begun = time.time()
    with worker_of(platform, there, reader, core) as (process, port, log):
        wait_until(lambda: assigned_at(log) is not None, READY_S, process)
        assigned, cpu = assigned_at(log) or 0.0, _cpu_s(process)
        half_at = first_at = 0.0
        admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
        while True:
            done = committed_of(admin, there.city)
            now = time.time()
            first_at = first_at or (now if done else 0.0)
            half_at = half_at or (now if done >= end / 2 else 0.0)
            if half_at == now:
                half_done, half_cpu = done, _cpu_s(process)
            if done >= end:
                break
            if now - assigned > DONE_S or process.poll() is not None:
                raise Fatal(f"void: {done} of {end} were read")
            time.sleep(LOOK_S)
        figures.rates.append(total / (now - assigned))
        late = total * (end - half_done) / end
        figures.second_halves.append(late / max(1e-3, now - half_at))
        figures.cpu_us.append((_cpu_s(process) - cpu) / total * 1e6)
        figures.cpu_us_late.append((_cpu_s(process) - half_cpu) / max(1, late) * 1e6)
        figures.rss_mb.append(psutil.Process(process.pid).memory_info().rss / 1e6)
        figures.first_s.append(first_at - begun)
        held_s, dropped = look_back_of(port)
        figures.held_s.append(held_s)
        figures.dropped.append(dropped)


def assigned_at(log: Path) -> float | None:
    """The time at which the worker's log says that its partitions are assigned, in epoch seconds; ``None``: not yet."""
    for line in log.read_text(encoding="utf-8").splitlines():
        if "INFO partitions assigned" in line:
            return datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f").timestamp()  # noqa: DTZ007 (local, as logged)
    return None


def committed_of(admin: AdminClient, city: str) -> int:
    return sum(offsets_of(admin, city).values())


def end_of(platform: Platform, city: str) -> int:
    """The offsets of the detections' topic, all partitions together, without the ends of their last transactions."""
    consumer = reader(platform.kafka)
    try:
        topic = topic_name(city, CONTRACT)
        numbers = consumer.list_topics(topic).topics[topic].partitions
        ends = [consumer.get_watermark_offsets(TopicPartition(topic, one))[1] for one in numbers]
    finally:
        consumer.close()
    return int(sum(ends) - len(ends))


def offsets_of(admin: AdminClient, city: str) -> dict[int, int]:
    """The committed offset of each partition of the detections."""
    asked = [ConsumerGroupTopicPartitions(f"{city}.match")]
    (future,) = admin.list_consumer_group_offsets(asked).values()
    topic = topic_name(city, "cctv.detection")
    return {
        one.partition: max(0, one.offset) for one in future.result().topic_partitions if one.topic == topic
    }


def verify(platform: Platform, there: Ground, wanted: set[tuple[str, int]]) -> None:
    topic = topic_name(there.city, "core.evidence")
    codec = RowCodec(load_catalogue()["core.evidence"].newest)
    rows = (codec.decode(record.value[5:]) for record in read_whole(platform.kafka, [topic]) if record.value)
    told = [(one["watch_id"], int(one["observation_id"], 16)) for one in rows]
    if len(told) != len(set(told)) or set(told) != wanted:
        raise Fatal(
            f"void: {len(told)} matches were told, {len(set(told) & wanted)} of them of {len(wanted)}"
        )
    aside = sum(1 for _ in read_whole(platform.kafka, [topic_name(there.city, f"{CONTRACT}.dlq")]))
    if aside != there.load.bad:
        raise Fatal(f"void: {aside} records were set aside, of {there.load.bad} that nobody can read")


@contextmanager
def worker_of(
    platform: Platform, there: Ground, reader: str, core: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int, Path]]:
    """Yield the process, the port of its web pages and the file of its log."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "city.toml"
        about = CITY.format(name=there.city, look_back_s=there.load.look_back_s)
        file.write_text(about + (f'reader = "{reader}"\n' if reader else ""))
        words = ["run", str(file), "--stage", "match", "--web-port", str(port)]
        environment = {
            **os.environ,
            **platform.endpoints.as_environment(),
            "BONGSU_HOME": folder,
            "BONGSU_WORKER": f"bench-{port}",  # workers in separate homes do not see each other's names
        }
        log = Path(folder) / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "deploy.cli", *words],
                env=environment,
                start_new_session=True,
                stderr=out,
            )
        try:
            if core is not None:
                psutil.Process(process.pid).cpu_affinity([core])
            yield process, port, log
        finally:
            process.terminate()
            process.wait()


def _forget(platform: Platform, city: str) -> None:
    """Delete offsets and evidence before the next run."""
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    for future in admin.delete_consumer_groups([f"{city}.match"]).values():
        future.result()
    afresh = [topic_name(city, contract) for contract in AFRESH]
    for future in admin.delete_topics(afresh).values():
        future.result()
    wait_until(lambda: not set(afresh) & set(admin.list_topics(timeout=10).topics), 30)
    ensure_topics(platform.kafka, [city])


def remove(platform: Platform, city: str) -> None:
    admin = AdminClient({"bootstrap.servers": platform.kafka, "log_level": 3})
    topics = [one for one in admin.list_topics(timeout=10).topics if one.startswith(f"{city}.")]
    for future in admin.delete_topics(topics).values():
        future.result()


def answers(port: int, path: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def look_back_of(port: int) -> tuple[float, float]:
    """Return the seconds that the worker's look-back holds, and the observations that it dropped early."""
    time.sleep(1.5)  # the worker shows its figures once a second
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    held_s, dropped = (
        sum(float(one.rsplit(" ", 1)[1]) for one in lines if one.startswith(f"{name}{{"))
        for name in ("bongsu_look_back_seconds", "bongsu_look_back_dropped_total")
    )
    return held_s, dropped


def wait_until(is_so: Any, seconds: float, process: subprocess.Popen[bytes] | None = None) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until or (process is not None and process.poll() is not None):
            raise Fatal(f"not so within {seconds:.0f} s")
        time.sleep(LOOK_S)


def _cpu_s(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def surroundings(load: Load) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "match",
        **asdict(load),
        **described(),
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
        "look_back_held_s": told(figures.held_s),
        "look_back_dropped": told(figures.dropped),
        "start_to_first_commit_s": told(figures.first_s, 1),
    }
