"""The city as the stage of missing persons knows it: cases, acts, places, answers, and what was told of each case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from schemas.catalogue import contract_name, topic_name
from schemas.errors import Fatal
from schemas.event import Event
from streams import metrics_persons
from streams.cases.candidate_answers import AnswerFold
from streams.cases.case_acts import DESTROYED, FILED, OPENED
from streams.cases.case_table import CaseTable
from streams.cases.reading_sealed import LeftOut
from streams.cases.sealing import opened
from streams.log import log
from streams.runtime.inbox import Partition
from streams.runtime.kafka import read_whole
from streams.runtime.read_back import committed_of, read_between, since_time
from streams.runtime.records import Record
from streams.runtime.row_reader import Row, RowReader
from streams.sightings.bus_calls import KEPT_MS, BusCalls
from streams.sightings.case_view import PlacedCamera
from streams.sightings.pursuit import STATES, PersonAnswer
from streams.sightings.sighting_columns import PERSON
from streams.stages.future import timely

MISSING, ACTION, ACCESS, TICK = "police.missing", "core.action", "core.access", "core.tick"
CAMERA, STOP, TRIP = "place.camera", "place.hub", "mobility.trip"
CANDIDATE, ROUTE = "core.candidate", "core.route"
TAKEN, ANSWER = "bongsu-sightings-taken", "bongsu-answer"
"""Headers of a told candidate: the offsets of sightings up to which it is told, and the answer that it is told for."""
ACTS = (OPENED, FILED, DESTROYED)
TICKS = 200
"""So many offsets of ticks are read again, to know the time: half of them are the ends of transactions."""
PLACES_MAX = 50_000
"""The most cameras, and stops, that are held; further ones are not."""
STATES_LEFT = ("closed", "refused")


class OpeningKeys(Protocol):
    """The keys of cases, to read with."""

    def key(self, case_id: str) -> bytes | None: ...


@dataclass(slots=True)
class ToldCase:
    """Rows that were told of one case before the start, and the answers that were taken then or not yet."""

    candidates: list[dict[str, Any]] = field(default_factory=list)
    route: dict[str, Any] | None = None
    answered: list[tuple[PersonAnswer, Mapping[int, int]]] = field(default_factory=list)
    unanswered: list[PersonAnswer] = field(default_factory=list)


@dataclass(slots=True)
class Known:
    """A city as the stage knows it. *taken*: partition of ``cctv.person`` → the offset behind what was taken."""

    keys: OpeningKeys
    group: str
    now_ms: int | None = None
    table: CaseTable = field(default_factory=CaseTable)
    cameras: dict[str, PlacedCamera] = field(default_factory=dict)
    cameras_version: int = 0
    """Grows with each camera that is placed, moved or taken away."""
    stops: dict[str, tuple[float, float]] = field(default_factory=dict)
    buses: BusCalls = field(default_factory=BusCalls)
    taken: dict[int, int] = field(default_factory=dict)
    told: dict[str, ToldCase] = field(default_factory=dict)
    answers: AnswerFold = field(default_factory=AnswerFold)
    """Decides which answers count, as the gateway does: one that it refused is on the log, too."""
    left_out: LeftOut = field(default_factory=LeftOut)

    def take(self, contract: str, row: Row) -> tuple[str, PersonAnswer] | None:
        """Take up a row; returns the case and the answer where it is one."""
        value = row.value
        if contract == CAMERA:
            before = self.cameras.get(row.key)
            self._place(self.cameras, row, lambda at: PlacedCamera(row.key, at["lat"], at["lon"]))
            self.cameras_version += self.cameras.get(row.key) != before
        elif contract == STOP:
            self._place(self.stops, row, lambda at: (at["lat"], at["lon"]))
        elif value is None:
            return None
        elif contract == TRIP:
            had = self.buses.left_out
            self.buses.take(value, row.record.offset)
            metrics_persons.persons_left_out.labels(self.group, "calls").inc(self.buses.left_out - had)
        elif contract == ACCESS:
            if value["act"] in ACTS and value["situation_id"] is not None:
                self.table.take_act(value)
        elif contract == MISSING:
            self._take_case(row, value)
        elif contract == ACTION and self.answers.take(value) and value["action"] in STATES:
            return self._answer(row, value)
        return None

    def told_of(self, case_id: str) -> ToldCase:
        """Return the rows told of *case_id* before the start; once alone."""
        return self.told.pop(case_id, None) or ToldCase()

    def _place(self, places: dict[str, Any], row: Row, made: Any) -> None:
        value = row.value
        gone = value is None or value["position"] is None or value.get("status") == "retired"
        if gone:
            places.pop(row.key, None)
        elif value is not None and (len(places) < PLACES_MAX or row.key in places):
            places[row.key] = made(value["position"])

    def _take_case(self, row: Row, value: Mapping[str, Any]) -> None:
        found = self.opened(MISSING, row.key, value)
        if found is not None:
            self.table.take(found)
        elif value["state"] in STATES_LEFT:
            self.table.take(value)

    def _answer(self, row: Row, value: Mapping[str, Any]) -> tuple[str, PersonAnswer] | None:
        case_id = value["case_id"]
        found = self.opened(ACTION, row.key, value)
        if found is None or found["candidate_id"] is None:
            return None
        return case_id, PersonAnswer(
            found["action_id"], found["candidate_id"], found["action"], found["account_id"]
        )

    def opened(self, contract: str, key: str, value: Mapping[str, Any]) -> dict[str, Any] | None:
        """A row of a case as it was before it was sealed; ``None``, counted, where its key is gone or does not open it."""
        case_id = value["case_id"]
        try:
            found = opened(Event(contract, key, value), self.keys.key(case_id))
        except Fatal as error:
            log.error("a row of a case does not open", stage=self.group, case_id=case_id, why=error.what)
            metrics_persons.persons_left_out.labels(self.group, "damaged").inc()
            return None
        if found is None or found.value is None:
            self.left_out.add(case_id, contract)
            metrics_persons.persons_left_out.labels(self.group, "no_key").inc()
            return None
        return dict(found.value)


class KnownReader:
    """Reads again what the stage's group has taken."""

    def __init__(self, city: str, bootstrap: str, reader: RowReader, *, keys: OpeningKeys) -> None:
        self._city, self._bootstrap, self._reader, self._keys = city, bootstrap, reader, keys

    def read(self, group: str, topics: Sequence[str]) -> Known:
        """Return a city as it was known when *group* committed last."""
        known = Known(self._keys, group)
        ends = committed_of(self._bootstrap, group, topics)
        person = topic_name(self._city, PERSON)
        known.taken = {number: end for (topic, number), end in ends.items() if topic == person}
        for row in self._rows(ends, ACCESS, MISSING, CAMERA, STOP):
            known.take(contract_name(row.record.topic), row)
        for row in self._rows(ends, TICK):
            value = timely(row.record, row.value)
            if value is not None:
                known.now_ms = max(int(value["event_time"]), known.now_ms or 0)
        self._calls(known, ends)
        cases = {one.case.case_id for one in known.table.open_cases()}
        known.told = {one: ToldCase() for one in cases}
        self._answers(known, ends, self._told(known) if cases else {})
        for line in known.left_out.told():
            log.info("left out", stage=group, why=line)
        return known

    def _calls(self, known: Known, ends: Mapping[Partition, int]) -> None:
        """Take up the trips of buses of the hours in which a search may look back; none where no stop is known."""
        topic = topic_name(self._city, TRIP)
        places = {place: end for place, end in ends.items() if place[0] == topic}
        if not places or not known.stops:
            return
        since = since_time(self._bootstrap, places, {topic: max(0, (known.now_ms or 0) - KEPT_MS)})
        begins = {place: begin for place, begin in since.items() if begin < places[place]}
        for record in read_between(self._bootstrap, begins, places):
            row = self._reader.read(record)
            if isinstance(row, Row):
                known.take(TRIP, row)

    def _rows(self, ends: Mapping[Partition, int], *contracts: str) -> Iterator[Row]:
        topics = {topic_name(self._city, one): one for one in contracts}
        places = {place: end for place, end in ends.items() if place[0] in topics}
        begins = {
            place: max(0, end - TICKS) if topics[place[0]] == TICK else 0 for place, end in places.items()
        }
        for record in read_between(self._bootstrap, begins, places):
            if topics[record.topic] == ACCESS and not _is_of_case(record):
                continue
            row = self._reader.read(record)
            if isinstance(row, Row):
                yield row

    def _told(self, known: Known) -> dict[str, Mapping[int, int]]:
        """Take up the rows that were told of open cases; returns for which answers, and at which offsets."""
        answered: dict[str, Mapping[int, int]] = {}
        topics = [topic_name(self._city, one) for one in (CANDIDATE, ROUTE)]
        for record in read_whole(self._bootstrap, topics):
            told = known.told.get((record.key or b"").decode(errors="replace"))
            row = None if told is None else self._reader.read(record)
            if told is None or not isinstance(row, Row) or row.value is None:
                continue
            contract = contract_name(record.topic)
            value = known.opened(contract, row.key, row.value)
            if value is None:
                continue
            if contract == ROUTE:
                told.route = value
                continue
            told.candidates.append(value)
            action_id = record.headers.get(ANSWER)
            if action_id is not None:
                offsets = orjson.loads(record.headers[TAKEN])
                answered[action_id.decode()] = {int(one): end for one, end in offsets.items()}
        return answered

    def _answers(
        self, known: Known, ends: Mapping[Partition, int], taken: Mapping[str, Mapping[int, int]]
    ) -> None:
        for row in self._rows(ends, ACTION):
            told = None if row.value is None else known.told.get(row.value["case_id"])
            if told is None and row.value is not None:  # what counted once decides which later answers count
                known.answers.take(row.value)
            found = None if told is None else known.take(ACTION, row)
            if told is None or found is None:
                continue
            answer = found[1]
            if answer.action_id in taken:
                told.answered.append((answer, taken[answer.action_id]))
            else:
                told.unanswered.append(answer)


def _is_of_case(record: Record) -> bool:
    """Whether an act may be one of a case: the others are many, and need not be decoded."""
    value = record.value or b""
    return any(one.encode() in value for one in ACTS)
