"""Cases opened, filed and closed: the law judges, the key is made or destroyed, the act is on record, the log is told.

The order makes every crash safe. To open: key, act, event, so that no case is in the log without its act. To close: the key
first, then event and act; ``settle`` makes up for those that a crash left out.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from connectors.gateway.case_desk import PURPOSE
from schemas.errors import Fatal, Invalid, Retriable
from schemas.event import Event, derived_id, event_fields
from streams.cases.case_law import CaseLaw
from streams.cases.case_table import (
    AUTHORISATION_REFUSED,
    DESTROYED,
    FILED,
    OPENED,
    REFUSED,
    CaseTable,
    KnownCase,
    case_of,
)
from streams.cases.judge import UNRECORDED, Allowed, Refused, judge, over_by_time
from streams.cases.sealed_fields import sealed_fields
from streams.cases.sealing import opened, sealed
from streams.log import log

CONTRACT, SOURCE = "police.missing", "gateway"
CLOSED_FOR = ("found", "withdrawn", "mistaken", AUTHORISATION_REFUSED)
"""The words for which a person closes a case; the law's own words come beside them."""
ASKED = (
    "agency_case_no", "ground", "other_ground", "requester", "authorisation_id", "is_urgent", "category", "area",
    "from_time", "until_time", "last_seen", "attributes", "photo_ref",
)  # fmt: skip
CASE_KNOWN, NO_CASE = "case-known", "no-case"
PLATFORM = "platform"
"""The account of ends that nobody asked for: a time that passed, a request that was not filed."""
INTERRUPTED, KEY_DAMAGED = "interrupted", "key_damaged"
MAKES_GOOD_MS = 3_000
"""An end that another process begun and that is not in the log after this time is made good."""
RECORDED_WITHIN_MS = 60_000
"""A case whose opening is not on record after this time is ended: its act is in another topic, and may be read later."""


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
        name_of: Callable[[str, str], str],
    ) -> None:
        """*name_of*: (agency, its number) → the case's id."""
        self._city = city
        self._name_of = name_of
        self._law = law
        self._keys = keys
        self._table = table
        self._record = record
        self._publish = publish
        self._now_ms = now_ms
        self._lock = threading.Lock()
        # case → since when its end is missing; of one turn, so no more than cases
        self._left: dict[str, int] = {}
        self._seen: dict[str, int] = {}

    def open(self, asked: Mapping[str, Any], *, agency: str, account_id: str) -> Answer:
        """Open a case by the fields of ``ASKED``, or refuse it; both are on record. A refused one may be asked for again."""
        with self._lock:
            its_id = self._name_of(agency, asked["agency_case_no"])
            known = self._table.get(its_id)
            if self._keys.is_destroyed(its_id) or (known is not None and not known.case.is_closed):
                raise Invalid(
                    "there is or was a case of that number",
                    field="agency_case_no",
                    expected="a number of its own",
                    code=CASE_KNOWN,
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

    def file(self, its_id: str, filing_id: str, *, agency: str, account_id: str) -> Answer:
        """Record the request for an authorisation. One that comes too late ends the case, and says so; the time of the
        first one counts."""
        with self._lock:
            known, key = self._open_case(its_id, agency), self._keys.key(its_id)
            if key is None:
                raise _no_case()
            if not known.case.is_on_record:
                raise Retriable("the opening of the case is not read yet")
            known = self._opened(known, key)
            filed_at_ms = known.case.filed_at_ms or self._now_ms()
            case = replace(known.case, filing_id=filing_id, filed_at_ms=filed_at_ms)
            verdict = judge(case, self._law(), self._now_ms())
            if isinstance(verdict, Refused):
                self._end(known, verdict.reason, account_id)
            else:
                self._act(FILED, its_id, account_id, reason=filing_id)
                self._tell(self._next(known, filing_id=filing_id), key)
            return Answer(its_id, verdict)

    def close(self, its_id: str, reason: str, *, agency: str, account_id: str) -> None:
        """End a case for one of ``CLOSED_FOR``: its key is destroyed when this returns."""
        if reason not in CLOSED_FOR:
            raise Invalid(
                "no such reason", field="reason", expected=" or ".join(CLOSED_FOR), code="unknown-reason"
            )
        with self._lock:
            if not self._end(self._open_case(its_id, agency), reason, account_id):
                raise _no_case()

    def settle(self) -> list[str]:
        """End the cases that the law ends by now, and finish what a crash left out. Call it every second.

        Several processes may: who destroys a key ends its case, and the others leave it ``MAKES_GOOD_MS`` for that.
        """
        with self._lock:
            self._seen = {}
            found = [(one, self._reason_to_end(one)) for one in self._table.open_cases()]
            # every key goes before anything is told: without Kafka each telling waits
            over = [(one, why) for one, why in found if why is not None and self._is_ours_to_end(one)]
            for known, reason in over:
                self._tell_end(known, reason, PLATFORM)
            for owed in self._table.owed():
                known_end = self._table.get(owed)
                self._keys.destroy(owed)
                if self._is_left(owed):
                    self._act(DESTROYED, owed, PLATFORM, reason=known_end and known_end.row["state_reason"])
            self._left = self._seen
            return [known.case.case_id for known, _ in over]

    def _reason_to_end(self, known: KnownCase) -> str | None:
        """Why the case is over; ``None`` while it is not."""
        its_id, now_ms = known.case.case_id, self._now_ms()
        try:
            key = self._keys.key(its_id)
            known = self._opened(known, key)
        except Fatal as error:  # its own end, and no other case's
            log.warning("a case ends with its damaged key", case=its_id, why=error.what)
            return KEY_DAMAGED
        if key is None:
            if self._keys.is_destroyed(its_id):
                is_left = self._is_left(its_id)
                return (over_by_time(known.case, self._law(), now_ms) or INTERRUPTED) if is_left else None
            return over_by_time(known.case, self._law(), now_ms)  # the key is in a folder of another process
        verdict = judge(known.case, self._law(), now_ms)
        if not isinstance(verdict, Refused):
            return None
        is_fresh = now_ms < known.row["event_time"] + RECORDED_WITHIN_MS
        return None if verdict.reason == UNRECORDED and is_fresh else verdict.reason

    def _opened(self, known: KnownCase, key: bytes | None) -> KnownCase:
        """*known* opened where it was read before its key was there. ``Fatal`` where the key does not open it."""
        if key is None or known.row["sealed"] is None:
            return known
        event = opened(Event(CONTRACT, known.case.case_id, known.row), key)
        self._table.take((event and event.value) or known.row)
        return self._table.get(known.case.case_id) or known

    def _is_left(self, its_id: str) -> bool:
        """Whether the end of *its_id* has been missing for ``MAKES_GOOD_MS``: nobody is about to write it any more."""
        self._seen[its_id] = self._left.get(its_id, self._now_ms())
        return self._now_ms() - self._seen[its_id] >= MAKES_GOOD_MS

    def _open_case(self, its_id: str, agency: str) -> KnownCase:
        known = self._table.get(its_id)
        if known is None or known.row["agency"] != agency or known.case.is_closed:
            raise _no_case()
        if self._keys.is_destroyed(its_id):
            raise _no_case()
        return known

    def _end(self, known: KnownCase, reason: str, account_id: str) -> bool:
        """End the case; false where another process just does."""
        if not self._is_ours_to_end(known):
            return False
        self._tell_end(known, reason, account_id)
        return True

    def _is_ours_to_end(self, known: KnownCase) -> bool:
        """Destroy the key; false where another process has just done so, and tells it."""
        its_id = known.case.case_id
        was_there = self._has_key(its_id)
        return self._keys.destroy(its_id) or not was_there

    def _tell_end(self, known: KnownCase, reason: str, account_id: str) -> None:
        state = "refused" if reason == AUTHORISATION_REFUSED else "closed"
        self._tell({**_bare(self._next(known)), "state": state, "state_reason": reason}, None)
        self._act(DESTROYED, known.case.case_id, account_id, reason=reason)

    def _has_key(self, its_id: str) -> bool:
        try:
            return self._keys.key(its_id) is not None
        except Fatal:  # damaged, and there
            return True

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


def _no_case() -> Invalid:
    return Invalid("no such open case", field="case_id", expected="an open case of your agency", code=NO_CASE)


def _bare(value: Mapping[str, Any]) -> dict[str, Any]:
    """*value* without all that belongs under a key."""
    gone = dict.fromkeys(sealed_fields()[CONTRACT].fields)
    return {**value, **gone, "agency_case_no": "", "attributes": [], "sealed": None}
