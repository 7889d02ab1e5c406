"""One text is one time, whoever reads it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.formats.records import a_number
from connectors.formats.times import LEAP, RowTime, epoch_ms, iso_ms, iso_ms_or_none, local_time, row_time
from connectors.recordings import read_line
from deploy.faults import UsageFault
from deploy.times import epoch_ms as of_the_command_line
from schemas.errors import Fatal, Invalid
from schemas.json_form import from_json_value

SEOUL = ZoneInfo("Asia/Seoul")
A_TIME = {
    "type": "record",
    "name": "bongsu.One",
    "fields": [{"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}],
}


def noon(ms: int = 0, *, utc_hour: int = 12) -> int:
    return round(datetime(2026, 9, 21, utc_hour, tzinfo=UTC).timestamp()) * 1000 + ms


def of_a_recording(text: str) -> int | None:
    return read_line(orjson.dumps({"fetched_at": text, "body": "x"})).at_ms


def or_invalid(text: str) -> int:
    read = iso_ms_or_none(text)
    if read is None:
        raise Invalid("none")
    return read


READERS: dict[str, Callable[[str], int | None]] = {
    "a mapped row": lambda text: row_time(text, "iso", SEOUL).ms,
    "a message": lambda text: iso_ms(text, "time"),
    "a message in UTC": lambda text: iso_ms(text, "time", is_utc=True),
    "a field that may be anything": or_invalid,
    "a recording": of_a_recording,
    "an event of our own form": lambda text: from_json_value(A_TIME, {"at": text})["at"],
    "the command line": of_the_command_line,
}
READ = {
    "2026-09-21T12:00:00Z": noon(),
    "2026-09-21T12:00:00z": noon(),
    "2026-09-21t12:00:00Z": noon(),
    "2026-09-21 12:00:00Z": noon(),
    " 2026-09-21T12:00:00Z ": noon(),
    "2026-09-21T12:00Z": noon(),
    "20260921T120000Z": noon(),
    "2026-W39-1T12:00:00Z": noon(),
    "2026-09-21 12:00:00 UTC": noon(),
    "2026-09-21 12:00:00 +0900": noon(utc_hour=3),
    "2026-09-21T12:00:00+09": noon(utc_hour=3),
    "2026-09-21T12:00:00\u221205:00": noon(utc_hour=17),
    "2026-09-21T12:00:00-05:00": noon(utc_hour=17),
    "2026-09-21T12:00:00,5+09:00": noon(500, utc_hour=3),
    "2026-09-21T12:00:00.0004Z": noon(),
    "2026-09-21T12:00:00.0005Z": noon(1),
    "2026-09-21T12:00:00.0015Z": noon(2),
    "2026-09-21T12:00:00.00049999999999Z": noon(),
    "2026-09-21T12:00:00.1234567Z": noon(123),
    "2026-09-21T11:59:59.9995Z": noon(),
    "2026-09-21T11:59:60Z": noon(),
    "2026-09-21T11:59:60.5Z": noon(500),
    "2026-09-20T24:00:00Z": noon(utc_hour=0),
    "2026-09-21T24:00:00+09:00": noon(utc_hour=15),
}
REFUSED = (
    "",
    "noon",
    "2026-09-21T12:00:00+9",
    "\uff12\uff10\uff12\uff16-09-21T12:00:00Z",
    "2026-09-21T\uff11\uff12:00:00Z",
    "+002026-09-21T12:00:00Z",
    "002026-09-21T12:00:00Z",
    "2026-09-21T24:00:01Z",
    "2026-09-21T24:00:00.001Z",
    "2026-09-21T25:00:00Z",
    "2026-09-21T12:00:61Z",
    "2026-09-21T12:60:00Z",
    "2026-09-31T12:00:00Z",
    "2026-09-21T12:00:00+24:00",
    "2026-09-21T12:00:00+09:60",
    "2026-09-21T12:00,5Z",
    "2026-09-21T1_:00:00Z",
    "2026-09-21T12:00:00Z[Asia/Seoul]",
    "9999-12-31T24:00:00Z",
    "0001-01-01T00:00:00+09:00",
    "2026-09-21T12:00:00." + "1" * 80 + "Z",
)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", READ)
def test_a_time_is_the_same_for_every_reader(reader: str, text: str) -> None:
    assert READERS[reader](text) == READ[text]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("text", REFUSED)
def test_no_time_is_none_for_every_reader(reader: str, text: str) -> None:
    with pytest.raises((Invalid, Fatal, UsageFault)):
        READERS[reader](text)


def test_the_ways_to_round_of_before_differed() -> None:
    """Each was the rounding of some reader: the half milliseconds above tell them apart."""
    at = datetime.fromisoformat("2026-09-21T12:00:00.000500+00:00").timestamp() * 1000
    assert len({math.floor(at + 0.5), round(at), int(at)}) == 2


def test_a_leap_second_is_counted() -> None:
    noted = Counter[str]()
    assert iso_ms("2026-12-31T23:59:60Z", "time", noted=noted) == iso_ms(
        "2027-01-01T00:00:00Z", "time", noted=noted
    )
    assert noted == {LEAP: 1}
    assert row_time("2027-01-01T08:59:60", "iso", SEOUL).is_leap


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("20260921120000", "%Y%m%d%H%M%S", RowTime(noon(utc_hour=3))),
        ("20260921240000", "%Y%m%d%H%M%S", RowTime(noon(utc_hour=15))),
        ("20260921115960", "%Y%m%d%H%M%S", RowTime(noon(utc_hour=3), is_leap=True)),
        (
            "2026\ub144 09\uc6d4 24\uc77c 24:00",
            "%Y\ub144 %m\uc6d4 %d\uc77c %H:%M",
            RowTime(noon(utc_hour=15) + 3 * 86_400_000),
        ),
        ("9/21/2026 3:60:60 AM", "%m/%d/%Y %I:%M:%S %p", None),
        ("2026-09-21 12:60:00", "%Y-%m-%d %H:%M:%S", None),
        ("20260921240001", "%Y%m%d%H%M%S", None),
        ("\uff12\uff10\uff12\uff160921120000", "%Y%m%d%H%M%S", None),
        ("2026-09-21 12:00:00.0005", "%Y-%m-%d %H:%M:%S.%f", RowTime(noon(1, utc_hour=3))),
        ("2026-09-21 12:00:00.0005+0900", "%Y-%m-%d %H:%M:%S.%f%z", RowTime(noon(1, utc_hour=3))),
    ],
)
def test_a_form_of_a_setting_has_the_same_rules(text: str, form: str, expected: RowTime | None) -> None:
    if expected is not None:
        assert local_time(text, form, SEOUL) == expected
        return
    with pytest.raises(Invalid):
        local_time(text, form, SEOUL)


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (1_790_000_000.0005, "epoch_s", 1_790_000_000_001),
        ("1790000000.0005", "epoch_s", 1_790_000_000_001),
        ("1790000000000.5", "epoch_ms", 1_790_000_000_001),
        ("1790000000000.4999", "epoch_ms", 1_790_000_000_000),
        (1_790_000_000, "epoch_s", 1_790_000_000_000),
    ],
)
def test_seconds_since_1970_are_rounded_alike(value: object, unit: str, expected: int) -> None:
    assert epoch_ms(value, "time", unit) == expected


@pytest.mark.parametrize(
    "value", [True, None, "1_790_000_000", "\uff11\uff17\uff19", -1, "1e400", float("nan"), 10**400]
)
def test_no_number_since_1970_is_refused(value: object) -> None:
    with pytest.raises(Invalid):
        epoch_ms(value, "time")


@pytest.mark.parametrize(
    "value", ["1_0", "\uff11\uff10", "", "0x10", "inf", "NaN", "1,5", "1 0", 10**400, True]
)
def test_digits_of_another_kind_are_no_number(value: object) -> None:
    with pytest.raises(Invalid):
        a_number(value, "lat")


def test_a_number_is_read_as_it_is_written() -> None:
    assert [a_number(one, "lat") for one in ("36.35", " -1.5e2 ", "+.5", "7.", 3)] == [36.35, -150, 0.5, 7, 3]
