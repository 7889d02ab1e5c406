"""The boards of hubs for the gateway (``connectors.gateway.hub_boards.HubReadings``), followed in ``core.hub``."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.geo import Grid
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

HUB = "core.hub"
CELL_DEG = 0.01


class LogHubs:
    """Follows the boards of one city by *following*. A board goes when the stage deletes it, however old it is."""

    def __init__(self, city: str, following: Following, *, wire: Wire) -> None:
        self._boards: dict[str, Mapping[str, Any]] = {}  # bounded by its topic, which is compacted
        self._order: list[str] | None = None
        self._places: Grid[str] = Grid(CELL_DEG)
        self._lock = threading.Lock()
        self._reader = RowReader(wire, f"{city}.gateway.hubs")
        self._follower = Follower(
            "boards of hubs", topic_name(city, HUB), following, begin=self._clear, take=self._take
        )

    @property
    def trouble(self) -> str | None:
        return self._follower.trouble

    def boards(self) -> Sequence[Mapping[str, Any]]:
        with self._lock:
            if self._order is None:
                self._order = sorted(self._boards)
            return [self._boards[name] for name in self._order]

    def board(self, hub_id: str) -> Mapping[str, Any] | None:
        return self._boards.get(hub_id)

    def near(self, lat: float, lon: float, radius_m: float) -> Sequence[tuple[float, Mapping[str, Any]]]:
        with self._lock:
            found = sorted((away_m, name) for name, away_m in self._places.near(lat, lon, radius_m))
            return [(away_m, self._boards[name]) for away_m, name in found]

    def _clear(self) -> None:
        with self._lock:
            self._boards.clear()
            self._order = None
            self._places = Grid(CELL_DEG)

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        with self._lock:
            for row in self._reader.rows(records):
                self._put(row.key, row.value)

    def _put(self, hub_id: str, board: Mapping[str, Any] | None) -> None:
        before = self._boards.get(hub_id)
        if (before is None) != (board is None):
            self._order = None
        if before is not None and (at := before["position"]) is not None:
            self._places.remove(hub_id, at["lat"], at["lon"])
        if board is None:
            self._boards.pop(hub_id, None)
            return
        self._boards[hub_id] = board
        if (at := board["position"]) is not None:
            self._places.add(hub_id, at["lat"], at["lon"])
