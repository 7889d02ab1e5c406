"""A retry of records that a source set aside: what it publishes, and what becomes of each record's row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from connectors.base import Heard, Place, Reading, SetAside
from schemas.event import Event
from streams.dlq.fold import Aside, RetryOutcome, fold
from streams.dlq.rows import asides_of
from streams.ingest.place import SourcePlace
from streams.ingest.retry import retry_source

NOON = 1_800_000_000_000
LATER = NOON + 9


class IngestOfOneReading:
    """Reads every body as *reading*, and keeps what is committed."""

    def __init__(self, reading: Reading) -> None:
        self.reading, self.reader = reading, self
        self.standing = SourcePlace().after_moment(NOON, {"up to": 1})
        self.committed: list[Event] = []

    def read(self, _heard: Heard, _place: Place) -> Reading:
        return self.reading

    def asides(self, _heard: Heard, reading: Reading) -> list[Event]:
        return rows_of(*reading.aside)

    def commit_for_retry(self, events: Sequence[Event], standing: SourcePlace) -> None:
        self.committed, self.standing = list(events), standing


def rows_of(*bad: SetAside) -> list[Event]:
    return list(asides_of("daejeon", "cad", bad, heard_at_ms=NOON, time_ms=NOON, now_ms=NOON))


def a_record(original: bytes = b"row") -> Aside:
    (row,) = rows_of(SetAside(original, "no number"))
    return Aside(f"daejeon.{row.topic}", row.key.encode(), row.value or {})


def an_incident(revision: int) -> Event:
    return Event("fire.incident", "i1", {"revision": revision, "received_time": NOON})


def retried(
    reading: Reading, newest_ms: int | None = None
) -> tuple[RetryOutcome, IngestOfOneReading, list[bool]]:
    """The outcome, the ingest, and for each committed row whether it waits no more."""
    ingest: Any = IngestOfOneReading(reading)
    outcome = retry_source(ingest, [a_record()], lambda _topic, _key: newest_ms, now_ms=LATER)
    rows = [one.value or {} for one in ingest.committed if one.topic == "source.dlq"]
    return outcome, ingest, [row["retried_at"] is not None for row in rows]


def test_what_is_read_now_is_published_with_its_place_and_waits_no_more() -> None:
    outcome, ingest, done = retried(Reading([an_incident(1)], {"up to": 2}))
    assert (outcome.fed, outcome.events, outcome.still_bad, outcome.said_since) == (1, 1, 0, 0)
    assert [one.topic for one in ingest.committed] == ["fire.incident", "source.dlq"]
    assert ingest.standing.place == {"up to": 2}
    assert done == [True]


def test_an_older_revision_is_not_published_and_its_row_waits_no_more() -> None:
    outcome, ingest, done = retried(Reading([an_incident(2)], {"up to": 2}), newest_ms=NOON + 1)
    assert (outcome.fed, outcome.events, outcome.said_since) == (0, 0, 1)
    assert [one.topic for one in ingest.committed] == ["source.dlq"]
    assert ingest.standing.place == {"up to": 1}
    assert done == [True]


@pytest.mark.parametrize("newest_ms", [None, NOON, NOON - 1])
def test_a_revision_that_nothing_newer_replaced_is_published(newest_ms: int | None) -> None:
    outcome, _, _ = retried(Reading([an_incident(2)], {"up to": 2}), newest_ms=newest_ms)
    assert (outcome.fed, outcome.events, outcome.said_since) == (1, 1, 0)


def test_what_is_still_bad_waits_on_with_the_new_reason() -> None:
    outcome, ingest, done = retried(Reading((), {"up to": 1}, aside=[SetAside(b"row", "no time")]))
    assert (outcome.fed, outcome.still_bad) == (0, 1)
    assert done == [False]
    assert (ingest.committed[0].value or {})["reason"] == "no time"


def test_a_part_that_is_bad_waits_by_itself_and_the_whole_no_more() -> None:
    bad = SetAside(b"half a row", "no place")
    outcome, ingest, done = retried(Reading([an_incident(1)], {"up to": 2}, aside=[bad]))
    assert (outcome.fed, outcome.events, outcome.still_bad) == (0, 1, 1)
    assert done == [True, False]
    part = ingest.committed[-1].value or {}
    whole = a_record()
    assert (part["retry_of"], part["attempts"]) == (whole.event_id, whole.value["attempts"] + 1)
    rows = [Aside(whole.topic, one.key.encode(), one.value or {}) for one in ingest.committed[1:]]
    assert [one.is_waiting for one in fold([whole, *rows]).values()] == [False, True]
