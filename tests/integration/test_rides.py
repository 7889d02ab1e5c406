"""Rides on demand on the real bus: two gateways as processes, two dispatchers for each ride, repeats, and kills.

Each dispatcher asks either gateway until it is answered. Meanwhile operators change, end and cancel rides. The judge of
``tests/property/test_bookings.py`` reads the log and knows nothing of the code that decides.
"""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from confluent_kafka.admin import AdminClient

from connectors.gateway.booking_desk import RideAnswer, RideWish
from deploy.settings import Endpoints
from deploy.topics import apply, plan
from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event, derived_id, event_fields
from schemas.registry import Registry
from schemas.wire import Wire
from streams.runtime.kafka import read_whole
from tests.match_city import Bus
from tests.property.test_bookings import judged
from tests.ride_gateways import Killed, RideGateway

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261130"))
CONTRACT = "mobility.booking"
SHORT, LONG = 1_000, 20_000
PEOPLE = 8
"""So many rides are fought for at once, by two dispatchers each."""
READY_S = 60.0
LATER_SHARE = 0.15
"""Of so many rides each of the rows that their operator may tell later is told."""


def a_row(city: str, ride: str, state: str, revision: int, now_ms: int) -> Event:
    fields = load_catalogue()[CONTRACT].newest["fields"]
    value = {one["name"]: one.get("default") for one in fields} | event_fields(
        city, "drt", event_id=derived_id(ride, state, revision), event_time_ms=now_ms, received_ms=now_ms
    )
    about = {"booking_id": ride, "state": state, "revision": revision, "operator": "drt"}
    return Event(CONTRACT, ride, value | about)


