"""Webhook receivers that fail, hang, redirect, flood us, are at this machine or die for a while, beside an honest one.

Real sockets, real Kafka. Back-off goes by a clock that may be 600 times as fast; answers and delays go by the wall's.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from confluent_kafka.admin import AdminClient

from connectors.base import Sink, SinkContext
from connectors.discovery import load_sink
from connectors.formats.cap_out import Publisher
from connectors.gateway.published import PublishedAlerts
from connectors.transport.web_page import wall_clock_ms
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.registry import Registry
from schemas.wire import Wire
from streams.deliver.cap_bodies import CapBodies
from streams.deliver.subscriptions import Subscription, event_of
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import transaction
from streams.stages.deliver import DeliverService
from streams.stages.deliver_receiver import WallClock
from tests.situation_writer import SituationWriter
from tests.webhook_receivers import SECRET, Got, Streets, WebhookReceiver, missing, out_of_order, streets

pytestmark = pytest.mark.cluster

SEED = int(os.environ.get("BONGSU_SEED", "20261130"))
P99_S = 1.0
BEFORE_S, AFTER_S = 2.0, 5.0
"""The seconds of events before a receiver dies and after it is back."""
FLOOD_BYTES_MAX = 8 << 20
"""The most that a flooding receiver gets rid of for one delivery: what is read, and what lies in the sockets."""


@dataclass
class Road:
    """The city's log, and its receivers by the names of their subscriptions."""

    city: str
    places: Endpoints
    wire: Wire
    open_to: Streets
    receivers: dict[str, WebhookReceiver] = field(default_factory=dict)

    def build(self) -> None:
        for name, answer in _ANSWERS.items():
            self.receivers[name] = self.open_to.open(WebhookReceiver(always(answer)))
        self.receivers["redirects"].redirects_to = f"http://{self.receivers['honest'].host}/events"

    def subscription(self, name: str, *, retried_at: int | None = None) -> Subscription:
        port = self.receivers[name].port
        url = f"https://localhost:{port}/" if name == "inside" else f"http://127.0.0.1:{port}/events"
        settings = {"url": url, "secrets": ["${SECRET}"]}
        return Subscription(
            name,
            "police",
            "webhook",
            settings,
            audience="*",
            contracts=("core.situation",),
            retried_at=retried_at,
        )

    def sink(self, one: Subscription) -> Sink:
        allowed = tuple(one.host for name, one in self.receivers.items() if name != "inside")
        context = SinkContext(self.city, one.name, wall_clock_ms, allowed)
        return load_sink("webhook", {**one.settings, "secrets": [SECRET]}, context)

    @asynccontextmanager
    async def delivering(self, speed: int) -> AsyncIterator[DeliverService]:
        publisher = Publisher(
            city=self.city, title="Town", sender="alerts@town.example", timezone=ZoneInfo("UTC")
        )
        service = DeliverService(
            self.city,
            [self.subscription(name) for name in self.receivers],
            self.sink,
            purposes=tuple,
            bootstrap=self.places.kafka,
            wire=self.wire,
            cap=CapBodies(PublishedAlerts(publisher)),
            clock=WallClock(speed),
        )
        task = asyncio.create_task(service.run())
        try:
            await until(lambda: service.is_ready or task.done(), 60)
            yield service
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def retry(self, name: str) -> None:
        """Do what ``bongsu subscription retry`` does."""
        row = event_of(self.subscription(name, retried_at=wall_clock_ms()), self.city, now_ms=wall_clock_ms())
        with transaction(
            transactional_producer(self.places.kafka, f"{self.city}.retry"), self.wire, self.city
        ) as outbox:
            outbox.put(row)


_ANSWERS: dict[str, int | str] = {
    "honest": 200,
    "dies": 200,
    "fails": 500,
    "hangs": "hang",
    "redirects": 307,
    "floods": "flood",
    "inside": 200,
}


