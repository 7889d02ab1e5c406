"""An ingest over a log of the tests' own: where it begins, what it commits, and how it notices another owner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Place, Reading, SetAside, SourceContext
from schemas.errors import Fatal, Invalid, Retriable
from schemas.event import Event
from streams import metrics
from streams.dlq.fold import Aside
from streams.dlq.rows import asides_of
from streams.ingest import ingest as module
from streams.ingest import retry
from streams.ingest.breaker import STOPPED
from streams.ingest.channel import Stopped
from streams.ingest.ingest import Ingest
from streams.ingest.place import ALL_DONE, SourcePlace, body_of
from streams.ingest.slices import Pushed, Slice
from streams.ingest.source_events import place_event, tick
from streams.runtime.kafka import Fenced
from streams.runtime.records import BORROWED, Record
from streams.runtime.tables import Table

NOON = 1_800_000_000_000
CONTEXT = SourceContext("daejeon", "calls", ZoneInfo("Asia/Seoul"), Bounds(36.2, 127.2, 36.5, 127.6))
PLACES = "daejeon.source.place"


def a_call(number: int, at_ms: int = NOON) -> Event:
    value = {
        "event_id": f"e{number}",
        "event_time": at_ms,
        "position": None,
        "city": "daejeon",
        "source": "calls",
    }
    return Event("fire.incident", f"i{number}", value)


class AnyWire:
    """Takes every event as it is, and refuses those of the key ``bad``."""

    def encoded(self, _city: str, event: Event) -> Event:
        if event.key == "bad":
            raise Invalid("no value", field="x", expected="y")
        return event


class Reads:
    """A source whose every body reads as *reading*."""

    def __init__(self, reading: Reading | Exception) -> None:
        self.reading = reading
        self.places: list[Place] = []

    def read(self, _heard: Heard, place: Place) -> Reading:
        self.places.append(place)
        if isinstance(self.reading, Exception):
            raise self.reading
        return self.reading


class Kafka:
    """Transactions, rows and records of places, kept apart from any Kafka."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[Any] = []
        self.rows: dict[str, dict[str, Any]] = {}
        self.places: list[Record] = []
        self.unreadable: list[Any] = []
        self.faults: list[Exception] = []
        self.put_in: list[Any] = []
        self.events: list[list[Any]] = []
        self.now_s = 0.0
        self.key = "calls"
        for name in ("transactional_producer", "transaction", "ask_ours", "read_rows", "read_whole"):
            monkeypatch.setattr(module, name, getattr(self, name))
        clock = SimpleNamespace(monotonic=lambda: self.now_s, sleep=self._sleep)
        monkeypatch.setattr(module, "time", clock)

    def _sleep(self, seconds: float) -> None:
        assert 0 < seconds < 1
        self.now_s += seconds

    def transactional_producer(self, _bootstrap: str, name: str) -> str:
        self.said.append(f"fences {name}")
        return "producer"

    def ask_ours(self, producer: Any, group: str, topic: str, *, bootstrap: str) -> None:
        assert (producer, bootstrap) == ("producer", "b:1")
        self.said.append(f"asks {group} {topic}")
        if self.faults:
            raise self.faults.pop(0)

    def read_rows(self, _bootstrap: str, topic: str, reader: Any, *, only: list[bytes]) -> Any:
        assert only == [self.key.encode()]
        self.said.append(f"reads {topic}")
        kept = Table(topic)
        if topic in self.rows:
            reader._check(self.key, self.rows[topic])
            kept.rows[self.key] = SimpleNamespace(value=self.rows[topic])  # type: ignore[assignment]  # a row
        kept.unreadable = self.unreadable

        def mend(outbox: Any, city: str) -> None:
            outbox.put(f"mended for {city}")

        kept.mend = mend  # type: ignore[method-assign]  # no Kafka
        return kept

    def read_whole(self, _bootstrap: str, topics: Sequence[str]) -> Iterator[Record]:
        assert topics == [PLACES]
        return iter(self.places)

    @contextmanager
    def transaction(self, producer: Any, _wire: Any, city: str) -> Iterator[Any]:
        assert (producer, city) == ("producer", "daejeon")
        self.put_in = []

        def put(event: Any, **about: Any) -> None:
            self.put_in.append((event, about))

        def flush() -> dict[tuple[str, int], int]:
            return {("daejeon.fire.incident", 0): len(self.put_in)}

        yield SimpleNamespace(
            put=put, flush=flush, delivered={(PLACES, 0): 12, ("daejeon.fire.incident", 0): 99, ("z", 0): 77}
        )
        self.events.append([one[0] for one in self.put_in])
        self.said.append([one[0].topic if isinstance(one[0], Event) else one[0] for one in self.put_in])


