"""kill -9 of ``deliver`` at random moments: every receiver has everything in the end, in order for each situation.

What was delivered and not noted is delivered again, under the same id. The seed is printed; ``BONGSU_SEED`` gives another.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from time import monotonic, sleep
from uuid import uuid4

import orjson
import pytest

from deploy.assembly.stages import free_port
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.chaos.test_kill import SEED, kill
from tests.living_city import LivingCity, answers, end, wait_until
from tests.situation_writer import SituationWriter
from tests.webhook_receivers import SECRET, Got, WebhookReceiver, missing, out_of_order, streets

pytestmark = pytest.mark.cluster

LIFE_S = (0.0, 2.0)
"""The seconds from a life's first delivery to its end."""
STARTED_S, SETTLED_S = 120.0, 180.0
FAILS_ONE_OF = 7


@pytest.fixture
def city(cluster: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LivingCity]:
    monkeypatch.setenv("RECEIVERS_SECRET", SECRET)
    made = LivingCity(f"killed-deliver-{uuid4().hex[:8]}", tmp_path, cluster)
    ensure_topics(cluster.kafka, [made.name])
    yield made
    made.remove()


def subscribe(city: LivingCity, receivers: dict[str, WebhookReceiver], archive: Path) -> None:
    """Add the subscriptions to the city's file."""
    hosts = ", ".join(f'"{one.host}"' for one in receivers.values())
    text = f"\n[deliver]\nallow_hosts = [{hosts}]\n"
    about = 'who = "police"\naudience = "*"\ncontracts = ["core.situation"]\n'
    for name, one in receivers.items():
        text += f'\n[[subscription]]\nname = "{name}"\nsink = "webhook"\n{about}'
        text += f'url = "http://{one.host}/events"\nsecrets = ["${{RECEIVERS_SECRET}}"]\n'
    text += f'\n[[subscription]]\nname = "archive"\nsink = "json_lines"\n{about}path = "{archive}"\n'
    with city.file.open("a", encoding="utf-8") as file:
        file.write(text)


def archived(archive: Path) -> list[Got]:
    """The whole lines of the archive; half a line of a killed process is no delivery."""
    found = []
    for line in archive.read_bytes().splitlines() if archive.exists() else []:
        try:
            told = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        found.append(Got(told["id"], told["key"], told["data"]["data"]["revision"], 0.0))
    return found


@pytest.mark.long
def test_deliver_that_is_killed_ten_times_loses_nothing(city: LivingCity, tmp_path: Path) -> None:
    live_through(city, tmp_path / "archive.jsonl", times=10, chance=Random(SEED))


def live_through(city: LivingCity, archive: Path, *, times: int, chance: Random) -> None:
    """Kill the stage *times* times while events are written; every third dies while it starts."""
    failing = Random(chance.random())
    with streets() as road:
        receivers = {
            "honest": road.open(WebhookReceiver()),
            "moody": road.open(
                WebhookReceiver(
                    lambda _n: 500 if failing.randrange(FAILS_ONE_OF) == 0 else 200, keeps_all=True
                )
            ),
        }
        subscribe(city, receivers, archive)
        every: dict[str, Callable[[], list[Got]]] = {
            **{name: partial(list, one.got) for name, one in receivers.items()},
            "archive": lambda: archived(archive),
        }
        begin_the_subscriptions(city)
        worker = start(city)
        try:
            with SituationWriter(city.name, city.places.kafka, city.wire, Random(chance.random())) as writer:
                for number in range(times):
                    had = len(receivers["honest"].got)
                    if number % 3 == 2:
                        sleep(chance.uniform(0.5, 4.0))
                    else:
                        wait_until(lambda had=had: len(receivers["honest"].got) > had, STARTED_S)
                        sleep(chance.uniform(*LIFE_S))
                    assert worker.poll() is None, "deliver ended by itself"
                    kill(worker)
                    print(f"seed {SEED}: killed {number}, {len(writer.written)} written, got {counts(every)}")
                    worker = start(city)
                wait_until(lambda: len(receivers["honest"].got) > had, STARTED_S)
            begun = monotonic()
            wanted = set(writer.written)
            assert len(wanted) > 100, "nothing is shown"
            try:
                wait_until(lambda: not any(missing(got(), wanted) for got in every.values()), SETTLED_S, 0.5)
            finally:
                lacking = {name: len(missing(got(), wanted)) for name, got in every.items()}
                print(f"{len(wanted)} written, got {counts(every)}, missing {lacking}")
            print(f"settled {monotonic() - begun:.1f} s after the last event")
        finally:
            end(worker)
        for name, got in every.items():
            assert not out_of_order(got()), name
        assert not [one.faults for one in receivers.values() if one.faults]
        repeats = sum(len(got()) - len(wanted) for got in every.values())
        print(f"{repeats} repeats, all under their ids")


def begin_the_subscriptions(city: LivingCity) -> None:
    """A new subscription begins with what comes once its stage is ready, even if that is killed in this very moment."""
    port = free_port()
    worker = start(city, "--web-port", str(port))
    wait_until(lambda: answers(port) or worker.poll() is not None, STARTED_S)
    kill(worker)


def counts(every: dict[str, Callable[[], list[Got]]]) -> dict[str, int]:
    return {name: len(got()) for name, got in every.items()}


def start(city: LivingCity, *options: str) -> subprocess.Popen[bytes]:
    return city.start("run", str(city.file), "--quiet", "--stage", "deliver", *options)
