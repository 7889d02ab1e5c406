"""The situations stage: incidents, evidence, places and ticks in; situations, alerts, grants and watches out.

Every entry given to the rules is written to ``core.journal`` in order, in the transaction of the rules'
results. The state for a restart goes to ``core.state``, in the same transaction. Once a day, by the city's clock, a
snapshot of the state goes to the journal, too, a part a transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Producer

from schemas.catalogue import contract_name, topic_name
from schemas.errors import Fatal, Invalid, Retriable, Unreachable
from schemas.event import Event
from schemas.wire import Wire
from streams import metrics
from streams.dlq.rows import aside_record
from streams.journal.entries import RULES, journal_event
from streams.journal.replay import COMPARED
from streams.journal.snapshot import SnapshotWriter, is_due
from streams.runtime.inbox import DueRecord, Inbox
from streams.runtime.kafka import transactional_producer
from streams.runtime.records import Record, RecordBatch
from streams.runtime.row_reader import RowReader, Unreadable
from streams.runtime.tables import Table, read_rows
from streams.runtime.transaction import Outbox, transaction
from streams.runtime.uncollected import uncollected
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.situations.reports.drones import FOOTPRINT, MISSION, is_news_of
from streams.situations.reports.notices import BOARD, NOTICES, VEHICLE
from streams.situations.reports.sites import SITE
from streams.situations.state.rows import check_row
from streams.stages.listed_again import listed_again
from streams.stages.situation_intake import (
    ASKED,
    BESIDE,
    EVIDENCE,
    SIFTED,
    answer_ends,
    asks,
    gone_board,
    has_room,
    is_news,
    is_of_a_case,
    may_have_room,
    timely,
)
from streams.stages.situation_metrics import SituationMetrics
from streams.stages.situation_spans import DecisionSpans

INPUTS = {
    "fire.incident": "incident",
    "police.incident": "incident",
    "civil.incident": "incident",
    **{contract: kind.entry_kind for contract, kind in NOTICES.items()},
    "place.camera": "place",
    SITE: "place",
    MISSION: "place",
    FOOTPRINT: "evidence",
    "core.tick": "tick",
    "core.evidence": "evidence",
    "core.action": "action",
}
"""The kind of entry that a contract's records are to the rules."""


@dataclass(slots=True)
class SituationsAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    state: CityState
    inbox: Inbox
    answered: dict[str, int]
    """Contract → the offset behind its last answer in the log."""
    is_first: bool = False
    """Whether the journal begins with this assignment."""
    has_taken: bool = False
    """Whether it has taken anything yet."""
    snapshot: SnapshotWriter | None = None
    """The snapshot under way."""
    carried: Sequence[Record] = ()
    """Records read before the last commit and not yet taken, as their barrier was not reached."""


