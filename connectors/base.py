"""Protocols of the connectors, and the values that pass between them.

A source reads an outside system and yields events in the platform's words; a sink delivers to one. Neither knows Kafka.
A connector is one file in ``connectors/sources`` or ``connectors/sinks``, found by existing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from schemas.errors import Invalid
from schemas.event import Event
from schemas.heights import Terrain

Place = Mapping[str, Any]
"""Where a source stands: JSON-able, kept in ``source.place``. Empty at the very beginning."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A city's extent in WGS-84 degrees."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


@dataclass(frozen=True, slots=True)
class SourceContext:
    """The part of its city that a source may know: its name, its own name in the city's file, time zone, extent.

    *speaks_for*: the agencies for which it may speak, as the city's file names them; empty where the file names none.
    *language*: the one in which the city's alerts are told, for texts that come in several.
    *cap_sender*: the city's own name as a sender of CAP; empty: none. *terrain*: what is known of the height of its ground.
    *drones*: ``own`` or ``registered`` by a drone's id, for those that the city's file names.
    """

    city: str
    source: str
    timezone: ZoneInfo
    bounds: Bounds
    speaks_for: tuple[str, ...] = ()
    language: str = "en"
    cap_sender: str = ""
    terrain: Terrain = field(default_factory=Terrain)
    drones: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """The answer of an outside system at one moment.

    *error*: why a poll failed. An empty *body* says nothing. *at_ms*: when it arrived, by the wall's clock when live, by
    the recording's when played; ``None`` for a file that does not say when. *missing*: the parts of the answer that were
    not heard, each with the reason (a page behind the bound, a feed that failed): what they may hold has not ended.
    """

    body: bytes
    at_ms: int | None
    error: str | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAside:
    """A record, or a whole body, that could not be read: its bytes as they came, and why.

    *before* and *after* make a body of its own of it, which ``read`` takes when it is retried: a CSV's heading, the
    brackets of a list. Where absence says something, that body must not say that the others are gone. *number* is where
    it stands among the body's records, from 0, for the sender.
    """

    original: bytes
    reason: str
    field: str = ""
    expected: str = ""
    before: bytes = b""
    after: bytes = b""
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading one ``Heard``: events in order, what was set aside, and the source's next place.

    *skipped* counts what the source leaves out by its stated policy (a bus terminal in a list of cameras),
    by reason, so that nothing is lost uncounted. *noted* counts what was published but should be looked at
    (a word that the tree of kinds does not know).
    """

    events: Sequence[Event]
    place: Place
    aside: Sequence[SetAside] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)
    noted: Mapping[str, int] = field(default_factory=dict)


class Reader(Protocol):
    """The pure half of every source: bytes in, events out. No I/O, no clock, no chance."""

    def read(self, heard: Heard, place: Place) -> Reading:
        """Never raises for bad input: what cannot be read is in ``aside``."""


class PolledSource(Reader, Protocol):
    """A source that is polled."""

    async def poll(self, place: Place) -> Heard:
        """Ask once. Raises ``Retriable`` if a later try may succeed, ``Fatal`` if it refuses us (401, 403)."""

    async def close(self) -> None: ...


class Source(Reader, Protocol):
    """A source to which the outside system sends."""

    def listen(self) -> AsyncIterator[Heard]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as a receiver gets it.

    *event_id* stays the same however often it is delivered. *topic* is the contract's topic without the city, *contract*
    the contract's name, *key* the situation's id: what has the same key stays in order. *body* is the CloudEvent as JSON,
    or CAP XML, as *media_type* says. *time_ms*: when the event was, in milliseconds since the epoch (UTC).
    """

    event_id: str
    topic: str
    contract: str
    key: str
    body: bytes
    media_type: str
    time_ms: int


@dataclass(frozen=True, slots=True)
class SinkContext:
    """The part of its city that a sink may know.

    *now_ms* tells the time. *allow_hosts*: hosts of private networks, and hosts without TLS, to which the operator lets
    it send. They are the operator's word: a subscriber's own settings never name them.
    """

    city: str
    subscription: str
    now_ms: Callable[[], int]
    allow_hosts: tuple[str, ...] = ()


class RefusedEvent(Invalid):
    """The receiver refuses the event *event_id* for good: it is set aside with the reason, the others go on."""

    def __init__(self, what: str, *, event_id: str, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.event_id = event_id


class Sink(Protocol):
    """Delivers to one receiver. Made with ``(config, context)``; it may be given the same event twice.

    No error, log or ``repr`` of it holds a secret, a body, or the query or user of an address.
    """

    async def deliver(self, events: Sequence[Delivery]) -> None:
        """Deliver in order, and return once *all* events are safe outside; raise otherwise.

        ``Retriable``: the receiver may take them later (``retry_after_s``: as it says). ``RefusedEvent``: it never takes the
        event ``event_id``; those before it are safe, those behind it were not sent. ``Fatal``: it refuses us until a
        person has mended something. After ``Retriable`` and ``Fatal`` any number of the first may be safe.
        """

    async def close(self) -> None: ...
