"""Missing persons' cases of a city as the log tells them, and people's wishes into it (``connectors.gateway.case_desk``).

What a case drew is kept sealed, and opened for one answer at a time: with its key it is gone, in every process at once that
shares the folder of keys.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from connectors.gateway import metrics
from connectors.gateway.case_desk import CandidateAnswer, CandidateWish, CaseAnswer, CaseRow
from schemas.catalogue import topic_name
from schemas.errors import BongsuError, Fatal, Invalid, Retriable
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams.cases.candidate_answers import Standing, answer_id
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import CaseTable, KnownCase
from streams.cases.judge import Allowed, judge
from streams.cases.sealing import opened, sealed
from streams.log import log
from streams.operators.case_keeper import Answer, CaseKeeper
from streams.operators.case_refusals import no_case
from streams.operators.case_shelf import CaseShelf, Held
from streams.operators.case_writer import Keys
from streams.operators.publisher import Publisher
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

MISSING, ACCESS, CANDIDATE = "police.missing", "core.access", "core.candidate"
ROUTE, ACTION, GATEWAY = "core.route", "core.action", "gateway"
SETTLES_S, DECIDES_S = 0.5, 5.0
"""The waits for an unknown candidate, and for our own record."""
CHANGED, ANSWERED = "candidate-changed", "candidate-answered"


class LogCases:
    """The cases of one city. *agencies*: those that may open cases; *record*: returns once an act is in ``core.access``."""

    def __init__(
        self,
        city: str,
        following: Following,
        *,
        law: CaseLaw,
        keys: Keys,
        agencies: Collection[str],
        name_of: Callable[[str, str], str],
        record: Callable[[Mapping[str, Any]], object],
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        publish: Callable[[Event], object] | None = None,
    ) -> None:
        self.agencies = agencies
        self._city, self._law, self._keys, self._now_ms = city, law, keys, now_ms
        self._table = CaseTable()
        self._shelf = CaseShelf(self._is_over)
        self._publish = publish or Publisher(city, "cases", bootstrap=bootstrap, wire=wire).publish
        self._keeper = CaseKeeper(
            city,
            lambda: law,
            keys,
            self._table,
            record=record,
            publish=self._publish,
            now_ms=now_ms,
            name_of=name_of,
            until=self._until,
        )
        self._reader = RowReader(wire, f"{city}.gateway.cases")
        self._are_acts_whole = False
        self._followers = {
            topic: Follower(f"cases ({topic})", topic_name(city, topic), following, begin=begin, take=take)
            for topic, begin, take in (
                (MISSING, self._table.clear_rows, self._take_rows),
                (ACCESS, self._begin_acts, self._take_acts),
                (CANDIDATE, self._shelf.clear_candidates, self._taking(self._shelf.take_candidate)),
                (ROUTE, self._shelf.clear_routes, self._taking(self._shelf.take_route)),
                (ACTION, self._shelf.clear_answers, self._taking(self._shelf.take_action)),
            )
        }

    @property
    def trouble(self) -> str | None:
        return next((why for one in self._followers.values() if (why := one.trouble) is not None), None)

    def open(self, asked: Mapping[str, Any], *, agency: str, account_id: str) -> CaseAnswer:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        self._check_log()
        return _told(self._keeper.open(asked, agency=agency, account_id=account_id))

    def file(self, case_id: str, filing_id: str, *, agency: str, account_id: str) -> CaseAnswer:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        self._check_log()
        return _told(self._keeper.file(case_id, filing_id, agency=agency, account_id=account_id))

    def close(self, case_id: str, reason: str, *, agency: str, account_id: str) -> None:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        self._check_log()
        self._keeper.close(case_id, reason, agency=agency, account_id=account_id)
        self._shelf.forget_over()

    def settle(self) -> list[str]:
        """End the cases that are over, once it is known when they were opened. Call it every second."""
        if not self._are_acts_whole:
            return []
        try:
            return self._keeper.settle()
        finally:
            metrics.stuck_cases.set(len(self._keeper.stuck))
            self._shelf.forget_over()

    def cases(self, agency: str) -> Sequence[CaseRow]:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        of_agency = (one for one in self._table.cases() if one.row["agency"] == agency)
        return [_row(one) for one in of_agency if not self._is_ending(one)]

    def case(self, case_id: str, *, agency: str) -> CaseRow:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        return _row(self._known(case_id, agency))

    def candidates(self, case_id: str, *, agency: str) -> Sequence[Mapping[str, Any]]:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        key = self._key_of(case_id, agency)
        found = (self._opened(CANDIDATE, one, key) for one in self._shelf.candidates(case_id))
        return [one for one in found if one is not None]

    def route(self, case_id: str, *, agency: str) -> Mapping[str, Any] | None:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        key, row = self._key_of(case_id, agency), self._shelf.route(case_id)
        return None if row is None else self._opened(ROUTE, row, key)

    def answer(self, wish: CandidateWish) -> CandidateAnswer:
        """See ``connectors.gateway.case_desk.CaseDesk``."""
        self._check_log()
        key = self._key_of(wish.case_id, wish.agency)
        held = self._found(wish)
        its_id = answer_id(wish.case_id, wish.candidate_id, wish.revision)
        stands = self._shelf.standing(wish.case_id, wish.candidate_id)
        is_repeat = stands is not None and stands.revision >= wish.revision
        if stands is None or not is_repeat:
            if not held.since <= wish.revision <= held.value["revision"]:
                about = (held.value["state"], held.value["revision"])
                return CandidateAnswer(its_id, *about, is_repeat=False, refused=CHANGED)
            self._publish(sealed(answer_event(self._city, wish, now_ms=self._now_ms()), key))
            stands = self._decided(wish)
        is_ours = (stands.action_id, stands.answer, stands.account_id) == (
            its_id,
            wish.answer,
            wish.account_id,
        )
        return CandidateAnswer(
            stands.action_id,
            stands.answer,
            stands.revision,
            is_repeat=is_repeat,
            refused=None if is_ours else ANSWERED,
        )

    def _until(self, is_so: Callable[[], bool]) -> bool:
        """Wait for what the log tells of cases, at most ``DECIDES_S``."""
        return self._followers[MISSING].wait_until(lambda: is_so() or None, DECIDES_S) is not None

    # -- what is known -----------------------------------------------------------------------------------------------

    def _check_log(self) -> None:
        if (why := self.trouble) is not None:
            raise Retriable(why)

    def _known(self, case_id: str, agency: str) -> KnownCase:
        known = self._table.get(case_id)
        if known is None or known.row["agency"] != agency or self._is_ending(known):
            raise no_case("a case of your agency")
        return known

    def _is_ending(self, known: KnownCase) -> bool:
        """Whether its key is gone and its end is not read yet: the row here was opened before, and is shown to nobody."""
        return not known.case.is_closed and self._keys.is_destroyed(known.case.case_id)

    def _key_of(self, case_id: str, agency: str) -> bytes:
        """The key of an open case that the law allows now. ``Invalid`` for any other: nothing of it is shown."""
        known = self._known(case_id, agency)
        try:
            key = self._keys.key(case_id)
        except Fatal:  # damaged: the case ends within a second
            key = None
        if key is None or not isinstance(judge(known.case, self._law, self._now_ms()), Allowed):
            raise no_case("an open case of your agency, whose key is here")
        return key

    def _opened(self, contract: str, value: Mapping[str, Any], key: bytes) -> Mapping[str, Any] | None:
        """*value* opened; ``None`` for one that is not of this key, which is told."""
        try:
            event = opened(Event(contract, value["case_id"], value), key)
        except BongsuError as error:
            log.warning("a row of a case is left out", why=error.what)
            return None
        return None if event is None else event.value

    def _found(self, wish: CandidateWish) -> Held:
        def seen() -> Held | None:
            held = self._shelf.candidate(wish.case_id, wish.candidate_id)
            return None if held is None or held.value["revision"] < wish.revision else held

        held = self._followers[CANDIDATE].wait_until(seen, SETTLES_S)
        held = held or self._shelf.candidate(wish.case_id, wish.candidate_id)
        if held is None:
            raise Invalid(
                "no such candidate",
                field="candidate_id",
                expected="one that GET candidates lists",
                code="no-candidate",
            )
        return held

    def _decided(self, wish: CandidateWish) -> Standing:
        def decided() -> Standing | None:
            stands = self._shelf.standing(wish.case_id, wish.candidate_id)
            return None if stands is None or stands.revision < wish.revision else stands

        if (stands := self._followers[ACTION].wait_until(decided, DECIDES_S)) is None:
            raise Retriable("the log did not answer in time")
        return stands

    def _is_over(self, case_id: str) -> bool:
        known = self._table.get(case_id)
        return (known is not None and known.case.is_closed) or self._keys.is_destroyed(case_id)

    # -- what the log tells ------------------------------------------------------------------------------------------

    def _taking(self, take: Callable[[Mapping[str, Any]], None]) -> Callable[[Sequence[Record], bool], None]:
        def taken(records: Sequence[Record], _is_all: bool) -> None:
            for value in self._reader.values(records):
                take(value)

        return taken

    def _take_rows(self, records: Sequence[Record], _is_all: bool) -> None:
        for row in self._reader.rows(records):
            if row.value is not None:
                self._table.take(self._row_opened(row.key, row.value))

    def _row_opened(self, case_id: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row opened where its key is here, else as it is."""
        try:
            event = opened(Event(MISSING, case_id, value), self._keys.key(case_id))
        except BongsuError:  # settled each second, and told there
            return value
        return (event and event.value) or value

    def _begin_acts(self) -> None:
        self._are_acts_whole = False
        self._table.clear_acts()

    def _take_acts(self, records: Sequence[Record], is_all: bool) -> None:
        for act in self._reader.values(records):
            self._table.take_act(act)
        self._are_acts_whole = self._are_acts_whole or is_all


