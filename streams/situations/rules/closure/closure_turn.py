"""The memories of one question to the rule, as they are read and changed while it is answered. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from schemas.event import Event
from streams.bookings.booking import Booking
from streams.closures.closed_area import Corner
from streams.closures.closure_rows import closure_event
from streams.closures.closure_table import Closure
from streams.situations.memory import Memory, memory_of
from streams.situations.model import Position
from streams.situations.rule import City, Step
from streams.situations.rules.closure.config import HOUR_MS, NAME, Numbers
from streams.situations.rules.parts.remembering import Remembering

CLOSURE, RIDE, VEHICLE, FLEET, INSIDE, HOUR = (
    f"{one}\x1f" for one in ("closure", "ride", "vehicle", "fleet", "inside", "hour")
)
"""The beginnings of the keys of the memories."""
LIST = "list"
SOURCE = "situations"


class KeptClosure(Struct, frozen=True, gc=False):
    """A closure. *over_at*: when it was heard to be over; *situations*: of the rides that it sends round, by ride;
    *fleets*: the operators whose vehicles are counted in it."""

    closure: Closure
    over_at: int | None = None
    situations: dict[str, str] = {}
    fleets: tuple[str, ...] = ()


class KeptRide(Struct, frozen=True, gc=False):
    """A ride that has a vehicle, or may get one. *heard*: when something was heard of it."""

    booking: Booking
    heard: int


class KeptVehicle(Struct, frozen=True, gc=False):
    """A vehicle that serves *rides*, and where it was seen; ``None``: not yet."""

    rides: tuple[str, ...]
    at: Corner | None = None
    position: Position | None = None


class FleetCount(Struct, frozen=True, gc=False):
    """The number of an operator's vehicles that were heard in a closure, from the first one on."""

    closure_id: str
    operator: str
    began: int
    count: int = 0
    is_told: bool = False
    situation_id: str = ""


class FleetVehicle(Struct, frozen=True, gc=False):
    """A vehicle that is counted in a closure: its key says which."""


class OperatorHour(Struct, frozen=True, gc=False):
    """An operator's hour: how many situations it *opened*, how many are *beyond* the most, and the situation that tells that
    number, with the number that was *told*."""

    operator: str
    began: int
    opened: int = 0
    beyond: int = 0
    situation_id: str = ""
    told: int = 0


class ClosureList(Struct, frozen=True, gc=False):
    """The ids of the closures that are not over, and of the rides that are looked at. *left_out*: rides without room."""

    closures: tuple[str, ...] = ()
    rides: tuple[str, ...] = ()
    left_out: int = 0


class ClosureTurn(Remembering):
    """The memories of this rule, and what it tells the log of closures."""

    def __init__(self, city: City, numbers: Numbers, now: int) -> None:
        super().__init__(city, NAME, now)
        self._numbers = numbers
        self.events: list[Event] = []

    def put(self, key: str, kept: Struct) -> None:
        self._changed[key] = kept

    def drop(self, key: str) -> None:
        self._changed[key] = None

    @property
    def listed(self) -> ClosureList:
        return self.get(LIST, ClosureList) or ClosureList()

    def closure(self, closure_id: str) -> KeptClosure | None:
        return self.get(f"{CLOSURE}{closure_id}", KeptClosure)

    def keep_closure(self, kept: KeptClosure) -> None:
        """Remember it, and whether it is over."""
        its_id, listed = kept.closure.closure_id, self.listed
        others = tuple(one for one in listed.closures if one != its_id)
        self.put(f"{CLOSURE}{its_id}", kept)
        self.put(LIST, replace(listed, closures=others if kept.closure.is_over else (*others, its_id)))

    def open_closures(self) -> Iterator[KeptClosure]:
        """The closures that are not over, in the order in which they changed."""
        for its_id in self.listed.closures:
            if (kept := self.closure(its_id)) is not None:
                yield kept

    def say(self, closure: Closure) -> None:
        """Tell the log of it."""
        self.events.append(closure_event(self.city.rules.city, SOURCE, closure, now_ms=self.now))

    def step(self) -> Step:
        return Step(self.drafts, *self._changes(self._memory), closures=self.events)

    def _memory(self, key: str, kept: Struct) -> Memory:
        return memory_of(NAME, key, kept, wake_at=self._wake_at(kept))

    def _wake_at(self, kept: Struct) -> int | None:
        if isinstance(kept, KeptRide):
            return kept.heard + self._numbers.silent_ms
        if isinstance(kept, FleetCount):
            return None if kept.is_told else kept.began + self._numbers.gather_ms
        if isinstance(kept, OperatorHour):
            return kept.began + HOUR_MS
        if not isinstance(kept, KeptClosure):
            return None
        if kept.over_at is not None:
            return kept.over_at + self._numbers.forget_ms
        one = kept.closure
        return one.starts_at if one.starts_at > self.now else one.ends_at
