"""Spans of each week in a city's time zone, as ``place.zone`` carries them, and the time in which they hold. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import Invalid

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY_MIN = 24 * 60
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00", re.ASCII)
DAY = timedelta(days=1)
MINUTE_MS = 60_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def spans(
    hours: Sequence[Mapping[str, Any]], zone: ZoneInfo, from_ms: int, until_ms: int
) -> list[tuple[int, int]]:
    """The windows ``(opens, closes)`` in which *hours* hold in *zone*, in order, cut to *from_ms* … *until_ms*.

    *hours*: ``{"days": […], "from": "HH:MM", "until": "HH:MM"}`` as in ``place.zone``. No days are every day; an ``until``
    that is not after ``from`` is of the next day; no hours at all are always. Windows that touch or overlap are one. A
    window holds its first instant and not its last.

    On the days when the clocks change, a window reaches from the first to the last minute whose wall clock lies in the
    span. A doubled hour: it opens at the first of two equal times (``fold=0``), and its last minute is the second
    (``fold=1``). A missing hour: it opens or closes when the clocks jump, and a span wholly in it does not hold that day.

    ``Invalid`` for a day or a time that is none.
    """
    if from_ms >= until_ms:
        return []
    if not hours:
        return [(from_ms, until_ms)]
    read = [_read(one) for one in hours]
    first, last = _day(from_ms, zone) - 2 * DAY, _day(until_ms, zone) + DAY
    days = [first + n * DAY for n in range((last - first).days + 1)]
    found = [
        (max(opens, from_ms), min(closes, until_ms))
        for day in days
        for weekdays, begin, end in read
        if day.weekday() in weekdays
        for opens, closes in _window(day, begin, end, zone)
    ]
    return _merged(sorted(one for one in found if one[0] < one[1]))


def minute_of(clock: object, field: str) -> int:
    """Minutes from midnight to *clock*, ``HH:MM`` up to ``24:00``. ``Invalid`` for anything else."""
    if not isinstance(clock, str) or not CLOCK.fullmatch(clock):
        raise Invalid(f"{field} is no time of day", field=field, expected="HH:MM, 00:00 to 24:00")
    return int(clock[:2]) * 60 + int(clock[3:])


def clock_of(minute: int) -> str:
    """``HH:MM`` of a *minute* of the day, from 0 to 1,440."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _read(one: Mapping[str, Any]) -> tuple[frozenset[int], int, int]:
    """The weekdays, the first minute and the minute after the last, counted from the first day's midnight."""
    days = one.get("days") or WEEKDAYS
    if not all(day in WEEKDAYS for day in days):
        raise Invalid("a day of the hours is none", field="hours.days", expected=", ".join(WEEKDAYS))
    begin, end = minute_of(one.get("from"), "hours.from"), minute_of(one.get("until"), "hours.until")
    if begin == DAY_MIN:
        raise Invalid("no span begins at 24:00", field="hours.from", expected="00:00 to 23:59")
    return frozenset(WEEKDAYS.index(day) for day in days), begin, end if end > begin else end + DAY_MIN


def _day(at_ms: int, zone: ZoneInfo) -> date:
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone).date()


def _window(day: date, begin: int, end: int, zone: ZoneInfo) -> Iterator[tuple[int, int]]:
    """The window of one span on one *day*; none where the clocks leave it out."""
    midnight = datetime.combine(day, time.min)
    opens, _ = _instant(midnight + timedelta(minutes=begin), zone, fold=0)
    last, is_missing = _instant(midnight + timedelta(minutes=end - 1), zone, fold=1)
    closes = last if is_missing else last + MINUTE_MS
    if opens < closes:
        yield opens, closes


def _instant(wall: datetime, zone: ZoneInfo, *, fold: int) -> tuple[int, bool]:
    """The instant at which clocks show *wall*, or at which they jump over it, and whether they jump."""
    at = _ms(wall.replace(tzinfo=zone, fold=fold))
    if (EPOCH + timedelta(milliseconds=at)).astimezone(zone).replace(tzinfo=None) == wall:
        return at, False
    low, high = sorted(_ms(wall.replace(tzinfo=zone, fold=either)) for either in (0, 1))
    after = (EPOCH + timedelta(milliseconds=high)).astimezone(zone).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if (EPOCH + timedelta(milliseconds=middle)).astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high, True


def _ms(at: datetime) -> int:
    return (at.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


def _merged(windows: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """*windows*, which are sorted, with those that touch or overlap as one."""
    merged: list[tuple[int, int]] = []
    for opens, closes in windows:
        if merged and opens <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return merged
