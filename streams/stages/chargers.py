"""The stage of chargers: the server, its transactions, chargers that fall silent, orders to them, and its report.

A service of a worker. ``Fatal`` where another process owns its transactional id: the worker ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connectors.base import SourceContext
from connectors.formats.ocpp_calls import ChargerAnswer
from connectors.subjects.charger_memory import MemoryStep, is_due, on_silence, with_asked
from connectors.subjects.charging_replies import Terms
from connectors.transport.web_page import wall_clock_ms
from streams import metrics, metrics_mobility
from streams.chargers.charger_takeover import Neighbours
from streams.chargers.charging_settings import ChargersSettings
from streams.chargers.commits import Commits, Ledger, NotCommitted
from streams.chargers.post import ChargerSilent, Post
from streams.chargers.server import ChargerServer
from streams.chargers.tally import Tally
from streams.chargers.wishes import (
    Circumstances,
    CircumstancesNow,
    Order,
    Wishes,
    after_order,
    asked_from,
    none_known,
    orders_between,
    wishes_for,
)
from streams.ingest.report import shares
from streams.log import log
from streams.runtime.follower import Following
from streams.runtime.replica import row_name

TELL_EVERY_S = 5.0
LOOK_EVERY_S = 1.0
ORDERS_AT_ONCE = 64
"""Chargers that are asked at the same time."""


OUTCOMES = ("Accepted", "Rejected", "NotSupported", "NotImplemented", "Scheduled", "Unknown")
"""Statuses of answers that the metric names; a charger may say anything."""


def outcome_of(answer: ChargerAnswer) -> str:
    """The outcome of a call to a charger, for the metric."""
    if answer.error is not None:
        return "error"
    status = answer.payload.get("status")
    return status if status in OUTCOMES else "other"


class ChargersStage:
    """The chargers of one city. *ledger*: writes for *group*. *circumstances*: what bears on them now, see ``wishes``;
    *following*: reads it, as long as the stage runs. *neighbours*: what other processes write, where there are several."""

    name = "chargers"

    def __init__(
        self,
        settings: ChargersSettings,
        context: SourceContext,
        *,
        ledger: Ledger,
        group: str,
        circumstances: CircumstancesNow = none_known,
        following: Following | None = None,
        neighbours: Neighbours | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._settings, self._context, self._now_ms = settings, context, now_ms
        self._circumstances, self._look_every_s = circumstances, look_every_s
        self._following, self._neighbours = following, neighbours
        self._latest: Circumstances | None = None
        replica = settings.slot or None
        self.group = group
        terms = Terms(settings.interval_s)
        self.posts = {
            one.charger_id: Post(one, settings.charger(one), terms) for one in settings.chargers.values()
        }
        self.commits = Commits(ledger, [*self.posts], self._restore)
        self._tally = Tally(settings.city, row_name(settings.source, replica))
        self.server = ChargerServer(
            settings,
            self.posts,
            self.commits,
            self._tally,
            context=context,
            group=self.group,
            now_ms=now_ms,
            join=self._join,
        )
        self._since_ms = now_ms()
        self._asking = dict[str, asyncio.Task[None]]()  # bounded by the chargers

    @property
    def is_ready(self) -> bool:
        return self.commits.is_open and self.commits.trouble is None

    async def run(self) -> None:
        """Serve until cancelled."""
        async with self.server.serving() as server:
            port = next(iter(server.sockets)).getsockname()[1]
            if self._following is not None:
                self._following.start()
            log.info("chargers are served", host=self._settings.host, port=port, known=len(self.posts))
            runs = (self.commits.run(), self._look_often(), self._tell_often())
            tasks = [asyncio.create_task(one) for one in runs]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in (*tasks, *self._asking.values()):
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._following is not None:
                    await asyncio.to_thread(self._following.end)

    def _restore(self, memories: Mapping[str, dict[str, Any]]) -> None:
        for charger_id, post in self.posts.items():
            memory = memories.get(charger_id, {})
            if self._neighbours is None or memory.get("slot") == self._settings.slot:
                post.memory = memory
                continue
            post.memory = {}
            if post.is_joined:  # taken over, and nothing of it is durable yet: it begins anew
                self.server.end(post)

    # -- a connection's begin, and chargers that went to another process ---------------------------------------------

    async def _join(self, post: Post) -> None:
        """Know *post* as the log has it, also what other processes wrote of it, before its first call is taken."""
        if self._neighbours is not None:
            await self._neighbours.known(self.commits.put)
            self._neighbours.take_over(post)
        if self._latest is not None:
            post.terms = self._wishes(post, self._latest, self._now_ms()).terms

    def _leave_those_gone(self, neighbours: Neighbours) -> None:
        for post in self.posts.values():
            if (post.is_joined or post.memory) and neighbours.is_gone(post):
                if (
                    post.is_joined
                ):  # at rest here, or a call of it was late elsewhere: its next connection tells
                    self.server.end(post)
                post.memory = {}

    # -- silence and orders --------------------------------------------------------------------------------------

    async def _look_often(self) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            if self.is_ready:
                now_ms = self._now_ms()
                if self._neighbours is not None:
                    self._leave_those_gone(self._neighbours)
                self._latest = circumstances = self._circumstances()
                if circumstances is not None:
                    for post in [one for one in self.posts.values() if one.is_joined]:
                        wishes = self._wishes(post, circumstances, now_ms)
                        post.terms = wishes.terms
                        self._order(post, wishes, now_ms)
                if self._neighbours is None or self._neighbours.are_known:
                    await self._tell_silent(now_ms)

    def _wishes(self, post: Post, circumstances: Circumstances, at_ms: int) -> Wishes:
        return wishes_for(post.listed, circumstances, at_ms=at_ms, interval_s=self._settings.interval_s)

    async def _tell_silent(self, now_ms: int) -> None:
        due = [one for one in self.posts.values() if self._is_due(one, now_ms)]
        await asyncio.gather(*(self._silence(one, now_ms) for one in due))
        silent = sum(bool(one.memory.get("is_silent")) for one in self.posts.values())
        metrics_mobility.chargers_silent.labels(self.group).set(silent)

    def _is_due(self, post: Post, now_ms: int) -> bool:
        if (
            post.memory.get("slot") != self._settings.slot
        ):  # another process holds its connection, or none ever did
            return False
        heard_ms = self._since_ms if post.heard_ms is None else post.heard_ms
        return is_due(post.memory, heard_ms=heard_ms, now_ms=now_ms, interval_s=self._settings.interval_s)

    async def _silence(self, post: Post, now_ms: int) -> None:
        async with post.lock:
            if not self._is_due(post, now_ms):
                return
            step = on_silence(post.charger, post.memory, context=self._context, at_ms=now_ms)
            try:
                await self.server.keep(post, step, at_ms=now_ms)
            except NotCommitted:  # told when Kafka is back: nothing is remembered of it
                return

    def _order(self, post: Post, wishes: Wishes, now_ms: int) -> None:
        """Begin to ask *post* for what it was not asked for yet. While it does not answer, the next look begins anew."""
        charger_id = post.charger.charger_id
        if post.connection is None or charger_id in self._asking or len(self._asking) >= ORDERS_AT_ONCE:
            return
        asked = asked_from(post.memory.get("asked"))
        orders = orders_between(asked, wishes.asked, post.version, at_ms=now_ms)
        if orders:
            task = asyncio.create_task(self._ask(post, wishes, orders))
            self._asking[charger_id] = task
            task.add_done_callback(lambda _task: self._asking.pop(charger_id, None))

    async def _ask(self, post: Post, wishes: Wishes, orders: list[Order]) -> None:
        for one in orders:
            try:
                answer = await post.ask(one.action, one.payload)
            except ChargerSilent:
                metrics_mobility.charger_orders.labels(self.group, one.action, "silent").inc()
                return
            metrics_mobility.charger_orders.labels(self.group, one.action, outcome_of(answer)).inc()
            async with post.lock:
                if not post.is_joined:
                    return  # it may be elsewhere by now, and what that process knows would be written over; asked again
                asked = after_order(asked_from(post.memory.get("asked")), wishes.asked, one.key)
                try:
                    step = MemoryStep([], with_asked(post.memory, asked.kept(), self._settings.slot))
                    await self.server.keep(post, step, at_ms=self._now_ms())
                except NotCommitted:  # asked again: a charger takes the same order twice
                    return

    # -- the report ----------------------------------------------------------------------------------------------

    async def _tell_often(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            now_ms = self._now_ms()
            if self.commits.trouble is not None:
                self._tally.failed(self.commits.trouble, at_ms=now_ms)
            event = self._tally.news(now_ms=now_ms)
            if event is None or event.value is None:
                continue
            metrics.show_source(self._settings.city, self._settings.source, event.value, shares(event.value))
            try:
                await self.commits.put([event])
            except NotCommitted:
                continue
            self._tally.told(event)
