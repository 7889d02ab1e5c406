"""Kafka is down, the gateway is killed, and agencies continue to push: each push answered with 2xx is in its topic, once.

The seed is printed; ``BONGSU_SEED`` gives another. The short variant runs in CI, the long one with ``-m long``.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import monotonic, sleep

import pytest

from deploy.local import cluster as local_cluster
from tests.a_gateway import Agency, PushedCity, in_batches, reports
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261123"))
AGENCIES = 4
DRAINED_S = 180.0
ANSWERED_S = 15.0


@pytest.fixture
def home() -> Iterator[Path]:
    """A cluster of this test's own, as it stops Kafka."""
    folder = Path(tempfile.mkdtemp(prefix="bongsu-"))
    try:
        yield folder
    finally:
        local_cluster.down(folder, erase=True)


def test_pushes_survive_a_stop_of_kafka_and_kills_of_the_gateway(home: Path, tmp_path: Path) -> None:
    storm(home, tmp_path, events=4_000, batch=20, away_s=4.0, kills=3, pause_s=0.1)


@pytest.mark.long
def test_a_hundred_thousand_events_survive_thirty_seconds_without_kafka_and_three_kills(
    home: Path, tmp_path: Path
) -> None:
    storm(home, tmp_path, events=100_000, batch=100, away_s=30.0, kills=3, pause_s=0.15)


def storm(
    home: Path, folder: Path, *, events: int, batch: int, away_s: float, kills: int, pause_s: float
) -> None:
    """Push *events* by four agencies while Kafka, the registry and Redis are down for *away_s* seconds."""
    chance = Random(SEED)
    city = PushedCity(LivingCity("pushed", folder, local_cluster.up(home)))
    key = city.key("--source", "reports")
    city.start()
    try:
        agencies = [
            Agency(city, key, in_batches(reports(f"a{number}", events // AGENCIES), batch), pause_s)
            for number in range(AGENCIES)
        ]
        sleep(chance.uniform(0.2, 1.0))
        local_cluster.down(home)
        for _ in range(kills):
            sleep(chance.uniform(0.1, 0.9) * away_s / kills)
            city.kill()
            city.start()
        sleep(away_s / (2 * kills))
        waited = city.waiting()
        check_it_says_that_nothing_is_published(city)
        local_cluster.up(home)
        for one in agencies:
            one.thread.join()
        wait_until(lambda: city.waiting() == 0, DRAINED_S)
        wait_until(lambda: city.readiness()[1]["publishing"], DRAINED_S)
        assert "since" not in city.readiness()[1]
        answers = sum((one.answers for one in agencies), Counter[str]())
        print(f"seed {SEED}: {events} events, {waited} pushes waited for Kafka, answers {dict(answers)}")
        assert waited > 0, "Kafka was back before anything had to wait"
        check_all_is_there_once(city, agencies, events)
    finally:
        city.stop()
        city.city.wire.registry.close()


def check_it_says_that_nothing_is_published(city: PushedCity) -> None:
    """Check that ``/readyz`` is ready all the same: accepted pushes wait, and will be published."""
    status, told = city.readiness()
    assert (status, told["ready"], told["publishing"]) == (200, True, False), told
    assert datetime.fromisoformat(told["since"]) <= datetime.now(UTC)
    assert told["why"]
    assert 0 < told["room_bytes"] < 1 << 30


def check_all_is_there_once(city: PushedCity, agencies: list[Agency], events: int) -> None:
    acknowledged = Counter(number for one in agencies for number in one.acknowledged)
    published = city.city.values("police.incident")
    assert len(acknowledged) == events
    assert {one["agency_case_no"] for one in published} == set(acknowledged)
    doubles = [one for one, count in Counter(one["event_id"] for one in published).items() if count > 1]
    assert not doubles, f"{len(doubles)} events were published twice"
    assert not city.city.values("source.dlq")


def test_the_check_notices_a_push_that_was_lost_or_doubled(home: Path, tmp_path: Path) -> None:
    city = PushedCity(LivingCity("noticed", tmp_path, local_cluster.up(home)))
    key = city.key()
    city.start()
    try:
        agency = Agency(city, key, in_batches(reports("a", 40), 20))
        agency.thread.join()
        wait_until(lambda: city.waiting() == 0, DRAINED_S)
        check_all_is_there_once(city, [agency], 40)
        agency.acknowledged.append("a-41")
        with pytest.raises(AssertionError):
            check_all_is_there_once(city, [agency], 41)
        agency.acknowledged.pop()
        status, _ = city.push(key, "reports", [*reports("a", 1), *reports("b", 0)], idempotency_key="again")
        assert status == 202
        wait_until(lambda: city.waiting() == 0, DRAINED_S)
        with pytest.raises(AssertionError, match="twice"):
            check_all_is_there_once(city, [agency], 40)
    finally:
        city.stop()
        city.city.wire.registry.close()


def test_while_kafka_is_away_an_operator_is_told_so_and_asks_again_and_it_is_done_once(
    home: Path, tmp_path: Path
) -> None:
    gateway = PushedCity(LivingCity("acting", tmp_path, local_cluster.up(home)))
    city, key, operator = gateway.city, gateway.key(), gateway.user("desk-1", "operator")
    gateway.start()
    try:
        with city.running("--only-stages"):
            gateway.push(key, "reports", reports("a", 1))
            wait_until(city.situations, DRAINED_S, every_s=0.2)
            (its_id,) = city.situations()
            wait_until(lambda: gateway.act(operator, its_id, "note")[0] == 202, DRAINED_S, every_s=0.2)
            local_cluster.down(home)
            begun = monotonic()
            status, said = gateway.act(operator, its_id, "close", idempotency_key="close it")
            assert (status, monotonic() - begun < ANSWERED_S) == (503, True), said
            assert "same Idempotency-Key" in said["how"]
        local_cluster.up(home)

        def is_taken() -> bool:
            return gateway.act(operator, its_id, "close", idempotency_key="close it")[0] == 202

        wait_until(is_taken, DRAINED_S, every_s=0.5)
        assert gateway.act(operator, its_id, "close", idempotency_key="close it")[1]["repeated"]
        with city.running("--only-stages"):
            wait_until(lambda: city.situations()[its_id]["status"] == "closed", DRAINED_S, every_s=0.2)
        assert [one["action"] for one in city.situations()[its_id]["actions"]].count("close") == 1
    finally:
        gateway.stop()
        city.wire.registry.close()
