"""Memories of the rule: faults, of which things, an operator's hour, and the rides. Pure."""

from __future__ import annotations

from msgspec import Struct

from streams.bookings.booking import Booking
from streams.situations.model import Observed, Position
from streams.situations.rules.hub.config import Numbers

FAULT, THING, HOUR, PLACE, RIDE, COUNT = (
    f"{one}\x1f" for one in ("fault", "thing", "hour", "place", "ride", "count")
)
"""The beginnings of the keys of the memories."""
HOUR_MS = 3_600_000


class HubFault(Struct, frozen=True, gc=False, omit_defaults=True):
    """One *cause* at one *place*: a hub, a vehicle away from hubs, a ride.

    *members*: the keys of the vehicles of which it is so, or the place itself. *situation_id*: ``None`` while it is not
    told; *is_counted*: told with others of its operator's hour alone. *calm_since*: since when it is so of none. *told*: of
    how many it was told last. *begun_by*: the event with which it began, so that a
    ride that is put back to its first time is late anew.
    """

    place: str
    cause: str
    operator: str
    name: str
    since: int
    heard: int
    members: tuple[str, ...] = ()
    situation_id: str | None = None
    is_counted: bool = False
    calm_since: int | None = None
    told: int = 0
    position: Position | None = None
    evidence: Observed | None = None
    goes_silent: bool = True
    begun_by: str = ""

    @property
    def key(self) -> str:
        return f"{FAULT}{self.place}\x1f{self.cause}"

    @property
    def is_pending(self) -> bool:
        return self.situation_id is None and not self.is_counted

    def due_at(self, numbers: Numbers) -> int | None:
        """When something is to be done about it: it is told, it is over, or nothing was heard of it for too long."""
        if self.is_pending:
            return self.since + numbers.after_ms(self.cause)
        if self.calm_since is not None:
            return self.calm_since + numbers.over_ms
        return self.heard + numbers.silent_ms if self.goes_silent else None


class Causes(Struct, frozen=True, gc=False):
    """A vehicle of which something is so: cause → the key of the fault that holds it."""

    faults: dict[str, str]


class HubHour(Struct, frozen=True, gc=False, omit_defaults=True):
    """An operator's hour: how many situations it *opened*, how many are *beyond* the most, and the situation that tells that
    number, with the number that was *told*."""

    operator: str
    began: int
    opened: int = 0
    beyond: int = 0
    situation_id: str | None = None
    told: int = 0

    @property
    def key(self) -> str:
        return f"{HOUR}{self.operator}"


class KnownHub(Struct, frozen=True, gc=False):
    """A hub as ``place.hub`` lists it."""

    operator: str
    name: str
    heard: int


class Ride(Struct, frozen=True, gc=False):
    """A ride as the log tells it, without passengers' places, vehicles and dispatchers. *heard*: when it changed last."""

    booking: Booking
    heard: int


class Count(Struct, frozen=True, gc=False, omit_defaults=True):
    """Count of the faults and rides remembered, and of those left out for want of room."""

    held: int = 0
    left_out: int = 0