class TableWithoutSlots(Table):
    """A table whose methods a test may replace."""


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Kafka:
    monkeypatch.setattr(f"{__name__}.Table", TableWithoutSlots)
    return Kafka(monkeypatch)


def an_ingest(reading: Reading | Exception | None = None, replica: str | None = None) -> Any:
    wire: Any = AnyWire()
    reader = None if reading is None else Reads(reading)
    return Ingest(CONTEXT, reader, bootstrap="b:1", wire=wire, now_ms=lambda: NOON, replica=replica)


def a_record(offset: int, *, key: bytes = b"calls", borrowed: bool = False) -> Record:
    return Record(PLACES, 0, offset, 0, key, b"", {BORROWED: b"1"} if borrowed else {})


# -- opening --------------------------------------------------------------------------------------------------


def test_an_ingest_begins_at_its_committed_place_after_it_has_fenced_who_was_before(kafka: Kafka) -> None:
    ingest = an_ingest(Reading((), {}))
    kafka.rows[PLACES] = {"place": body_of(SourcePlace().after_moment(5, {"up to": 2}))}
    kafka.rows["daejeon.core.source"] = {
        "state": STOPPED,
        "state_since_at": 3,
        "trials": 1,
        "state_reason": "bad",
    }
    ingest.open()
    assert kafka.said == ["fences daejeon.ingest.calls", f"reads {PLACES}", "reads daejeon.core.source"]
    assert ingest.standing.place == {"up to": 2}
    assert (ingest.channel.breaker.state, ingest.channel.breaker.trials) == (STOPPED, 1)


def test_a_replica_fences_no_other_and_has_a_place_and_a_report_of_its_own(kafka: Kafka) -> None:
    kafka.key = "calls@gate-1"
    ingest = an_ingest(Reading((), {}), replica="gate-1")
    kafka.rows[PLACES] = {"place": body_of(SourcePlace().after_push("a spool", 7, 5, {"up to": 2}))}
    ingest.open()
    fenced = "fences daejeon.gateway.gate-1.ingest.calls"
    assert kafka.said == [fenced, f"reads {PLACES}", "reads daejeon.core.source"]
    assert ingest.standing.spools == {"a spool": 7}
    ingest.publish(Slice([], [], ingest.standing, NOON), played=False)
    ingest.failed("away")
    ingest.tell()
    written = [one for batch in kafka.events for one in batch]
    assert [(one.topic, one.key, one.value["source"]) for one in written] == [
        ("source.place", "calls@gate-1", "calls@gate-1"),
        ("core.source", "calls@gate-1", "calls@gate-1"),
    ]


def test_a_source_that_never_ran_and_one_that_only_ticks_begin_at_nothing(kafka: Kafka) -> None:
    ingest = an_ingest()
    ingest.open()
    assert ingest.standing == SourcePlace()
    assert kafka.said == ["fences daejeon.ingest.calls", f"reads {PLACES}"], "a clock has no report"


def test_junk_over_its_own_row_is_mended_by_the_owner(kafka: Kafka) -> None:
    kafka.unreadable = ["junk"]
    an_ingest().open()
    assert kafka.said[-1] == ["mended for daejeon"]


def test_what_is_used_before_it_was_opened_is_a_fault_of_ours(kafka: Kafka) -> None:
    with pytest.raises(Fatal, match=r"daejeon\.ingest\.calls: published before it was opened"):
        an_ingest().tick(5)


def test_only_what_an_ingest_wrote_is_a_place(kafka: Kafka) -> None:
    kafka.rows[PLACES] = {"place": b"junk"}
    with pytest.raises(Invalid, match="no progress of a source"):
        an_ingest().open()


# -- ownership ------------------------------------------------------------------------------------------------


