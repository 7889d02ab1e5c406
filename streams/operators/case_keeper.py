"""Cases opened, filed and closed: the law judges, the key is made or destroyed, the act is on record, the log is told.

The order makes every crash safe. To open: key, act, event, so that no case is in the log without its act. To close: the key
first, then event and act; ``settle`` makes up for those that a crash left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.transport.case_keys import DESTROYED
from schemas.errors import Fatal, Invalid, Retriable
from schemas.event import Event
from streams.cases.case_acts import FILED, OPENED, REFUSED
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import (
    AUTHORISATION_REFUSED,
    OPEN,
    CaseTable,
    KnownCase,
    case_of,
    is_over_for_good,
)
from streams.cases.judge import Allowed, Refused, judge
from streams.operators.case_ends import CaseEnds
from streams.operators.case_refusals import CASE_KNOWN, case_known, key_damaged, key_of, no_case
from streams.operators.case_writer import CaseWriter, Keys, bare, written

CLOSED_FOR = ("found", "withdrawn", "mistaken", AUTHORISATION_REFUSED)
"""The words for which a person closes a case; the law's own words come beside them."""
ASKED = (
    "agency_case_no", "ground", "other_ground", "requester", "authorisation_id", "is_urgent", "category", "area",
    "from_time", "until_time", "last_seen", "attributes", "photo_ref",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """The law's answer to a wish."""

    case_id: str
    verdict: Allowed | Refused


class CaseKeeper:
    """The cases of one city. *record* returns once an act is safe in ``core.access``, *publish* once an event is."""

    def __init__(
        self,
        city: str,
        law: Callable[[], CaseLaw],
        keys: Keys,
        table: CaseTable,
        *,
        record: Callable[[Mapping[str, Any]], object],
        publish: Callable[[Event], object],
        now_ms: Callable[[], int],
        name_of: Callable[[str, str], str],
        until: Callable[[Callable[[], bool]], bool] = lambda is_so: True,
    ) -> None:
        """*name_of*: (agency, its number) → the case's id. *until*: wait until something is so by what was read of the log;
        false where it is not in time."""
        self._writer = CaseWriter(city, keys, table, record, publish, now_ms)
        self._ends = CaseEnds(self._writer, law)
        self._law, self._keys, self._table, self._now_ms = law, keys, table, now_ms
        self._name_of, self._until = name_of, until
        self._lock = threading.Lock()

    def open(self, asked: Mapping[str, Any], *, agency: str, account_id: str) -> Answer:
        """Open a case by the fields of ``ASKED``, or refuse it; both are on record. A refused one may be asked for again.

        The log decides which of two openings counts. Asking again for the same is answered as before: somebody whom no
        answer reached does not know that it is open.
        """
        with self._lock:
            its_id = self._name_of(agency, asked["agency_case_no"])
            known = self._table.get(its_id)
            # over for good, by a key here that was destroyed or by an end that a process with another folder told
            if self._keys.is_destroyed(its_id) or (known is not None and is_over_for_good(known.row)):
                raise case_known(its_id, known)
            if known is not None and not known.case.is_closed:
                return self._asked_again(known, asked)
            now_ms = self._now_ms()
            value = self._value(asked, its_id, agency, 0 if known is None else known.row["revision"] + 1)
            verdict = judge(case_of(value), self._law(), now_ms)
            if isinstance(verdict, Refused):
                self._writer.act(REFUSED, its_id, account_id, reason=verdict.reason)
                self._writer.tell({**bare(value), "state": "refused", "state_reason": verdict.reason}, None)
                return Answer(its_id, verdict)
            key = self._made_key(its_id, account_id)
            self._writer.act(OPENED, its_id, account_id, legal_ground=verdict.legal_ground)
            self._writer.tell(value, key)
            self._read_back(its_id)
            stands = self._table.get(its_id)
            if stands is None:
                raise Retriable("the log is just read anew")
            if stands.row["event_id"] == value["event_id"] or self._is_asked_for(stands, asked, key):
                return Answer(its_id, verdict)
            self._writer.act(REFUSED, its_id, account_id, reason=CASE_KNOWN)
            raise case_known(its_id, stands)

    def _made_key(self, its_id: str, account_id: str) -> bytes:
        """The key of a new case. ``Invalid``, on record, where it can have none."""
        try:
            return self._keys.make(its_id)
        except Fatal:
            refused = key_damaged()
        except Invalid as error:
            refused = case_known(its_id, None) if error.code == DESTROYED else error
        self._writer.act(REFUSED, its_id, account_id, reason=refused.code)
        raise refused

    def _is_asked_for(self, known: KnownCase, asked: Mapping[str, Any], key: bytes | None) -> bool:
        """Whether *known* is an open case that was asked for by the same words: its row's bytes would be the same."""
        row = self._opened(known, key).row
        return row["state"] == OPEN and written(row) == written(
            {**row, **{name: asked[name] for name in ASKED}}
        )

    def _asked_again(self, known: KnownCase, asked: Mapping[str, Any]) -> Answer:
        """The answer to the same wish as before. ``Invalid`` for another wish about a case that is open."""
        its_id = known.case.case_id
        self._read_back(its_id)
        key = key_of(self._keys, its_id)
        known = self._opened(self._table.get(its_id) or known, key)
        if not known.case.is_on_record:
            raise Retriable("the opening of the case is not read yet")
        verdict = judge(known.case, self._law(), self._now_ms())
        if isinstance(verdict, Refused) or not self._is_asked_for(known, asked, key):
            raise case_known(its_id, known)
        return Answer(its_id, verdict)

    def _read_back(self, its_id: str) -> None:
        if not self._until(lambda: self._table.is_read(its_id)):
            raise Retriable("the log did not answer in time")

    def file(self, its_id: str, filing_id: str, *, agency: str, account_id: str) -> Answer:
        """Record the request for an authorisation. One that comes too late ends the case, and says so; the time of the
        first one counts."""
        with self._lock:
            known, key = self._open_case(its_id, agency), key_of(self._keys, its_id)
            if key is None:
                raise no_case()
            if not known.case.is_on_record:
                raise Retriable("the opening of the case is not read yet")
            known = self._opened(known, key)
            filed_at_ms = known.case.filed_at_ms or self._now_ms()
            case = replace(known.case, filing_id=filing_id, filed_at_ms=filed_at_ms)
            verdict = judge(case, self._law(), self._now_ms())
            if isinstance(verdict, Refused):
                self._ends.end(known, verdict.reason, account_id)
            else:
                self._writer.act(FILED, its_id, account_id, reason=filing_id)
                self._writer.tell(self._writer.next(known, filing_id=filing_id), key)
            return Answer(its_id, verdict)

    def close(self, its_id: str, reason: str, *, agency: str, account_id: str) -> None:
        """End a case for one of ``CLOSED_FOR``: its key is destroyed when this returns."""
        if reason not in CLOSED_FOR:
            raise Invalid(
                "no such reason", field="reason", expected=" or ".join(CLOSED_FOR), code="unknown-reason"
            )
        with self._lock:
            if not self._ends.end(self._open_case(its_id, agency), reason, account_id):
                raise no_case()

    def settle(self) -> list[str]:
        """See ``CaseEnds.settle``."""
        with self._lock:
            return self._ends.settle()

    @property
    def stuck(self) -> Collection[str]:
        """See ``CaseEnds.stuck``."""
        return self._ends.stuck

    def _opened(self, known: KnownCase, key: bytes | None) -> KnownCase:
        """*known* opened. ``Invalid`` where the key is not that of its row."""
        try:
            return self._writer.opened(known, key)
        except Fatal as error:
            raise key_damaged() from error

    def _open_case(self, its_id: str, agency: str) -> KnownCase:
        known = self._table.get(its_id)
        if known is None or known.row["agency"] != agency or known.case.is_closed:
            raise no_case()
        if self._keys.is_destroyed(its_id):
            raise no_case()
        return known

    def _value(self, asked: Mapping[str, Any], its_id: str, agency: str, revision: int) -> dict[str, Any]:
        return self._writer.head(its_id, revision) | {
            "case_id": its_id,
            "revision": revision,
            "agency": agency,
            "state": "open",
            "state_reason": None,
            "filing_id": None,
            "sealed": None,
            **{name: asked[name] for name in ASKED},
        }
