"""Times of a window's notices, and its hours in words, in the city's time zone. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from streams.situations.model import Observed

EVE, DAY = 1, 2
"""Notices that are told: of the day before, and of the day itself."""


class KnownWindow(Struct, frozen=True, gc=False):
    """A window as the log tells it. *told*: the last notice, 0 before any. *day_ms* is ``None`` for a window that begins
    before that notice. *situation_id*: that of its notices. *shown*: its hours and
    reward as they were told last; *changes*: how often a change was told on the day *changed_on*; *held_until*: when
    one is told for which that day had no room."""

    area: str
    window_id: str
    begins: int
    ends: int
    reward: str
    eve_ms: int
    day_ms: int | None
    said: Observed
    told: int = 0
    situation_id: str | None = None
    shown: str = ""
    changes: int = 0
    changed_on: int = 0
    held_until: int | None = None

    def due(self, now: int) -> int:
        """The notice that must be told by *now*."""
        if now >= (self.begins if self.day_ms is None else self.day_ms):
            return DAY
        return EVE if now >= self.eve_ms else 0

    @property
    def wakes_at(self) -> int:
        """When something is to be told next."""
        notice = self._next_notice
        return notice if self.held_until is None else min(notice, self.held_until)

    @property
    def _next_notice(self) -> int:
        if self.told < EVE:
            return min(self.eve_ms, self.ends)
        if self.told < DAY and self.day_ms is not None:
            return self.day_ms
        return self.ends


def notices_of(begins: int, zone: ZoneInfo, eve_at: time, day_at: time) -> tuple[int, int | None]:
    """The times of both notices of a window that begins then: by the clocks of the city, whatever they are set to."""
    eve_ms, day_ms = _on_day(begins, -1, zone, eve_at), _on_day(begins, 0, zone, day_at)
    return eve_ms, day_ms if day_ms < begins else None


def held_until(now: int, begins: int, zone: ZoneInfo, day_at: time) -> int:
    """The time of a change for which today has no room: the next morning, or the window's begin if that comes before."""
    morning_ms = _on_day(now, 1, zone, day_at)
    return min(morning_ms, begins) if begins > now else morning_ms


def _on_day(of_ms: int, later: int, zone: ZoneInfo, at: time) -> int:
    """The time when the city's clocks show *at*, so many days later than the day of *of_ms*."""
    day = local(of_ms, zone).date() + timedelta(days=later)
    return round(datetime.combine(day, at, zone).astimezone(UTC).timestamp() * 1000)


def hours_of(begins: int, ends: int, zone: ZoneInfo) -> str:
    """As ``2026-03-08 13:00-15:00``: with both days where they differ, with offsets where the clocks change within."""
    first, last = local(begins, zone), local(ends, zone)
    changes = first.utcoffset() != last.utcoffset()
    texts = []
    for at, has_day in ((first, True), (last, first.date() != last.date())):
        text = at.strftime("%Y-%m-%d %H:%M" if has_day else "%H:%M")
        texts.append(f"{text}{at.isoformat()[-6:]}" if changes else text)
    return "-".join(texts)


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, zone)
