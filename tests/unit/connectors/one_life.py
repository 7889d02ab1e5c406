"""A source of things that last, and the bodies that it hears one after the other."""

from __future__ import annotations

from typing import Any

from connectors.base import Heard, Reading, SourceContext
from connectors.discovery import load_source

NOON = 1_780_315_200_000
"""2026-06-01 12:00 UTC"""
MINUTE = 60_000


class OneLife:
    """A source that keeps its place from one body to the next."""

    def __init__(self, type_name: str, context: SourceContext, **config: Any) -> None:
        self.source: Any = load_source(type_name, context, config)
        self.place: Any = {}

    def hear(self, body: str, minute: int | None = 5) -> Reading:
        at_ms = None if minute is None else NOON + minute * MINUTE
        reading: Reading = self.source.read(Heard(body.encode(), at_ms), self.place)
        self.place = reading.place
        return reading
