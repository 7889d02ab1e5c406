"""A DLQ's rows: they hold no field names that may be personal data, and one body's rows are bounded."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import orjson

from connectors.base import Bounds, Heard, SetAside, SourceContext
from connectors.discovery import load_source
from schemas.errors import Invalid
from schemas.event import Event
from streams.dlq.rows import AROUND_BYTES_OF_A_READING, aside_record, asides_of
from streams.runtime.records import Record

CONTEXT = SourceContext("x", "reports", ZoneInfo("UTC"), Bounds(36, 127, 37, 128))
PERSON = "Kim Cheolsu Daejeon Junggu Daeheungdong calls from his daughter"


def rows(*asides: SetAside) -> list[Event]:
    return asides_of("x", "reports", asides, heard_at_ms=1, time_ms=1, now_ms=1)


def listed(event: Event) -> str:
    value = event.value or {}
    return " ".join(str(value[name]) for name in ("reason", "field", "expected"))


def test_a_field_of_the_agencys_own_is_told_by_its_place() -> None:
    source = load_source("city_events", CONTEXT, {"contract": "police.incident"})
    body = orjson.dumps([{"agency": "112", PERSON: 1}, {"홍길동": 1}])
    reading = source.read(Heard(body, 1), {})
    told = [listed(event) for event in rows(*reading.aside)]
    assert len(told) == 2 and all("number" in one and "agency_case_no" in one for one in told)
    assert not any(PERSON[:12] in one or "홍길동" in one for one in told)


def test_a_name_that_a_source_hands_on_all_the_same_is_bounded() -> None:
    aside = SetAside(b"{}", f"data.{PERSON} does not fit its schema", f"data.{PERSON}", "text")
    (event,) = rows(aside)
    assert PERSON[:12] not in listed(event)
    assert "data.(a name of 63 letters)" in listed(event)
    record = Record("x.police.incident", 0, 0, 1, b"k", b"{}", {})
    error = Invalid(f"{PERSON} is no text", field=PERSON, expected="text")
    assert PERSON[:12] not in listed(aside_record("x", "police.incident", record, error, now_ms=1))


def test_reasons_are_one_line_that_commands_nothing() -> None:
    (event,) = rows(SetAside(b"{}", "agency '\x1b[2J\n' is unknown", "agency", "one of \x1b"))
    assert listed(event).isprintable()


def test_a_long_heading_before_many_bad_rows_does_not_become_a_gigabyte() -> None:
    heading = b"h" * 100_000
    events = rows(*(SetAside(b"%d" % number, "bad", before=heading, after=b"\n") for number in range(2_000)))
    kept = [event.value["before"] for event in events if event.value is not None]
    assert len(kept) == 2_000
    assert sum(len(one or b"") for one in kept) <= AROUND_BYTES_OF_A_READING
    assert kept[0] == heading and kept[-1] is None
