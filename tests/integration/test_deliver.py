"""Deliveries on the real bus: three receivers, of which one fails for a while and one hangs; a restart; orders by rows."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from confluent_kafka.admin import AdminClient
from lxml import etree

from connectors.base import Delivery
from connectors.formats.cap_feed import CAP_TYPE
from connectors.formats.cap_out import Publisher
from connectors.gateway.published import PublishedAlerts
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Retriable
from schemas.event import Event, derived_id
from schemas.json_form import from_json_value
from schemas.registry import Registry
from schemas.wire import Wire
from streams.deliver.backoff import Backoff
from streams.deliver.cap_bodies import CapBodies
from streams.deliver.receivers import Receiver
from streams.deliver.rows import CONTRACT
from streams.deliver.subscriptions import Subscription, event_of
from streams.runtime.kafka import transactional_producer
from streams.runtime.row_reader import RowReader
from streams.runtime.tables import read_rows
from streams.runtime.transaction import transaction
from streams.stages.deliver import DeliverService
from tests.cap_rules import faults

pytestmark = pytest.mark.cluster

CITY = "delivered"
SITUATIONS, REVISIONS = 6, 5
COUNT = SITUATIONS * REVISIONS
PROMPT_S = 5.0
PUBLISHER = Publisher(
    city=CITY, title="Delivered", sender="alerts@delivered.example", timezone=ZoneInfo("Asia/Seoul")
)


@dataclass
class Desk:
    """A receiver outside: *answers* says how it takes its deliveries now."""

    answers: str = "well"
    got: list[tuple[str, int, str]] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    async def deliver(self, events: Sequence[Delivery]) -> None:
        (event,) = events
        self.tried.append(event.event_id)
        if self.answers == "hangs":
            await asyncio.sleep(3600)
        if self.answers == "fails":
            raise Retriable("the receiver answered 500")
        if event.media_type == CAP_TYPE:
            self.documents.append(event.body)
            return
        data = orjson.loads(event.body)["data"]
        self.got.append((event.key, data["revision"], event.event_id))

    async def close(self) -> None:
        pass

    def is_whole(self) -> bool:
        """Whether every situation's revisions arrived, in order, repeats under the id they had."""
        found: dict[str, list[int]] = defaultdict(list)
        for key, revision, event_id in self.got:
            assert event_id == id_of(key, revision)
            if revision not in found[key]:
                assert found[key] == list(range(1, revision)), f"{key}: {revision} after {found[key]}"
                found[key].append(revision)
        return sum(map(len, found.values())) == COUNT


def id_of(key: str, revision: int) -> str:
    return derived_id(CITY, key, revision)


def situation(number: int, revision: int) -> Event:
    contract = load_catalogue()["core.situation"]
    shown = orjson.loads((contract.folder / "examples" / "typical.json").read_bytes())
    key = f"s-{number}"
    about = {"situation_id": key, "revision": revision, "city": CITY, "event_id": id_of(key, revision)}
    return Event("core.situation", key, {**from_json_value(contract.newest, shown), **about})


def alert(revision: int, message_type: str) -> Event:
    contract = load_catalogue()["core.alert"]
    shown = orjson.loads((contract.folder / "examples" / "typical.json").read_bytes())
    value = from_json_value(contract.newest, shown)
    about = {"alert_id": "a-1", "revision": revision, "city": CITY, "message_type": message_type}
    at = value["event_time"] + revision * 1_000
    its_id = derived_id(CITY, "alert", revision)
    return Event("core.alert", "a-1", {**value, **about, "event_time": at, "event_id": its_id})


@dataclass
class Town:
    """The city's log, and the desks by the names of their subscriptions."""

    places: Endpoints
    wire: Wire
    desks: dict[str, Desk] = field(default_factory=dict)

    def publish(self, *events: Event) -> None:
        producer = transactional_producer(self.places.kafka, f"{CITY}.test")
        with transaction(producer, self.wire, CITY) as outbox:
            for event in events:
                outbox.put(event)

    def service(self, *subscriptions: Subscription) -> DeliverService:
        return DeliverService(
            CITY,
            subscriptions,
            lambda one: self.desks[one.name],
            purposes=tuple,
            bootstrap=self.places.kafka,
            wire=self.wire,
            cap=CapBodies(PublishedAlerts(PUBLISHER)),
            make_receiver=lambda places: Receiver(places, chance=lambda: 0.5, backoff=Backoff(50, 2.0, 400)),
        )

    @asynccontextmanager
    async def delivering(self, *subscriptions: Subscription) -> AsyncIterator[DeliverService]:
        service = self.service(*subscriptions)
        task = asyncio.create_task(service.run())
        try:
            await until(lambda: service.is_ready or task.done())
            assert not task.done(), task.exception()
            yield service
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(is_so: Any, at_most_s: float = 20.0) -> None:
    async with asyncio.timeout(at_most_s):
        while not is_so():  # noqa: ASYNC110  (it looks at what other tasks do)
            await asyncio.sleep(0.02)


def a_subscription(name: str, **about: Any) -> Subscription:
    return Subscription(name, "police", "any", audience="*", contracts=("core.situation",), **about)


