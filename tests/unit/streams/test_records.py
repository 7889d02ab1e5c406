"""The headers of a record, and the backoff of a silent source."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Invalid
from schemas.event import Event, derived_id
from streams.dlq.rows import aside_record
from streams.ingest.waits import BACKOFF_FIRST_S, BACKOFF_MAX_S, backoff_s
from streams.runtime.records import PLAYED, Record, headers_of, next_offsets, record_of, trace_of
from tests.unit.streams.a_log import LogMessage, message

FIRE = "c.fire.incident"
EVENT = Event(
    "fire.incident", "k", {"event_id": derived_id("a"), "city": "c", "source": "calls", "event_time": 1_500}
)


def a_record(offset: int, topic: str = FIRE, key: bytes | None = b"k") -> Record:
    return Record(topic, 0, offset, 77, key, b"bytes", {})


def test_an_event_travels_as_a_cloud_event() -> None:
    headers = dict(headers_of(EVENT, topic=FIRE))
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"bongsu.fire.incident"
    assert headers["ce_source"] == b"/c/calls"
    assert headers["ce_time"] == b"1970-01-01T00:00:01.500+00:00"
    assert PLAYED not in headers


def test_what_cameras_and_vehicles_tell_has_three_headers_and_its_dlq_all() -> None:
    def names(contract: str) -> list[str]:
        return [name for name, _ in headers_of(replace(EVENT, topic=contract), topic=f"c.{contract}")]

    for contract in ("cctv.detection", "cctv.plate", "cctv.person", "mobility.position", "drone.position"):
        assert names(contract) == ["ce_id", "ce_type", "ce_time"]
        assert names(f"{contract}.dlq") == names("fire.incident")
    assert names("mobility.trip") == names("core.evidence") == names("fire.incident")
    assert len(names("fire.incident")) == 8


def test_what_follows_from_an_event_keeps_its_trace() -> None:
    first = dict(headers_of(EVENT, topic=FIRE))["traceparent"]
    assert first == trace_of(derived_id("a"))
    assert [len(part) for part in first.decode().split("-")] == [2, 32, 16, 2], "as W3C writes it"
    assert dict(headers_of(EVENT, topic=FIRE, traceparent=first))["traceparent"] == first


def test_a_played_event_says_so_and_a_tombstone_says_nothing() -> None:
    assert dict(headers_of(EVENT, topic=FIRE, played=True))[PLAYED] == b"1"
    assert headers_of(Event("core.state", "k", None), topic="c.core.state") == []


def test_a_message_is_a_record_with_its_headers_and_one_without_any_has_none() -> None:
    found = LogMessage(("c.core.watch", 0, 4), (b"k", b"v"), marked=[("traceparent", b"00-a"), ("odd", None)])
    assert record_of(found) == Record("c.core.watch", 0, 4, 77, b"k", b"v", {"traceparent": b"00-a"})
    assert record_of(message(offset=4)).headers == {}


def test_the_next_offset_of_a_partition_is_after_its_last_record() -> None:
    assert next_offsets([a_record(4), a_record(9), a_record(2, "c.core.tick")]) == {
        (FIRE, 0): 10, ("c.core.tick", 0): 3
    }  # fmt: skip


def test_a_record_is_set_aside_with_its_bytes_its_place_and_the_reason() -> None:
    error = Invalid("kind is no text", field="kind", expected="text")
    event = aside_record("c", "fire.incident", a_record(4, key=b"\xff"), error, now_ms=9)
    value = event.value or {}
    assert event.topic == "fire.incident.dlq"
    assert (value["original"], value["reason"], value["field"]) == (b"bytes", "kind is no text", "kind")
    assert (value["origin_topic"], value["origin_offset"]) == (FIRE, 4)
    again = aside_record("c", "fire.incident", a_record(4), error, now_ms=10)
    assert (again.value or {})["event_id"] == value["event_id"], "set aside once, however often it is tried"


@given(st.integers(0, 1_000), st.floats(0, 1, exclude_max=True))
def test_a_silent_source_is_asked_ever_more_rarely_but_always_again(failures: int, chance: float) -> None:
    assert BACKOFF_FIRST_S / 2 <= backoff_s(failures, chance) <= BACKOFF_MAX_S


def test_each_failure_doubles_the_wait_until_its_bound() -> None:
    waits = [backoff_s(failures, 0.5) for failures in range(12)]
    assert all(b == min(2 * a, waits[-1]) for a, b in itertools.pairwise(waits))
