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
