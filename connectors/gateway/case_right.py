"""Who may see a missing person's case over HTTP, and the record of each look."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from fastapi import Request

from connectors.gateway.access import AccessLog
from connectors.gateway.accounts import Account
from connectors.gateway.case_desk import PURPOSE, CaseDesk
from connectors.gateway.log_actions import decided
from connectors.gateway.networks import address_of
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.recorded_acts import RecordedActs
from connectors.gateway.service import Gateway

READ = "case_read"
"""The act of a look; its reason says at what: cases, case, candidates or route."""
DENIED = "case_denied"
"""The act of a refused right; its reason says what was asked for, and what is missing: purpose, audience, role, no-case."""
NO_CASE = "no-case"
A_CASE = re.compile(r"[0-9a-f]{32}")
"""The form of a case's id: what else stands in a path may be anything, and does not enter the log."""
AGAIN = "ask again: what is done is done once"
KINDS_MAX = 10_000
STATUSES = {"key-damaged": 409, "case_id": 404, "candidate_id": 404, "agency_case_no": 409}
NO_RIGHT = "no-right-to-cases"
WORDS: Mapping[str, str] = {
    NO_RIGHT: "this account may not look for missing persons",
    "case-refused": "the law does not allow this case",
    "case-known": "there is or was a case of that number",
    "no-case": "no such open case",
    "key-damaged": "the key of this case is damaged: nobody can read it any more; open a new one with another number",
    "too-many-cases": "too many cases are open: close cases that are over",
    "no-candidate": "no such candidate",
    "unknown-reason": "no such reason",
    "candidate-changed": "the candidate has changed since: look at it again",
    "candidate-answered": "somebody answered before",
}
"""Each refusal's code → what it says in English."""


Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Officer:
    """Who asks: an account of an agency that may open cases."""

    account_id: str
    agency: str
    role: str
    address: str | None


@dataclass(frozen=True, slots=True)
class CaseRight:
    """The right to cases, and the record of looks: one a minute for each account, case and kind of look; of refused rights
    one a minute for each account, kind of wish and what is missing."""

    gateway: Gateway
    desk: CaseDesk
    acts: RecordedActs

    @classmethod
    def of(cls, gateway: Gateway, desk: CaseDesk, log: AccessLog) -> CaseRight:
        """Return the right, whose looks and refusals are written into *log*."""
        return cls(gateway, desk, RecordedActs(log, "who looks or is refused", KINDS_MAX))

    async def officer_of(self, city: str, request: Request, at: str) -> tuple[Account, Officer]:
        """The account and who asks. ``Problem`` 403, on record, for an account without the purpose, or of another agency."""
        account = self.gateway.account_of(request)
        self.gateway.check_city(city)
        role, agency = next(iter(account.acts_as), ""), account.audience or ""
        officer = Officer(account.account_id, agency, role, address_of(request))
        if (missing := self._missing(account)) is not None:
            await self._denied(officer, request, f"{at}: {missing[0]}")
            raise _no_right(*missing)
        return account, officer

    def _missing(self, account: Account) -> tuple[str, str] | None:
        """The field that keeps *account* from cases, and what is expected there."""
        if PURPOSE not in account.purposes:
            return "purpose", PURPOSE
        if account.audience not in self.desk.agencies:
            return "audience", "an agency of [cases] in the city's file"
        if not account.acts_as or account.audience is None:
            return "role", "an operator or a supervisor"
        return None

    async def look(self, officer: Officer, at: str, case_id: str | None) -> None:
        """Put a look on record before it is answered. ``Problem`` 503 where the log does not take it."""
        kind = (officer.account_id, at, case_id or "")
        await self._put(officer, READ, kind, situation_id=case_id, reason=at)

    async def on_record(
        self, problem: Problem, request: Request, at: str, officer: Officer | None
    ) -> Problem:
        """*problem*, once it is on record where *officer* asked for a case that is another agency's, over or none; 503 where
        the log does not take it."""
        if officer is None or problem.more.get("code") != NO_CASE:
            return problem
        try:
            await self._denied(officer, request, f"{at}: {NO_CASE}")
        except Problem as away:
            return away
        return problem

    async def _denied(self, officer: Officer, request: Request, reason: str) -> None:
        """Put a refused right on record. ``Problem`` 503 where the log does not take it."""
        case_id = request.path_params.get("case_id", "")
        its_id = case_id if A_CASE.fullmatch(case_id) else None
        kind = (officer.account_id, reason, DENIED)
        await self._put(officer, DENIED, kind, situation_id=its_id, reason=reason)

    async def _put(
        self, officer: Officer, word: str, kind: tuple[str, str, str], **about: str | None
    ) -> None:
        who = {"account_id": officer.account_id, "address": officer.address}
        act = {"act": word, **who, **about, "purpose": PURPOSE}
        await self.acts.put(kind, act, now_ms=self.gateway.now_ms())

    async def asked(self, act: Callable[[], Found]) -> Found:
        """The desk's answer; a ``Problem`` where it refused, or could not be asked."""
        check_read(self.desk.trouble)
        return await decided(act, statuses=STATUSES, usual_code="wrong-field", how=AGAIN)


def _no_right(name: str, expected: str) -> Problem:
    return Problem(403, WORDS[NO_RIGHT], code=NO_RIGHT, more={"field": name, "expected": expected})