@pytest.fixture(scope="module")
def town(cluster: Endpoints) -> Iterator[Town]:
    ensure_topics(cluster.kafka, [CITY])
    yield Town(cluster, Wire(Registry(cluster.registry)))
    admin = AdminClient({"bootstrap.servers": cluster.kafka, "log_level": 3})
    topics = [one for one in admin.list_topics(timeout=10).topics if one.startswith(f"{CITY}.")]
    for future in admin.delete_topics(topics).values():
        future.result()


def test_a_receiver_that_fails_and_one_that_hangs_delay_no_other_and_lose_nothing(town: Town) -> None:
    events = [situation(n, revision) for revision in range(1, REVISIONS + 1) for n in range(SITUATIONS)]
    half = len(events) // 2
    town.desks = {"good": Desk(), "failing": Desk("fails"), "hanging": Desk("hangs")}
    good, failing, hanging = town.desks.values()
    of_file = [a_subscription(name) for name in town.desks]

    async def story() -> None:
        async with town.delivering(*of_file):
            town.publish(*events[:half])
            await until(lambda: len(good.got) == half, PROMPT_S)
            await until(lambda: failing.tried and hanging.tried)
        town.publish(*events[half:])  # while nobody delivers
        async with town.delivering(*of_file):
            await until(good.is_whole, PROMPT_S)
            failing.answers = hanging.answers = "well"
            # the failing one comes back by itself; somebody has the hanging one tried again
            town.publish(event_of(a_subscription("hanging", retried_at=1), CITY, now_ms=1_780_000_000_000))
            await until(lambda: failing.is_whole() and hanging.is_whole())

    asyncio.run(story())
    assert len(good.got) == COUNT, "what was noted at the end of a process is not repeated"


def test_a_subscription_made_while_nobody_delivers_begins_when_it_was_made(town: Town) -> None:
    town.desks = {name: Desk() for name in ("late", "whole", "witness", "hanging")}
    late, whole = town.desks["late"], town.desks["whole"]

    async def story() -> None:

        made = time.time_ns() // 1_000_000
        town.publish(event_of(a_subscription("late", created_at=made), CITY, now_ms=made))
        everything = a_subscription("whole", created_at=made, from_beginning=True)
        town.publish(event_of(everything, CITY, now_ms=made))
        town.publish(situation(99, 1))
        async with town.delivering(a_subscription("witness")) as service:
            await until(lambda: late.got and len(whole.got) == COUNT + 1)
            assert [key for key, _, _ in late.got] == ["s-99"]
            town.publish(event_of(a_subscription("late", created_at=made, state="paused"), CITY, now_ms=made))
            town.publish(
                event_of(a_subscription("whole", created_at=made, state="removed"), CITY, now_ms=made)
            )
            await until(
                lambda: service.receivers().get("late") == "paused" and "whole" not in service.receivers()
            )
            town.publish(situation(99, 2))
            await until(lambda: town.desks["witness"].got)
            assert len(late.got) == 1 and len(whole.got) == COUNT + 1
            town.publish(event_of(a_subscription("late", created_at=made), CITY, now_ms=made))
            await until(lambda: len(late.got) == 2)

    asyncio.run(story())


def test_a_new_receiver_has_its_place_in_kafka_before_the_stage_is_ready(town: Town) -> None:
    """Killed without it, the stage would begin at a later end of the log, and what came between would be lost."""
    town.desks = {"new": Desk()}

    async def story() -> dict[str, Any]:
        async with town.delivering(a_subscription("new")):
            reader = RowReader(town.wire, "test")
            # without a pause, so that nothing is noted meanwhile
            return dict(read_rows(town.places.kafka, topic_name(CITY, CONTRACT), reader).rows)

    assert "new" in asyncio.run(story())


def test_a_receiver_of_cap_gets_messages_that_name_those_before_it_began(town: Town, data_dir: Path) -> None:
    town.desks = {"radio": Desk(), "late": Desk()}
    schema = etree.XMLSchema(etree.parse(data_dir / "alerts/cap/schema/cap12_extended.xsd"))
    town.publish(alert(1, "alert"), alert(2, "update"))
    radio = a_cap_subscription("radio", from_beginning=True)

    async def story() -> None:
        async with town.delivering(radio, a_cap_subscription("late")):
            town.publish(situation(98, 1), alert(3, "update"), alert(4, "cancel"))
            await until(lambda: len(town.desks["radio"].documents) == 4)
            await until(lambda: len(town.desks["late"].documents) == 2)

    asyncio.run(story())
    documents = town.desks["radio"].documents
    assert all(schema.validate(etree.fromstring(one)) for one in documents), schema.error_log
    assert faults(documents) == []
    kinds = [etree.fromstring(one).findtext("{*}msgType") for one in documents]
    assert kinds == ["Alert", "Update", "Update", "Cancel"]
    assert town.desks["late"].documents == documents[2:]


def a_cap_subscription(name: str, **about: Any) -> Subscription:
    return Subscription(name, "radio", "any", audience="*", format="cap", **about)
