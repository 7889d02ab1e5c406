"""Windows of GTFS-Flex as the hours of ``place.zone``: to the minute, of each week, between a first and a last day. Pure.

- A window is in seconds or minutes from the midnight at which its day of service begins, and may pass 24:00 or several days.
- Hours are to the minute: a window is widened to whole minutes, by less than a minute at either end.
- Windows of a weekday that touch are one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import Invalid
from schemas.weekly import DAY_MIN, WEEKDAYS, clock_of

WINDOW = re.compile(r"([0-9]{1,3}):([0-5][0-9])(?::([0-5][0-9]))?", re.ASCII)
DAY_S, MINUTE_S = 86_400, 60
WINDOW_S_MAX = 7 * DAY_S
FIRST_YEAR, LAST_YEAR = 2000, 2999


def window_s(text: str, field: str) -> int:
    """Seconds from midnight of the day of service: ``7:45:00``, ``07:45``, ``25:30:00``. ``Invalid`` for anything else."""
    found = WINDOW.fullmatch(text)
    seconds = WINDOW_S_MAX + 1 if found is None else sum(
        int(part or 0) * unit for part, unit in zip(found.groups(), (3600, 60, 1), strict=True)
    )  # fmt: skip
    if seconds > WINDOW_S_MAX:
        raise Invalid(f"{field} is no time of a day of service", field=field, expected="HH:MM:SS or HH:MM")
    return seconds


def a_day(text: str, field: str) -> date:
    """A day of GTFS, ``YYYYMMDD``. ``Invalid`` for anything else."""
    try:
        if len(text) != 8 or not text.isascii() or not text.isdigit():
            raise ValueError(text)
        day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValueError(text)
        return day
    except ValueError:
        raise Invalid(f"{field} is no day", field=field, expected="YYYYMMDD") from None


def weekdays(row: Mapping[str, str]) -> tuple[int, ...]:
    """The weekdays of a row of calendar.txt, Monday 0."""
    return tuple(number for number, day in enumerate(WEEKDAYS) if row.get(day) == "1")


def hours_of(windows: Iterable[tuple[Iterable[int], int, int]]) -> list[dict[str, Any]]:
    """The ``hours`` of a zone in which *windows* (weekdays, first and last second) hold."""
    of_day: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for days, opens_s, closes_s in windows:
        opens, closes = opens_s // MINUTE_S, -(-closes_s // MINUTE_S)
        while opens < closes:
            shift, begin = divmod(opens, DAY_MIN)
            length = min(closes - opens, DAY_MIN)
            for day in days:
                of_day[(day + shift) % 7].append((begin, begin + length))
            opens += length
    days_of: dict[tuple[int, int], list[int]] = defaultdict(list)
    for day, spans in of_day.items():
        for span in _joined(spans):
            days_of[span].append(day)
    return [
        {
            "days": [] if len(days) == 7 else [WEEKDAYS[day] for day in sorted(days)],
            "from": clock_of(begin),
            "until": clock_of(end if end <= DAY_MIN else end - DAY_MIN),
        }
        for (begin, end), days in sorted(days_of.items(), key=lambda one: (min(one[1]), one[0]))
    ]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """*spans* of minutes, those that touch as one of a day at most."""
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if joined and begin <= joined[-1][1] and max(end, joined[-1][1]) - joined[-1][0] <= DAY_MIN:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined


def midnight_ms(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def end_ms(last: date, closes_s: int, zone: ZoneInfo) -> int:
    """When service ends whose last day is *last* and whose latest window closes at *closes_s* of it."""
    over = max(closes_s - DAY_S, 0)
    midnight = datetime(last.year, last.month, last.day, tzinfo=zone) + timedelta(days=1)
    return round(midnight.timestamp() * 1000) + over * 1000


def is_same_time(one: ZoneInfo, other: ZoneInfo, year: int) -> bool:
    """Whether clocks in both zones show the same all through *year*: at the beginning of each of its months."""
    return one.key == other.key or all(
        datetime(year, month, 1, tzinfo=one).utcoffset() == datetime(year, month, 1, tzinfo=other).utcoffset()
        for month in range(1, 13)
    )
