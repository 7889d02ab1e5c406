"""The checks of two cities on one cluster see a record of one among the other's, and a latency that rose."""

from __future__ import annotations

from typing import Any

import pytest

from streams.runtime.records import Record
from tests.two_cities import P50_MORE_MS, P99_MORE_MS, as_it_was, strays

NAMES = ("houston", "columbia")


def a_record(topic: str, key: str = "k", value: bytes = b"", **headers: str) -> Record:
    return Record(topic, 0, 0, 0, key.encode(), value, {name: one.encode() for name, one in headers.items()})


def found(*records: Record, value: dict[str, Any] | None = None) -> list[str]:
    return strays(((one, value) for one in records), NAMES, parts=("core.state",))


def test_two_cities_apart_have_no_strays() -> None:
    apart = (
        a_record("houston.fire.incident", "a", ce_source="/houston/list"),
        a_record("columbia.fire.incident", "b", ce_source="/columbia/cad"),
        a_record("houston.core.state", "clock"),
        a_record("columbia.core.state", "clock"),
    )
    assert found(*apart) == []


@pytest.mark.parametrize(
    ("record", "value", "said"),
    [
        (a_record("houston.fire.incident"), {"city": "columbia"}, "city columbia"),
        (a_record("houston.fire.incident", ce_source="/columbia/cad"), None, "speaks of columbia"),
        (a_record("houston.fire.incident", value=b"\x00columbia"), None, "speaks of columbia"),
        (a_record("columbia.core.effect", "houston-1"), None, "speaks of houston"),
        (a_record("austin.fire.incident"), None, "no topic of these cities"),
    ],
)
def test_a_planted_stray_is_found(record: Record, value: dict[str, Any] | None, said: str) -> None:
    assert [one.partition(": ")[2] for one in found(record, value=value)] == [said]


def test_a_key_of_both_is_found() -> None:
    both = (a_record("houston.core.alert", "a"), a_record("columbia.core.alert", "a"))
    assert found(*both) == ["columbia.core.alert 0 0: a key of houston"]


def test_a_latency_is_as_it_was_within_the_tolerance_alone() -> None:
    before_ms = [40.0] * 98 + [100.0] * 2
    assert as_it_was(before_ms, before_ms) == []
    assert as_it_was(before_ms, [60 + P50_MORE_MS] * 98 + [200 + P99_MORE_MS] * 2) == []
    assert as_it_was(before_ms, [61 + P50_MORE_MS] * 100) == ["p50 76 ms, was 40 ms"]
    assert as_it_was(before_ms, [40.0] * 98 + [201 + P99_MORE_MS] * 2) == ["p99 301 ms, was 100 ms"]
