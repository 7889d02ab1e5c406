"""An event as Python values, before it is encoded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One fact.

    *topic* is the contract's name without the city (``fire.incident``); *value* follows the newest schema of
    that contract, times as integer milliseconds since the epoch (UTC); ``None`` is a tombstone.
    """

    topic: str
    key: str
    value: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class CheckedEvent(Event):
    """An event whose value its source has found to fit the contract *fits*, so that it is not checked again.

    *checked* is that very value: another contract or value put in their place is checked as any other.
    """

    fits: str = ""
    checked: Mapping[str, Any] | None = None

    @property
    def is_checked(self) -> bool:
        return self.value is self.checked and self.topic == self.fits


def event_fields(
    city: str,
    source: str,
    *,
    event_id: str,
    event_time_ms: int,
    received_ms: int,
    position: Mapping[str, Any] | None = None,
    accuracy_s: float | None = None,
) -> dict[str, Any]:
    """The fields that every event begins with, in the order of every contract; the only place that writes them.

    *accuracy_s*: within how many seconds the event's time is right, where that is known.
    """
    return {
        "event_id": event_id,
        "city": city,
        "source": source,
        "event_time": event_time_ms,
        "event_time_accuracy_s": accuracy_s,
        "received_time": received_ms,
        "position": position,
    }


def derived_id(*parts: object) -> str:
    """A stable id from *parts*: the same parts give the same 32 hex digits on every machine, for ever."""
    text = "\x1f".join(map(str, parts))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def case_id(city: str, source: str, number: str, *, agency: str | None) -> str:
    """The id of the incident to which *source* gave the case *number*.

    *agency* is the agency that gave the number, for a source of several agencies.
    """
    named = (number,) if agency is None else (agency, number)
    return derived_id("incident", city, source, *named)
