"""Notices of a window follow the city's clocks, also where these are changed; the city's price stands in the words."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest

from deploy.city.rules import rules_of
from streams.situations.rules.surplus.notice_times import held_until, hours_of, notices_of

EVE, DAY = time(19), time(8)


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "begins", "eve", "day"),
    [
        ("Asia/Seoul", "2026-03-08 04:00", "2026-03-07 10:00", "2026-03-07 23:00"),
        ("Asia/Seoul", "2026-03-07 15:00", "2026-03-07 10:00", None),  # midnight in Seoul
        # clocks go forward on 8 March 2026 at 02:00
        ("America/Chicago", "2026-03-08 18:00", "2026-03-08 01:00", "2026-03-08 13:00"),
        # and back on 1 November
        ("America/Chicago", "2026-11-01 18:00", "2026-11-01 00:00", "2026-11-01 14:00"),
    ],
)
def test_notices_are_told_by_the_clocks_of_the_city(
    zone: str, begins: str, eve: str, day: str | None
) -> None:
    told = notices_of(ms(begins), ZoneInfo(zone), EVE, DAY)
    assert told == (ms(eve), None if day is None else ms(day))


def test_hours_name_both_days_and_offsets_only_where_they_differ() -> None:
    chicago = ZoneInfo("America/Chicago")
    assert hours_of(ms("2026-06-01 18:00"), ms("2026-06-01 20:30"), chicago) == "2026-06-01 13:00-15:30"
    night = hours_of(ms("2026-06-02 03:00"), ms("2026-06-02 06:00"), chicago)
    assert night == "2026-06-01 22:00-2026-06-02 01:00"
    back = hours_of(ms("2026-11-01 06:30"), ms("2026-11-01 07:30"), chicago)
    assert back == "2026-11-01 01:30-05:00-01:30-06:00", "one clock time, an hour apart"


@pytest.mark.parametrize(("said", "price"), [({}, "60"), ({"price": "70"}, "70")])
def test_the_price_is_that_of_the_city_unless_the_rule_has_its_own(said: dict[str, str], price: str) -> None:
    raw = {"energy": {"price": "60"}, "rule": [{"name": "surplus", **said}]}
    rules, found = rules_of(raw, "kr", {"city": "demo"})
    assert not found and rules is not None
    assert rules.others[0].numbers["price"] == price


def test_a_change_that_is_held_waits_for_the_next_morning_also_where_the_day_has_25_hours() -> None:
    chicago, later = ZoneInfo("America/Chicago"), ms("2026-11-05 18:00")
    assert held_until(ms("2026-11-01 05:30"), later, chicago, DAY) == ms("2026-11-02 14:00")
    assert held_until(ms("2026-03-09 04:30"), later, chicago, DAY) == ms("2026-03-09 13:00")
