"""``POST /v1/{city}/cases``, ``…/filing``, ``…/close``, ``…/answers``: cases of missing persons begin and end.

A refusal by the law is 403, on record, and names the grounds that a person may take instead. Of two answers to one
revision of a candidate the first in the log holds, and the other gets 409.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.case_bodies import AnswerBody, CaseEndBody, FilingBody, OpenBody
from connectors.gateway.case_desk import CandidateWish, CaseAnswer
from connectors.gateway.case_documents import described_act
from connectors.gateway.case_right import WORDS, CaseRight, Officer
from connectors.gateway.log_actions import Said, read_body
from connectors.gateway.problems import Problem
from connectors.gateway.reads import iso_of

BODY_BYTES_MAX = 65_536
OPEN, FILE, CLOSE, ANSWER = "open_case", "file_case", "close_case", "answer_candidate"


def add(app: FastAPI, right: CaseRight) -> None:
    """Add the routes to *app*."""
    acts, one = _CaseActs(right), "/v1/{city}/cases/{case_id}"
    app.post("/v1/{city}/cases", **described_act(OPEN, OpenBody))(acts.open)
    app.post(f"{one}/filing", **described_act(FILE, FilingBody))(acts.file)
    app.post(f"{one}/close", **described_act(CLOSE, CaseEndBody))(acts.close)
    path = f"{one}/candidates/{{candidate_id}}/answers"
    app.post(path, **described_act(ANSWER, AnswerBody))(acts.answer)


@dataclass(frozen=True, slots=True)
class _CaseActs:
    right: CaseRight

    async def open(self, city: str, request: Request) -> Response:
        async def act(account: Account, officer: Officer) -> tuple[int, Any]:
            asked = (await self._body(OpenBody, request, account)).asked()
            who = {"agency": officer.agency, "account_id": officer.account_id}
            return 201, _allowed(await self.right.asked(lambda: self.right.desk.open(asked, **who)))

        return await self._answer(OPEN, city, request, act)

    async def file(self, city: str, case_id: str, request: Request) -> Response:
        async def act(account: Account, officer: Officer) -> tuple[int, Any]:
            body = await self._body(FilingBody, request, account)
            who = {"agency": officer.agency, "account_id": officer.account_id}
            filed = await self.right.asked(lambda: self.right.desk.file(case_id, body.filing_id, **who))
            return 200, _allowed(filed)

        return await self._answer(FILE, city, request, act)

    async def close(self, city: str, case_id: str, request: Request) -> Response:
        async def act(account: Account, officer: Officer) -> tuple[int, Any]:
            body = await self._body(CaseEndBody, request, account)
            who = {"agency": officer.agency, "account_id": officer.account_id}
            await self.right.asked(lambda: self.right.desk.close(case_id, body.reason, **who))
            return 200, {"case_id": case_id, "state_reason": body.reason}

        return await self._answer(CLOSE, city, request, act)

    async def answer(self, city: str, case_id: str, candidate_id: str, request: Request) -> Response:
        async def act(account: Account, officer: Officer) -> tuple[int, Any]:
            body = await self._body(AnswerBody, request, account)
            wish = CandidateWish(
                case_id,
                candidate_id,
                body.revision,
                body.answer,
                body.note,
                officer.account_id,
                officer.agency,
                officer.role,
            )
            done = await self.right.asked(lambda: self.right.desk.answer(wish))
            told = {"action_id": done.action_id, "answer": done.answer, "revision": done.revision}
            if done.refused is not None:
                raise Problem(409, WORDS[done.refused], code=done.refused, more=told)
            return 202, {**told, "repeated": done.is_repeat}

        return await self._answer(ANSWER, city, request, act)

    async def _body(self, form: type[Said], request: Request, account: Account) -> Said:
        return read_body(form, await self.right.gateway.body(request, account, bytes_max=BODY_BYTES_MAX))

    async def _answer(
        self,
        word: str,
        city: str,
        request: Request,
        act: Callable[[Account, Officer], Awaitable[tuple[int, Any]]],
    ) -> Response:
        """Check the right, then act once."""
        officer = None
        try:
            account, officer = await self.right.officer_of(city, request, word)
            status, told = await act(account, officer)
        except Problem as refused:
            problem = await self.right.on_record(refused, request, word, officer)
            metrics.actions.labels(word, problem.status).inc()
            return problem.answer()
        metrics.actions.labels(word, status).inc()
        headers = {"Cache-Control": "no-store"}
        return Response(orjson.dumps(told), status, headers, "application/json")


def _allowed(answer: CaseAnswer) -> dict[str, Any]:
    """The law's leave. ``Problem`` 403 with its reason and the other grounds where it gives none."""
    if answer.refused is not None:
        grounds = dict(answer.other_grounds or {})
        more = {"case_id": answer.case_id, "reason": answer.refused, "other_grounds": grounds}
        raise Problem(
            403, f"the law does not allow this case: {answer.refused}", code="case-refused", more=more
        )
    until = None if answer.until_ms is None else iso_of(answer.until_ms)
    return {"case_id": answer.case_id, "legal_ground": answer.legal_ground, "until": until}