def answer_event(city: str, wish: CandidateWish, *, now_ms: int) -> Event:
    """*wish* as an event of ``core.action``, not sealed yet."""
    its_id = answer_id(wish.case_id, wish.candidate_id, wish.revision)
    event_id = derived_id("action", city, its_id, wish.account_id, wish.answer)
    value = event_fields(city, GATEWAY, event_id=event_id, event_time_ms=now_ms, received_ms=now_ms) | {
        "action_id": its_id,
        "situation_id": wish.case_id,
        "action": wish.answer,
        "account_id": wish.account_id,
        "role": wish.role,
        "reason": wish.note or wish.answer,
        "other_situation_id": None,
        "incident_ids": [],
        "ground": None,
        "to_domain": None,
        "case_id": wish.case_id,
        "candidate_id": wish.candidate_id,
    }
    return Event(ACTION, wish.case_id, value)


def _row(known: KnownCase) -> CaseRow:
    case = known.case
    return CaseRow(known.row, case.opened_at_ms if case.is_on_record else None, case.filed_at_ms)


def _told(answer: Answer) -> CaseAnswer:
    verdict = answer.verdict
    if isinstance(verdict, Allowed):
        return CaseAnswer(answer.case_id, verdict.legal_ground, verdict.until_ms)
    return CaseAnswer(answer.case_id, refused=verdict.reason, other_grounds=verdict.other_grounds)