def test_a_source_that_is_still_ours_is_not_opened_again(kafka: Kafka) -> None:
    ingest = an_ingest()
    ingest.open()
    kafka.said.clear()
    assert ingest.regained()
    assert kafka.said == [f"asks daejeon.ingest.calls {PLACES}"]


@pytest.mark.parametrize(
    ("news", "is_regained"),
    [
        ([], False),
        ([a_record(7, borrowed=True)], False),
        ([a_record(8)], False),
        ([a_record(8, borrowed=True)], True),
        ([a_record(8, borrowed=True), a_record(9)], False),
        ([a_record(8, borrowed=True), a_record(9, key=b"other")], True),
        ([a_record(8, key=b"other", borrowed=True)], False),
    ],
    ids=[
        "nothing new",
        "an older retry",
        "another worker",
        "a retry",
        "another after a retry",
        "beside",
        "of another",
    ],
)
def test_a_fenced_source_goes_on_only_after_a_retry(
    kafka: Kafka, news: list[Record], is_regained: bool
) -> None:
    ingest = an_ingest()
    kafka.places = [a_record(7)]
    ingest.open()
    kafka.places = [a_record(7), *news]
    kafka.faults = [Fenced("another")]
    kafka.said.clear()
    assert ingest.regained() is is_regained
    assert ("fences daejeon.ingest.calls" in kafka.said) is is_regained


def test_the_record_of_a_retry_is_waited_for_and_not_for_ever(
    kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingest = an_ingest()
    ingest.open()
    assert not ingest.is_borrowed()
    assert 5 <= kafka.now_s < 5.5
    looks: list[int] = []

    def read_whole(_bootstrap: str, _topics: Any) -> Iterator[Record]:
        looks.append(1)
        return iter([a_record(0, borrowed=True)] if len(looks) == 3 else [])

    kafka.now_s = 0.0
    monkeypatch.setattr(module, "read_whole", read_whole)
    assert ingest.is_borrowed()
    assert len(looks) == 3


def test_our_own_place_is_no_retry_of_another(kafka: Kafka) -> None:
    ingest = an_ingest(Reading([a_call(1)], {}))
    ingest.open()
    ingest.take(Heard(b"x", NOON), played=False)
    kafka.places = [a_record(11, borrowed=True)]
    assert not ingest.is_borrowed(), "the log has our own commit at 11"
    kafka.places = [a_record(12, borrowed=True)]
    assert ingest.is_borrowed()


# -- transactions ---------------------------------------------------------------------------------------------


def opened(reading: Reading | Exception) -> Any:
    ingest = an_ingest(reading)
    ingest.open()
    return ingest


def test_a_body_is_one_transaction_of_events_what_was_set_aside_and_the_place(kafka: Kafka) -> None:
    reading = Reading([a_call(1), a_call(2)], {"up to": 2}, aside=[SetAside(b"row", "no number")])
    ingest = opened(reading)
    before = metrics.set_aside.labels("daejeon.ingest.calls", "source.dlq", "unreadable")._value.get()
    put = metrics.events_put.labels("daejeon.ingest.calls", "fire.incident")._value.get()
    assert ingest.take(Heard(b"x", NOON), played=False) == 2
    assert kafka.said[-1] == ["fire.incident", "fire.incident", "source.dlq", "source.place"]
    assert [about for _, about in kafka.put_in] == [{"played": False}] * 2 + [{}, {}]
    assert ingest.standing.place == {"up to": 2}
    assert (
        metrics.set_aside.labels("daejeon.ingest.calls", "source.dlq", "unreadable")._value.get()
        == before + 1
    )
    assert metrics.events_put.labels("daejeon.ingest.calls", "fire.incident")._value.get() == put + 2
    assert (kafka.put_in[-1][0].value or {})["event_time"] == NOON
    assert ingest.take(Heard(b"x", NOON), played=False) == 0, "it was published before"


def test_the_same_bad_row_in_the_next_body_is_set_aside_once(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}, aside=[SetAside(b"row", "no number")]))
    ingest.take(Heard(b"x", NOON), played=False)
    ingest.take(Heard(b"y", NOON + 1), played=False)
    assert kafka.said[-1] == ["source.place"]


