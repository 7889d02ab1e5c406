"""The memories of one question to the rule, as they are read and changed while it is answered. Pure."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from streams.situations.entry import Entry
from streams.situations.memory import Memory, memory_of
from streams.situations.rule import City, Step
from streams.situations.rules.hub.config import NAME, Numbers
from streams.situations.rules.hub.faults import (
    COUNT,
    FAULT,
    HOUR_MS,
    PLACE,
    RIDE,
    Count,
    HubFault,
    HubHour,
    KnownHub,
    Ride,
)
from streams.situations.rules.hub.signals import Signal
from streams.situations.rules.parts.remembering import Remembering
from streams.situations.rules.parts.spells import place_in, told_by


class HubTurn(Remembering):
    """The memories of this rule: faults and rides are counted, and so are those that there is no room for."""

    def __init__(self, city: City, numbers: Numbers, now: int) -> None:
        super().__init__(city, NAME, now)
        self._numbers = numbers

    def put(self, key: str, kept: Struct) -> None:
        """Remember *kept*. Faults and rides are counted: ask ``has_room`` first."""
        if key.startswith((FAULT, RIDE)) and self.get(key, type(kept)) is None:
            self._count(+1)
        self._changed[key] = kept

    def drop(self, key: str, form: type[Struct]) -> None:
        if self.get(key, form) is None:
            return
        if key.startswith((FAULT, RIDE)):
            self._count(-1)
        self._changed[key] = None

    def first(self, entry: Entry, place: str, signal: Signal, *, goes_silent: bool) -> HubFault:
        """The fault that begins with *entry*, without a member yet."""
        value, kind = entry.value, place.partition(":")[0]
        hub = self.get(f"{PLACE}{place.partition(':')[2]}", KnownHub) if kind == "hub" else None
        operator, name = value.get("operator"), value.get("name")
        if kind == "ride":
            name = value["booking_id"]
        elif hub is not None:
            operator, name = operator or hub.operator, name or hub.name
        is_hub = kind == "hub"
        return HubFault(
            place=place,
            cause=signal.cause,
            operator=operator or "",
            name=name or (place.partition(":")[2] if is_hub else ""),
            since=min(signal.since, self.now) if is_hub else signal.since,
            heard=value["event_time"],
            position=None if kind == "ride" else place_in(entry),
            evidence=told_by(entry, signal.since) if kind != "ride" else None,
            goes_silent=goes_silent,
            begun_by=value["event_id"],
        )

    @property
    def has_room(self) -> bool:
        """Whether one more thing is looked at. One that is not is counted."""
        count = self.get(COUNT, Count) or Count()
        if count.held < self._numbers.things_max:
            return True
        self._changed[COUNT] = replace(count, left_out=count.left_out + 1)
        return False

    def _count(self, step: int) -> None:
        count = self.get(COUNT, Count) or Count()
        self._changed[COUNT] = replace(count, held=count.held + step)

    def step(self) -> Step:
        return Step(self.drafts, *self._changes(self._memory))

    def _memory(self, key: str, kept: Struct) -> Memory:
        wake_at = situation_id = None
        if isinstance(kept, HubFault):
            wake_at, situation_id = kept.due_at(self._numbers), kept.situation_id
        elif isinstance(kept, HubHour):
            wake_at, situation_id = kept.began + HOUR_MS, kept.situation_id
        elif isinstance(kept, Ride):
            wake_at = kept.heard + self._numbers.silent_ms
        return memory_of(NAME, key, kept, wake_at=wake_at, situation_id=situation_id)
