"""Positions of vehicles to their mean speed by cell and minute. Pure: batches and the time in, speeds out.

NumPy throughout; nothing is done for each position in Python. The rules:

- A vehicle counts once a minute, in the cell of its last place, with the mean of its own speeds. One that reports no
  speed counts with the straight way from its last place of an earlier minute.
- A stale, disabled or reserved vehicle does not count, nor one at a hub.
- A vehicle counts in a minute if its places of that minute and of the ``parked_min`` before it lie ``moved_m`` apart.
  So a parked fleet is no jam, and a vehicle seen for the first time waits until it has moved. A vehicle in a jam that
  does not move at all stops counting, too. Older places are ignored, so a restart that reads ``parked_min`` back
  gives the same result.

Whatever does not count is counted by reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from streams.speed.cells import PER_DEG, ROWS, columns_of
from streams.speed.columns import (
    NO_TRACKS,
    Boxes,
    Doubles,
    Flags,
    Longs,
    Positions,
    Sums,
    Tracks,
    away_m,
    column_of,
    joined,
)

MINUTE_MS = 60_000
REDUCE_ROWS = 100_000
"""The number of positions of a minute kept before they are reduced to one row per vehicle."""


class SpeedConfig(BaseModel):
    """The settings of ``[speed]`` in a city's file."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lateness_s: float = Field(
        45, ge=0, le=600, description="seconds after its end when a minute is published"
    )
    parked_min: float = Field(
        5, gt=0, le=30, description="a vehicle that has not moved for this time does not count"
    )
    moved_m: float = Field(50, gt=0, le=1_000, description="the distance at which a vehicle has moved")
    speed_max_mps: float = Field(70, gt=0, description="a position faster than this is wrong")
    ahead_max_s: float = Field(60, ge=0, description="a position further ahead of its received time is wrong")
    vehicles_max: int = Field(
        500_000, ge=1, description="the most vehicles followed; those unseen for longest are dropped"
    )

    @property
    def look_back_ms(self) -> int:
        """The time, in ms, that must be read back to know which vehicles move in the next minute."""
        return round(self.parked_min * MINUTE_MS + self.lateness_s * 1000) + 2 * MINUTE_MS


@dataclass(frozen=True, slots=True)
class CellSpeed:
    """The published speed of one cell and minute. *minute* is its beginning, in ms."""

    row: int
    column: int
    minute: int
    vehicles: int
    mean_speed_mps: float

    @property
    def cell(self) -> str:
        return f"{self.row}:{self.column}"


NEVER = -(2**62)


