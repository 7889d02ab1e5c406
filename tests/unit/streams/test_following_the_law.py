"""Receivers and the law: when it names a purpose no more, what is queued for that purpose is read and masked anew."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from connectors.base import Delivery
from schemas.errors import Retriable
from streams.deliver.receivers import Receiver
from streams.deliver.subscriptions import Subscription
from streams.deliver.topic_place import TopicPlace
from streams.stages.deliver_receiver import RunningReceiver, WallClock
from streams.stages.deliver_roster import Roster

DESK = Subscription("desk", "119", "nowhere", {}, audience="119", purposes=("rescue",))


class AwaySink:
    """A sink whose receiver is away."""

    is_open = False

    async def deliver(self, events: Sequence[Delivery]) -> None:
        raise Retriable("away")

    async def close(self) -> None:
        pass


async def first_offsets(_one: Subscription) -> Mapping[str, int]:
    return {"t": 0}


async def prepare(_wanted: Collection[Subscription]) -> None:
    pass


async def followed(before: set[str], after: set[str]) -> tuple[bool, int, int]:
    """Whether the receiver is cleared under *after*, the events in its queue, and how often it was to be read anew."""
    purposes, behind = before, []
    receiver = Receiver({"t": TopicPlace(0)}, chance=lambda: 0.5)
    roster = Roster(
        "springfield",
        [DESK],
        purposes=lambda: purposes,
        make_sink=lambda _one: AwaySink(),
        make_receiver=lambda _places: receiver,
        clock=WallClock(),
        first_offsets=first_offsets,
        prepare=prepare,
        forget=lambda _name: None,
        changed=lambda: None,
    )
    receiver.offer("t", 0, Delivery("e", "t", "core.situation", "s", b"{}", "application/json", 0))
    running = RunningReceiver(
        "springfield",
        DESK,
        receiver,
        reader=DESK.reader(before),
        make_sink=lambda _one: AwaySink(),
        clock=WallClock(),
        changed=lambda: None,
    )
    roster.running["desk"] = running
    roster._changed = lambda: behind.append(1)
    try:
        purposes = after
        roster.follow_law()
        return running.reader.is_cleared, receiver.size, len(behind)
    finally:
        await roster.close()


def test_a_purpose_that_the_law_names_no_more_clears_nobody_and_what_waits_is_masked_anew() -> None:
    assert asyncio.run(followed({"rescue"}, set())) == (False, 0, 1)


def test_a_law_that_stays_leaves_the_queue_alone() -> None:
    assert asyncio.run(followed({"rescue"}, {"rescue", "other"})) == (True, 1, 0)
