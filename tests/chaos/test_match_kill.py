"""kill -9 of one of two match workers at random moments, with rebalances: each match is published exactly once.

The seed is printed; ``BONGSU_SEED`` gives another. The short variant runs in CI, the long one with ``-m long``.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic, sleep
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from streams.match.core.watches import Watch
from streams.match.worker.offsets import left_from
from streams.match.worker.reader import fast_topics
from streams.runtime.kafka import transactional_producer
from tests.chaos.planted import OUTSIDE, SOUND
from tests.chaos.test_kill import SEED, kill
from tests.integration.test_match import LABELS, now_ms, some_sights
from tests.living_city import LivingCity, end, wait_until
from tests.match_city import Bus, Seen, expected
from tests.match_oracle import LAT, LON, Sight, a_watch

pytestmark = pytest.mark.cluster

SETTLED_S = 60.0
WORKERS = 2
A_CHUNK, CHUNK_EVERY_S = 120, 0.05
LIFE_S = (0.2, 3.0)
"""The seconds from one kill to the next."""
AWAY_S = 4.5
"""The seconds that every third worker stays down: longer than the group's session timeout."""


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path) -> Iterator[LivingCity]:
    made = LivingCity(f"killed-match-{uuid4().hex[:8]}", tmp_path, cluster)  # a name that no earlier run had
    ensure_topics(cluster.kafka, [made.name])
    yield made
    made.remove()


class Day:
    """The city's input: sights all the time, a watch from time to time. A thread of its own."""

    def __init__(self, bus: Bus, chance: Random) -> None:
        self.seen: list[Seen] = []
        self.watches: list[Watch] = []
        self._bus = bus
        self._chance = chance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> Day:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _go_on(self) -> None:
        number = 0
        while not self._over.wait(CHUNK_EVERY_S):
            at = now_ms()
            if number % 20 == 5:
                self._open(a_watch(
                    f"w{number}",
                    centre=(LAT + self._chance.uniform(-0.01, 0.01), LON),
                    labels=frozenset([self._chance.choice(LABELS)]),
                    per_second_max=10_000,
                    opens_at=at - 20_000,
                    since=at,
                ))  # fmt: skip
            found = some_sights(A_CHUNK, at, chance=self._chance, prefix=f"o{number}-")
            self._bus.see(found)
            self.seen += found
            number += 1

    def _open(self, watch: Watch) -> None:
        self._bus.watch([watch], at=watch.since)
        self.watches.append(watch)


def test_workers_that_are_killed_lose_nothing_and_repeat_nothing(city: LivingCity) -> None:
    live_through(city, times=3, chance=Random(SEED))


@pytest.mark.long
def test_workers_that_are_killed_ten_times(city: LivingCity) -> None:
    live_through(city, times=10, chance=Random(SEED + 1))


def test_a_worker_that_sleeps_through_its_session_tells_nothing_of_what_it_had(city: LivingCity) -> None:
    """Another worker published it by then. The sleeper ends if it was in a transaction, or else starts over."""
    bus = Bus(city.name, city.places.kafka, city.wire)
    workers = [start(city) for _ in range(WORKERS)]
    try:
        with Day(bus, Random(SEED)) as day:
            wait_until(lambda: bus.evidence() != [], SETTLED_S, 0.2)
            sleep(1.0)
            workers[0].send_signal(signal.SIGSTOP)
            sleep(AWAY_S + 2)
            workers[0].send_signal(signal.SIGCONT)
            sleep(AWAY_S)
        assert workers[0].poll() != 0
        wanted = expected(day.watches, day.seen)
        wait_until(lambda: bus.pairs() == wanted or sum(bus.pairs().values()) > len(wanted), SETTLED_S, 0.5)
        assert bus.pairs() == wanted, difference(bus.pairs(), wanted, day.seen)
    finally:
        for one in workers:
            end(one)


def test_a_worker_that_its_neighbour_takes_for_the_dead_one_of_its_name_takes_over_anew(
    city: LivingCity,
) -> None:
    """This is all that a neighbour does to it which takes over the dead one's partitions."""
    bus, at = Bus(city.name, city.places.kafka, city.wire), now_ms()
    watch = a_watch("w", labels=frozenset(LABELS), opens_at=0, per_second_max=10_000)
    bus.watch([watch], at=at)
    chance = Random(SEED)
    seen = some_sights(100, at, chance=chance)
    with city.running("--stage", "match") as worker:
        bus.see(seen)
        wait_until(lambda: bus.pairs() == expected([watch], seen), SETTLED_S, 0.2)
        for life in range(2):
            for owner in names_beside_offsets(city):
                transactional_producer(city.places.kafka, owner)
            more = some_sights(100, now_ms(), chance=chance, prefix=f"after-{life}-")
            bus.see(more)
            seen += more
            wanted = expected([watch], seen)
            wait_until(lambda told=wanted: bus.pairs() == told or worker.poll() is not None, SETTLED_S, 0.2)
            assert worker.poll() is None, "a worker ended by itself"
        assert bus.pairs() == wanted