@dataclass(slots=True)
class Minutes:
    """The open minutes, and the vehicles that are followed.

    *told_until*: the end of the last published minute. *clock*: the latest time given. *left_out*: counts by
    reason. Minutes before *silent_until* were published before a restart: vehicles are followed through them,
    and nothing is published.
    """

    config: SpeedConfig = field(default_factory=lambda: SpeedConfig.model_validate({}))
    silent_until: int = NEVER
    told_until: int | None = None
    clock: int = NEVER
    left_out: Counter[str] = field(default_factory=Counter)
    _open: dict[int, list[Sums]] = field(default_factory=dict)
    _tracks: Tracks = NO_TRACKS
    _boxes: dict[int, Boxes] = field(default_factory=dict)
    """The boxes of closed minutes that still count."""

    def take(self, positions: Positions, clock_ms: int) -> list[CellSpeed]:
        """Take *positions*; return the speeds of minutes that are complete by *clock_ms*, in order, each
        minute once.
        """
        self.clock = max(self.clock, clock_ms)
        self._sort_in(positions)
        due = self.clock - round(self.config.lateness_s * 1000)
        ripe = sorted(minute for minute in self._open if minute + MINUTE_MS <= due)
        told = [one for minute in ripe for one in self._close(minute) if minute >= self.silent_until]
        until = due // MINUTE_MS * MINUTE_MS
        self.told_until = until if self.told_until is None else max(self.told_until, until)
        return told

    def copy(self) -> Minutes:
        """Return a copy: positions taken by one do not change the other."""
        parts = {minute: list(parts) for minute, parts in self._open.items()}
        return replace(self, left_out=self.left_out.copy(), _open=parts, _boxes=dict(self._boxes))

    @property
    def followed(self) -> int:
        """The number of vehicles followed."""
        return len(self._tracks.vehicle)

    def _sort_in(self, positions: Positions) -> None:
        minute = positions.time // MINUTE_MS * MINUTE_MS
        reasons: Mapping[str, Flags] = {
            "out": positions.is_out,
            "unplaced": ~(np.isfinite(positions.lat) & np.isfinite(positions.lon)),
            "ahead": positions.time > positions.heard + round(self.config.ahead_max_s * 1000),
            "late": minute < (NEVER if self.told_until is None else self.told_until),
            "speed": (positions.speed < 0) | (positions.speed > self.config.speed_max_mps),
        }
        counts = np.ones(len(positions), bool)
        # each position counts for the first reason only
        for reason, rows in reasons.items():
            self.left_out[reason] += int(np.count_nonzero(rows & counts))
            counts &= ~rows
        for one in np.unique(minute[counts]).tolist():
            self._put(one, positions, np.flatnonzero(counts & (minute == one)))

    def _put(self, minute: int, positions: Positions, rows: Longs) -> None:
        speed = positions.speed[rows]
        is_said = np.isfinite(speed)
        lat, lon, count = positions.lat[rows], positions.lon[rows], is_said.astype(np.int64)
        speeds = np.where(is_said, speed, 0.0)
        place = (lat, lat, lon, lon)
        sums = Sums(positions.vehicle[rows], positions.time[rows], lat, lon, speeds, count, *place)
        parts = self._open.setdefault(minute, [])
        parts.append(sums)
        if sum(map(len, parts[1:])) > max(REDUCE_ROWS, len(parts[0])):
            parts[:] = [joined(parts).reduced()]

    # -- a minute is over ------------------------------------------------------------------------------------

    def _close(self, minute: int) -> list[CellSpeed]:
        seen = joined(self._open.pop(minute)).reduced()
        speed, is_moving = self._follow(seen, minute)
        is_known = np.isfinite(speed)
        is_fast = is_known & (speed > self.config.speed_max_mps)
        self.left_out["parked"] += int(np.count_nonzero(~is_moving))
        self.left_out["unknown"] += int(np.count_nonzero(is_moving & ~is_known))
        self.left_out["speed"] += int(np.count_nonzero(is_moving & is_fast))
        rows = np.flatnonzero(is_moving & is_known & ~is_fast)
        return by_cell(seen.lat[rows], seen.lon[rows], speed[rows], minute)

    def _follow(self, seen: Sums, minute: int) -> tuple[Doubles, Flags]:
        """Return the speed of each of *seen* (NaN if unknown), and whether it moves. Updates the tracks and boxes."""
        tracks, config = self._tracks, self.config
        found = np.searchsorted(tracks.vehicle, seen.vehicle)
        at = np.minimum(found, max(0, len(tracks.vehicle) - 1))
        is_known = np.zeros(len(seen), bool)
        if len(tracks.vehicle):
            is_known = (tracks.vehicle[at] == seen.vehicle) & (tracks.at[at] >= self._gone(minute))

        def before(column: NDArray[Any], otherwise: NDArray[Any]) -> NDArray[Any]:
            return np.where(is_known, column[at], otherwise) if len(column) else otherwise

        last_at = before(tracks.at, seen.time)
        last_lat, last_lon = before(tracks.lat, seen.lat), before(tracks.lon, seen.lon)
        waited = np.maximum(1, seen.time - last_at) / 1000
        is_fresh = is_known & (seen.time > last_at) & (waited <= config.parked_min * 60)
        covered = np.where(is_fresh, away_m(last_lat, last_lon, seen.lat, seen.lon) / waited, np.nan)
        speed = np.where(seen.count > 0, seen.speeds / np.maximum(1, seen.count), covered)
        self._tracks = self._kept(Tracks(seen.vehicle, seen.time, seen.lat, seen.lon), minute)
        return speed, self._width_m(seen, minute) >= config.moved_m

    def _width_m(self, seen: Sums, minute: int) -> Doubles:
        """Return the width of each vehicle's places in this minute and the kept ones. Keeps the boxes of this
        minute.
        """
        ours = Boxes(seen.vehicle, seen.south, seen.north, seen.west, seen.east)
        self._boxes = {one: boxes for one, boxes in self._boxes.items() if one >= self._gone(minute)}
        around = ours
        for boxes in self._boxes.values():
            around = around.with_those_of(boxes)
        self._boxes[minute] = ours.only(self._tracks.vehicle)
        return around.width_m()

    def _gone(self, minute: int) -> int:
        """Return the time before which places no longer count; a vehicle last seen before it is new again."""
        return minute - round(self.config.parked_min * MINUTE_MS)

    def _kept(self, fresh: Tracks, minute: int) -> Tracks:
        """Return *fresh* and the former tracks, without those too old or beyond ``vehicles_max``."""
        old = self._tracks
        stay = ~np.isin(old.vehicle, fresh.vehicle, assume_unique=True)
        stay &= old.at >= self._gone(minute)
        columns = [np.r_[column_of(fresh, name), column_of(old, name)[stay]] for name in Tracks.__slots__]
        every = Tracks(*columns)
        order = np.argsort(every.vehicle, kind="stable")
        if len(order) > self.config.vehicles_max:
            self.left_out["full"] += len(order) - self.config.vehicles_max
            newest = np.lexsort((every.vehicle, every.at))[-self.config.vehicles_max :]
            order = newest[np.argsort(every.vehicle[newest], kind="stable")]
        return Tracks(*(column_of(every, name)[order] for name in Tracks.__slots__))


def by_cell(lat: Doubles, lon: Doubles, speed: Doubles, minute: int) -> list[CellSpeed]:
    """Return the mean of *speed* and the number of rows in each cell, the southern and western cells first."""
    if not len(lat):
        return []
    row = np.clip(np.floor((lat + 90) * PER_DEG).astype(np.int64), 0, ROWS - 1)
    rows, which = np.unique(row, return_inverse=True)
    columns = np.array([columns_of(one) for one in rows.tolist()])[which]
    column = np.floor((lon + 180) * columns / 360).astype(np.int64) % columns
    order = np.lexsort((speed, column, row))
    row, column = row[order], column[order]
    first = np.flatnonzero(np.r_[True, (row[1:] != row[:-1]) | (column[1:] != column[:-1])])
    count = np.diff(np.r_[first, len(order)])
    mean = np.round(np.add.reduceat(speed[order], first) / count, 3)
    return [
        CellSpeed(*one)
        for one in zip(
            row[first].tolist(),
            column[first].tolist(),
            [minute] * len(first),
            count.tolist(),
            mean.tolist(),
            strict=True,
        )
    ]
