"""The searches of a city's open cases: begun, fed, answered, told under each case's key, dropped when a case is over.

Each told row says in a header up to where sightings were taken, and for which answer it was told; so a start puts each
answer where it stood. A case that fails is given up alone, until its next revision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import orjson
from confluent_kafka import KafkaException

from schemas.errors import BongsuError, Fatal, Retriable, Unreachable
from schemas.event import Event, derived_id, event_fields
from streams import metrics_persons
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import KnownCase
from streams.cases.judge import Allowed, Case, judge
from streams.cases.sealing import sealed
from streams.log import log
from streams.persons.analytic_table import AnalyticTable
from streams.persons.persons_numbers import PersonsNumbers
from streams.runtime.kafka import Fenced
from streams.runtime.transaction import Outbox
from streams.sightings.case_ground import search_of, stops_of
from streams.sightings.case_view import CaseView
from streams.sightings.looking_back import TRIPS, LookingBack, PastLook
from streams.sightings.pursuit import ANSWERED_MAX, PersonAnswer, Pursuit
from streams.sightings.sighting_columns import SightingColumns, SightingReader
from streams.stages.open_chase import Chase
from streams.stages.persons_known import ANSWER, CANDIDATE, ROUTE, TAKEN, Known, OpeningKeys

SOURCE = "persons"
BOARDED_MS = 3_600_000
"""A ride may have begun so long before the first sighting of a case."""


@dataclass(frozen=True, slots=True)
class CaseSettings:
    """A city's settings of its searches."""

    city: str
    group: str
    numbers: PersonsNumbers
    law: CaseLaw
    keys: OpeningKeys
    table: AnalyticTable
    sightings: SightingReader


