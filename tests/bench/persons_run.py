"""A run of the stage of missing persons as its own process: its city, cases, clock and flow, and what it tells.

The stage is ``bongsu run CITY --stage persons`` as operators start it. A case is opened as the gateway opens it: its key is
made, the act and the sealed row are written. What the stage tells is read as committed, at the time at which it arrives.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.transport.case_keys import CaseKeys
from deploy.assembly.stages import free_port
from deploy.platform import Platform
from schemas.errors import Fatal
from schemas.event import Event
from streams.cases.sealing import opened
from tests.bench.match import answers, wait_until
from tests.bench.match_load import sender
from tests.bench.persons_town import ACCURACY_M, CLOCK_S, PARTITIONS, WITHIN_M, MadeCase, MadeTown, Sightings
from tests.hub_bus import whole
from tests.person_town import TownBus, a_camera, a_missing, a_tick, an_act

READY_S, SLICES, CHUNK = 60.0, 20, 100_000
CITY = """
name = "{name}"
timezone = "Etc/UTC"
law = "kr"
[bounds]
south = 35
west = 126
north = 39
east = 131
[persons]
clock_s = {clock_s}
within_m = {within_m}
rank_s = {rank_s}
[persons.route]
show = 1e-100
looks_floor = {looks_floor}
"""
Told = list[tuple[float, bytes]]


def now() -> int:
    """The time in milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class PersonsRun:
    """One town on the bus. *folder*: the home folder of the stage and the keys."""

    platform: Platform
    town: MadeTown
    folder: Path
    looks_floor: float = -3.0
    rank_s: float = 1.0
    process: subprocess.Popen[bytes] | None = None
    told: Told = field(default_factory=list)
    """When each candidate's row arrived (seconds), and the row."""
    sent: list[Sightings] = field(default_factory=list)
    late_s: float = 0.0
    """The publisher's own greatest delay."""
    cpu_s: float = 0.0
    """Processor seconds of the stages that have ended."""
    _sending: Producer | None = None
    _bus: TownBus | None = None
    _keys: CaseKeys | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def prepare(self) -> None:
        """Write the cameras and a tick; listen to candidates from now on."""
        self._keys = CaseKeys(self.folder / "cases" / self.town.city)
        self._bus = TownBus(self.town.city, self.platform.kafka, self.platform.wire, self._keys)
        self._sending = sender(self.platform.kafka)
        self._bus.put(whole([a_camera(name, at) for name, at in self.town.cameras.items()]))
        self.tick()
        threading.Thread(target=self._listen, daemon=True).start()

    def open_case(self, case: MadeCase, *, until_ms: int) -> float:
        """Open a case; returns the time in seconds."""
        assert self._bus is not None
        at_ms, (lat, lon) = now(), case.at
        topic, key, row = an_act(case.case_id)
        self._bus.put([(topic, key, {**_whole(topic, key, row), "at": at_ms})])
        said: dict[str, Any] = {
            "area": case.area,
            "from_time": case.from_ms,
            "until_time": until_ms,
            "event_time": at_ms,
            "received_time": at_ms,
            "last_seen": {
                "seen_at": case.seen_ms,
                "position": {"lat": lat, "lon": lon, "accuracy_m": ACCURACY_M},
            },
            "attributes": [
                {"name": name, "word": word, "confidence": None} for name, word in case.looks.items()
            ],
        }
        self._bus.put_sealed([a_missing(case.case_id, **said)])
        return time.time()

    def tick(self) -> None:
        assert self._bus is not None
        topic, key, row = a_tick(now())
        self._bus.put([(topic, key, _whole(topic, key, row))])

    @contextmanager
    def stage(self, core: int | None = None) -> Iterator[None]:
        """Run the stage; *core*: alone on that core."""
        self.start(core)
        try:
            yield
        finally:
            self.end(kill=False)
            self._over.set()

    def start(self, core: int | None) -> None:
        port, file = free_port(), self.folder / "city.toml"
        about = {"clock_s": CLOCK_S, "within_m": WITHIN_M, "rank_s": self.rank_s}
        file.write_text(CITY.format(name=self.town.city, looks_floor=self.looks_floor, **about))
        environment = {
            **os.environ,
            **self.platform.endpoints.as_environment(),
            "BONGSU_HOME": str(self.folder),
            "BONGSU_WORKER": self.town.city,
        }
        words = ["run", str(file), "--stage", "persons", "--web-port", str(port)]
        pinned = [] if core is None else ["taskset", "-c", str(core)]
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(
                [*pinned, sys.executable, "-m", "deploy.cli", *words],
                env=environment,
                start_new_session=True,
                stderr=out,
            )
        wait_until(lambda: answers(port, "/readyz"), READY_S, self.process)

    def end(self, *, kill: bool) -> None:
        process = self.process
        if process is None:
            return
        self.cpu_s += self.cpu()
        if kill:
            process.kill()
        else:
            process.terminate()
        process.wait()
        self.process = None

    def cpu(self) -> float:
        """Processor seconds of the stage that runs."""
        if self.process is None:
            return 0.0
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    # -- sightings -----------------------------------------------------------------------------------------------

    def write(self, many: Sightings) -> None:
        """Write sightings as fast as it goes, their records' times those of the sightings."""
        for first in range(0, len(many.number), CHUNK):
            part = slice(first, first + CHUNK)
            self._put(
                Sightings(many.number[part], many.at_ms[part], many.kind[part]), many.at_ms[part].tolist()
            )
        assert self._sending is not None
        self._sending.flush(120)

    def count_as_taken(self) -> None:
        """Commit all sightings that are written for the stage's group: it has been running while they came."""
        topic = f"{self.town.city}.cctv.person"
        consumer = Consumer(
            {"bootstrap.servers": self.platform.kafka, "group.id": f"{self.town.city}.persons"}
        )
        ends = [
            TopicPartition(
                topic, number, consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=10)[1]
            )
            for number in range(PARTITIONS)
        ]
        consumer.commit(offsets=ends, asynchronous=False)
        consumer.close()

    def _put(self, many: Sightings, at_ms: Sequence[int]) -> None:
        assert self._sending is not None
        town, produce, topic = self.town, self._sending.produce, f"{self.town.city}.cctv.person"
        for value, kind, time_ms in zip(self.town.frames(many), many.kind.tolist(), at_ms, strict=True):
            while True:
                try:
                    produce(
                        topic,
                        value,
                        town.keys[kind],
                        town.partition[kind],
                        timestamp=time_ms,
                        headers=town.headers[kind],
                    )
                except BufferError:
                    self._sending.poll(0.1)
                else:
                    break
        self._sending.poll(0)

    def flow(
        self,
        rate: int,
        seconds: int,
        plant: Callable[[Sightings], None],
        each: Callable[[int], bool] = lambda _: False,
        *,
        first: int = 0,
    ) -> int:
        """Send *rate* sightings a second, each at its time, and a tick a second. *each*: at every second; true: it ends.

        Returns the number behind the last sighting.
        """
        assert self._sending is not None
        random, begun, slice_size = np.random.default_rng(first + 1), time.time(), rate // SLICES
        for second in range(seconds):
            if each(second):
                break
            for part in range(SLICES):
                due = begun + second + part / SLICES
                time.sleep(max(0.0, due - time.time()))
                self.late_s = max(self.late_s, time.time() - due)
                many = self.town.crowd(random, first, np.full(slice_size, now(), np.int64))
                plant(many)
                self._put(many, many.at_ms.tolist())
                self.sent.append(many)
                first += slice_size
            self.tick()
        self._sending.flush(30)
        return first

    def all_sent(self) -> Sightings:
        return Sightings(
            *(
                np.concatenate([getattr(one, name) for one in self.sent])
                for name in ("number", "at_ms", "kind")
            )
        )

    def taken(self) -> int:
        """The number of sightings up to which the stage has committed."""
        admin = AdminClient({"bootstrap.servers": self.platform.kafka, "log_level": 3})
        (future,) = admin.list_consumer_group_offsets(
            [ConsumerGroupTopicPartitions(f"{self.town.city}.persons")]
        ).values()
        topic = f"{self.town.city}.cctv.person"
        return sum(max(0, one.offset) for one in future.result().topic_partitions if one.topic == topic)

    # -- candidates ----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self.platform.kafka,
                "group.id": f"{self.town.city}.listening",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 20,
            }
        )
        topic = f"{self.town.city}.core.candidate"
        count = len(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, number, 0) for number in range(count)])
        while not self._over.is_set():
            for message in consumer.consume(500, 0.05):
                if message.error() is None and message.value():
                    self.told.append((time.time(), message.value()))
        consumer.close()

    def rows(self) -> list[tuple[float, Mapping[str, Any]]]:
        """The candidates that were told, opened."""
        assert self._keys is not None
        found = []
        for at, value in list(self.told):
            row = self.platform.wire.decode(f"{self.town.city}.core.candidate", value)
            event = opened(Event("core.candidate", "", row), self._keys.key(row["case_id"]))
            if event is None or event.value is None:
                raise Fatal("void: a candidate does not open")
            found.append((at, event.value))
        return found

    def told_of(self, case_id: str) -> bool:
        """Whether a candidate of that case was told; the case's id stands in clear."""
        topic = f"{self.town.city}.core.candidate"
        return any(
            self.platform.wire.decode(topic, value)["case_id"] == case_id for _, value in list(self.told)
        )


def _whole(topic: str, key: str, row: Mapping[str, Any] | None) -> dict[str, Any]:
    ((_, _, value),) = whole([(topic, key, dict(row or {}))])
    return dict(value or {})


def p99_of(delays: Sequence[float]) -> tuple[int, float, float]:
    """Their number, median and 99th percentile."""
    if not delays:
        return 0, float("nan"), float("nan")
    return len(delays), float(np.percentile(delays, 50)), float(np.percentile(delays, 99))
