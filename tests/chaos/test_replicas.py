"""Two gateways of one city under load, each killed at random: each acknowledged push is in its topic, once by ``event_id``.

The seed is printed; ``BONGSU_SEED`` gives another.
"""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from deploy.settings import Endpoints
from tests.a_gateway import Agency, PushedCity, in_batches, reports
from tests.living_city import wait_until
from tests.replicas import NAMES, Replicas, replicas_of

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261130"))
RATE = 5_000
BATCH = 100
SECONDS = 60
KILLS = 5
AGENCIES = 4
"""The agencies of one replica."""
DRAINED_S = 300.0


@pytest.mark.long
def test_five_thousand_events_a_second_survive_five_kills_of_each_replica(
    cluster: Endpoints, tmp_path: Path
) -> None:
    made = replicas_of(cluster, "replicas-killed", tmp_path)
    try:
        key = made.gateways[0].key("--source", "reports")
        made.start()
        print(storm(made, key, seed=SEED))
    finally:
        made.end()


def storm(made: Replicas, key: str, *, seed: int) -> str:
    """Push at ``RATE`` for ``SECONDS`` while each replica is killed; return what was seen, in words."""
    share = RATE * SECONDS // (AGENCIES * len(NAMES))
    pause_s = AGENCIES * len(NAMES) * BATCH / RATE
    begun = monotonic()
    agencies = [
        Agency(gateway, key, in_batches(reports(f"{NAMES[which]}-{number}", share), BATCH), pause_s, begun)
        for which, gateway in enumerate(made.gateways)
        for number in range(AGENCIES)
    ]
    killers = [
        threading.Thread(target=kill, args=[gateway, made.log(which), Random(seed + which), begun])
        for which, gateway in enumerate(made.gateways)
    ]
    for one in killers:
        one.start()
    for each in [*(one.thread for one in agencies), *killers]:
        each.join()
    pushed_s = monotonic() - begun
    for gateway in made.gateways:
        wait_until(lambda gateway=gateway: gateway.waiting() == 0, DRAINED_S, every_s=0.5)
    answers = sum((one.answers for one in agencies), Counter[str]())
    acknowledged = Counter(number for one in agencies for number in one.acknowledged)
    published = made.city.values("police.incident")
    said = (
        f"seed {seed}: {len(acknowledged):,} events acknowledged in {pushed_s:.0f} s"
        f" ({len(acknowledged) / pushed_s:,.0f}/s), all published {monotonic() - begun - pushed_s:.0f} s later;"
        f" {KILLS} kills of each of {len(NAMES)}; answers {dict(answers)}"
    )
    assert len(acknowledged) == share * AGENCIES * len(NAMES), said
    assert {one["agency_case_no"] for one in published} == set(acknowledged), said
    doubles = [one for one, count in Counter(one["event_id"] for one in published).items() if count > 1]
    assert not doubles, f"{len(doubles)} events were published twice; {said}"
    return said


def kill(gateway: PushedCity, log: Path, chance: Random, begun: float) -> None:
    """Kill -9 ``KILLS`` times, each at a random moment of its part of the time, and start it again."""
    for number in range(KILLS):
        at_s = (number + chance.random()) * SECONDS / KILLS
        sleep(max(0.0, begun + at_s - monotonic()))
        gateway.kill()
        gateway.start(log)
