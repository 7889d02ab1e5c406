"""Events, units and unknown values, as sources of vehicles, trips and hubs share them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.base import Place, Reading, SetAside, SourceContext
from connectors.formats.records import position as position_of
from connectors.subjects.plausible import Number, bearing, plausible
from schemas.catalogue import load_catalogue
from schemas.event import Event, derived_id, event_fields

POSITION, TRIP, HUB = "mobility.position", "mobility.trip", "mobility.hub"
SPEEDS = {"m/s": 1.0, "km/h": 1 / 3.6, "mph": 0.44704, "knots": 1852 / 3600, "ft/s": 0.3048}
"""Unit → metres a second."""
NO_PLACE = "position unknown"


@dataclass(slots=True)
class Telemetry:
    """The results of a body, as it is being read. *at_ms*: when it arrived; ``None`` where that is not known."""

    context: SourceContext
    at_ms: int | None
    events: list[Event] = field(default_factory=list)
    aside: list[SetAside] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)

    def reading(self, place: Place) -> Reading:
        return Reading(self.events, place, aside=self.aside, skipped=self.skipped, noted=self.noted)

    def add(self, part: Telemetry) -> None:
        """Add the results of *part* of the body."""
        self.events += part.events
        self.aside += part.aside
        self.skipped.update(part.skipped)
        self.noted.update(part.noted)

    def tell(
        self,
        topic: str,
        identity: tuple[object, ...],
        *,
        event_ms: int,
        position: Mapping[str, Any] | None,
        said: Mapping[str, Any],
        accuracy_s: float | None = None,
    ) -> None:
        """Add an event: *said* are the fields of *topic* that are known, the others are null, empty or false.

        *identity*: the source's own ids of it beside its key, at the least its time.
        """
        value, key = self.made(
            topic, identity, event_ms=event_ms, position=position, said=said, accuracy_s=accuracy_s
        )
        self.events.append(Event(topic, key, value))

    def made(
        self,
        topic: str,
        identity: tuple[object, ...],
        *,
        event_ms: int,
        position: Mapping[str, Any] | None,
        said: Mapping[str, Any],
        accuracy_s: float | None,
    ) -> tuple[dict[str, Any], str]:
        key: str = said[load_catalogue()[topic].key]
        common = event_fields(
            self.context.city,
            self.context.source,
            event_id=derived_id(self.context.city, self.context.source, topic, key, *identity),
            event_time_ms=event_ms,
            received_ms=event_ms if self.at_ms is None else self.at_ms,
            position=None if position is None else dict(position),
            accuracy_s=accuracy_s,
        )
        return {**common, **_unsaid(topic), **said}, key

    def position(self, lat: object, lon: object) -> dict[str, Any] | None:
        """As ``records.position``; an unknown one is noted."""
        where = position_of(self.context, lat, lon)
        if where is None:
            self.noted[NO_PLACE] += 1
        return where

    def plausible(self, value: Number | None, quantity: str, name: str | None = None) -> Number | None:
        """As ``plausible.plausible``: what cannot be is a sign for unknown, noted."""
        return plausible(value, quantity, self.noted, name)

    def speed_mps(self, value: float | None, unit: str = "m/s") -> float | None:
        """*value* in metres a second, within what can be."""
        return self.plausible(None if value is None else value * SPEEDS[unit], "speed")

    def bearing_deg(self, value: float | None) -> float | None:
        """*value* itself. What is no direction of the compass is a sign for unknown, noted."""
        return bearing(value, self.noted)

    def is_older_than(self, event_ms: int, seconds: float) -> bool:
        """Whether a state of *event_ms* was more than *seconds* old on arrival; ``False`` where the arrival is not known."""
        return self.at_ms is not None and self.at_ms - event_ms > seconds * 1000


@cache
def _defaults(topic: str) -> dict[str, Any]:
    return {one["name"]: one.get("default") for one in load_catalogue()[topic].newest["fields"][7:]}


def _unsaid(topic: str) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, list) else value for name, value in _defaults(topic).items()
    }
