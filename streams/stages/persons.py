"""The stage of missing persons: cases, sightings, answers and ticks in; ``core.candidate`` and ``core.route`` out, sealed.

Rows and consumed offsets are committed in one transaction. No state is written beside them: a start reads the cases, the
places, what was told, the answers, and the sightings again (``persons_known``, ``looking_back``). Each told row says in a
header up to where sightings were taken, and for which answer it was told; so a start puts each answer where it stood.
The clock is the city's ticks. A case that is over, refused or without a key loses its search at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import orjson
from confluent_kafka import Producer

from schemas.catalogue import contract_name, topic_name
from schemas.errors import Fatal, Retriable, Unreachable
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams import metrics, metrics_persons
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import KnownCase
from streams.cases.judge import Allowed, judge
from streams.cases.sealing import sealed
from streams.dlq.rows import aside_record
from streams.log import log
from streams.persons.analytic_table import AnalyticTable
from streams.persons.persons_numbers import PersonsNumbers
from streams.runtime.kafka import transactional_producer
from streams.runtime.records import Record, RecordBatch, next_offsets
from streams.runtime.row_reader import Row, RowReader
from streams.runtime.transaction import Outbox, transaction
from streams.sightings.case_ground import search_of
from streams.sightings.case_view import CaseView
from streams.sightings.looking_back import Look, LookingBack, is_ours
from streams.sightings.pursuit import Answer, Pursuit
from streams.sightings.sighting_columns import PERSON, SightingReader, Sightings
from streams.stages.hubs import timely
from streams.stages.persons_known import (
    ACCESS,
    ACTION,
    ANSWER,
    CAMERA,
    CANDIDATE,
    MISSING,
    ROUTE,
    STOP,
    TAKEN,
    TICK,
    Known,
    KnownReader,
)

SOURCE = "persons"
BESIDE = (MISSING, PERSON, ACTION, ACCESS, CAMERA, STOP)
AT_ONCE_MAX = 20_000
"""A past of so many rows is read at once; a longer one in a thread, while the live flow goes on."""
WAITING_MAX = 2_000_000
"""The most sightings that wait for the end of a look back."""


class Keys(Protocol):
    """The keys of cases (``connectors.transport.case_keys``)."""

    def key(self, case_id: str) -> bytes | None: ...


@dataclass(slots=True)
class Chase:
    """An open case: its search, and what waits until it has looked back."""

    pursuit: Pursuit
    verdict: Allowed
    is_ready: bool = False
    is_changed: bool = True
    is_begun_again: bool = False
    """It was looked for before the last start, so it is told with the others."""
    sightings: list[Sightings] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def waits_for(self, many: Sightings) -> None:
        """Hold *many* until the past was read. ``Fatal`` where too many wait."""
        self.sightings.append(many)
        if sum(map(len, self.sightings)) > WAITING_MAX:
            raise Fatal(
                "too many sightings wait for a look back", hint="make the case's area or time smaller"
            )


@dataclass(slots=True)
class PersonsAssignment:
    """The state of the stage while the partitions are assigned to it."""

    producer: Producer
    known: Known
    back: LookingBack
    chases: dict[str, Chase] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)
    """Case → the revision at which it was given up."""
    slot: int = 0


class PersonsStage:
    """The searches of one city. Its state is dropped with the assignment, and after a failed batch."""

    def __init__(
        self,
        city: str,
        numbers: PersonsNumbers,
        law: CaseLaw,
        keys: Keys,
        *,
        bootstrap: str,
        wire: Wire,
        at_once_max: int = AT_ONCE_MAX,
    ) -> None:
        self._city, self._numbers, self._law, self._keys = city, numbers, law, keys
        self._bootstrap, self._wire, self._at_once_max = bootstrap, wire, at_once_max
        self._table = AnalyticTable(numbers.analytics)
        self._held: PersonsAssignment | None = None
        self.group = f"{city}.persons"
        self._reader = RowReader(wire, self.group)
        self._sightings = SightingReader(city, wire)
        self._person_topic = topic_name(city, PERSON)
        self.topics = [topic_name(city, TICK)]
        self.beside = [topic_name(city, contract) for contract in BESIDE]

    def assigned(self) -> None:
        self.revoked()
        producer = transactional_producer(self._bootstrap, self.group)
        known = KnownReader(self._city, self._bootstrap, self._reader, keys=self._keys).read(
            self.group, [*self.topics, *self.beside]
        )
        back = LookingBack(
            self._bootstrap, self._person_topic, self._sightings, at_once_max=self._at_once_max
        )
        self._held = held = PersonsAssignment(producer, known, back)
        if known.now_ms is not None:
            held.slot = self._slot(known.now_ms)
            self._settle(held)
            for chase in held.chases.values():
                chase.is_begun_again = True

    def revoked(self) -> None:
        if self._held is not None:
            self._held.back.stop()
        self._held = None

    def take(self, batch: RecordBatch) -> None:
        held = self._held
        if held is None:
            raise Fatal(f"{self.group}: records came before their assignment")
        timed = metrics.transactions.labels(self.group).time()
        try:
            with timed, transaction(held.producer, self._wire, self._city) as outbox:
                self._end_looks(held, outbox)
                self._take_all(held, batch.records, outbox)
                outbox.read_up_to(next_offsets(batch.records), batch.group_metadata)
        except (Retriable, Unreachable):
            self.revoked()  # the searches have moved on without a commit
            raise
        metrics_persons.persons_cases.labels(self.group).set(len(held.chases))

    def _take_all(self, held: PersonsAssignment, records: Iterable[Record], outbox: Outbox) -> None:
        """Take records in their order; sightings that stand together are decoded together."""
        together: list[Record] = []
        for record in records:
            metrics.records_taken.labels(self.group, record.topic).inc()
            if record.topic == self._person_topic:
                together.append(record)
                continue
            self._see(held, together)
            together = []
            self._take(held, record, outbox)
        self._see(held, together)

    def _see(self, held: PersonsAssignment, records: list[Record]) -> None:
        if not records:
            return
        if held.chases:
            many = self._sightings.read(
                [one.value or b"" for one in records],
                np.array([one.partition for one in records], np.int64),
                np.array([one.offset for one in records], np.int64),
            )
            metrics_persons.persons_sightings.labels(self.group).inc(len(many))
            metrics_persons.persons_left_out.labels(self.group, "unread").inc(many.unread)
            for chase in list(held.chases.values()):
                self._guarded(held, chase, lambda one=chase: self._show(held, one, many))  # type: ignore[misc] # bound now
        for record in records:
            held.known.taken[record.partition] = record.offset + 1

    def _show(self, held: PersonsAssignment, chase: Chase, many: Sightings) -> None:
        if not chase.is_ready:
            rows, _ = chase.pursuit.view.allowed(many, chase.verdict, held.known.now_ms or 0)
            chase.waits_for(many.rows(rows))
        elif chase.pursuit.see(many, chase.verdict, held.known.now_ms or 0):
            chase.is_changed = True

    def _take(self, held: PersonsAssignment, record: Record, outbox: Outbox) -> None:
        contract, row = contract_name(record.topic), self._reader.read(record)
        if not isinstance(row, Row):
            if contract != TICK:  # the situations stage sets those aside
                now_ms = record.timestamp_ms
                outbox.put(aside_record(self._city, contract, record, row.error, now_ms=now_ms))
            return
        if contract == TICK:
            value = timely(record, row.value)
            if value is not None:
                self._tick(held, int(value["event_time"]), outbox)
        elif (answer := held.known.take(contract, row)) is not None:
            case_id, one = answer
            chase = held.chases.get(case_id)
            if chase is not None:
                self._guarded(held, chase, lambda: self._answer(held, chase, one, outbox))

    def _tick(self, held: PersonsAssignment, now_ms: int, outbox: Outbox) -> None:
        held.known.now_ms = max(now_ms, held.known.now_ms or 0)
        self._settle(held)
        self._end_looks(held, outbox)
        slot = self._slot(held.known.now_ms)
        if slot == held.slot:
            return
        held.slot = slot
        for chase in list(held.chases.values()):
            if chase.is_ready and chase.is_changed:
                self._guarded(held, chase, lambda one=chase: self._tell(held, one, outbox))  # type: ignore[misc] # bound now

    def _slot(self, now_ms: int) -> int:
        return int(now_ms // (self._numbers.rank_s * 1000))

    # -- cases ---------------------------------------------------------------------------------------------------

    def _settle(self, held: PersonsAssignment) -> None:
        """Begin the searches of cases that may be looked for by now, and drop all others."""
        now_ms = held.known.now_ms or 0
        allowed: dict[str, tuple[KnownCase, Allowed]] = {}
        for one in held.known.table.open_cases():
            verdict = judge(one.case, self._law, now_ms)
            its_id = one.case.case_id
            if isinstance(verdict, Allowed) and self._key(held, its_id, one.row["revision"]) is not None:
                allowed[its_id] = (one, verdict)
        for its_id in held.chases.keys() - allowed.keys():
            del held.chases[its_id]
        looks = []
        for its_id, (known, verdict) in allowed.items():
            if its_id in held.chases:
                held.chases[its_id].verdict = verdict
            elif held.damaged.get(its_id) != known.row["revision"]:
                looks += self._begun(held, known, verdict)
        if looks:
            held.back.begin(looks, held.known.taken)

    def _begun(self, held: PersonsAssignment, known: KnownCase, verdict: Allowed) -> list[Look]:
        """Begin one search; it is not ready before it has looked back."""
        case, places = known.case, held.known
        try:
            view = CaseView(case, self._law, list(places.cameras.values()), self._table.names)
            search = search_of(
                case, known.row, view.cameras, list(places.stops.values()), self._numbers, self._table
            )
            pursuit = Pursuit(view, search, self._numbers, self._sightings.value)
            told = places.told_of(case.case_id)
            pursuit.restore(told.candidates, told.route)
        except Exception as error:  # one case must not stop the others
            self._give_up(held, case.case_id, known.row["revision"], error)
            return []
        held.chases[case.case_id] = Chase(pursuit, verdict, answers=told.unanswered)
        return [Look(pursuit, verdict, places.now_ms or 0, told.answered)]

    def _end_looks(self, held: PersonsAssignment, outbox: Outbox) -> None:
        """Go on with the cases that have looked back: first what waited, then the live flow."""
        for look in held.back.done():
            chase = held.chases.get(look.pursuit.case_id)
            if chase is not None and chase.pursuit is look.pursuit:
                self._guarded(held, chase, lambda one=chase, its=look: self._ready(held, one, its, outbox))  # type: ignore[misc] # bound now
        while held.back.seconds:
            metrics_persons.persons_back.labels(self.group).observe(held.back.seconds.pop())

    def _ready(self, held: PersonsAssignment, chase: Chase, look: Look, outbox: Outbox) -> None:
        if look.error is not None:
            raise look.error
        for many in chase.sightings:
            chase.pursuit.see(many, chase.verdict, held.known.now_ms or 0)
        chase.sightings.clear()
        chase.is_ready, answers, chase.answers = True, chase.answers, []
        for one in answers:
            self._answer(held, chase, one, outbox)
        if not chase.is_begun_again:
            self._tell(held, chase, outbox)

    def _answer(self, held: PersonsAssignment, chase: Chase, one: Answer, outbox: Outbox) -> None:
        if not chase.is_ready:
            chase.answers.append(one)
            return
        candidate_id = chase.pursuit.answer(one)
        if candidate_id is not None:
            self._tell(held, chase, outbox, candidate_id, one.action_id)

    def _guarded(self, held: PersonsAssignment, chase: Chase, do: Callable[[], None]) -> None:
        """Do something for one case; where it fails, that case alone is given up."""
        try:
            do()
        except (Retriable, Unreachable):
            raise
        except Exception as error:  # one case must not stop the others
            known = held.known.table.get(chase.pursuit.case_id)
            revision = -1 if known is None else known.row["revision"]
            self._give_up(held, chase.pursuit.case_id, revision, error)

    def _give_up(self, held: PersonsAssignment, its_id: str, revision: int, error: Exception) -> None:
        held.chases.pop(its_id, None)
        if held.damaged.get(its_id) == revision:
            return
        held.damaged[its_id] = revision
        metrics_persons.persons_left_out.labels(self.group, "damaged").inc()
        why = getattr(error, "what", "") if is_ours(error) else type(error).__name__
        log.error("a case is given up until its next revision", stage=self.group, case_id=its_id, why=why)

    def _key(self, held: PersonsAssignment, its_id: str, revision: int) -> bytes | None:
        try:
            return self._keys.key(its_id)
        except Fatal as error:
            self._give_up(held, its_id, revision, error)
            return None

    # -- rows ----------------------------------------------------------------------------------------------------

    def _tell(
        self,
        held: PersonsAssignment,
        chase: Chase,
        outbox: Outbox,
        answered: str | None = None,
        action_id: str | None = None,
    ) -> None:
        """Put what changed of a case in the outbox, under its key; nothing where the key is gone."""
        pursuit, chase.is_changed = chase.pursuit, False
        key = self._keys.key(pursuit.case_id)
        if key is None:
            held.chases.pop(pursuit.case_id, None)
            return
        taken = orjson.dumps({str(one): end for one, end in sorted(held.known.taken.items())})
        for row in pursuit.changed(answered=answered):
            more = [(TAKEN, taken)]
            if action_id is not None and row["candidate_id"] == answered:
                more.append((ANSWER, action_id.encode()))
            outbox.put(sealed(self._event(held, CANDIDATE, row, row["candidate_id"]), key), more=more)
            metrics_persons.persons_candidates.labels(self.group, row["state"]).inc()
        route = pursuit.new_route()
        if route is not None:
            outbox.put(sealed(self._event(held, ROUTE, route, ""), key))
            metrics_persons.persons_routes.labels(self.group).inc()

    def _event(self, held: PersonsAssignment, contract: str, row: dict[str, Any], name: str) -> Event:
        at_ms = held.known.now_ms or 0
        case_id, revision = row["case_id"], row["revision"]
        head = event_fields(
            self._city,
            SOURCE,
            event_id=derived_id(contract, self._city, case_id, name, revision),
            event_time_ms=at_ms,
            received_ms=at_ms,
        )
        return Event(contract, case_id, head | row)
