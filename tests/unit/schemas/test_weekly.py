"""Weekly hours as windows of time: against each minute of a year, and by hand where the clocks change."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from schemas.errors import Invalid
from schemas.weekly import WEEKDAYS, clock_of, minute_of, spans

ZURICH = ZoneInfo("Europe/Zurich")
MINUTE_MS = 60_000
YEAR_MIN = 366 * 1440
NEW_YEAR = datetime.fromisoformat("2026-01-01T00:00")


def hours(begin: str, end: str, *days: str) -> dict[str, Any]:
    return {"days": list(days), "from": begin, "until": end}


def at(text: str) -> int:
    """Milliseconds of an ISO time with its offset."""
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def between(table: Sequence[Mapping[str, Any]], begin: str, end: str) -> list[tuple[int, int]]:
    return spans(table, ZURICH, at(begin), at(end))


def by_minutes(table: Sequence[Mapping[str, Any]], zone: ZoneInfo, from_ms: int, count: int) -> np.ndarray:
    """Whether each of *count* minutes is in: those from the first to the last whose wall clock lies in one day's span."""
    start = datetime.fromtimestamp(from_ms / 1000, UTC)
    wall = np.empty(count, dtype=np.int64)
    for hour in range(count // 60):  # all changes of these zones come on a full hour
        local = (start + timedelta(hours=hour)).astimezone(zone).replace(tzinfo=None)
        minute = round((local - NEW_YEAR).total_seconds() / 60)
        wall[hour * 60 : hour * 60 + 60] = minute + np.arange(60)
    held = np.zeros(count, dtype=bool)
    for day in range(-2, 368):
        weekday = WEEKDAYS[(NEW_YEAR + timedelta(days=day)).weekday()]
        for one in table:
            if one["days"] and weekday not in one["days"]:
                continue
            begin = int(one["from"][:2]) * 60 + int(one["from"][3:])
            end = int(one["until"][:2]) * 60 + int(one["until"][3:])
            end += 1440 if end <= begin else 0
            near = slice(max(0, (day - 2) * 1440), max(0, (day + 4) * 1440))
            inside = wall[near] >= day * 1440 + begin
            inside &= wall[near] < day * 1440 + end
            found = np.flatnonzero(inside)
            if len(found):
                held[near.start + found[0] : near.start + found[-1] + 1] = True
    return held


@pytest.mark.parametrize("name", ["Europe/Zurich", "Asia/Bangkok", "America/Chicago"])
@pytest.mark.parametrize("seed", range(4))
def test_each_minute_of_a_year_is_in_as_the_wall_clock_says(name: str, seed: int) -> None:
    chance, zone = random.Random(f"{name}{seed}"), ZoneInfo(name)
    table = []
    for number in range(4):
        begin = chance.choice([0, 60, 90, 120, 150, 1439, chance.randrange(1440)])
        end = chance.choice([0, 60, 120, 150, 180, 1440, chance.randrange(1440)])
        days = chance.sample(WEEKDAYS, chance.randrange(1, 8)) if number else ["sunday"]
        table.append(hours(f"{begin // 60:02}:{begin % 60:02}", f"{end // 60:02}:{end % 60:02}", *days))
    from_ms = at("2026-01-01T00:00:00+00:00")
    got = np.zeros(YEAR_MIN, dtype=bool)
    windows = spans(table, zone, from_ms, from_ms + YEAR_MIN * MINUTE_MS)
    for opens, closes in windows:
        assert opens % MINUTE_MS == closes % MINUTE_MS == 0
        got[(opens - from_ms) // MINUTE_MS : (closes - from_ms) // MINUTE_MS] = True
    wrong = np.flatnonzero(got != by_minutes(table, zone, from_ms, YEAR_MIN))
    assert not len(wrong), (table, datetime.fromtimestamp(from_ms / 1000 + int(wrong[0]) * 60, zone))
    assert all(before[1] < after[0] for before, after in pairwise(windows))


def test_no_hours_are_always() -> None:
    assert spans([], ZURICH, 5, 9) == [(5, 9)]
    assert spans([], ZURICH, 9, 9) == []


def test_a_span_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    table = [hours("22:00", "06:00", "friday")]
    # 5 June 2026 is a Friday; Zurich is two hours ahead of UTC
    assert between(table, "2026-06-01T00:00+02:00", "2026-06-08T00:00+02:00") == [
        (at("2026-06-05T20:00+00:00"), at("2026-06-06T04:00+00:00"))
    ]
    assert between(table, "2026-06-06T03:00+02:00", "2026-06-06T05:00+02:00") == [
        (at("2026-06-06T01:00+00:00"), at("2026-06-06T03:00+00:00"))
    ]


def test_the_end_of_a_day_and_the_next_ones_begin_are_one() -> None:
    week = [hours("00:00", "24:00", day) for day in WEEKDAYS]
    begin, end = "2026-03-20T12:00+01:00", "2026-04-02T12:00+02:00"
    assert between(week, begin, end) == [(at(begin), at(end))]
    assert between([hours("07:00", "07:00")], begin, end) == [(at(begin), at(end))]
    assert between([hours("00:00", "00:00")], begin, end) == [(at(begin), at(end))]


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [  # on 29 March 2026 Zurich's clocks go from 02:00 to 03:00, at 01:00 UTC
        ("02:00", "03:00", None),
        ("02:15", "02:45", None),
        ("02:30", "03:30", ("01:00", "01:30")),
        ("01:30", "02:30", ("00:30", "01:00")),
        ("01:00", "04:00", ("00:00", "02:00")),
    ],
)
def test_a_missing_hour(begin: str, end: str, expected: tuple[str, str] | None) -> None:
    got = between([hours(begin, end, "sunday")], "2026-03-29T00:00+01:00", "2026-03-29T12:00+02:00")
    assert got == ([] if expected is None else [tuple(at(f"2026-03-29T{one}+00:00") for one in expected)])


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [  # on 25 October 2026 they go from 03:00 back to 02:00, at 01:00 UTC
        ("02:00", "03:00", ("00:00", "02:00")),
        ("02:30", "04:00", ("00:30", "03:00")),
        ("01:00", "02:00", ("23:00", "00:00")),
        ("01:00", "02:30", ("23:00", "01:30")),
        ("03:00", "04:00", ("02:00", "03:00")),
    ],
)
def test_a_doubled_hour(begin: str, end: str, expected: tuple[str, str]) -> None:
    got = between([hours(begin, end, "sunday")], "2026-10-25T00:00+02:00", "2026-10-25T12:00+01:00")
    day = "24" if expected[0] == "23:00" else "25"
    assert got == [(at(f"2026-10-{day}T{expected[0]}+00:00"), at(f"2026-10-25T{expected[1]}+00:00"))]


@pytest.mark.parametrize(
    "wrong",
    [
        hours("7:00", "08:00"),
        hours("07:00", "24:01"),
        hours("24:00", "24:00"),
        hours("07:60", "08:00"),
        hours("07:00", "08:00", "Monday"),
        {"days": [], "from": 7, "until": "08:00"},
        {"days": [], "until": "08:00"},
        hours("٠٧:00", "08:00"),
    ],
)
def test_what_is_no_span_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        spans([wrong], ZURICH, 0, 1)


def test_a_clock_and_its_minute() -> None:
    assert [minute_of(one, "x") for one in ("00:00", "07:05", "24:00")] == [0, 425, 1440]
    assert [clock_of(one) for one in (0, 425, 1440)] == ["00:00", "07:05", "24:00"]
