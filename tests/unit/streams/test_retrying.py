"""The rows of a DLQ about a record, and the effect of a retry."""

from __future__ import annotations

import pytest

from connectors.base import SetAside
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.event import Event
from schemas.rows import RowCodec
from streams.dlq.fold import Aside, fold, is_said_since
from streams.dlq.rows import ORIGINAL_BYTES_MAX, RefusedEvent, aside_record, asides_of
from streams.runtime.records import Record

NOON = 1_800_000_000_000


def rows(*events: Event) -> list[Aside]:
    return [Aside(f"daejeon.{one.topic}", one.key.encode(), one.value or {}) for one in events]


def set_aside(original: bytes = b"row", now_ms: int = NOON, **more: bytes) -> Event:
    aside = SetAside(original, "no number", **more)  # type: ignore[arg-type]  # fields by name
    (event,) = asides_of("daejeon", "cad", [aside], heard_at_ms=NOON, time_ms=NOON, now_ms=now_ms)
    return event


def only(*events: Event) -> Aside:
    (aside,) = fold(rows(*events)).values()
    return aside


def test_a_record_is_read_in_a_body_of_its_own_at_the_moment_it_was_heard() -> None:
    heard = only(set_aside(b"1,2", before=b"a,b\n", after=b"\n")).heard()
    assert (heard.body, heard.at_ms) == (b"a,b\n1,2\n", NOON)


def test_what_was_fed_again_waits_no_more_and_keeps_its_bytes() -> None:
    first = only(set_aside())
    done = only(set_aside(), first.row(now_ms=NOON + 9, is_retried=True))
    assert first.is_waiting
    assert not done.is_waiting
    assert (done.value["original"], done.value["attempts"], done.value["first_at"]) == (b"row", 2, NOON)
    assert done.value["last_at"] == NOON + 9


def test_what_is_still_bad_waits_on_with_its_new_reason() -> None:
    first = only(set_aside())
    still = only(set_aside(), first.row(now_ms=NOON + 9, is_retried=False, reason="no time"))
    assert still.is_waiting
    assert (still.value["attempts"], still.value["reason"]) == (2, "no time")


def test_the_same_bytes_bad_once_more_after_a_retry_wait_again() -> None:
    first = only(set_aside())
    again = only(set_aside(), first.row(now_ms=NOON + 5, is_retried=True), set_aside(now_ms=NOON + 9))
    assert again.is_waiting
    assert (again.value["attempts"], again.value["first_at"], again.value["last_at"]) == (3, NOON, NOON + 9)


def test_a_body_that_was_cut_is_never_fed_again() -> None:
    assert not only(set_aside(b"x" * (ORIGINAL_BYTES_MAX + 1))).is_waiting


def test_a_record_that_fails_again_in_its_topic_counts_its_attempts_on() -> None:
    headers = dict(only(set_aside()).headers())
    record = Record("daejeon.fire.incident", 0, 7, NOON + 9, b"k", b"bytes", headers)
    value = aside_record("daejeon", "fire.incident", record, Invalid("bad"), now_ms=NOON + 9).value or {}
    assert (value["attempts"], value["first_at"]) == (2, NOON)
    assert value["retry_of"] == only(set_aside()).event_id


@pytest.mark.parametrize(
    "headers", [{}, {"bongsu-retry-of": b"1"}, {"bongsu-retry-of": b"1", "bongsu-attempts": b"x"}]
)
def test_foreign_headers_are_no_retry_of_ours(headers: dict[str, bytes]) -> None:
    record = Record("daejeon.fire.incident", 0, 7, NOON, b"k", b"bytes", headers)
    value = aside_record("daejeon", "fire.incident", record, Invalid("bad"), now_ms=NOON).value or {}
    assert (value["attempts"], value["retry_of"]) == (1, None)


def test_an_event_that_its_contract_refused_is_fed_again_as_that_event() -> None:
    refused = RefusedEvent(b'{"incident_id":"i","event_time":5}', "bad", contract="fire.incident")
    (event,) = asides_of("daejeon", "cad", [refused], heard_at_ms=NOON, time_ms=NOON, now_ms=NOON)
    assert only(event).refused_event() == Event("fire.incident", "i", {"incident_id": "i", "event_time": 5})
    assert only(set_aside()).refused_event() is None


def test_a_row_that_is_twice_in_a_body_is_set_aside_once() -> None:
    both = [SetAside(b"row", "no number")] * 2
    assert len(asides_of("daejeon", "cad", both, heard_at_ms=NOON, time_ms=NOON, now_ms=NOON)) == 1


@pytest.mark.parametrize(
    ("revision", "told_ms", "since"),
    [(1, NOON + 1, False), (2, NOON + 1, True), (2, NOON, False), (2, None, False)],
)
def test_an_old_row_does_not_win_over_what_was_told_since(
    revision: int, told_ms: int | None, since: bool
) -> None:
    event = Event("fire.incident", "i", {"revision": revision, "received_time": NOON})
    assert is_said_since([event], lambda _topic, _key: told_ms) is since


def test_what_somebody_hostile_says_fits_into_its_dlq() -> None:
    aside = SetAside(
        b"x" * 9_000_000, "y" * 9_000_000, "z" * 9_000_000, "e" * 9_000_000, before=b"h" * 9_000_000
    )
    (event,) = asides_of("daejeon", "cad", [aside], heard_at_ms=None, time_ms=NOON, now_ms=NOON)
    contract = load_catalogue()["source.dlq"]
    assert RowCodec(contract.newest, max_bytes=contract.max_bytes).encode(event.value or {})
    assert not only(event).is_waiting
