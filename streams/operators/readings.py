"""Readings of the gateway (``connectors.gateway.readings.Readings``): the newest situations, alerts, grants and cameras."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from connectors.gateway.shelf import KEYS, Shelf, ShelfRow
from schemas.catalogue import load_catalogue, topic_name
from schemas.json_form import to_json_value
from schemas.wire import Wire
from streams.geo import Grid
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

SITUATION, ALERT, GRANT, CAMERA = "core.situation", "core.alert", "core.grant", "place.camera"
CELL_DEG = 0.01
DAY_MS = 86_400_000


class LogReadings:
    """Follows the topics of one city by *following*. *forget_after_days*: the law's, for what is over."""

    def __init__(
        self,
        city: str,
        following: Following,
        *,
        wire: Wire,
        now_ms: Callable[[], int],
        forget_after_days: Callable[[], float],
    ) -> None:
        self._read = partial(RowReader, wire, f"{city}.gateway.reads")
        self._cameras: dict[str, dict[str, Any]] = {}  # bounded by its topic, which is compacted
        self._places: Grid[str] = Grid(CELL_DEG)
        self._lock = threading.Lock()
        catalogue = load_catalogue()
        self._now_ms = now_ms
        self._shelves = {
            contract: Shelf(
                contract,
                keep_ms=catalogue[contract].retention_ms,
                keep_over_ms=lambda: forget_after_days() * DAY_MS,
            )
            for contract in KEYS
        }
        for contract in (ALERT, GRANT):
            self._shelves[contract].is_over = self._is_of_the_past
        takes: dict[str, tuple[Callable[[], None], Callable[[Sequence[Record], bool], None]]] = {
            contract: (shelf.clear, self._taking(contract)) for contract, shelf in self._shelves.items()
        }
        takes[CAMERA] = (self._clear_cameras, self._take_cameras)
        self._cameras_reader = self._read()
        self._followers = [
            Follower(f"rows of {contract}", topic_name(city, contract), following, begin=begin, take=take)
            for contract, (begin, take) in takes.items()
        ]

    @property
    def trouble(self) -> str | None:
        return next((one.trouble for one in self._followers if one.trouble is not None), None)

    def rows(self, contract: str, *, now_ms: int) -> Sequence[ShelfRow]:
        return self._shelves[contract].rows(now_ms=now_ms)

    def row(self, contract: str, key: str, *, now_ms: int) -> ShelfRow | None:
        return self._shelves[contract].row(key, now_ms=now_ms)

    def of_situation(self, contract: str, situation_id: str, *, now_ms: int) -> Sequence[ShelfRow]:
        return self._shelves[contract].of_situation(situation_id, now_ms=now_ms)

    def cameras_near(
        self, lat: float, lon: float, radius_m: float
    ) -> Sequence[tuple[float, Mapping[str, Any]]]:
        with self._lock:
            found = sorted((away_m, camera_id) for camera_id, away_m in self._places.near(lat, lon, radius_m))
            return [(away_m, self._cameras[camera_id]) for away_m, camera_id in found]

    def _taking(self, contract: str) -> Callable[[Sequence[Record], bool], None]:
        shelf, schema, reader = self._shelves[contract], load_catalogue()[contract].newest, self._read()

        def take(records: Sequence[Record], _is_all: bool) -> None:
            for row in reader.rows(records):
                if row.value is not None:
                    shown = to_json_value(schema, row.value)
                    shelf.put(shown, place=row.record.offset, changed_ms=row.record.timestamp_ms)

        return take

    def _is_of_the_past(self, head: Mapping[str, Any]) -> bool:
        """Whether the situation of that alert or grant is closed or forgotten."""
        situation = self._shelves[SITUATION].row(str(head["situation_id"]), now_ms=self._now_ms())
        return situation is None or situation.head["status"] == "closed"

    def _clear_cameras(self) -> None:
        with self._lock:
            self._cameras.clear()
            self._places = Grid(CELL_DEG)

    def _take_cameras(self, records: Sequence[Record], _is_all: bool) -> None:
        schema = load_catalogue()[CAMERA].newest
        with self._lock:
            for row in self._cameras_reader.rows(records):
                self._drop(row.key)
                if row.value is not None:
                    shown = self._cameras[row.key] = to_json_value(schema, row.value)
                    if (at := shown["position"]) is not None:
                        self._places.add(row.key, at["lat"], at["lon"])

    def _drop(self, camera_id: str) -> None:
        before = self._cameras.pop(camera_id, None)
        if before is not None and (at := before["position"]) is not None:
            self._places.remove(camera_id, at["lat"], at["lon"])