class SituationsStage:
    """The situations of one city. Its state is dropped with the assignment; the log can rebuild it."""

    def __init__(self, city: str, config: RulesConfig, *, bootstrap: str, wire: Wire) -> None:
        self._city = city
        self._config = config
        self._bootstrap = bootstrap
        self._wire = wire
        self._held: SituationsAssignment | None = None
        self._again: Sequence[Record] = ()
        self.group = f"{city}.situations"
        self._reader = RowReader(wire, self.group)
        self._metrics = SituationMetrics(self.group)
        self.topics = [topic_name(city, contract) for contract in INPUTS if contract not in BESIDE]
        # every vehicle's every position: read only where a rule in force at the start takes it
        is_read = {EVIDENCE, *([VEHICLE] if asks(config, VEHICLE) else [])}
        self.beside = [topic_name(city, contract) for contract in BESIDE if contract in is_read]
        self._asked = {topic_name(city, one): one for one in ASKED}
        self._sifted = {topic_name(city, one): one for one in SIFTED}
        self._evidence = topic_name(city, EVIDENCE)
        self._footprints = topic_name(city, FOOTPRINT)

    @property
    def state(self) -> CityState | None:
        """The rules' state while the partitions are assigned; ``None`` otherwise."""
        return None if self._held is None else self._held.state

    def use(self, config: RulesConfig) -> None:
        """Use other settings from the next batch on; they are journalled before the decisions they affect.
        From any thread.
        """
        self._config = config

    def assigned(self) -> None:
        producer = transactional_producer(self._bootstrap, self.group)
        with uncollected():
            kept = self._kept()
            rows = ((key, row.value) for key, row in kept.rows.items())
            state = CityState.from_records(self._config, rows)
        if kept.unreadable:
            with transaction(producer, self._wire, self._city) as outbox:
                kept.mend(outbox, self._city)
        inbox = Inbox(topic_name(self._city, "core.tick"), topic_name(self._city, "place.camera"))
        answered = answer_ends(self._bootstrap, self._city)
        is_first = state.sequence == 0
        self._held = SituationsAssignment(producer, state, inbox, answered, is_first=is_first)

    def _kept(self) -> Table:
        """Return the rows of ``core.state``."""
        reader = RowReader(self._wire, self.group, check=check_row)
        return read_rows(self._bootstrap, topic_name(self._city, "core.state"), reader)

    def revoked(self) -> None:
        self._held, self._again = None, ()

    def take(self, batch: RecordBatch) -> None:
        held = self._held
        if held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        try:
            self._take(batch, held)
        except (Retriable, Unreachable):
            # The state has moved on without a commit: drop it, but keep the records read.
            self._held, self._again = None, (*self._again, *held.carried)
            raise

    def _take(self, batch: RecordBatch, held: SituationsAssignment) -> None:
        timed, spans = metrics.transactions.labels(self.group).time(), DecisionSpans(self._city)
        with timed, transaction(held.producer, self._wire, self._city) as outbox:
            self._keep(held, outbox)
            for record in (*self._again, *batch.records):
                self._offer(record, held, outbox)
            self._answer(held, outbox, spans)
            # records that wait for their barrier lie behind the committed offsets, so a restart reads them
            # again
            for (topic, _), end in outbox.flush().items():
                held.answered[contract_name(topic)] = end
            outbox.read_up_to(held.inbox.next_offsets(), batch.group_metadata)
        spans.export()
        self._again = ()
        held.carried = held.inbox.waiting_records()
        metrics.waiting.labels(self.group).set(held.inbox.waiting)

    def _keep(self, held: SituationsAssignment, outbox: Outbox) -> None:
        """Journal a part of the snapshot under way, or of one that is due: the state of the moment between two transactions.
        A part is a few milliseconds of work. One that is due at the start is written whole, before anything is taken.
        """
        state, is_start = held.state, not held.has_taken
        held.has_taken = True
        if held.snapshot is None and is_due(state):
            answered = {one: held.answered.get(one, 0) for one in COMPARED}
            held.snapshot = SnapshotWriter(self._city, state, answered)
        while held.snapshot is not None:
            for event in held.snapshot.next():
                outbox.put(event)
            if held.snapshot.is_done:
                state.kept_at, held.snapshot = held.snapshot.now_ms, None
                outbox.put(state.clock_row())
            if not is_start:
                return

    def _offer(self, record: Record, held: SituationsAssignment, outbox: Outbox) -> None:
        metrics.records_taken.labels(self.group, record.topic).inc()
        asked = self._asked.get(record.topic)
        is_unasked = asked is not None and not held.state.takes(asked)
        if is_unasked or (record.topic == self._evidence and not may_have_room(held.state, record)):
            held.inbox.saw(record)
            metrics.unlisted.labels(self.group).inc()
            return
        if asked == BOARD and record.value is None:
            record = gone_board(self._city, record, self._wire)
        row = self._reader.read(record)
        if isinstance(row, Unreadable):
            held.inbox.saw(record)
            self._put_aside(row, outbox)
            return
        try:
            value = timely(record, row.value)
        except Invalid as error:
            held.inbox.saw(record)
            self._put_aside(self._reader.refuse(record, error), outbox)
            return
        if is_of_a_case(contract_name(record.topic), value):
            held.inbox.saw(record)
            return
        held.inbox.offer(record, value)

    def _answer(self, held: SituationsAssignment, outbox: Outbox, spans: DecisionSpans) -> None:
        """Give all due records to the rules. Of the state, only the last row of each key is written."""
        rows, again = dict[str, Event](), list[DueRecord]()
        config, gone, unwatched = self._config, held.state.gone, held.state.unwatched
        left_out, units_left_out = held.state.left_out, held.state.units_left_out
        if held.state.rules_digest != config.digest:
            rules = Entry(RULES, f"{self._city}.rules", 0, 0, config.canonical())
            is_new = held.state.sequence == 0  # then all of each list is still to be read
            self._give(rules, None, held, outbox, rows, spans)
            again = [] if is_new else listed_again(held.state, self._bootstrap, self._city, self._reader)
        for taken in (*again, *held.inbox.take()):
            record = taken.record
            is_seen = record.topic == self._footprints and not is_news_of(held.state.cameras, taken.value)
            if is_seen or (record.topic == self._evidence and not has_room(held.state, taken.value)):
                metrics.unlisted.labels(self.group).inc()  # another entry took the room since it was read
                continue
            sifted = self._sifted.get(record.topic)
            if sifted is not None and not is_news(held.state, sifted, taken.value):
                metrics.unlisted.labels(self.group).inc()
                continue
            kind = INPUTS[contract_name(record.topic)]
            entry = Entry(kind, record.topic, record.partition, record.offset, taken.value)
            try:
                self._give(entry, record, held, outbox, rows, spans)
            except Invalid as error:
                self._put_aside(self._reader.refuse(record, error), outbox)
        for event in rows.values():
            outbox.put(event)
        self._metrics.show(held.state.situations.values())
        metrics.situations.labels(self.group).set(len(held.state.situations))
        metrics.let_go.labels(self.group).inc(held.state.gone - gone)
        metrics.unwatched.labels(self.group).inc(held.state.unwatched - unwatched)
        metrics.cameras_left_out.labels(self.group).inc(held.state.left_out - left_out)
        metrics.units_left_out.labels(self.group).inc(held.state.units_left_out - units_left_out)

    def _give(
        self,
        entry: Entry,
        record: Record | None,
        held: SituationsAssignment,
        outbox: Outbox,
        rows: dict[str, Event],
        spans: DecisionSpans,
    ) -> None:
        """Give one entry to the rules: journal it, publish the results, collect the state rows."""
        answers = step(held.state, entry)
        traceparent_of = spans.trace(entry, record, answers)
        if held.is_first and not held.state.kept_at:
            held.state.kept_at = held.state.now_ms  # the journal itself begins here
        outbox.put(journal_event(self._city, held.state.sequence, held.state.now_ms, entry, record))
        for event in [*answers, held.state.clock_row()]:
            if event.topic == "core.state":
                rows[event.key] = event
            else:
                outbox.put(event, traceparent=traceparent_of(event))
                self._metrics.count(event)

    def _put_aside(self, one: Unreadable, outbox: Outbox) -> None:
        contract, record = contract_name(one.record.topic), one.record
        outbox.put(aside_record(self._city, contract, record, one.error, now_ms=record.timestamp_ms))