def names_beside_offsets(city: LivingCity) -> set[str]:
    """The worker names in the metadata of the match's committed offsets."""
    group = f"{city.name}.match"
    places = [(topic, number) for topic in fast_topics(city.name) for number in range(64)]
    consumer = Consumer({"bootstrap.servers": city.places.kafka, "group.id": group, "log_level": 3})
    try:
        asked = [TopicPartition(topic, number) for topic, number in places]
        found = consumer.committed(asked, timeout=SETTLED_S)
    finally:
        consumer.close()
    left = [left_from(one.metadata, one.offset) for one in found if one.offset >= 0]
    names = {one.owner for one in left if one is not None and one.owner is not None}
    assert names, "nobody has left a name"
    return names


def test_a_worker_that_dies_just_before_its_commit_loses_nothing(city: LivingCity) -> None:
    assert dies_before_its_commit(city, SOUND)


def test_offsets_that_are_committed_outside_the_transaction_are_found_out(city: LivingCity) -> None:
    assert not dies_before_its_commit(city, OUTSIDE)


def dies_before_its_commit(city: LivingCity, how: str) -> bool:
    """Let a worker die with evidence sent and not committed; return whether each match is published once in the end."""
    bus, at = Bus(city.name, city.places.kafka, city.wire), now_ms()
    watch = a_watch("w", labels=frozenset(LABELS), opens_at=0, per_second_max=10_000)
    seen = some_sights(300, at, chance=Random(SEED))
    bus.watch([watch], at=at)
    bus.see(seen)
    words, environment = city.command("run", str(city.file), "--quiet", "--stage", "match")
    words[1:3] = ("-m", "tests.chaos.planted_match")
    dead = subprocess.run(words, env={**environment, "BONGSU_PLANTED": how}, timeout=SETTLED_S, check=False)
    assert dead.returncode == -signal.SIGKILL
    with city.running("--stage", "match"):
        last = Seen(Sight(time=at), "last", "cam-1", received=at)
        bus.see([replace(last, camera=f"cam-{number}", event_id=f"last{number}") for number in range(40)])
        wanted = expected([watch], seen)
        wait_until(lambda: sum(pair[1].startswith("last") for pair in bus.pairs()) == 40, SETTLED_S, 0.2)
        told = bus.pairs()
    return Counter({pair: count for pair, count in told.items() if not pair[1].startswith("last")}) == wanted


def live_through(city: LivingCity, *, times: int, chance: Random) -> None:
    bus = Bus(city.name, city.places.kafka, city.wire)
    workers = [start(city) for _ in range(WORKERS)]
    try:
        with Day(bus, Random(chance.random())) as day:
            wait_until(lambda: bus.evidence() != [], SETTLED_S, 0.2)
            for number in range(times):
                sleep(chance.uniform(*LIFE_S))
                which = chance.randrange(WORKERS)
                assert workers[which].poll() is None, "a worker ended by itself"
                kill(workers[which])
                if number % 3 == 2:
                    sleep(AWAY_S)
                workers[which] = start(city)
                print(
                    f"seed {SEED}: worker {which} killed with {len(day.seen)} sights, {len(day.watches)} watches"
                )
            sleep(1.0)
        begun = monotonic()
        wanted = expected(day.watches, day.seen)
        assert len(wanted) > 100, "nothing is shown"
        try:
            wait_until(
                lambda: bus.pairs() == wanted or sum(bus.pairs().values()) > len(wanted), SETTLED_S, 0.5
            )
        finally:
            print(difference(bus.pairs(), wanted, day.seen))
        print(f"settled {monotonic() - begun:.1f} s after the day's end, {len(wanted)} matches")
        assert bus.pairs() == wanted
        assert all(one.poll() is None for one in workers), "a worker ended by itself"
    finally:
        for one in workers:
            end(one)


def difference(told: Counter[tuple[str, str]], wanted: Counter[tuple[str, str]], seen: list[Seen]) -> str:
    """The missing and the surplus evidence, by watch and topic."""
    topics = {one.event_id: one.sight.contract for one in seen}
    missing = Counter((watch, topics[its_id]) for watch, its_id in wanted - told)
    return f"missing {dict(missing)}, too much {sum((told - wanted).values())}"


def start(city: LivingCity) -> subprocess.Popen[bytes]:
    return city.start("run", str(city.file), "--quiet", "--stage", "match")
