"""A subscriber's view of the live events: the rows it may read, its own filters, and the bytes that it is sent. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.gateway.live_place import NUMBER, Place
from connectors.subscribers import DELIVERED, Subscriber
from schemas.cloud_event import cloud_event

M_PER_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Box:
    """An area between two parallels and two meridians, in degrees."""

    west: float
    south: float
    east: float
    north: float

    @classmethod
    def of(cls, text: str) -> Box | None:
        """The box ``west,south,east,north``; ``None`` for anything else."""
        try:
            west, south, east, north = map(float, text.split(","))
        except ValueError:
            return None
        is_good = -180 <= west <= east <= 180 and -90 <= south <= north <= 90
        return cls(west, south, east, north) if is_good else None

    def touches(self, lat: float, lon: float, radius_m: float) -> bool:
        """Whether the circle reaches into the box, measured by the circle's own box."""
        high = radius_m / M_PER_DEGREE
        wide = high / max(0.01, math.cos(math.radians(lat)))
        is_between = self.south - high <= lat <= self.north + high
        return is_between and self.west - wide <= lon <= self.east + wide


@dataclass(frozen=True, slots=True)
class Shown:
    """An event as one class of subscribers is shown it. *body*: the lines ``event:`` and ``data:`` of the stream."""

    kind: str | None
    circle: tuple[float, float, float] | None
    body: bytes


@dataclass(slots=True, eq=False)
class LiveEvent:
    """An event of a delivered contract. *value* is its JSON form; *place*: where its reader stands after it."""

    contract: str
    key: str
    offset: int
    value: Mapping[str, Any]
    place: Place
    size: int = 0
    number: int = field(init=False)
    id_line: bytes = field(init=False)
    _shown: dict[tuple[bool, bool], Shown] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.number = NUMBER[self.contract]
        self.id_line = id_line(self.place)

    def shown_to(self, subscriber: Subscriber) -> Shown:
        """Rendered once for all subscribers who are shown the same fields: these do not depend on the audience's name."""
        its_class = (subscriber.audience is None, subscriber.is_cleared)
        if (shown := self._shown.get(its_class)) is None:
            shown = self._shown[its_class] = _rendered(self, subscriber)
        return shown


@dataclass(frozen=True, slots=True)
class View:
    """A subscriber and its filters. *kinds* include those below them; an event without a kind or a place, where
    one is filtered by, is left out."""

    subscriber: Subscriber
    contracts: frozenset[str] = frozenset(DELIVERED)
    kinds: tuple[str, ...] = ()
    box: Box | None = None

    def body_of(self, event: LiveEvent) -> bytes | None:
        """The bytes of *event*; ``None`` when it is not for this view."""
        if event.contract not in self.contracts or not self.subscriber.may_read(event.contract, event.value):
            return None
        shown = event.shown_to(self.subscriber)
        if self.kinds and not _is_one(shown.kind, self.kinds):
            return None
        if self.box is not None and (shown.circle is None or not self.box.touches(*shown.circle)):
            return None
        return shown.body


def id_line(place: Place) -> bytes:
    return f"id: {place.text}\n".encode()


def block(event: str, data: Mapping[str, Any]) -> bytes:
    """An event of the stream itself, such as ``reset``, without an id."""
    return b"event: %s\ndata: %s\n\n" % (event.encode(), orjson.dumps(data))


def _is_one(kind: str | None, kinds: tuple[str, ...]) -> bool:
    return kind is not None and any(kind == one or kind.startswith(one + ".") for one in kinds)


def _rendered(event: LiveEvent, subscriber: Subscriber) -> Shown:
    shown = subscriber.shown(event.contract, event.value)
    told = cloud_event(event.contract, event.key, shown)
    return Shown(shown.get("kind"), _circle(shown), block(event.contract, told))


def _circle(shown: Mapping[str, Any]) -> tuple[float, float, float] | None:
    """(latitude, longitude, radius in m) of what is shown: an alert's area, else the position. Filters see no more than
    the subscriber: the bounds of a box must not tell a masked place."""
    if (area := shown.get("area")) is not None:
        return (area["lat"], area["lon"], area["radius_m"])
    if (position := shown.get("position")) is not None:
        return (position["lat"], position["lon"], 0.0)
    return None
