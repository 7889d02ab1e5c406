"""Times and daily periods of ED-269 and ED-318 as ``place.zone`` has them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import SourceContext
from connectors.formats.records import a_text
from connectors.formats.times import row_time
from schemas.errors import Invalid
from schemas.weekly import DAY_MIN, WEEKDAYS, clock_of

CLOCK = re.compile(
    r"([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?", re.ASCII
)


def an_object(said: object, what: str) -> Mapping[str, Any]:
    """*said* itself. ``Invalid`` where it is no object."""
    if not isinstance(said, dict):
        raise Invalid(f"the {what} is no object", field=what, expected="an object")
    return said


def times_of(context: SourceContext, about: Mapping[str, Any], at_ms: int) -> dict[str, Any]:
    """The fields ``starts_at``, ``ends_at`` and ``hours`` of a zone's properties *about*."""
    periods = about.get("applicability", about.get("limitedApplicability")) or []
    periods = [
        an_object(one, "applicability") for one in (periods if isinstance(periods, list) else [periods])
    ]
    begins, ends, hours = [], [], []
    for one in periods:
        bounded = one.get("permanent") not in ("YES", True)
        begin, end = (_time(context, one.get(name), bounded) for name in ("startDateTime", "endDateTime"))
        begins.append(begin)
        ends.append(end)
        daily = one.get("dailyPeriod", one.get("schedule")) or [{}]
        if not isinstance(daily, list):
            raise Invalid("the daily periods are no list", field="dailyPeriod", expected="a list")
        for period in daily:
            hours += _hours(context, an_object(period, "dailyPeriod"), begin, at_ms)
    always = any(not one["days"] and (one["from"], one["until"]) == ("00:00", "24:00") for one in hours)
    return {
        "starts_at": None
        if None in begins
        else min((one for one in begins if one is not None), default=None),
        "ends_at": None if None in ends else max((one for one in ends if one is not None), default=None),
        "hours": [] if always else hours,
    }


def _time(context: SourceContext, said: object, bounded: bool) -> int | None:
    return row_time(a_text(said, "time"), "iso", context.timezone).ms if bounded and said else None


def _hours(
    context: SourceContext, period: Mapping[str, Any], begin_ms: int | None, at_ms: int
) -> list[dict[str, Any]]:
    days = _days(period.get("day"))
    begin, from_offset = _minute(period.get("startTime"), is_end=False)
    end, until_offset = _minute(period.get("endTime"), is_end=True)
    if (begin, end) == (0, DAY_MIN):  # the whole day, wherever the days begin
        from_offset = until_offset = None
    spans = []
    for ours in _offsets(context, begin_ms, at_ms):
        first = begin if from_offset is None else begin - from_offset + ours
        last = end if until_offset is None else end - until_offset + ours
        moved = [WEEKDAYS[(WEEKDAYS.index(day) + first // DAY_MIN) % 7] for day in days]
        until = last % DAY_MIN or DAY_MIN
        span = {"days": moved, "from": clock_of(first % DAY_MIN), "until": clock_of(until)}
        if span not in spans:
            spans.append(span)
    return spans


def _offsets(context: SourceContext, begin_ms: int | None, at_ms: int) -> list[int]:
    """Minutes by which the city is ahead of UTC: at *begin_ms*, or in the winter and the summer of that year."""
    year = datetime.fromtimestamp(at_ms / 1000, UTC).year
    ats = [datetime(year, month, 15, tzinfo=UTC) for month in (1, 7)]
    if begin_ms is not None:
        ats = [datetime.fromtimestamp(begin_ms / 1000, UTC)]
    offsets = [at.astimezone(context.timezone).utcoffset() for at in ats]
    return sorted({int(one.total_seconds()) // 60 for one in offsets if one is not None})


def _days(said: object) -> list[str]:
    """Our words; none for every day, which a word that is no weekday (ANY) means too."""
    words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    found = [day for day in WEEKDAYS if day[:3].upper() in [str(one).upper()[:3] for one in words]]
    return found if len(found) == len(words) and len(found) < 7 else []


def _minute(said: object, *, is_end: bool) -> tuple[int, int | None]:
    """Minutes from midnight, and how many the clock is ahead of UTC; ``None`` where it does not say."""
    if said in (None, ""):
        return (DAY_MIN if is_end else 0), None
    found = CLOCK.fullmatch(a_text(said, "time"))
    if found is None or (found[1] == "24" and found[2] != "00"):
        raise Invalid("it is no time of day", field="dailyPeriod", expected="HH:MM[:SS] with Z or an offset")
    minute = min(DAY_MIN, int(found[1]) * 60 + int(found[2]) + (1 if is_end and int(found[3] or 0) else 0))
    if found[4] is None:
        return minute, None
    if found[4] == "Z":
        return minute, 0
    ahead = int(found[4][1:3]) * 60 + int(found[4][-2:])
    return minute, -ahead if found[4][0] == "-" else ahead
