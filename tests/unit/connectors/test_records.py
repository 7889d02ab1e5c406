"""The small functions that every source uses."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.formats.json import record_bytes
from connectors.formats.records import a_number, plausible_time
from connectors.formats.times import RowTime, local_time
from connectors.transport.web_page import wait_s
from schemas.errors import Invalid

COLUMBIA = ZoneInfo("America/Chicago")
FORM = "%Y-%m-%d %H:%M"


def test_an_hour_that_the_clocks_skipped_does_not_exist() -> None:
    assert local_time("2026-03-08 01:59", FORM, COLUMBIA) == RowTime(1_772_956_740_000, False)
    with pytest.raises(Invalid, match="does not exist"):
        local_time("2026-03-08 02:00", FORM, COLUMBIA)


def test_an_hour_that_came_twice_is_the_earlier_and_says_so() -> None:
    assert local_time("2026-11-01 01:30", FORM, COLUMBIA) == RowTime(1_793_514_600_000, True)


def test_five_minutes_ahead_is_taken_and_more_is_not() -> None:
    now = 1_717_243_200_000
    assert plausible_time(now + 300_000, now) == now + 300_000
    with pytest.raises(Invalid, match="future"):
        plausible_time(now + 300_001, now)


@pytest.mark.parametrize("value", [None, True, "", "x", "nan", float("inf"), [], {}])
def test_what_is_no_number_is_none(value: object) -> None:
    with pytest.raises(Invalid):
        a_number(value, "x")


def test_how_long_to_wait_is_a_number_or_a_date() -> None:
    noon = 1_717_243_200_000
    assert wait_s("120", now_ms=noon) == 120
    assert wait_s("Sat, 01 Jun 2024 12:00:30 GMT", now_ms=noon) == 30
    assert wait_s("Sat, 01 Jun 2024 11:00:00 GMT", now_ms=noon) == 0
    assert wait_s("soon", now_ms=noon) is None
    assert wait_s(None, now_ms=noon) is None


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    elements=st.lists(ANYTHING, max_size=5),
    indent=st.booleans(),
    rest=st.dictionaries(st.text(), ANYTHING, max_size=3),
)
def test_each_element_has_its_bytes_as_they_came(
    elements: list[object], indent: bool, rest: dict[str, object]
) -> None:
    option = orjson.OPT_INDENT_2 if indent else 0
    body = orjson.dumps({**rest, "features": elements}, option=option)
    found = record_bytes(body, "features")
    assert [orjson.loads(one) for one in found] == elements
    assert all(one in body for one in found)
