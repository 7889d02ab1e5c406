"""The live streams of a gateway: one ring of events, a cursor in it for each client, and one keeper of all.

A client has no queue of its own, so the ring's bounds are those of each client: one that does not read, and so falls out
of the ring, is dropped with a word. Clients are woken at most once in ``COALESCED_S``, and each then gets all that there is
for it at once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from connectors.gateway import metrics
from connectors.gateway.live_client import ENDED, KEY, LOG, SLOW, Client
from connectors.gateway.live_log import EventLog, Standing
from connectors.gateway.live_place import Place
from connectors.gateway.live_ring import Ring
from connectors.gateway.live_view import LiveEvent
from connectors.gateway.sessions import Session

COALESCED_S = 0.05
KEEP_S = 0.2
CHUNK_BYTES = 64 << 10
STANDING_S = 5.0
"""A fold of the log is shared by all who need one within this time."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of the streams; times in seconds."""

    streams_max: int = 4_096
    of_account_max: int = 1_024
    readings_max: int = 4
    """So many clients are served from the log at once; the others wait for their turn."""
    heartbeat_s: float = 15.0
    send_s: float = 30.0
    """A client that reads nothing for so long is dropped."""
    word_s: float = 2.0
    """The time for which a dropped client may still read why; then its connection is closed."""