@pytest.fixture
def road(cluster: Endpoints) -> Iterator[Road]:
    city = f"bad-road-{uuid4().hex[:8]}"
    ensure_topics(cluster.kafka, [city])
    with streets() as open_to:
        made = Road(city, cluster, Wire(Registry(cluster.registry)), open_to)
        made.build()
        yield made
    made.wire.registry.close()
    admin = AdminClient({"bootstrap.servers": cluster.kafka, "log_level": 3})
    topics = [one for one in admin.list_topics(timeout=10).topics if one.startswith(f"{city}.")]
    for future in admin.delete_topics(topics).values():
        future.result()


def always(answer: int | str) -> Callable[[int], int | str]:
    return lambda _number: answer


def has_all(one: WebhookReceiver, wanted: Collection[tuple[str, int, str]]) -> bool:
    return not missing(one.got, wanted)


async def until(is_so: Callable[[], bool], at_most_s: float) -> None:
    async with asyncio.timeout(at_most_s):
        while not is_so():  # noqa: ASYNC110  (it looks at what other threads do)
            await asyncio.sleep(0.1)


@pytest.mark.long
def test_an_hour_of_bad_receivers_at_600_times_the_speed_delays_nobody_else(road: Road) -> None:
    asyncio.run(live_through(road, speed=600, dead_s=6.0, settled_s=120.0))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_ten_real_minutes_of_bad_receivers_delay_nobody_else(road: Road) -> None:
    asyncio.run(live_through(road, speed=1, dead_s=600.0, settled_s=1_800.0))


async def live_through(road: Road, *, speed: int, dead_s: float, settled_s: float) -> None:
    honest, dies = road.receivers["honest"], road.receivers["dies"]
    async with road.delivering(speed) as service:
        with SituationWriter(road.city, road.places.kafka, road.wire, Random(SEED)) as writer:
            await asyncio.sleep(BEFORE_S)
            await asyncio.to_thread(road.open_to.kill, dies)
            await asyncio.sleep(dead_s)
            had = len(dies.got)
            await asyncio.to_thread(road.open_to.revive, dies)
            await asyncio.sleep(AFTER_S)
        wanted = set(writer.written)
        assert had < len(wanted) // 2, "it was not away for long"
        await until(lambda: not missing(honest.got, wanted), 30.0)
        print(told(writer, honest, had), service.receivers())
        states = service.receivers()
        assert {name for name, state in states.items() if state == "dead"} == {"redirects", "inside"}
        assert road.receivers["hangs"].got == [] == road.receivers["fails"].got
        for name in ("fails", "hangs", "redirects"):
            road.receivers[name].answer = always(200)
        await asyncio.to_thread(road.retry, "redirects")
        begun = time.monotonic()
        for name, one in road.receivers.items():
            if name != "inside":
                await until(partial(has_all, one, wanted), settled_s)
                print(f"{name}: everything {time.monotonic() - begun:.1f} s after, {one.asked} requests")
    for name, one in road.receivers.items():
        assert not out_of_order(one.got), name
        assert not one.faults, name
    assert road.receivers["inside"].connected == 0
    floods = road.receivers["floods"]
    assert floods.sent_bytes <= FLOOD_BYTES_MAX * floods.asked
    assert len(honest.got) == len(wanted), "nothing is repeated to one that answers"
    assert delays(writer, honest)[-1 - len(wanted) // 100] <= P99_S


def delays(writer: SituationWriter, one: WebhookReceiver) -> list[float]:
    """The seconds from when an event was due to its arrival, least first."""
    return sorted(got.at_s - writer.written[its(got)] for got in one.got)


def its(got: Got) -> tuple[str, int, str]:
    return got.key, got.revision, got.event_id


def told(writer: SituationWriter, honest: WebhookReceiver, had: int) -> str:
    took = delays(writer, honest)
    p50, p99 = took[len(took) // 2], took[-1 - len(took) // 100]
    load = "/".join(f"{one:.0f}" for one in os.getloadavg())
    first_s = min(writer.written.values())
    worst = sorted(
        (one.at_s - writer.written[its(one)], writer.written[its(one)] - first_s) for one in honest.got
    )
    return (
        f"seed {SEED}: {len(took)} events, p50 {p50:.3f} s, p99 {p99:.3f} s, most {took[-1]:.3f} s at second "
        f"{worst[-1][1]:.1f}, load {load}; the dead one had {had}"
    )