def test_a_play_ends_each_transaction_with_a_tick_that_waits_for_it(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {}))
    assert ingest.take(Heard(b"x", NOON), played=True) == 1
    assert kafka.said[-1] == ["fire.incident", "core.tick", "source.place"]
    (_, first), (ticked, second), _ = kafka.put_in
    assert first == second == {"played": True}
    assert ticked.value["barrier"] == [{"topic": "daejeon.fire.incident", "partition": 0, "next_offset": 1}]
    assert (ticked.value["event_time"], ticked.value["played"]) == (NOON, True)


def test_a_played_file_without_an_event_has_no_time_to_tick(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}))
    assert ingest.take(Heard(b"x", None), played=True) == 0
    assert kafka.said[-1] == ["source.place"]
    assert ingest.reader._reader.places == [{}]
    assert list(ingest.parts(Heard(b"x", None))) == [], "a file is known by what is in it"
    assert len(list(ingest.parts(Heard(b"y", None)))) == 1


def test_a_tick_of_the_clock_waits_for_nothing(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}))
    ingest.tick(NOON)
    ((event, about),) = kafka.put_in
    assert (event.topic, about, event.value["barrier"], event.value["played"]) == (
        "core.tick",
        {},
        None,
        False,
    )


def test_what_is_altered_is_published_as_it_was_altered(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {}))
    (part,) = ingest.parts(Heard(b"x", NOON), lambda _event: a_call(9))
    assert [one.key for one in part.events] == ["i9"]


def test_a_record_set_aside_has_the_time_of_its_body_or_of_its_newest_event_or_of_now(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}))
    bad = [SetAside(b"row", "no number")]

    def time_of(heard: Heard, *events: Event) -> int:
        (aside,) = ingest.asides(heard, Reading(events, {}, aside=bad))
        return int((aside.value or {})["event_time"])

    assert time_of(Heard(b"x", 7), a_call(1, 9)) == 7
    assert time_of(Heard(b"x", None), a_call(1, 9), a_call(2, 5)) == 9
    assert time_of(Heard(b"x", None)) == NOON


def test_skipped_and_noted_records_are_counted(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}, skipped={"said before": 3}, noted={"odd": 2, "old": 1}))
    skipped = metrics.skipped.labels("calls", "said before")
    noted = metrics.noted.labels("daejeon", "calls")
    before = (skipped._value.get(), noted._value.get())
    list(ingest.parts(Heard(b"x", NOON)))
    assert (skipped._value.get(), noted._value.get()) == (before[0] + 3, before[1] + 3)


def bad_rows(count: int) -> list[SetAside]:
    return [SetAside(str(number).encode(), "no number") for number in range(count)]


def test_a_body_that_is_all_bad_stops_the_channel_with_samples_and_its_place_does_not_move(
    kafka: Kafka,
) -> None:
    ingest = opened(Reading((), {"up to": 2}, aside=bad_rows(150)))
    with pytest.raises(Stopped) as caught:
        ingest.take(Heard(b"x", NOON), played=False)
    assert not caught.value.is_taken
    assert kafka.said[-2:] == [["source.dlq"] * 20, ["core.source"]]
    assert ingest.standing == SourcePlace()
    assert not ingest.may_hear()
    kafka.rows["daejeon.core.source"] = {"state": "trial"}
    assert ingest.may_hear(), "an operator resumed it"


def test_a_body_with_few_bad_rows_that_stops_the_channel_is_taken_whole(kafka: Kafka) -> None:
    ingest = opened(Reading((), {"up to": 2}, aside=bad_rows(15)))
    ingest.channel.breaker.judge(good=0, bad=100, now_ms=NOON)
    with pytest.raises(Stopped) as caught:
        ingest.take(Heard(b"x", NOON), played=False)
    assert caught.value.is_taken
    assert kafka.said[-2:] == [["source.dlq"] * 15 + ["source.place"], ["core.source"]]
    assert ingest.standing.place == {"up to": 2}


def test_a_report_is_published_once(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {}))
    ingest.failed("it answered 500", is_refused=True)
    ingest.tell()
    assert kafka.said[-1] == ["core.source"]
    assert (kafka.put_in[0][0].value or {})["state"] == "refused"
    kafka.said.clear()
    ingest.tell()
    assert kafka.said == []


