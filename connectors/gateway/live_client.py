"""One client of the live streams: its place, its cursor in the ring, and the bytes of its events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.live_place import Place
from connectors.gateway.live_view import LiveEvent, View, block, id_line
from connectors.gateway.sessions import Session

SLOW, ENDED, KEY, LOG = "slow", "shutdown", "key", "log"
REASONS = {
    SLOW: "the client read too slowly",
    ENDED: "the gateway is shutting down",
    KEY: "the key or the session is over, or has other rights now",
    LOG: "the log cannot be read now, or was begun anew",
}
RETRY_MS = 2_000
"""The time after which a client should connect again."""


@dataclass(slots=True, eq=False)
class Client:
    """One stream. *place*: all before it was sent or is not for the client; *told*: the place last sent as an id;
    *cursor*: the number of its next event in the ring, ``None`` while it does not read from there; *is_synced*: its place is
    the ring's own at its cursor."""

    account: Account
    view: View
    place: Place
    session: Session | None = None
    close: Callable[[], None] = lambda: None
    cursor: int | None = None
    told: Place | None = None
    is_synced: bool = False
    is_gone: bool = False
    dropped: str | None = None
    dropped_at: float = 0.0
    sending_since: float | None = None
    sent_at: float = field(default_factory=monotonic)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        return self.is_gone or self.dropped is not None

    def drop(self, reason: str, now: float) -> None:
        """End the stream with a word, if the client still reads."""
        if not self.is_over:
            self.dropped, self.dropped_at = reason, now
            metrics.streams_dropped.labels(reason).inc()
            self.news.set()

    def leave(self) -> None:
        """The client closed the connection."""
        self.is_gone = True
        self.news.set()

    # -- the lines of the stream -----------------------------------------------------------------------------

    def render(self, event: LiveEvent, place: Place) -> tuple[bytes, ...]:
        """The lines of *event* with *place* as its id; none if the view leaves it out."""
        self.place = place
        if (body := self.view.body_of(event)) is None:
            return ()
        self.told = place
        return (event.id_line if place is event.place else id_line(place), body)

    def heartbeat(self) -> bytes:
        """A comment, and the id if it moved over events that are not for this client."""
        if self.told is None or self.place == self.told:
            return b": heartbeat\n\n"
        return b": heartbeat\n" + self.id_block()

    def id_block(self) -> bytes:
        """The id alone: a client that is cut now resumes here."""
        self.told = self.place
        return id_line(self.place) + b"\n"

    def last_word(self) -> bytes:
        about = {"reason": self.dropped, "detail": REASONS[self.dropped or SLOW]}
        return block("dropped", {**about, "last_event_id": None if self.told is None else self.told.text})
