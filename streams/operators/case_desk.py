"""Cases opened, filed and closed: the law judges, the key is made or destroyed, the act is on record, the log is told.

The order makes every crash safe. To open: key, act, event, so that no case is in the log without its act. To close: the key
first, then event and act; ``settle`` makes up for those that a crash left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from schemas.errors import Invalid
from schemas.event import Event, case_id, derived_id, event_fields
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import DESTROYED, FILED, OPENED, REFUSED, CaseTable, KnownCase, case_of
from streams.cases.judge import Allowed, Refused, judge
from streams.cases.sealed_fields import sealed_fields
from streams.cases.sealing import sealed

CONTRACT, SOURCE, PURPOSE = "police.missing", "gateway", "missing-person"
AUTHORISATION_REFUSED = "authorisation_refused"
CLOSED_FOR = ("found", "withdrawn", "mistaken", AUTHORISATION_REFUSED)
"""The words for which a person closes a case; the law's own words come beside them."""
ASKED = (
    "agency_case_no", "ground", "other_ground", "requester", "authorisation_id", "is_urgent", "category", "area",
    "from_time", "until_time", "last_seen", "attributes", "photo_ref",
)  # fmt: skip
PLATFORM = "platform"
"""The account of ends that nobody asked for: a time that passed, a request that was not filed."""


class Keys(Protocol):
    """The keys of cases (``connectors.transport.case_keys``)."""

    def make(self, case_id: str) -> bytes: ...

    def key(self, case_id: str) -> bytes | None: ...

    def is_destroyed(self, case_id: str) -> bool: ...

    def destroy(self, case_id: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """The law's answer to a wish."""

    case_id: str
    verdict: Allowed | Refused


class CaseDesk:
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
    ) -> None:
        self._city = city
        self._law = law
        self._keys = keys
        self._table = table
        self._record = record
        self._publish = publish
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def open(self, asked: Mapping[str, Any], *, agency: str, account_id: str) -> Answer:
        """Open a case by the fields of ``ASKED``, or refuse it; both are on record. A refused one may be asked for again."""
        with self._lock:
            its_id = case_id(self._city, SOURCE, asked["agency_case_no"], agency=agency)
            known = self._table.get(its_id)
            if self._keys.is_destroyed(its_id) or (known is not None and not known.case.is_closed):
                raise Invalid(
                    "there is or was a case of that number",
                    field="agency_case_no",
                    expected="a number of its own",
                    code="case-known",
                )
            now_ms = self._now_ms()
            value = self._value(asked, its_id, agency, 0 if known is None else known.row["revision"] + 1)
            verdict = judge(case_of(value), self._law(), now_ms)
            if isinstance(verdict, Refused):
                self._act(REFUSED, its_id, account_id, reason=verdict.reason)
                self._tell({**_bare(value), "state": "refused", "state_reason": verdict.reason}, None)
                return Answer(its_id, verdict)
            key = self._keys.make(its_id)
            self._act(OPENED, its_id, account_id, legal_ground=verdict.legal_ground)
            self._tell(value, key)
            return Answer(its_id, verdict)

    def file(self, its_id: str, filing_id: str, *, account_id: str) -> Answer:
        """Record the request for an authorisation. One that comes too late ends the case, and says so."""
        with self._lock:
            known = self._open_case(its_id)
            case = replace(known.case, filing_id=filing_id, filed_at_ms=self._now_ms())
            verdict = judge(case, self._law(), self._now_ms())
            if isinstance(verdict, Refused):
                self._end(known, verdict.reason, account_id)
            else:
                self._act(FILED, its_id, account_id, reason=filing_id)
                self._tell(self._next(known, filing_id=filing_id), self._keys.key(its_id))
            return Answer(its_id, verdict)

    def close(self, its_id: str, reason: str, *, account_id: str) -> None:
        """End a case for one of ``CLOSED_FOR``: its key is destroyed when this returns."""
        if reason not in CLOSED_FOR:
            raise Invalid(
                "no such reason", field="reason", expected=" or ".join(CLOSED_FOR), code="unknown-reason"
            )
        with self._lock:
            self._end(self._open_case(its_id), reason, account_id)

    def settle(self) -> list[str]:
        """End the cases that the law ends by now, and finish what a crash left out. Call it every second."""
        with self._lock:
            ended = []
            for known in list(self._table.open_cases()):
                its_id = known.case.case_id
                if self._keys.key(its_id) is None:
                    self._end(known, "interrupted", PLATFORM)
                elif isinstance(verdict := judge(known.case, self._law(), self._now_ms()), Refused):
                    self._end(known, verdict.reason, PLATFORM)
                else:
                    continue
                ended.append(its_id)
            for its_id in self._table.owed():
                over = self._table.get(its_id)
                self._keys.destroy(its_id)
                self._act(DESTROYED, its_id, PLATFORM, reason=over and over.row["state_reason"])
            return ended

    def _open_case(self, its_id: str) -> KnownCase:
        known = self._table.get(its_id)
        if known is None or known.case.is_closed or self._keys.key(its_id) is None:
            raise Invalid("no such open case", field="case_id", expected="an open case", code="no-case")
        return known

    def _end(self, known: KnownCase, reason: str, account_id: str) -> None:
        its_id = known.case.case_id
        self._keys.destroy(its_id)
        state = "refused" if reason == AUTHORISATION_REFUSED else "closed"
        self._tell({**_bare(self._next(known)), "state": state, "state_reason": reason}, None)
        self._act(DESTROYED, its_id, account_id, reason=reason)

    def _value(self, asked: Mapping[str, Any], its_id: str, agency: str, revision: int) -> dict[str, Any]:
        return self._head(its_id, revision) | {
            "case_id": its_id,
            "revision": revision,
            "agency": agency,
            "state": "open",
            "state_reason": None,
            "filing_id": None,
            "sealed": None,
            **{name: asked[name] for name in ASKED},
        }

    def _next(self, known: KnownCase, **changed: Any) -> dict[str, Any]:
        """The next revision of a case."""
        revision = known.row["revision"] + 1
        head = self._head(known.case.case_id, revision)
        return {**known.row, **head, "revision": revision, **changed}

    def _head(self, its_id: str, revision: int) -> dict[str, Any]:
        now_ms = self._now_ms()
        event_id = derived_id("missing", self._city, its_id, revision, now_ms)
        return event_fields(self._city, SOURCE, event_id=event_id, event_time_ms=now_ms, received_ms=now_ms)

    def _tell(self, value: dict[str, Any], key: bytes | None) -> None:
        """Publish a revision; without a key only one that has nothing to seal."""
        event = Event(CONTRACT, value["case_id"], value)
        self._publish(event if key is None else sealed(event, key))
        self._table.take(value)

    def _act(self, word: str, its_id: str, account_id: str, **about: Any) -> None:
        act = {"act": word, "account_id": account_id, "situation_id": its_id, "purpose": PURPOSE, **about}
        self._record(act)
        self._table.take_act({**act, "at": self._now_ms()})


def _bare(value: Mapping[str, Any]) -> dict[str, Any]:
    """*value* without all that belongs under a key."""
    gone = {name: value[name] for name in sealed_fields()[CONTRACT].fields}
    empty = {name: type(one)() if isinstance(one, list | str) else None for name, one in gone.items()}
    return {**value, **empty, "agency_case_no": "", "attributes": [], "sealed": None}
