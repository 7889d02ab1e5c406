"""From a source into Kafka: its events and its place, committed in one transaction.

A restart continues at the last committed place, so a response that a source repeats is published once, and
nothing in between is lost.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import Producer

from connectors.base import Heard, Reader, Reading, SourceContext
from connectors.transport.web_page import wall_clock_ms
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from schemas.event import Event
from schemas.wire import Wire
from streams import metrics
from streams.dlq.rows import asides_of
from streams.ingest.breaker import SAMPLES, STOPPED
from streams.ingest.channel import Channel
from streams.ingest.counting import count_asides, count_put, count_read
from streams.ingest.event_age import AgeObjective, EventAges
from streams.ingest.place import SourcePlace, check_place, standing_from
from streams.ingest.put_spans import put_spans
from streams.ingest.report import shares
from streams.ingest.slices import SLICE_EVENTS, Pushed, Slice, slices, time_of
from streams.ingest.source_events import place_event, tick
from streams.ingest.source_reader import SourceReader
from streams.log import log
from streams.runtime.kafka import Fenced, read_whole, transactional_producer
from streams.runtime.records import BORROWED, Record
from streams.runtime.replica import ingest_id, row_name
from streams.runtime.row_reader import RowReader
from streams.runtime.tables import read_rows
from streams.runtime.transaction import ask_ours, transaction
from streams.traces import traces

BORROW_S, BORROW_LOOK_S = 5.0, 0.2


class Ingest:
    """The ingest of one source. Not shared between threads."""

    def __init__(
        self,
        context: SourceContext,
        reader: Reader | None,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int] = wall_clock_ms,
        replica: str | None = None,
        objective: AgeObjective | None = None,
    ) -> None:
        """*replica*: the gateway's name among several. Each has a transactional id, a place and a report of its own."""
        self._context = context
        self.reader = SourceReader(context, reader, wire)
        self._bootstrap = bootstrap
        self._wire = wire
        self.group = ingest_id(context.city, context.source, replica)
        self._row_name = row_name(context.source, replica)
        self._ages = EventAges(context.city, context.source, objective or AgeObjective())
        self._producer: Producer | None = None
        self._now_ms = now_ms
        self._place_offset = -1
        self.standing = SourcePlace()
        self.channel = Channel(context.city, context.source, row=self._row_name)

    def open(self) -> None:
        """Fence any earlier owner of this source, then read its committed place and state."""
        with metrics.retriable_counted(self.group):
            self._producer = transactional_producer(self._bootstrap, self.group)
            if (place := self._row("source.place")) is not None:
                self.standing = standing_from(place["place"])
            record = self._place_record()
            self._place_offset = -1 if record is None else record.offset
            if self.reader.has_source and (row := self._row("core.source")) is not None:
                self.channel.restore(row)

    def ask(self) -> None:
        """Return if this process still owns the source. ``Fenced``: another does. ``Retriable``: Kafka is away."""
        topic = topic_name(self._context.city, "source.place")
        ask_ours(self._opened(), self.group, topic, bootstrap=self._bootstrap)

    def _place_record(self) -> Record | None:
        """Return the newest record of this source's place."""
        records = read_whole(self._bootstrap, [topic_name(self._context.city, "source.place")])
        return next(reversed([one for one in records if one.key == self._row_name.encode()]), None)

    def _row(self, contract: str) -> Mapping[str, Any] | None:
        """Return this source's row of a compacted topic; ``None`` if it has none."""
        name = self._row_name
        check = check_place if contract == "source.place" else lambda _key, _value: None
        kept = read_rows(
            self._bootstrap,
            topic_name(self._context.city, contract),
            RowReader(self._wire, self.group, check=check),
            only=[name.encode()],
        )
        if kept.unreadable:
            with transaction(self._opened(), self._wire, self._context.city) as outbox:
                kept.mend(outbox, self._context.city)
        return kept.rows[name].value if name in kept.rows else None

    def is_borrowed(self) -> bool:
        """Return whether a retry, not another worker, has fenced us.

        A retry marks its record of the place a moment after it has fenced us; wait for that record up to
        ``BORROW_S``.
        """
        until = time.monotonic() + BORROW_S
        while True:
            record = self._place_record()
            is_news = record is not None and record.offset > self._place_offset
            if is_news or time.monotonic() > until:
                return is_news and record is not None and BORROWED in record.headers
            time.sleep(BORROW_LOOK_S)

    def regained(self) -> bool:
        """Return, after ``Fenced``, whether we own the source again. ``False``: another worker owns it."""
        try:
            self.ask()
        except Fenced:
            if not self.is_borrowed():
                return False
            log.info("source taken back after a retry", source=self._context.source)
            self.open()
        return True

    def may_hear(self) -> bool:
        """Return whether the source may be read: not while it is stopped, until its cool-down is over or it
        is resumed.
        """
        now_ms = self._now_ms()
        if self.channel.breaker.state == STOPPED and (row := self._row("core.source")) is not None:
            self.channel.heed(row, now_ms=now_ms)
        return self.channel.breaker.may_hear(now_ms)

    def failed(self, why: str, *, is_refused: bool = False) -> None:
        """Report that the source failed, or refused us."""
        if is_refused:
            metrics.errors.labels(self.group, metrics.FATAL).inc()
        self.channel.report.failed(why, at_ms=self._now_ms(), is_refused=is_refused)

    def tell(self) -> None:
        """Publish the source's report, if it has changed."""
        event = self.channel.news(now_ms=self._now_ms())
        if event is None or event.value is None:
            return
        metrics.show_source(self._context.city, self._context.source, event.value, shares(event.value))
        with transaction(self._opened(), self._wire, self._context.city) as outbox:
            outbox.put(event)
        self.channel.told(event)

    def take(self, heard: Heard, *, played: bool) -> int:
        """Publish what was read of *heard*; return the number of events, 0 if it was published before.
        ``Stopped``: the channel stops.
        """
        published = 0
        for part in self.parts(heard):
            self.publish(part, played=played)
            published += len(part.events)
        return published

    def parts(self, heard: Heard, alter: Callable[[Event], Event] = lambda event: event) -> Iterator[Slice]:
        """Yield the transactions of *heard*; publish each before taking the next.

        *alter* changes events before they are published (control experiments move one domain in time).
        ``Stopped`` when the source's channel stops: before the first transaction, or after the last.
        """
        digest = hashlib.sha256(heard.body).hexdigest() if heard.at_ms is None else ""
        if self.standing.has_heard(heard, digest):
            return
        yield from self.parts_of(heard, self.reader.read(heard, self.standing.place_for(heard), alter))

    def parts_of(self, heard: Heard, reading: Reading) -> Iterator[Slice]:
        """Yield the transactions of *reading*, which was read from *heard*; see ``parts``."""
        new, goes_on = self._weigh(heard, reading)
        yield from slices(heard, reading, new, self.standing)
        if not goes_on:
            self._stop([], is_taken=True)

    def pushed_parts(self, spool: str, pushes: Sequence[Pushed]) -> Iterator[Slice]:
        """Yield the transactions of *pushes*, several pushes in each; see ``parts``. Pushes already published
        are left out.
        """
        standing, events, asides = self.standing, list[Event](), list[Event]()
        for push in pushes:
            number, heard = push.number, push.heard
            if number <= self.standing.spools.get(spool, 0):
                continue
            reading = self.reader.of_push(push, standing.place)
            new, goes_on = self._weigh(heard, reading, is_kept_whole=True)
            events += reading.events
            asides += new
            standing = standing.after_push(spool, number, heard.at_ms or 0, reading.place)
            if not goes_on or len(events) >= SLICE_EVENTS:
                yield Slice(events, asides, standing, standing.heard_at_ms)
                events, asides = [], []
            if not goes_on:
                self._stop([], is_taken=True)
        if standing is not self.standing:
            yield Slice(events, asides, standing, standing.heard_at_ms)

    def _weigh(
        self, heard: Heard, reading: Reading, *, is_kept_whole: bool = False
    ) -> tuple[list[Event], bool]:
        """Return the new events to set aside, and whether the channel may go on. ``Stopped``: too much is bad.

        *is_kept_whole*: keep all bad records, however many, as a push cannot be requested again.
        """
        count_read(self._context, reading)
        asides = self.asides(heard, reading)
        goes_on = self.channel.weigh(heard, reading, asides, now_ms=self._now_ms())
        new = [one for one in asides if one.value and one.value["event_id"] not in self.channel.kept]
        if not is_kept_whole and self.channel.is_too_much(asides):
            self._stop(new[:SAMPLES], is_taken=False)
        return new, goes_on

    def _stop(self, samples: Sequence[Event], *, is_taken: bool) -> None:
        """Set *samples* aside, report the stop, and raise ``Stopped``. The source's place does not move."""
        if samples:
            with transaction(self._opened(), self._wire, self._context.city) as outbox:
                for event in samples:
                    outbox.put(event)
            self._count_asides(samples)
        self.tell()
        raise self.channel.stopped(is_taken=is_taken)

    def asides(self, heard: Heard, reading: Reading) -> list[Event]:
        """Return the ``source.dlq`` events of a reading."""
        now_ms = self._now_ms()
        time_ms = heard.at_ms or max(map(time_of, reading.events), default=0) or now_ms
        return asides_of(
            self._context.city,
            self._context.source,
            reading.aside,
            heard_at_ms=heard.at_ms,
            time_ms=time_ms,
            now_ms=now_ms,
        )

    def commit_for_retry(self, events: Sequence[Event], standing: SourcePlace) -> None:
        """Commit *events* and the place in one transaction, marked so that the owner that we fenced may
        continue after us.
        """
        begun_ns = traces.now_ns()
        with transaction(self._opened(), self._wire, self._context.city) as outbox:
            for event in events:
                outbox.put(event)
            outbox.put(
                place_event(self._context.city, self._row_name, standing, self._now_ms()),
                more=[(BORROWED, b"1")],
            )
        put_spans(self._context.city, self._context.source, events, begun_ns=begun_ns)
        self.standing = standing

    def tick(self, time_ms: int) -> None:
        """Publish a tick with the city's time."""
        with transaction(self._opened(), self._wire, self._context.city) as outbox:
            outbox.put(tick(self._context.city, time_ms, barrier=None))

    def _opened(self) -> Producer:
        if self._producer is None:
            raise Fatal(f"{self.group}: published before it was opened")
        return self._producer

    def publish(self, part: Slice, *, played: bool) -> None:
        """Commit one transaction: the events, the records set aside, the place, and in a play the tick."""
        city, begun_ns = self._context.city, traces.now_ns()
        timed = metrics.transactions.labels(self.group).time()
        failures = metrics.retriable_counted(self.group)
        with failures, timed, transaction(self._opened(), self._wire, city) as outbox:
            for event in part.events:
                outbox.put(event, played=played)
            for event in part.asides:
                outbox.put(event)
            if played and part.time_ms is not None:
                barrier = outbox.flush()
                outbox.put(tick(city, part.time_ms, barrier=barrier), played=True)
            outbox.put(place_event(city, self._row_name, part.standing, part.time_ms or 0))
        put_spans(city, self._context.source, part.events, begun_ns=begun_ns, played=played)
        self.standing = part.standing
        places = topic_name(city, "source.place")
        self._place_offset = max(end - 1 for (topic, _), end in outbox.delivered.items() if topic == places)
        count_put(self.group, part.events)
        if not played and part.time_ms is not None and part.time_ms == part.standing.heard_at_ms:
            self._ages.count(part.events)
        self._count_asides(part.asides)

    def _count_asides(self, asides: Sequence[Event]) -> None:
        for event in asides:
            self.channel.kept.add(str((event.value or {})["event_id"]))
        count_asides(self.group, asides)
