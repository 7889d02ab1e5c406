"""The tries of one receiver beside its sink's life: a sink is closed when no try uses it, and set aside is said once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from connectors.base import Delivery
from connectors.subscribers import Subscriber
from schemas.errors import Fatal
from streams.deliver.receivers import Receiver
from streams.deliver.subscriptions import Subscription
from streams.deliver.topic_place import TopicPlace
from streams.stages.deliver_offer import A_TURN, in_turns
from streams.stages.deliver_receiver import RunningReceiver, WallClock

TOPIC = "town.core.situation"
ONE = Subscription("desk", "police", "any", audience="*")


@dataclass
class Door:
    """A sink that refuses the situation ``bad`` and never answers for any other."""

    inside: int = 0
    inside_at_close: list[int] = field(default_factory=list)

    async def deliver(self, events: Sequence[Delivery]) -> None:
        self.inside += 1
        try:
            await asyncio.sleep(0 if events[0].key == "bad" else 3_600)
        finally:
            self.inside -= 1
        raise Fatal("it redirects")

    async def close(self) -> None:
        self.inside_at_close.append(self.inside)


def running(door: Door) -> RunningReceiver:
    receiver = Receiver({TOPIC: TopicPlace(0)}, chance=lambda: 0.0)
    for offset, key in enumerate(("slow", "slower", "bad", "worse")):
        receiver.offer(TOPIC, offset, Delivery(f"e-{key}", "", "", key, b"{}", "", 0))
    return RunningReceiver(
        "town",
        ONE,
        receiver,
        reader=Subscriber("*"),
        make_sink=lambda _one: door,
        clock=WallClock(),
        changed=lambda: None,
    )


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_sink_that_refuses_us_is_closed_when_no_other_try_uses_it(caplog: pytest.LogCaptureFixture) -> None:
    door = Door()

    async def story() -> None:
        one = running(door)
        await turns()
        assert one.receiver.state == "dead"
        assert door.inside_at_close == [0]
        await one.close()

    asyncio.run(story())
    assert sum("set aside" in one.message for one in caplog.records) == 1


def test_a_sink_with_other_settings_takes_the_place_of_one_that_is_not_in_use() -> None:
    door = Door()

    async def story() -> None:
        one = running(door)
        one.receiver.read_again()
        one.receiver.offer(TOPIC, 0, Delivery("e-slow", "", "", "slow", b"{}", "", 0))
        await turns()
        assert door.inside == 1
        await one.use(replace(ONE, settings={"path": "other"}), Subscriber("*"))
        assert door.inside_at_close == [0]
        await one.close()

    asyncio.run(story())


def test_a_backlog_is_offered_in_turns_with_other_work() -> None:
    seen: list[int] = []
    others: list[int] = []

    async def other() -> None:
        while True:
            others.append(len(seen))
            await asyncio.sleep(0)

    async def story() -> None:
        task = asyncio.create_task(other())
        async for one in in_turns(range(3 * A_TURN)):
            seen.append(one)
        task.cancel()

    asyncio.run(story())
    assert seen == [*range(3 * A_TURN)]
    assert {A_TURN, 2 * A_TURN} <= set(others)
