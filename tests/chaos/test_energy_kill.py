"""The stage of energy, killed again and again: the rewards are those of a quiet run, and none is told twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import sleep
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka import TopicPartition

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.event import Event
from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.reward_ledger import RewardLedger
from streams.energy.rewards import Reward, reward_of_row
from streams.runtime.kafka import group_consumer
from tests.energy_month import DAY_MS, MARCH_MS, month
from tests.integration.test_drones_stage import a_tick
from tests.living_city import LivingCity, wait_until
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

CHARGE, SURPLUS, REWARD, TICK = "mobility.charge", "energy.surplus", "energy.reward", "core.tick"
SETTLED_S = 90.0
DAYS = 4
END_MS = MARCH_MS + DAYS * DAY_MS + 6 * 3_600_000


def quiet(rows: Sequence[dict[str, Any]]) -> dict[str, Reward]:
    """The last revision of each reward, as one ledger makes them in one go."""
    ledger, last = RewardLedger(EnergyNumbers.model_validate({})), dict[str, Reward]()
    for row in rows:
        told = ledger.take_surplus(row) if "window_id" in row else ledger.take_charge(row)
        for one in [*told, *ledger.pass_time(ledger.clock_ms)]:
            last[one.reward.reward_id] = one.reward
    last |= {one.reward.reward_id: one.reward for one in ledger.pass_time(END_MS)}
    return last


def run(cluster: Endpoints, tmp_path: Path, kills: int, *, days: int = DAYS, chargers: int = 8) -> None:
    city = LivingCity(f"energy-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    ensure_topics(cluster.kafka, [city.name])
    bus, made = Bus(city.name, cluster.kafka, city.wire), month(5, days=days, chargers=chargers)
    wanted = quiet([*made.windows, *made.rows])
    share = len(made.rows) // (kills + 1) + 1
    try:
        bus.put(Event(SURPLUS, row["area"], {**row, "city": city.name}) for row in made.windows)
        for number in range(kills):
            part = made.rows[number * share : (number + 1) * share]
            before = taken(cluster, city.name)
            with city.running("--stage", "energy") as worker:
                bus.put(Event(CHARGE, row["charger_id"], {**row, "city": city.name}) for row in part)
                wait_until(lambda: taken(cluster, city.name) > before, SETTLED_S, 0.05)  # noqa: B023 (called at once)
                sleep(0.03 * number)  # another moment of its work each time
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()
        rest = made.rows[kills * share :]
        bus.put(Event(CHARGE, row["charger_id"], {**row, "city": city.name}) for row in rest)
        with city.running("--stage", "energy"):

            def is_all_told() -> bool:
                bus.put([a_tick(city.name, END_MS)])
                return last_of(city.values(REWARD)) == wanted

            wait_until(is_all_told, SETTLED_S, 0.5)
        told = city.values(REWARD)
        revisions = [(one["reward_id"], one["revision"]) for one in told]
        assert len(set(revisions)) == len(revisions)
        for name in wanted:
            own = [one for one in told if one["reward_id"] == name]
            assert [one["revision"] for one in own] == list(range(1, len(own) + 1))
            rewards = [reward_of_row(one) for one in own]
            assert all(a != b for a, b in pairwise(rewards))
    finally:
        city.remove()


def taken(cluster: Endpoints, city: str) -> int:
    """The committed offset of the rows of sessions."""
    consumer = group_consumer(cluster.kafka, f"{city}.energy")
    try:
        return int(consumer.committed([TopicPartition(f"{city}.{CHARGE}", 0)], timeout=10)[0].offset)
    finally:
        consumer.close()


def last_of(rows: Sequence[dict[str, Any]]) -> dict[str, Reward]:
    return {row["reward_id"]: reward_of_row(row) for row in rows}


@pytest.mark.long
def test_rewards_are_told_once_though_the_worker_is_killed(cluster: Endpoints, tmp_path: Path) -> None:
    run(cluster, tmp_path, kills=1, days=2, chargers=3)


@pytest.mark.long
def test_rewards_are_told_once_though_the_worker_is_killed_ten_times(
    cluster: Endpoints, tmp_path: Path
) -> None:
    run(cluster, tmp_path, kills=10)
