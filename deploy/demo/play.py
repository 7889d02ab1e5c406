"""Play recordings through their sources' own parsers, on the recording's clock."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from connectors.base import Heard
from connectors.recordings import read_recording
from deploy.assembly.child import worker_running
from deploy.assembly.ingest import ingest_of
from deploy.assembly.locks import is_held, role_of_source
from deploy.city.city import City
from deploy.platform import Platform
from schemas.catalogue import topic_name
from schemas.event import Event
from streams.ingest.ingest import Ingest
from streams.ingest.slices import Slice
from streams.runtime.clients import admin_of, consumer_of
from streams.runtime.kafka import as_ours, read_tail

SETTLE_POLL_S = 0.05
LOOK_S = 2.0
COORDINATOR_S, ASK_S = 30, 1.5
WAKING = {
    # a new cluster is still creating the topic of its coordinators, and librdkafka does not retry this
    KafkaError._TIMED_OUT,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction to come: its source and time."""

    time_ms: int
    source: str
    slice: Slice


@dataclass(slots=True)
class Played:
    """The counts of a play."""

    transactions: int = 0
    events: int = 0
    set_aside: int = 0


Alter = Callable[[Event], Event]


def shifted(minutes: Mapping[str, int]) -> Alter:
    """Shift the event time of each domain in *minutes*: a control experiment, in which no joined pair is true."""

    def alter(event: Event) -> Event:
        by_ms = minutes.get(event.topic.split(".")[0], 0) * 60_000
        if not by_ms or event.value is None:
            return event
        return replace(event, value={**event.value, "event_time": event.value["event_time"] + by_ms})

    return alter


class Player:
    """Merges sources' recordings by time and publishes each source's in its own transactions."""

    def __init__(
        self, city: City, platform: Platform, recordings: Sequence[tuple[str, Sequence[Path]]]
    ) -> None:
        self._city = city
        self._platform = platform
        self._recordings = recordings
        self._ingests: dict[str, Ingest] = {}

    def open(self) -> None:
        for name, _ in self._recordings:
            if name not in self._ingests:
                self._ingests[name] = self._opened(name)

    async def hear_references(self) -> int:
        """Read every reference source of the city's file once, before anything is played."""
        count = 0
        for file in self._city.file.source:
            if file.reference and file.live:
                source = self._city.load(file.name)
                ingest = ingest_of(self._city, self._platform, file.name, source)
                ingest.open()
                count += ingest.take(await source.poll(ingest.standing.place), played=True)
                await source.close()
        return count

    def play(
        self, alter: Alter, *, until_ms: int | None, pace: Callable[[int], None], told: Callable[[Part], None]
    ) -> Played:
        """Publish everything in order of time; *pace* waits, *told* is called after each transaction."""
        played = Played()
        lines = [self._parts(name, paths, alter) for name, paths in _by_source(self._recordings)]
        for part in heapq.merge(*lines, key=lambda part: part.time_ms):
            if until_ms is not None and part.time_ms > until_ms:
                break
            pace(part.time_ms)
            self._ingests[part.source].publish(part.slice, played=True)
            played.transactions += 1
            played.events += len(part.slice.events)
            played.set_aside += len(part.slice.asides)
            told(part)
        for ingest in self._ingests.values():
            ingest.tell()
        return played

    def _parts(self, name: str, paths: Sequence[Path], alter: Alter) -> Iterator[Part]:
        """The transactions of a source's recordings, in order: each recording continues from the place of the last."""
        for heard in _heard_of(paths):
            for part in self._ingests[name].parts(heard, alter):
                yield Part(part.time_ms or 0, name, part)

    def _opened(self, name: str) -> Ingest:
        ingest = ingest_of(self._city, self._platform, name, self._city.load(name))
        ingest.open()
        return ingest


def _by_source(recordings: Sequence[tuple[str, Sequence[Path]]]) -> list[tuple[str, list[Path]]]:
    """Group the recordings by source, in case one is named several times."""
    paths: dict[str, list[Path]] = {}
    for name, some in recordings:
        paths.setdefault(name, []).extend(some)
    return list(paths.items())


def _heard_of(paths: Sequence[Path]) -> Iterator[Heard]:
    """The bodies of one source's recordings, in order of time; files without times first, in the order given."""
    return heapq.merge(*map(read_recording, paths), key=lambda heard: heard.at_ms or 0)


def played_roles(city: City, recordings: Sequence[tuple[str, Sequence[Path]]]) -> list[str]:
    """The roles that a play holds: of the sources that it plays, and of the reference sources that it reads first."""
    references = [file.name for file in city.file.source if file.reference and file.live]
    return [role_of_source(name) for name in (*references, *(name for name, _ in recordings))]


@contextmanager
def stages_running(city: City, platform: Platform) -> Iterator[Callable[[], None]]:
    """Run the city's stages in a worker, unless another process runs them. Yields a check that raises when they ended.

    A worker that was killed a moment ago still counts as running; once it no longer does, ours takes its place.
    """
    with ExitStack() as stack:
        ours: list[Callable[[], None]] = []
        is_told = is_held(city, "deliver") and not is_held(city, "situations")
        wanted = ("--stage", "situations") if is_told else ("--only-stages",)
        looked_s = time.monotonic()

        def check() -> None:
            nonlocal looked_s
            if not ours and time.monotonic() - looked_s > LOOK_S:
                looked_s = time.monotonic()
                if not has_members(platform.kafka, f"{city.name}.situations"):
                    ours.append(stack.enter_context(worker_running(city, *wanted, "--wait")))
            for one in ours:
                one()

        if not has_members(platform.kafka, f"{city.name}.situations"):
            ours.append(stack.enter_context(worker_running(city, *wanted, "--wait")))
        yield check


def has_members(bootstrap: str, group: str) -> bool:
    """Whether any worker is in *group* now. Retried while the group's coordinator is still starting."""
    admin = admin_of(bootstrap)  # must outlive its futures
    deadline = time.monotonic() + COORDINATOR_S
    while True:
        described = admin.describe_consumer_groups([group], request_timeout=ASK_S)
        try:
            return bool(described[group].result().members)
        except KafkaException as error:
            cause = error.args[0]
            if cause.code() == KafkaError.GROUP_ID_NOT_FOUND:
                return False
            waking = cause.retriable() or cause.code() in WAKING
            if not waking or time.monotonic() > deadline:
                raise as_ours(error, f"asking for group {group}") from error
            time.sleep(SETTLE_POLL_S)


def settle(city: City, platform: Platform, check: Callable[[], None]) -> None:
    """Wait until the situations stage has processed the last tick, and with it everything before."""
    topic = topic_name(city.name, "core.tick")
    last = max((record.offset for record in read_tail(platform.kafka, topic)), default=-1)
    if last < 0:
        return
    consumer = consumer_of({"bootstrap.servers": platform.kafka, "group.id": f"{city.name}.situations"})
    try:
        while consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset <= last:
            check()
            time.sleep(SETTLE_POLL_S)
    finally:
        consumer.close()