@dataclass(slots=True)
class Chases:
    """The open cases and their searches."""

    settings: CaseSettings
    known: Known
    back: LookingBack
    chases: dict[str, Chase] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)
    """Case → the revision at which it was given up."""
    slot: int = 0

    def see(self, many: SightingColumns) -> None:
        """Show sightings to each case."""
        for chase in list(self.chases.values()):
            self.guarded(chase, partial(self._show, chase, many))

    def _show(self, chase: Chase, many: SightingColumns) -> None:
        if not chase.is_ready:
            rows, _ = chase.pursuit.view.allowed(many, chase.verdict, self.known.now_ms or 0)
            chase.waits_for(many.rows(rows))
        elif chase.pursuit.see(many, chase.verdict, self.known.now_ms or 0):
            chase.is_changed = True

    def resume(self) -> None:
        """Begin again the searches of before a start, as of the newest tick."""
        if self.known.now_ms is not None:
            self.slot = self._slot(self.known.now_ms)
            self.settle()
            for chase in self.chases.values():
                chase.is_begun_again = True

    def tick(self, now_ms: int, outbox: Outbox) -> None:
        """Settle the cases at *now_ms*, and tell what changed once in ``rank_s``."""
        self.known.now_ms = max(now_ms, self.known.now_ms or 0)
        self.settle()
        self.end_looks(outbox)
        slot = self._slot(self.known.now_ms)
        if slot == self.slot:
            return
        self.slot = slot
        for chase in list(self.chases.values()):
            if chase.is_ready and chase.is_changed:
                self.guarded(chase, partial(self.tell, chase, outbox))

    def take_answer(self, case_id: str, one: PersonAnswer, outbox: Outbox) -> None:
        """Take a person's answer to a candidate of *case_id*; of a case that is not looked for it counts nothing."""
        chase = self.chases.get(case_id)
        if chase is not None:
            self.guarded(chase, partial(self.answer, chase, one, outbox))

    def _slot(self, now_ms: int) -> int:
        return int(now_ms // (self.settings.numbers.rank_s * 1000))

    # -- cases ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Begin the searches of cases that may be looked for by now, and drop all others."""
        now_ms = self.known.now_ms or 0
        allowed: dict[str, tuple[KnownCase, Allowed]] = {}
        for one in self.known.table.open_cases():
            verdict = judge(one.case, self.settings.law, now_ms)
            its_id = one.case.case_id
            if isinstance(verdict, Allowed) and self._key(its_id, one.row["revision"]) is not None:
                allowed[its_id] = (one, verdict)
        for its_id in self.chases.keys() - allowed.keys():
            del self.chases[its_id]
        looks = []
        for its_id, (known, verdict) in allowed.items():
            chase = self.chases.get(its_id)
            if chase is not None and self._has_other_cameras(chase):
                looks += self._begun(known, verdict, chase)
            elif chase is not None:
                chase.verdict, chase.cameras_version = verdict, self.known.cameras_version
            elif self.damaged.get(its_id) != known.row["revision"]:
                looks += self._begun(known, verdict)
        if looks:
            self.back.begin(looks, self.known.taken)

    def _has_other_cameras(self, chase: Chase) -> bool:
        """Whether other cameras are in the case's area than when its search began."""
        if chase.cameras_version == self.known.cameras_version:
            return False
        view = chase.pursuit.view
        return view.cameras_of(self.known.cameras.values()) != view.cameras

    def _begun(self, known: KnownCase, verdict: Allowed, before: Chase | None = None) -> list[PastLook]:
        """Begin one search; it is not ready before it has looked back. *before*: the search that it takes the place of."""
        case, places = known.case, self.known
        try:
            view = CaseView(case, self.settings.law, list(places.cameras.values()), self.settings.table.names)
            stops = stops_of(case, places.stops, self.settings.numbers.stops_max)
            search = search_of(
                case, known.row, view.cameras, stops, self.settings.numbers, self.settings.table
            )
            pursuit = Pursuit(view, search, self.settings.numbers, self.settings.sightings.value)
            told = places.told_of(case.case_id) if before is None else before.told
            pursuit.restore(told.candidates, told.route)
        except Exception as error:  # one case must not stop the others
            self._give_up(case.case_id, known.row["revision"], error)
            return []
        numbers = {name: number for number, name in enumerate(stops)}
        version = places.buses.version
        self.chases[case.case_id] = Chase(
            pursuit,
            verdict,
            is_begun_again=before is not None,
            stops=numbers,
            calls_version=version,
            cameras_version=places.cameras_version,
            answered=list(told.answered),
            answers=told.unanswered,
        )
        calls = places.buses.at(numbers, from_ms=_calls_from_ms(case))
        return [PastLook(pursuit, verdict, places.now_ms or 0, told.answered, calls)]

    def end_looks(self, outbox: Outbox) -> None:
        """Go on with the cases that have looked back: first what waited, then the live flow."""
        for look in self.back.done():
            chase = self.chases.get(look.pursuit.case_id)
            if chase is not None and chase.pursuit is look.pursuit:
                self.guarded(chase, partial(self._ready, chase, look, outbox))
        while self.back.seconds:
            metrics_persons.persons_back.labels(self.settings.group).observe(self.back.seconds.pop())

    def _ready(self, chase: Chase, look: PastLook, outbox: Outbox) -> None:
        if look.error is not None:
            raise look.error
        for many in chase.sightings:
            chase.pursuit.see(many, chase.verdict, self.known.now_ms or 0)
        chase.sightings.clear()
        chase.is_ready, answers, chase.answers = True, chase.answers, []
        for one in answers:
            self.answer(chase, one, outbox)
        if not chase.is_begun_again:
            self.tell(chase, outbox)

    def answer(self, chase: Chase, one: PersonAnswer, outbox: Outbox) -> None:
        if not chase.is_ready:
            chase.answers.append(one)
            return
        self._know_calls(chase)
        candidate_id = chase.pursuit.answer(one)
        if candidate_id is not None:
            chase.answered.append((one, self._ends()))
            del chase.answered[:-ANSWERED_MAX]
            self.tell(chase, outbox, candidate_id, one.action_id)

    def _ends(self) -> dict[int, int]:
        """The offsets up to which sightings were taken, by partition, and calls of buses, under ``TRIPS``."""
        return {**self.known.taken, TRIPS: self.known.buses.end}

    def _know_calls(self, chase: Chase) -> None:
        buses = self.known.buses
        if chase.calls_version != buses.version:
            calls = buses.at(chase.stops, from_ms=_calls_from_ms(chase.pursuit.view.case))
            chase.pursuit.calls, chase.calls_version = calls.before(None), buses.version

    def guarded(self, chase: Chase, do: Callable[[], None]) -> None:
        """Do something for one case; where it fails, that case alone is given up."""
        try:
            do()
        except (Retriable, Unreachable, Fenced, KafkaException):
            raise
        except Exception as error:  # one case must not stop the others
            known = self.known.table.get(chase.pursuit.case_id)
            revision = -1 if known is None else known.row["revision"]
            self._give_up(chase.pursuit.case_id, revision, error)

    def _give_up(self, its_id: str, revision: int, error: Exception) -> None:
        self.chases.pop(its_id, None)
        if self.damaged.get(its_id) == revision:
            return
        self.damaged[its_id] = revision
        metrics_persons.persons_left_out.labels(self.settings.group, "damaged").inc()
        why = error.what if isinstance(error, BongsuError) else type(error).__name__
        log.error(
            "a case is given up until its next revision", stage=self.settings.group, case_id=its_id, why=why
        )

    def _key(self, its_id: str, revision: int) -> bytes | None:
        try:
            return self.settings.keys.key(its_id)
        except Fatal as error:
            self._give_up(its_id, revision, error)
            return None

    # -- rows ----------------------------------------------------------------------------------------------------

    def tell(
        self,
        chase: Chase,
        outbox: Outbox,
        answered: str | None = None,
        action_id: str | None = None,
    ) -> None:
        """Put what changed of a case in the outbox, under its key; nothing where the key is gone."""
        pursuit, chase.is_changed = chase.pursuit, False
        key = self.settings.keys.key(pursuit.case_id)
        if key is None:
            self.chases.pop(pursuit.case_id, None)
            return
        self._know_calls(chase)
        taken = orjson.dumps({str(one): end for one, end in sorted(self._ends().items())})
        for row in pursuit.changed(answered=answered):
            more = [(TAKEN, taken)]
            if action_id is not None and row["candidate_id"] == answered:
                more.append((ANSWER, action_id.encode()))
            outbox.put(sealed(self._event(CANDIDATE, row, row["candidate_id"]), key), more=more)
            metrics_persons.persons_candidates.labels(self.settings.group, row["state"]).inc()
        route = pursuit.new_route()
        if route is not None:
            outbox.put(sealed(self._event(ROUTE, route, ""), key))
            metrics_persons.persons_routes.labels(self.settings.group).inc()

    def _event(self, contract: str, row: dict[str, Any], name: str) -> Event:
        at_ms = self.known.now_ms or 0
        case_id, revision = row["case_id"], row["revision"]
        head = event_fields(
            self.settings.city,
            SOURCE,
            event_id=derived_id(contract, self.settings.city, case_id, name, revision),
            event_time_ms=at_ms,
            received_ms=at_ms,
        )
        return Event(contract, case_id, head | row)


def _calls_from_ms(case: Case) -> int:
    return max(0, (case.from_ms or 0) - BOARDED_MS)