def test_a_source_that_fails_is_not_one_that_refuses_us(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {}))
    ingest.failed("it answered 500")
    ingest.tell()
    assert (kafka.put_in[0][0].value or {})["state"] == "failing"


def test_a_retry_commits_with_a_mark_by_which_the_owner_knows_it(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}))
    after = SourcePlace().after_moment(NOON, {"up to": 3})
    ingest.commit_for_retry([a_call(1)], after)
    assert kafka.said[-1] == ["fire.incident", "source.place"]
    assert kafka.put_in[-1][1] == {"more": [(BORROWED, b"1")]}
    assert ingest.standing == after


# -- pushes ---------------------------------------------------------------------------------------------------


def pushes(*numbers: int, reading: Reading | None = None, error: str | None = None) -> list[Pushed]:
    return [Pushed(number, Heard(b"body", NOON + number, error=error), reading) for number in numbers]


def test_several_pushes_are_one_transaction_and_those_published_before_are_left_out(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {"up to": 1}))
    (part,) = ingest.pushed_parts("spool", pushes(1, 2, 3))
    assert len(part.events) == 3
    assert part.standing.spools == {"spool": 3}
    assert (part.standing.place, part.time_ms) == ({"up to": 1}, NOON + 3)
    ingest.publish(part, played=False)
    assert list(ingest.pushed_parts("spool", pushes(2, 3))) == []
    (again,) = ingest.pushed_parts("spool", pushes(3, 4))
    assert (len(again.events), again.standing.spools) == (1, {"spool": 4})
    (other,) = ingest.pushed_parts("other", pushes(1))
    assert other.standing.spools == {"spool": 3, "other": 1}
    assert ingest.reader._reader.places[1] == {"up to": 1}, (
        "each push is read from where the one before it ended"
    )


def test_no_transaction_of_pushes_grows_without_bound(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SLICE_EVENTS", 4)
    ingest = opened(Reading([a_call(1), a_call(2)], {}, aside=[SetAside(b"row", "no number")]))
    first, second = ingest.pushed_parts("spool", pushes(1, 2, 3))
    assert [len(one.events) for one in (first, second)] == [4, 2]
    assert (first.standing.spools, second.standing.spools) == ({"spool": 2}, {"spool": 3})
    assert (len(first.asides), len(second.asides)) == (2, 1)
    exact, sizes = opened(Reading([a_call(1)] * 3, {})), []
    for part in exact.pushed_parts("spool", pushes(1, 2)):
        sizes.append(len(part.events))
        exact.publish(part, played=False)
    assert sizes == [6], "and none is empty"


def test_a_push_that_stops_the_channel_is_kept_whole_and_what_came_after_it_waits(kafka: Kafka) -> None:
    ingest = opened(Reading((), {}, aside=bad_rows(150)))
    parts = ingest.pushed_parts("spool", pushes(1, 2))
    part = next(parts)
    assert (len(part.asides), part.standing.spools) == (150, {"spool": 1})
    with pytest.raises(Stopped) as caught:
        next(parts)
    assert caught.value.is_taken


def test_a_push_is_read_again_only_where_its_reading_is_gone(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {"read": True}))
    place = {"up to": 2}
    (gone,) = pushes(1)
    again = ingest.reader.of_push(gone, place)
    assert ([one.key for one in again.events], again.place) == (["i1"], {"read": True})
    assert ingest.reader._reader.places == [place]
    bad = Event("fire.incident", "bad", {"a": 1})
    (read,) = pushes(1, reading=Reading([a_call(5), bad], {"old": True}))
    kept = ingest.reader.of_push(read, place)
    assert ([one.key for one in kept.events], kept.place) == (["i5"], place)
    assert [one.original for one in kept.aside] == [b'{"a":1}']
    assert ingest.reader._reader.places == [place], "it is not read twice"


def test_a_damaged_push_is_set_aside_whole(kafka: Kafka) -> None:
    ingest = opened(Reading([a_call(1)], {}))
    (damaged,) = pushes(1, error="its checksum does not fit", reading=Reading([a_call(1)], {}))
    reading = ingest.reader.of_push(damaged, {"up to": 2})
    assert (reading.events, reading.place) == ((), {"up to": 2})
    assert [(one.original, one.reason) for one in reading.aside] == [(b"body", "its checksum does not fit")]