@dataclass
class Streets:
    """The city: its two gateways, and what its dispatchers were told."""

    city: str
    kafka: str
    wire: Wire
    gateways: tuple[RideGateway, RideGateway]
    bus: Bus
    told: Counter[str] = field(default_factory=Counter)
    ends: dict[str, dict[str, tuple[RideWish, RideAnswer]]] = field(default_factory=lambda: defaultdict(dict))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def tell(self, rides: Sequence[str], state: str, revision: int) -> None:
        now_ms = time.time_ns() // 1_000_000
        self.bus.put([a_row(self.city, one, state, revision, now_ms) for one in rides])

    def dispatch(self, ride: str, vehicle: str, seed: int) -> None:
        """Want *ride* for *vehicle* at any gateway until it is told whose it is; some repeat after that, too."""
        chance = random.Random(seed)
        revision, tries, answers = 1, 1, dict[str, RideAnswer]()
        until = time.monotonic() + READY_S
        while time.monotonic() < until:
            wish = RideWish(f"{ride}/{vehicle}/{tries}", ride, revision, vehicle, f"by {vehicle}")
            answer = self._ask(wish, chance)
            if answer is None:
                continue
            again = self._ask(wish, chance) if chance.random() < 0.3 else None
            for one in (answer, *([again] if again else [])):
                before = answers.setdefault(wish.command_id, one)
                assert _said(before) == _said(one), (wish, before, one)
            if answer.refused == "booking-changed":
                revision, tries = answer.revision, tries + 1
                continue
            with self.lock:
                self.ends[ride][vehicle] = (wish, answer)
                self.told[answer.refused or "assigned"] += 1
            return
        raise AssertionError(f"{vehicle} was never answered about {ride}")

    def _ask(self, wish: RideWish, chance: random.Random) -> RideAnswer | None:
        try:
            return chance.choice(self.gateways).assign(wish)
        except (Killed, Retriable) as error:
            with self.lock:
                self.told["asked again"] += 1
            if isinstance(error, Killed):
                time.sleep(0.02)
            return None

    def log(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in read_whole(self.kafka, [f"{self.city}.{CONTRACT}"]):
            row = self.wire.decode(one.topic, one.value or b"")
            found[row["booking_id"]].append(row)
        return found


def _said(answer: RideAnswer) -> tuple[Any, ...]:
    return answer.refused, answer.state, answer.vehicle_id, answer.revision


@contextmanager
def streets(cluster: Endpoints) -> Iterator[Streets]:
    city = f"rides-{uuid4().hex[:8]}"
    apply(cluster.kafka, [one for one in plan(cluster.kafka, [city]) if one.contract.name == CONTRACT])
    wire = Wire(Registry(cluster.registry))
    words = (city, cluster.kafka, cluster.registry)
    gateways = RideGateway(words), RideGateway(words)
    try:
        assert all(one.is_ready.wait(READY_S) for one in gateways)
        yield Streets(city, cluster.kafka, wire, gateways, Bus(city, cluster.kafka, wire))
    finally:
        for one in gateways:
            one.end()
        wire.registry.close()
        admin = AdminClient({"bootstrap.servers": cluster.kafka, "log_level": 3})
        for deleted in admin.delete_topics([f"{city}.{CONTRACT}"]).values():
            deleted.result(20)


def fought(city: Streets, count: int, kills: int, *, seed: int) -> int:
    """Let two dispatchers fight for each of *count* rides, while gateways are killed. The questions that died with them."""
    chance = random.Random(seed)
    rides = [f"r-{number}" for number in range(count)]
    city.tell(rides, "requested", 1)
    later = [("requested", 2), ("requested", 3), ("picked_up", 4), ("cancelled", 5)]
    due = [(chance.random(), one, *row) for one in rides for row in later if chance.random() < LATER_SHARE]
    due.sort()
    at_kills = sorted(chance.uniform(0.1, 0.9) for _ in range(kills))
    lost = 0
    with ThreadPoolExecutor(2 * PEOPLE) as people:
        jobs = [
            people.submit(city.dispatch, ride, vehicle, seed + 2 * number + turn)
            for number, ride in enumerate(rides)
            for turn, vehicle in enumerate(chance.sample(["van-1", "van-2"], 2))
        ]
        while (done := sum(one.done() for one in jobs)) < len(jobs):
            while due and due[0][0] * len(jobs) <= done:
                _, ride, state, revision = due.pop(0)
                city.tell([ride], state, revision)
            if at_kills and at_kills[0] * len(jobs) <= done:
                at_kills.pop(0)
                lost += chance.choice(city.gateways).kill()
            time.sleep(0.005)
        for one in jobs:
            one.result()
    return lost


def check(city: Streets, count: int) -> Counter[str]:
    """Compare what dispatchers were told with the log, by the judge that was written apart."""
    found: Counter[str] = Counter()
    log = city.log()
    assert len(log) == len(city.ends) == count
    for ride, rows in log.items():
        winner, won_at, state = judged(rows)
        ends = city.ends[ride]
        assert len(ends) == 2, ("a dispatcher was never answered", ride)
        done = {wish.command_id: (wish, answer) for wish, answer in ends.values() if answer.refused is None}
        assert set(done) == ({winner} if winner else set()), (ride, winner, done)
        found["assigned" if winner else f"ended {state}"] += 1
        for wish, answer in ends.values():
            if wish.command_id == winner:
                assert (answer.revision, answer.vehicle_id) == (won_at, wish.vehicle_id)
            elif answer.refused == "booking-taken":
                [(won, _)] = done.values()
                assert won_at is not None and answer.revision >= won_at
                assert answer.vehicle_id == won.vehicle_id
            else:
                assert answer.refused in ("booking-cancelled", "booking-under-way"), answer
                assert any(row["state"] in ("cancelled", "picked_up") for row in rows)
    return found


@pytest.mark.timeout(120)
def test_each_ride_is_assigned_once_whoever_asks_and_whichever_gateway_dies(cluster: Endpoints) -> None:
    with streets(cluster) as city:
        lost = fought(city, SHORT, 2, seed=SEED)
        found = check(city, SHORT)
    assert found["assigned"] > 0.7 * SHORT and city.told["booking-taken"] > 0.6 * SHORT, (found, city.told)
    sys.stdout.write(
        f"seed {SEED}: {dict(found)}, told {dict(city.told)}, {lost} questions died with a gateway\n"
    )


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_of_twenty_thousand_rides_each_is_assigned_once_through_ten_kills(cluster: Endpoints) -> None:
    with streets(cluster) as city:
        lost = fought(city, LONG, 10, seed=SEED)
        found = check(city, LONG)
    assert found["assigned"] > 0.7 * LONG and city.told["booking-taken"] > 0.6 * LONG, (found, city.told)
    assert lost > 0 and city.told["asked again"] >= lost, "no gateway died with a question: nothing is shown"
    sys.stdout.write(
        f"seed {SEED}: {dict(found)}, told {dict(city.told)}, {lost} questions died with a gateway\n"
    )


def test_the_judge_sees_a_ride_that_two_were_given(cluster: Endpoints) -> None:
    with streets(cluster) as city:
        fought(city, 4, 0, seed=SEED)
        ride = next(
            one for one, ends in city.ends.items() if any(a.refused is None for _, a in ends.values())
        )
        for vehicle, (wish, answer) in list(city.ends[ride].items()):
            city.ends[ride][vehicle] = (wish, RideAnswer(None, "assigned", vehicle, answer.revision, False))
        with pytest.raises(AssertionError):
            check(city, 4)
