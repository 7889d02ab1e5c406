"""Playing recordings through their sources' own parsers, on the recording's clock."""

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
from deploy.child import worker_running
from deploy.city import City
from deploy.hearing import ingest_of
from deploy.holding import is_held, role_of_source
from deploy.platform import Platform
from schemas.catalogue import topic_name
from schemas.event import Event
from streams.ingest import Ingest
from streams.runtime.clients import admin_of, consumer_of
from streams.runtime.kafka import as_ours, read_tail
from streams.slices import Slice

SETTLE_POLL_S = 0.05
LOOK_S = 2.0
COORDINATOR_S, ASK_S = 30, 1.5
WAKING = {
    KafkaError._TIMED_OUT,  # a new cluster is making its coordinators' topic: librdkafka does not ask again by itself
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}


@dataclass(frozen=True, slots=True)
class Part:
    """One transaction to come: whose it is, and when."""

    time_ms: int
    source: str
    slice: Slice


@dataclass(slots=True)
class Played:
    """What a play came to."""

    transactions: int = 0
    events: int = 0
    set_aside: int = 0


Alter = Callable[[Event], Event]


def shifted(minutes: Mapping[str, int]) -> Alter:
    """Moves the event time of each domain in *minutes*: a control experiment, in which no pair is true."""

    def alter(event: Event) -> Event:
        by_ms = minutes.get(event.topic.split(".")[0], 0) * 60_000
        if not by_ms or event.value is None:
            return event
        return replace(event, value={**event.value, "event_time": event.value["event_time"] + by_ms})

    return alter


class Player:
    """Merges sources' recordings by time and publishes them, each in its own transactions."""

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
        """Places first: what the city's file marks as reference is heard once, before anything is played."""
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
        """Publish everything in order of time; *pace* waits, *told* hears of each transaction done."""
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
        """What a source's recordings lead to. One after the other: each goes on from where the one before has left off."""
        for heard in _heard_of(paths):
            for part in self._ingests[name].parts(heard, alter):
                yield Part(part.time_ms or 0, name, part)

    def _opened(self, name: str) -> Ingest:
        ingest = ingest_of(self._city, self._platform, name, self._city.load(name))
        ingest.open()
        return ingest


def _by_source(recordings: Sequence[tuple[str, Sequence[Path]]]) -> list[tuple[str, list[Path]]]:
    """All recordings of a source together, however often it is named."""
    paths: dict[str, list[Path]] = {}
    for name, some in recordings:
        paths.setdefault(name, []).extend(some)
    return list(paths.items())


def _heard_of(paths: Sequence[Path]) -> Iterator[Heard]:
    """What one source's recordings hold, in order of time; files that know no time first, in the order given."""
    return heapq.merge(*map(read_recording, paths), key=lambda heard: heard.at_ms or 0)


def played_roles(city: City, recordings: Sequence[tuple[str, Sequence[Path]]]) -> list[str]:
    """What a play does alone in its home: it speaks for what it plays, and for the references that it hears before."""
    references = [file.name for file in city.file.source if file.reference and file.live]
    return [role_of_source(name) for name in (*references, *(name for name, _ in recordings))]


@contextmanager
def stages_running(city: City, platform: Platform) -> Iterator[Callable[[], None]]:
    """The city's stages as a worker of ours, unless somebody runs them already. Yields a check that they live.

    Somebody who was killed a moment ago still counts as running; once he no longer does, ours takes his place.
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
    """Whether any worker is in *group* now. A coordinator that is only just waking is asked again."""
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
    """Return when the situations stage has taken the last tick, and with it everything before."""
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
