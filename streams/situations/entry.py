"""What the rules are given: one thing that happened, with its origin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """*kind*: incident, place, tick or rules; *value*: the event's value, or the rules' numbers."""

    kind: str
    topic: str
    partition: int
    offset: int
    value: Mapping[str, Any]
