"""The running receivers of a city, kept equal to its subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from connectors.subscribers import Subscriber
from schemas.catalogue import topic_name
from schemas.errors import Retriable, Unreachable
from schemas.wire import Wire
from streams.deliver import rows, subscriptions
from streams.deliver.receivers import Receiver
from streams.deliver.subscriptions import Subscription
from streams.deliver.topic_place import TopicPlace
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader
from streams.stages.deliver_accounts import AccountBounds
from streams.stages.deliver_receiver import MakeSink, RetryClock, RunningReceiver

MakeReceiver = Callable[[Mapping[str, TopicPlace]], Receiver]
FirstOffsets = Callable[[Subscription], Awaitable[Mapping[str, int]]]
"""The offsets by topic at which a new subscription begins."""


class Roster:
    """Starts, changes and ends receivers as ``core.subscription`` and the city's file say.

    *purposes*: those that the law in force names. *stored*: the rows of ``core.delivery`` by receiver, taken up by those of
    the same subscription. *prepare* is called with the subscriptions before receivers of them start. *forget* is called with
    the name of each receiver that is no more, *changed* after each result.
    """

    def __init__(
        self,
        city: str,
        of_file: Sequence[Subscription],
        *,
        purposes: Callable[[], Collection[str]],
        make_sink: MakeSink,
        make_receiver: MakeReceiver,
        clock: RetryClock,
        first_offsets: FirstOffsets,
        prepare: Callable[[Collection[Subscription]], Awaitable[None]],
        forget: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self.running: dict[str, RunningReceiver] = {}
        self.stored: dict[str, Mapping[str, Any]] = {}
        self._city = city
        self._of_file = {one.name: one for one in of_file}
        self._of_rows: dict[str, Subscription] = {}
        self._purposes = purposes
        self._make_sink = make_sink
        self._make_receiver = make_receiver
        self._clock = clock
        self._first_offsets = first_offsets
        self._prepare = prepare
        self._forget = forget
        self._changed = changed
        self._news = asyncio.Event()
        self._is_read = False
        self._accounts = AccountBounds(city)
        self._look_at: int | None = None

    def follow(self, following: Following, wire: Wire, name: str) -> None:
        """Read ``core.subscription`` and ``core.account`` by *following*. Call in the running loop."""
        loop = asyncio.get_running_loop()
        reader = RowReader(wire, name, check=subscriptions.check_row)

        def changed() -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._news.set)

        def take(records: Sequence[Record], is_all: bool) -> None:
            self._take(reader, records)
            self._is_read = is_all
            if is_all:
                changed()

        topic = topic_name(self._city, subscriptions.CONTRACT)
        Follower("subscriptions", topic, following, begin=lambda: None, take=take)
        self._accounts.follow(following, wire, name, changed)

    def _take(self, reader: RowReader, records: Sequence[Record]) -> None:
        """In the follower's thread: keep the newest usable row of each subscription."""
        found = dict(self._of_rows)
        for row in reader.rows(records):
            if row.value is None:
                found.pop(row.key, None)
            else:
                found[row.key] = subscriptions.of_row(row.value)
        self._of_rows = found

    async def next_change(self) -> None:
        """Wait for a change of the subscriptions or of the accounts that made them, and apply it."""
        while True:
            await self._clock.wait(self._news, self._look_at)
            self._news.clear()
            self._look_at = None
            if self._is_read and self._accounts.is_read:
                break
        wanted, now_ms = subscriptions.in_force(self._of_file, self._of_rows), self._clock.now_ms()
        self._look_at = self._accounts.next_end_ms(wanted, now_ms)
        try:
            await self._apply(self._accounts.bounded(wanted, now_ms))
        except (Retriable, Unreachable):
            self._news.set()
            raise

    def follow_law(self) -> None:
        """Where the law in force shows a receiver other fields than before, read and mask anew what is queued for it."""
        for running in self.running.values():
            reader = self._reader(running.subscription)
            if reader != running.reader:
                running.reader = reader
                running.receiver.read_again()
                running.wake()
                self._changed()

    async def close(self) -> None:
        """End all tries."""
        await asyncio.gather(*(one.close() for one in self.running.values()))

    async def _apply(self, wanted: Mapping[str, Subscription]) -> None:
        await self._prepare(wanted.values())
        for name in [one for one in (*self.running, *self.stored) if one not in wanted]:
            await self._remove(name)
        for name, one in wanted.items():
            running = self.running.get(name)
            if running is not None and running.subscription.created_at == one.created_at:
                await self._change(running, one)
                continue
            if running is not None:
                await self._remove(name)
            await self._add(one)

    async def _remove(self, name: str) -> None:
        running = self.running.pop(name, None)
        self.stored.pop(name, None)
        if running is not None:
            await running.close()
        self._forget(name)

    async def _add(self, one: Subscription) -> None:
        first = {topic: TopicPlace(at) for topic, at in (await self._first_offsets(one)).items()}
        row = self.stored.pop(one.name, None)
        if row is not None and row["begun_at"] == one.created_at:
            receiver = self._make_receiver(first | rows.places_of(row))
            rows.restore(receiver, row)
            if receiver.state == "dead" and (one.retried_at or 0) > row["event_time"]:
                receiver.revive()
        else:
            receiver = self._make_receiver(first)
        _apply_state(receiver, one)
        self.running[one.name] = RunningReceiver(
            self._city,
            one,
            receiver,
            reader=self._reader(one),
            make_sink=self._make_sink,
            clock=self._clock,
            changed=self._changed,
        )

    async def _change(self, running: RunningReceiver, one: Subscription) -> None:
        before, receiver = running.subscription, running.receiver
        if before == one:
            return
        await running.use(one, self._reader(one))
        if replace(before, state=one.state, retried_at=one.retried_at) != one:
            receiver.read_again()
        if one.retried_at != before.retried_at and receiver.state != "paused":
            receiver.revive()
        _apply_state(receiver, one)
        running.wake()

    def _reader(self, one: Subscription) -> Subscriber:
        return one.reader(self._purposes())


def _apply_state(receiver: Receiver, one: Subscription) -> None:
    """Pause *receiver*, or let it go on, as its subscription says."""
    if one.state == "paused" and receiver.state != "paused":
        receiver.pause()
    elif one.state == "active" and receiver.state == "paused":
        receiver.revive()
