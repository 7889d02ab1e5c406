"""kill -9 at random moments: the results of the storm are those of an undisturbed run.

The seed is printed; ``BONGSU_SEED`` gives another. The short variant runs in CI, the long one with ``-m long``.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest
from confluent_kafka import Consumer, TopicPartition

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.errors import Retriable
from streams.runtime.kafka import read_tail
from tests.chaos.planted import OUTSIDE, SOUND
from tests.living_city import DERECHO, Gist, LivingCity, cut, end, wait_until

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20240516"))
SHORT_POLLS, SHORT_KILLS = 80, 3
LONG_POLLS, LONG_KILLS = 276, 10
HOURS_POLLS = 24
SETTLED_S = 60.0
POLL_S, A_LIFE_S = 900, 4.0
"""The time between two polls of the recording, and between two kills of a worker: the play must outlast all kills."""
WORK_S = (0.0, 1.5)
"""The seconds between the first record and the kill."""

NewCity = Callable[[str], LivingCity]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The compared results: the same with and without kills."""

    incidents: list[int]
    gist: Gist
    said_twice: dict[str, int] = field(default_factory=dict)
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class Hours:
    """A few hours of the storm, and their results without kills."""

    recording: Path
    calm: Outcome


def outcome(city: LivingCity) -> Outcome:
    return Outcome(sorted(city.incidents().values()), city.gist(), city.said_twice(), len(city.set_aside()))


@pytest.fixture(scope="module")
def new_city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewCity]:
    made: list[LivingCity] = []

    def make(name: str) -> LivingCity:
        made.append(LivingCity(name, tmp_path_factory.mktemp(name), cluster))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture(scope="module")