class Hub:
    """All streams. It is the log's listener; *is_ending*: whether the gateway is shutting down."""

    def __init__(
        self,
        log: EventLog,
        *,
        now_ms: Callable[[], int],
        limits: Limits | None = None,
        ring: Ring | None = None,
        is_ending: Callable[[], bool] = lambda: False,
    ) -> None:
        self.log = log
        self.limits = limits or Limits()
        self.ring = ring or Ring()
        self.readings = asyncio.Semaphore(self.limits.readings_max)
        self._now_ms = now_ms
        self._is_ending = is_ending
        self._clients: dict[Client, None] = {}
        self._of_account: Counter[str] = Counter()
        self._fold: tuple[float, asyncio.Task[Standing]] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._is_to_wake = threading.Event()
        self._woken_at = 0.0
        self._is_anew = False

    def start(self) -> None:
        self.log.start(self)

    def end(self) -> None:
        self.log.end()

    # -- from the log's thread -------------------------------------------------------------------------------

    def begin(self, place: Place) -> None:
        self.ring.begin(place)
        self._is_anew = self._loop is not None  # without a loop there was no client yet
        self._call_wake()

    def take(self, events: Sequence[LiveEvent], place: Place) -> None:
        self.ring.append(events, place)
        if events:
            self._call_wake()

    def _call_wake(self) -> None:
        if self._loop is not None and not self._is_to_wake.is_set():
            self._is_to_wake.set()
            with suppress(RuntimeError):  # the loop is closed: the gateway has ended
                self._loop.call_soon_threadsafe(self._wake_soon, self._loop)

    # -- from here on in the event loop ----------------------------------------------------------------------

    def _wake_soon(self, loop: asyncio.AbstractEventLoop) -> None:
        wait_s = self._woken_at + COALESCED_S - loop.time()
        if wait_s <= 0:
            self._wake(loop)
        else:
            loop.call_later(wait_s, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_to_wake.clear()
        self._woken_at = loop.time()
        is_anew, self._is_anew = self._is_anew, False
        now = monotonic()
        for client in self._clients:
            if is_anew:  # also one that is not in the ring yet: its place is of the log before
                client.drop(LOG, now)
            elif client.cursor is None:
                continue
            elif not self.ring.holds(client.cursor) and client.sending_since is not None:
                client.drop(SLOW, now)
            client.news.set()

    def refusal(self, account_id: str) -> str | None:
        """Why the account may not have one more stream now; ``None`` when it may."""
        if len(self._clients) >= self.limits.streams_max:
            return f"all {self.limits.streams_max} streams of this gateway are taken"
        if self._of_account[account_id] >= self.limits.of_account_max:
            return f"this account has {self.limits.of_account_max} streams, which is all that it may have"
        return None

    def join(self, client: Client, is_current: Callable[[Client], bool]) -> None:
        """Add *client*; ``leave`` must follow. *is_current*: whether an account may still see what the view shows."""
        self._loop = asyncio.get_running_loop()
        self._clients[client] = None
        self._of_account[client.account.account_id] += 1
        metrics.streams.set(len(self._clients))
        if self._keeper is None or self._keeper.done():
            self._keeper = self._loop.create_task(self._keep(is_current))

    def leave(self, client: Client) -> None:
        del self._clients[client]
        self._of_account[client.account.account_id] -= 1
        if not self._of_account[client.account.account_id]:
            del self._of_account[client.account.account_id]
        metrics.streams.set(len(self._clients))

    async def _keep(self, is_current: Callable[[Client], bool]) -> None:
        """Drop and wake clients by the time, as long as there are any."""
        while self._clients:
            now = monotonic()
            is_ending = self._is_ending()
            current: dict[tuple[int, bool, Session | None], bool] = {}
            for client in self._clients:
                its_class = (id(client.account), client.view.subscriber.is_cleared, client.session)
                if its_class not in current:
                    current[its_class] = is_current(client)
                self._look(client, now, ENDED if is_ending else None if current[its_class] else KEY)
            await asyncio.sleep(KEEP_S)

    def _look(self, client: Client, now: float, over: str | None) -> None:
        since = client.sending_since
        if over is not None:
            client.drop(over, now)
        elif since is not None and now - since > self.limits.send_s:
            client.drop(SLOW, now)
        if client.dropped is not None and now - client.dropped_at > self.limits.word_s:
            client.dropped_at = float("inf")
            client.close()
        elif self.is_heartbeat_due(client, now):
            client.news.set()

    def is_heartbeat_due(self, client: Client, now: float) -> bool:
        return now - client.sent_at >= self.limits.heartbeat_s

    # -- what a client is sent -------------------------------------------------------------------------------

    def chunk(self, client: Client) -> bytes:
        """The next bytes from the ring for *client*; empty when there is nothing for it now."""
        parts: list[bytes] = []
        size = 0
        while size < CHUNK_BYTES and client.cursor is not None:
            events, end = self.ring.since(client.cursor)
            client.cursor += len(events)
            for event in events:
                found = _rendered(client, event)
                parts += found
                size += sum(map(len, found))
            if end is not None and not client.place.reaches(end):
                client.place = client.place.joined(end)
            if end is not None or not events:
                break
        return b"".join(parts)

    def is_in_ring(self, client: Client) -> bool:
        """Give *client* its cursor, if it can go on from the ring."""
        client.cursor, _ = self.ring.cursor_at(client.place)
        client.is_synced = False
        return client.cursor is not None

    def holds(self, client: Client) -> bool:
        """Whether the ring still has all that *client* lacks."""
        return client.cursor is not None and self.ring.holds(client.cursor)

    async def why_lost(self, place: Place) -> str | None:
        """Why a stream cannot be resumed at *place*; ``None`` when it can."""
        newest = self.ring.place
        if newest is not None and newest.reaches(place) and self.ring.cursor_at(place)[0] is not None:
            return None
        oldest, end = await asyncio.to_thread(self.log.bounds)
        if not end.reaches(place):
            return "the place is beyond the end of the log"
        return None if place.reaches(oldest) else "the place is older than what is kept"

    def standing(self) -> asyncio.Task[Standing]:
        """A fold of the log, which may be shared: it must not be cancelled."""
        if self._fold is None or (self._fold[0] < monotonic() - STANDING_S and self._fold[1].done()):
            work = asyncio.to_thread(self.log.standing, self._now_ms())
            self._fold = (monotonic(), asyncio.get_running_loop().create_task(work))
        return self._fold[1]


def _rendered(client: Client, event: LiveEvent) -> tuple[bytes, ...]:
    """The lines of the next event in the ring. A client that came from the log may have had it; until the ring is where the
    client is, ids are the client's own, so that none of them names a place before what it has."""
    if client.is_synced:
        return client.render(event, event.place)
    if client.place.offsets[event.number] > event.offset:
        return ()
    place = client.place.joined(event.place)
    client.is_synced = place == event.place
    return client.render(event, event.place if client.is_synced else place)
