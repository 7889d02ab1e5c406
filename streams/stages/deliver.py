"""Delivery of the core topics to every subscription: one reader of the log, and a place for each receiver.

A receiver without room falls behind and keeps its place alone; it is read to from there by a second reader that all such
receivers share, until it has caught up. So none delays another. Places go to ``core.delivery`` twice a second: a
killed process repeats what it had not noted yet, under the same ids.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from schemas.catalogue import topic_name
from schemas.errors import Retriable, Unreachable
from schemas.event import Event
from schemas.wire import Wire
from streams import metrics
from streams.deliver import rows
from streams.deliver.cap_bodies import CapBodies
from streams.deliver.order import in_order, ready
from streams.deliver.receivers import Receiver
from streams.deliver.subscriptions import Subscription
from streams.log import log
from streams.runtime.follower import Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader
from streams.runtime.tables import read_rows
from streams.stages.deliver_ages import DeliveryAges
from streams.stages.deliver_cap import read_alerts
from streams.stages.deliver_log import FOLLOW_WAIT_MS, DeliveredLog
from streams.stages.deliver_offer import Offer, in_turns
from streams.stages.deliver_progress import Progress
from streams.stages.deliver_receiver import MakeSink, RetryClock, RunningReceiver, WallClock
from streams.stages.deliver_roster import MakeReceiver, Roster

AGAIN_S, TELL_S, CATCH_UP_S, END_S = 1.0, 0.5, 0.05, 5.0
SLICE_RECORDS = 500
T = TypeVar("T")


class DeliverService:
    """Delivers what the subscriptions of *of_file* and of ``core.subscription`` want. *purposes*: those that the law in
    force names.

    *cap* writes alerts as CAP. It commits no offsets: its receivers' places stand in ``core.delivery``. One process of a
    city runs it.
    """

    def __init__(
        self,
        city: str,
        of_file: Sequence[Subscription],
        make_sink: MakeSink,
        *,
        purposes: Callable[[], Collection[str]],
        bootstrap: str,
        wire: Wire,
        cap: CapBodies,
        clock: RetryClock | None = None,
        make_receiver: MakeReceiver | None = None,
    ) -> None:
        self.name = f"{city}.deliver"
        self.is_ready = False
        self._city = city
        self._bootstrap = bootstrap
        self._wire = wire
        self._clock = clock or WallClock()
        self._rows = RowReader(wire, self.name)
        self._cap = cap
        self._position: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._ages = DeliveryAges(city, self.name, self._clock.now_ms)
        self._progress = Progress(city, bootstrap, wire)
        self._behind = asyncio.Event()
        chance = random.random  # it spreads tries in time and decides nothing
        self._roster = Roster(
            city,
            of_file,
            purposes=purposes,
            make_sink=make_sink,
            make_receiver=make_receiver or (lambda places: Receiver(places, chance=chance)),
            clock=self._clock,
            first_offsets=self._first_offsets,
            prepare=self._prepare,
            forget=self._progress.forget,
            changed=self._behind.set,
        )

    def receivers(self) -> dict[str, str]:
        """The state of each receiver, by name."""
        return {name: one.receiver.state for name, one in self._roster.running.items()}

    # -- life ------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        following = Following(self.name, bootstrap=self._bootstrap)
        self._roster.follow(following, self._wire, self.name)
        try:
            await self._again(self._begin)
            following.start()
            async with asyncio.TaskGroup() as tasks:
                for work in (self._manage, self._follow, self._catch_up, self._tell):
                    tasks.create_task(self._again(work))
        except BaseExceptionGroup as group:  # one of them ends the worker; the others were cancelled
            raise group.exceptions[0] from group
        finally:
            self.is_ready = False
            await self._roster.close()
            self._note()
            await asyncio.to_thread(self._progress.send, END_S)
            await asyncio.to_thread(following.end)

    async def _again(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do *work* to its end, over again when Kafka or the registry was away."""
        while True:
            try:
                return await work()
            except (Retriable, Unreachable) as error:
                metrics.errors.labels(self.name, metrics.RETRIABLE).inc()
                log.warning("deliveries wait, Kafka unavailable", why=error.what)
                await asyncio.sleep(AGAIN_S)

    async def _begin(self) -> None:
        """Read the receivers' places, and where the log ends now."""
        topic = topic_name(self._city, rows.CONTRACT)
        table = await asyncio.to_thread(read_rows, self._bootstrap, topic, self._rows)
        self._roster.stored = {name: row.value for name, row in table.rows.items() if row.value is not None}
        bounds = await self._ask_log(DeliveredLog.bounds)
        self._position = {topic: high for topic, (_, high) in bounds.items()}
        self._low = {topic: low for topic, (low, _) in bounds.items()}

    async def _manage(self) -> None:
        """Keep the running receivers equal to the subscriptions."""
        while True:
            await self._roster.next_change()
            self._show()
            self._behind.set()
            self._note()
            while not await asyncio.to_thread(self._progress.send, END_S):
                pass  # a new receiver begins at the log's end of now: killed before that is noted, it would begin later
            self.is_ready = True

    async def _prepare(self, wanted: Collection[Subscription]) -> None:
        """Read the alerts there were, once, if a subscription wants messages of CAP: these name the earlier ones."""
        if not self._cap.is_whole and any(one.format == "cap" for one in wanted):
            await asyncio.to_thread(read_alerts, self._cap, self._city, self._bootstrap, self._wire)

    async def _first_offsets(self, one: Subscription) -> Mapping[str, int]:
        if one.from_beginning:
            return dict(self._low)
        if one.created_at:
            return await self._ask_log(lambda opened: opened.offsets_at(one.created_at))
        return dict(self._position)

    async def _ask_log(self, ask: Callable[[DeliveredLog], T]) -> T:
        def do() -> T:
            opened = DeliveredLog(self._city, self._bootstrap)
            try:
                return ask(opened)
            finally:
                opened.close()

        return await asyncio.to_thread(do)

    # -- reading ---------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Offer new records to every receiver that has read all before them."""
        opened = await asyncio.to_thread(
            partial(DeliveredLog, self._city, self._bootstrap, wait_ms=FOLLOW_WAIT_MS)
        )
        try:
            await asyncio.to_thread(opened.go_to, self._position)
            while True:
                records = await asyncio.to_thread(opened.next_records)
                self._ages.saw(records)
                for record in in_order(records, opened.topics):
                    self._offer_to_all(record)
                self._ages.offered()
                if records:
                    for running in self._roster.running.values():
                        running.wake()
        finally:
            await asyncio.to_thread(opened.close)

    def _offer_to_all(self, record: Record) -> None:
        before = self._position[record.topic]
        self._position[record.topic] = record.offset + 1
        offered = Offer(record, self._rows, self._cap)
        offered.keep()
        for running in self._roster.running.values():
            place = running.receiver.places[record.topic]
            if before <= place.read_to <= record.offset and not offered.to(running):
                self._behind.set()

    async def _catch_up(self) -> None:
        """Read for the receivers that are behind and have room, one after the other, from each one's place."""
        opened = await asyncio.to_thread(DeliveredLog, self._city, self._bootstrap)
        try:
            while True:
                self._behind.clear()
                behind = [
                    one
                    for one in self._roster.running.values()
                    if one.receiver.has_room and self._is_behind(one)
                ]
                for running in behind:
                    await self._read_for(running, opened)
                if behind:
                    await asyncio.sleep(CATCH_UP_S)
                else:
                    await self._behind.wait()
        finally:
            await asyncio.to_thread(opened.close)

    def _is_behind(self, running: RunningReceiver) -> bool:
        places = running.receiver.places
        return any(places[topic].read_to < at for topic, at in self._position.items())

    async def _read_for(self, running: RunningReceiver, opened: DeliveredLog) -> None:
        receiver = running.receiver
        places = receiver.places
        begins = {topic: places[topic].read_to for topic in opened.topics}
        bounds = await asyncio.to_thread(opened.bounds)
        for topic, (low, high) in bounds.items():
            if not low <= begins[topic] <= high:
                log.warning(
                    "records were gone before a receiver had them", topic=topic, lost=low - begins[topic]
                )
                begins[topic] = low
        found = await asyncio.to_thread(opened.slice_from, begins, SLICE_RECORDS)
        if receiver.places is not places:
            return  # emptied meanwhile: its place is another
        self._ages.saw_first(found.records)
        records = ready(found.records, opened.topics, found.ends) or in_order(found.records, opened.topics)
        is_whole = len(records) == len(found.records)
        async for record in in_turns(records):
            if receiver.places is not places:
                return
            if record.offset < places[record.topic].read_to:
                continue
            if not Offer(record, self._rows, self._cap).to(running):
                is_whole = False
                break
        if is_whole:
            for topic, end in found.ends.items():
                receiver.pass_to(topic, end)
        running.wake()

    # -- progress --------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(TELL_S)
            self._roster.follow_law()
            self._show()
            self._note()
            if self._progress.has_work:
                await asyncio.to_thread(self._progress.send)

    def _note(self) -> None:
        """Put the rows of those receivers whose progress is not sent yet."""
        for name, running in self._roster.running.items():
            if running.told_changes != running.receiver.changes:
                self._progress.put(self._row_of(name, running))
                running.told_changes = running.receiver.changes

    def _row_of(self, name: str, running: RunningReceiver) -> Event:
        return rows.event_of(
            self._city,
            name,
            running.receiver,
            begun_at=running.subscription.created_at,
            now_ms=self._clock.now_ms(),
        )

    def _show(self) -> None:
        dead = 0
        for name, running in self._roster.running.items():
            dead += running.receiver.state == "dead"
            lag = sum(
                max(0, at - running.receiver.places[topic].next_offset)
                for topic, at in self._position.items()
            )
            metrics.receiver_lag.labels(self._city, name).set(lag)
            undelivered = {
                topic: place.next_offset
                for topic, place in running.receiver.places.items()
                if place.next_offset < self._position.get(topic, 0)
            }
            self._ages.show(name, undelivered)
        self._ages.forget_all_but(self._roster.running)
        metrics.receivers_dead.labels(self._city).set(dead)
