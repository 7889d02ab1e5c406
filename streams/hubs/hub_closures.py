"""Closures as they bear on the boards of hubs. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.errors import Invalid
from streams.closures.closure_effects import closed_part, closing, corner_of
from streams.closures.closure_table import ClosureTable, closure_of


class HubClosures:
    """The closures of the city."""

    def __init__(self) -> None:
        self._table = ClosureTable()

    @property
    def dropped(self) -> int:
        """The number of closures that were let go for lack of room."""
        return self._table.dropped

    def take(self, key: str, value: Mapping[str, Any] | None) -> bool:
        """Take a row of ``core.closure``; whether it may change a board. A row without an area changes none."""
        if value is None:
            return self._table.drop(key)
        try:
            return self._table.take(closure_of(value))
        except Invalid:
            return False

    def part(self, position: Mapping[str, Any] | None, now_ms: int) -> dict[str, Any] | None:
        """Return the words of the board of a hub at *position* for closures at *now_ms*."""
        return closed_part(closing(corner_of(position), self._table, now_ms))

    def next_change_ms(self, now_ms: int, other_ms: int) -> int:
        """*other_ms*, or the earlier time at which a closure begins or is over by the clock."""
        own_ms = self._table.next_change_ms(now_ms)
        return other_ms if own_ms is None else min(own_ms, other_ms)