def test_a_source_that_breaks_on_a_body_loses_neither_it_nor_its_place(kafka: Kafka) -> None:
    ingest = opened(ValueError("a person's name"))
    reading = ingest.reader.read(Heard(b"body", NOON), {"up to": 2})
    assert (reading.events, reading.place) == ((), {"up to": 2})
    assert [(one.original, one.reason) for one in reading.aside] == [
        (b"body", "the source broke on it: ValueError")
    ]
    with pytest.raises(Fatal, match="no source reads its data"):
        an_ingest().reader.read(Heard(b"body", NOON), {})


# -- the events that an ingest adds ---------------------------------------------------------------------------


def test_the_row_of_a_place_tells_the_newest_file_and_how_much_of_it_is_done() -> None:
    def row(standing: SourcePlace) -> tuple[Any, ...]:
        value = place_event("daejeon", "calls", standing, NOON).value or {}
        assert (value["city"], value["source"], value["event_time"]) == ("daejeon", "calls", NOON)
        return value["heard_at"], value["digest"], value["done"]

    standing = SourcePlace()
    assert row(standing) == (None, None, 0)
    standing = standing.after_file("one", ALL_DONE, {}).after_file("two", 7, {})
    assert row(standing) == (None, "two", 7)
    assert row(standing.after_moment(5, {})) == (5, "two", 7)


def test_a_played_tick_says_so() -> None:
    played, live = tick("c", 5, barrier={}).value or {}, tick("c", 5, barrier=None).value or {}
    assert (played["played"], live["played"]) == (True, False)


# -- records of a topic that are fed again --------------------------------------------------------------------


def test_records_of_a_topic_go_back_as_they_were_and_their_rows_say_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[Any] = []

    @contextmanager
    def transaction(*_about: Any) -> Iterator[Any]:
        yield SimpleNamespace(put=said.append, put_bytes=lambda *about: said.append(about))

    monkeypatch.setattr(retry, "transaction", transaction)
    rows = asides_of("daejeon", "calls", bad_rows(2), heard_at_ms=NOON, time_ms=NOON, now_ms=NOON)
    asides = [
        Aside(
            "daejeon.source.dlq",
            row.key.encode(),
            {**(row.value or {}), "origin_topic": "daejeon.fire.incident"},
        )
        for row in rows
    ]
    nothing: Any = None
    outcome = retry.retry_topic(nothing, nothing, "daejeon", asides, now_ms=NOON + 1)
    assert outcome.fed == 2
    sent, first, _, second = said
    assert sent[0] == "daejeon.fire.incident" and sent[2] == asides[0].value["original"]
    assert [(one.value or {})["retried_at"] for one in (first, second)] == [NOON + 1] * 2


def test_an_older_revision_among_records_does_not_keep_the_others_from_being_fed(kafka: Kafka) -> None:
    ingest = opened(Reading([Event("fire.incident", "i1", {"revision": 2, "received_time": NOON})], {}))
    row, other = asides_of("daejeon", "calls", bad_rows(2), heard_at_ms=NOON, time_ms=NOON, now_ms=NOON)
    asides = [Aside("daejeon.source.dlq", one.key.encode(), one.value or {}) for one in (row, other)]
    newest = iter([NOON + 1, None])
    outcome = retry.retry_source(ingest, asides, lambda _topic, _key: next(newest), now_ms=NOON + 2)
    assert (outcome.said_since, outcome.fed) == (1, 1)


def test_a_transaction_that_fails_moves_no_place(kafka: Kafka, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = opened(Reading([a_call(1)], {"up to": 2}))

    @contextmanager
    def fails(*_about: Any) -> Iterator[Any]:
        yield SimpleNamespace(put=lambda *_event, **_more: None, delivered={})
        raise Retriable("away")

    monkeypatch.setattr(module, "transaction", fails)
    with pytest.raises(Retriable):
        ingest.publish(Slice([a_call(1)], [], SourcePlace().after_moment(5, {}), 5), played=False)
    assert ingest.standing == SourcePlace()
