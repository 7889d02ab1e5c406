"""The speed of vehicles near a place, and their usual speed at that hour. Pure.

Speeds come by cell and minute (``mobility.speed``). Each cell's usual level is the mean over its vehicles at each local
hour of the day, fading over ``memory_days``. An hour is learnt ``guard_h`` after its end; what an impact touches never
is, so the level is not moved by it. The usual speed near the turn of an hour is the lower of both hours': a rush begins
no impact.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from streams.situations.memory import remembered
from streams.situations.model import Position
from streams.situations.rule import City
from streams.situations.rules.traffic_impact.config import NAME, Numbers
from streams.speed.cells import cells_near

CELL = "cell:"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000

Share = tuple[float, float, float]
"""Speeds of vehicles added up (m/s), how many vehicles they were, and in how many minutes."""


class Pace(Struct, frozen=True, gc=False):
    """The memory of one cell.

    *recent* are (minute, vehicles, speed) of the window; *pending* hours of the epoch that are not learnt yet; *seen*
    what was learnt, by local hour. *event* is (event_id, topic, partition, offset) of the newest minute, *heard*.
    """

    heard: int
    event: tuple[str, str, int, int]
    recent: tuple[tuple[int, int, float], ...] = ()
    pending: dict[str, Share] = {}
    seen: dict[str, Share] = {}

    def heard_of(
        self, minute: int, vehicles: int, speed: float, *, numbers: Numbers, is_frozen: bool, zone: Any
    ) -> Pace:
        """With one more minute; *is_frozen*: it is of an impact and never learnt."""
        after = minute - numbers.window_min * MINUTE_MS
        recent = (*(one for one in self.recent if one[0] > after), (minute, vehicles, speed))
        pace = replace(self._learnt(minute, numbers, zone), heard=minute, recent=recent)
        if is_frozen:
            return pace
        hour = str(minute // HOUR_MS)
        speeds, count, minutes = pace.pending.get(hour, (0.0, 0.0, 0.0))
        fresh = (round(speeds + speed * vehicles, 3), count + vehicles, minutes + 1)
        return replace(pace, pending={**pace.pending, hour: fresh})

    def _learnt(self, now_ms: int, numbers: Numbers, zone: Any) -> Pace:
        due = (now_ms - numbers.guard_h * HOUR_MS) // HOUR_MS
        ripe = sorted((hour for hour in self.pending if int(hour) < due), key=int)
        if not ripe:
            return self
        seen, fade = dict(self.seen), 1 - 1 / numbers.memory_days
        for hour in ripe:
            local = _local(int(hour) * HOUR_MS, zone)
            before = seen.get(local, (0.0, 0.0, 0.0))
            speeds, count, minutes = (
                round(old * fade + new, 3) for old, new in zip(before, self.pending[hour], strict=True)
            )
            seen[local] = (speeds, count, minutes)
        pending = {hour: said for hour, said in self.pending.items() if hour not in ripe}
        return replace(self, pending=pending, seen=seen)

    def forgetting(self, since_ms: int) -> Pace:
        """Without what is not learnt yet of the hours since then: an impact has touched them."""
        kept = {hour: said for hour, said in self.pending.items() if int(hour) < since_ms // HOUR_MS}
        return self if len(kept) == len(self.pending) else replace(self, pending=kept)

    def usual(self, now_ms: int, numbers: Numbers, zone: Any) -> float | None:
        """Metres a second, at that time of the day; ``None`` where too little was seen, or where nobody drives."""
        edge = round(numbers.edge_min * MINUTE_MS)
        now, *others = (self._mean(now_ms + shift, numbers, zone) for shift in (0, -edge, edge))
        if now is None:
            return None
        least = min([now, *(one for one in others if one is not None)])
        return least if least >= numbers.usual_min_mps else None

    def _mean(self, at_ms: int, numbers: Numbers, zone: Any) -> float | None:
        speeds, count, minutes = self.seen.get(_local(at_ms, zone), (0.0, 0.0, 0.0))
        return speeds / count if count and minutes >= numbers.usual_minutes_min else None

    def since(self, after_ms: float) -> list[tuple[int, int, float]]:
        return [one for one in self.recent if one[0] > after_ms]


def _local(time_ms: int, zone: Any) -> str:
    return str(datetime.fromtimestamp(time_ms // HOUR_MS * 3600, zone).hour)


@dataclass(frozen=True, slots=True)
class Reading:
    """A cell now: *speed* and *usual* in m/s, and its vehicles of each minute of the window."""

    cell: str
    away_m: float
    pace: Pace
    speed: float
    usual: float | None
    by_minute: Mapping[int, int]

    @property
    def vehicles(self) -> int:
        return sum(self.by_minute.values())

    @property
    def share(self) -> float | None:
        return None if self.usual is None else self.speed / self.usual


@dataclass(frozen=True, slots=True)
class Paces:
    """The cells of a city as they are remembered; *fresh* are those that are only about to be."""

    city: City
    numbers: Numbers
    fresh: Mapping[str, Pace] = field(default_factory=dict)

    def of(self, cell: str) -> Pace | None:
        if cell in self.fresh:
            return self.fresh[cell]
        return remembered(self.city.memories, NAME, CELL + cell, Pace)

    def readings(self, at: Position, radius_m: float, now_ms: int) -> list[Reading]:
        """Each cell near *at* in which anybody moved of late."""
        found, numbers = [], self.numbers
        for cell, away_m in cells_near(at.lat, at.lon, radius_m):
            pace = self.of(cell)
            minutes = [] if pace is None else pace.since(now_ms - numbers.window_min * MINUTE_MS)
            if pace is None or not minutes:
                continue
            usual = pace.usual(now_ms, numbers, self.city.zone)
            speed = _mean((count, speed) for _, count, speed in minutes)
            by_minute = {minute: count for minute, count, _ in minutes}
            found.append(Reading(cell, away_m, pace, speed, usual, by_minute))
        return found


def _mean(pairs: Iterable[tuple[int, float]]) -> float:
    counted = list(pairs)
    return math.fsum(count * speed for count, speed in counted) / sum(count for count, _ in counted)


@dataclass(frozen=True, slots=True)
class Together:
    """Several cells as one: mean speed now, what is usual for the same vehicles, and how many different vehicles there were
    in each minute, the most first."""

    speed: float
    usual: float
    counts: tuple[int, ...]

    @property
    def share(self) -> float:
        return self.speed / self.usual

    def vehicles_in(self, minutes: int) -> int:
        """There were so many in at least *minutes* minutes."""
        return self.counts[minutes - 1] if minutes <= len(self.counts) else 0


def together(readings: Iterable[Reading]) -> Together | None:
    """The *readings* whose usual speed is known, as one; ``None`` without any."""
    known = [(one, one.usual) for one in readings if one.usual is not None]
    if not known:
        return None
    return Together(
        _mean((one.vehicles, one.speed) for one, _ in known),
        _mean((one.vehicles, usual) for one, usual in known),
        _counts(one for one, _ in known),
    )


def _counts(readings: Iterable[Reading]) -> tuple[int, ...]:
    """The number of vehicles in each minute, the most first. Each counts once a minute."""
    counts: dict[int, int] = {}
    for one in readings:
        for minute, count in one.by_minute.items():
            counts[minute] = counts.get(minute, 0) + count
    return tuple(sorted(counts.values(), reverse=True))


def speed_near(city: City, numbers: Numbers, position: Position, radius_m: float) -> Mapping[str, Any] | None:
    """The speed of vehicles within *radius_m* of *position*, in the form of ``MeasuresTraffic.speed_near``."""
    readings = Paces(city, numbers).readings(position, radius_m, city.now_ms)
    if not readings:
        return None
    known = together(readings)
    return {
        "speed_mps": round(_mean((one.vehicles, one.speed) for one in readings), 1),
        "usual_mps": None if known is None else round(known.usual, 1),
        "share": None if known is None else round(known.share, 2),
        "vehicles": _counts(readings)[0],
    }