def short(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut(data_dir / DERECHO, tmp_path_factory.mktemp("short") / "short.jsonl", count=SHORT_POLLS)


@pytest.fixture(scope="module")
def undisturbed_short(new_city: NewCity, short: Path) -> Outcome:
    city = new_city("calm-short")
    city.play(short)
    return outcome(city)


@pytest.fixture(scope="module")
def undisturbed(new_city: NewCity, data_dir: Path) -> Outcome:
    city = new_city("calm")
    city.play(data_dir / DERECHO)
    return outcome(city)


def test_an_ingest_that_is_killed_loses_nothing_and_repeats_nothing(
    new_city: NewCity, short: Path, undisturbed_short: Outcome
) -> None:
    city = new_city("killed-ingest")
    kill_the_ingest(city, short, polls=SHORT_POLLS, times=SHORT_KILLS, chance=Random(SEED))
    assert outcome(city) == undisturbed_short


def test_a_situations_worker_that_is_killed_loses_nothing_and_repeats_nothing(
    new_city: NewCity, short: Path, undisturbed_short: Outcome
) -> None:
    city = new_city("killed-worker")
    kill_the_worker(city, short, polls=SHORT_POLLS, times=SHORT_KILLS, chance=Random(SEED))
    assert outcome(city) == undisturbed_short


@pytest.mark.long
def test_an_ingest_that_is_killed_ten_times_in_the_whole_storm(
    new_city: NewCity, data_dir: Path, undisturbed: Outcome
) -> None:
    city = new_city("killed-ingest-long")
    kill_the_ingest(city, data_dir / DERECHO, polls=LONG_POLLS, times=LONG_KILLS, chance=Random(SEED + 1))
    assert outcome(city) == undisturbed


@pytest.mark.long
def test_a_situations_worker_that_is_killed_ten_times_in_the_whole_storm(
    new_city: NewCity, data_dir: Path, undisturbed: Outcome
) -> None:
    city = new_city("killed-worker-long")
    kill_the_worker(city, data_dir / DERECHO, polls=LONG_POLLS, times=LONG_KILLS, chance=Random(SEED + 1))
    assert outcome(city) == undisturbed


def kill_the_ingest(city: LivingCity, recording: Path, *, polls: int, times: int, chance: Random) -> None:
    """Play beside running stages; kill the player *times* times, start it again each time, let the last end."""
    ensure_topics(city.places.kafka, [city.name])
    with city.running("--only-stages"):
        for number in range(times):
            player, before = play_only(city, recording, *pace(polls, times)), told(city)
            if number % 3 != 2:  # every third dies while it starts
                wait_until(lambda before=before: told(city) > before, SETTLED_S)
            pause_s = chance.uniform(*WORK_S)
            sleep(pause_s)
            assert player.poll() is None, "it was through before its time had come: nothing is shown"
            kill(player)
            print(f"seed {SEED}: ingest killed {pause_s:.3f} s on, with {told(city)} snapshots told")
        player = play_only(city, recording)
        assert player.wait(SETTLED_S * 2) == 0
        wait_until(lambda: settled(city), SETTLED_S, every_s=0.2)


def kill_the_worker(city: LivingCity, recording: Path, *, polls: int, times: int, chance: Random) -> None:
    """Play; kill the situations worker *times* times, start another each time, let the last one finish."""
    command = ("-m", "deploy.cli")
    ensure_topics(city.places.kafka, [city.name])
    player = play_only(city, recording, *pace(polls, times))
    for number in range(times + 1):
        before = answered(city)
        running = start_worker(city, command, free_port())
        if number == times:
            break
        pause_s = chance.uniform(*WORK_S)
        if number % 3 != 2:  # every third dies while it starts
            wait_until(lambda before=before: answered(city) > before or settled(city), SETTLED_S)
        sleep(pause_s)
        kill(running)
        print(
            f"seed {SEED}: worker killed {pause_s:.3f} s on, with {len(city.records('core.situation'))} answers told"
        )
    try:
        assert player.wait(SETTLED_S * 2) == 0
        begun = monotonic()
        wait_until(lambda: settled(city) or running.poll() is not None, SETTLED_S, every_s=0.2)
        assert running.poll() is None, "the last worker ended by itself"
        print(f"seed {SEED}: settled {monotonic() - begun:.1f} s after the last kill and the play's end")
    finally:
        end(running)


def play_only(city: LivingCity, recording: Path, *options: str) -> subprocess.Popen[bytes]:
    return city.start(
        "play", str(city.file), "--ingest-only", "--source", "active-incidents", str(recording), *options,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def pace(polls: int, times: int) -> tuple[str, str]:
    """Options for a play of *polls* polls that outlasts *times* kills, on a fast machine too."""
    return "--speed", str(polls * POLL_S / (times * A_LIFE_S))


def start_worker(
    city: LivingCity, command: tuple[str, ...], port: int, **named: str
) -> subprocess.Popen[bytes]:
    words, environment = city.command(
        "run", str(city.file), "--stage", "situations", "--quiet", "--web-port", str(port)
    )
    words[1:3] = command
    return subprocess.Popen(
        words, env={**environment, **named}, stdout=subprocess.DEVNULL, start_new_session=True
    )


def kill(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def told(city: LivingCity) -> int:
    return len(city.records("core.tick"))


def answered(city: LivingCity) -> int:
    return len(city.records("core.situation"))


def settled(city: LivingCity) -> bool:
    """Whether the situations stage has taken the last tick."""
    topic = city.topic("core.tick")
    try:
        last = max((record.offset for record in read_tail(city.places.kafka, topic)), default=-1)
    except Retriable:  # its leader is not known yet
        return False
    consumer = Consumer({"bootstrap.servers": city.places.kafka, "group.id": f"{city.name}.situations"})
    try:
        return bool(consumer.committed([TopicPartition(topic, 0)], timeout=10)[0].offset > last)
    finally:
        consumer.close()


@pytest.fixture(scope="module")
def undisturbed_hours(new_city: NewCity, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Hours:
    recording = cut(data_dir / DERECHO, tmp_path_factory.mktemp("hours") / "hours.jsonl", count=HOURS_POLLS)
    city = new_city("calm-hours")
    city.play(recording)
    return Hours(recording, outcome(city))


def test_a_worker_that_dies_just_before_its_commit_loses_nothing(
    new_city: NewCity, undisturbed_hours: Hours
) -> None:
    assert dies_before_its_commit(new_city("dies-sound"), undisturbed_hours, SOUND) == undisturbed_hours.calm


def test_offsets_that_are_committed_outside_the_transaction_are_found_out(
    new_city: NewCity, undisturbed_hours: Hours
) -> None:
    assert (
        dies_before_its_commit(new_city("dies-planted"), undisturbed_hours, OUTSIDE) != undisturbed_hours.calm
    )


def dies_before_its_commit(city: LivingCity, hours: Hours, how: str) -> Outcome:
    """Play; a worker dies at the named point; a sound one takes over and finishes."""
    assert play_only(city, hours.recording).wait(SETTLED_S) == 0
    dead = start_worker(city, ("-m", "tests.chaos.planted"), free_port(), BONGSU_PLANTED=how)
    assert dead.wait(SETTLED_S) == -signal.SIGKILL
    heir = start_worker(city, ("-m", "deploy.cli"), free_port())
    try:
        wait_until(lambda: settled(city), SETTLED_S, every_s=0.2)
    finally:
        end(heir)
    return outcome(city)
