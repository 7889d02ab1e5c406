"""``GET /v1/{city}/cases``, ``…/{case_id}``, ``…/candidates``, ``…/route``: for the case's own agency, each look on record.

This is the one way by which candidates and routes leave, opened with the case's key for the answer alone. None is kept by a
cache. Once a case is over, its candidates and route are 404.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.case_desk import CaseRow, Row
from connectors.gateway.case_documents import CANDIDATES, CASES, described_read
from connectors.gateway.case_right import CaseRight, Officer
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem
from connectors.gateway.reads import iso_of
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value

OF_CAMERA_MAX = 10
OPEN = "open"
MISSING, CANDIDATE, ROUTE = "police.missing", "core.candidate", "core.route"


def add(app: FastAPI, right: CaseRight) -> None:
    """Add the routes to *app*."""
    reads = _CaseReads(right)
    app.get("/v1/{city}/cases", **described_read("cases"))(reads.listed)
    app.get("/v1/{city}/cases/{case_id}", **described_read("case"))(reads.one)
    app.get("/v1/{city}/cases/{case_id}/candidates", **described_read("candidates"))(reads.candidates)
    app.get("/v1/{city}/cases/{case_id}/route", **described_read("route"))(reads.route)


@dataclass(frozen=True, slots=True)
class _CaseReads:
    right: CaseRight

    async def listed(self, city: str, request: Request) -> Response:
        async def read(officer: Officer) -> Any:
            wanted = arguments_of(CASES, request.query_params.multi_items())
            found = await self.right.asked(lambda: self.right.desk.cases(officer.agency))
            chosen = [one for one in found if one.value["state"] in wanted["state"]]
            return {"cases": [_case(one) for one in chosen[: wanted["limit"]]]}

        return await self._answer("cases", city, request, None, read)

    async def one(self, city: str, case_id: str, request: Request) -> Response:
        async def read(officer: Officer) -> Any:
            return _case(await self.right.asked(lambda: self.right.desk.case(case_id, agency=officer.agency)))

        return await self._answer("case", city, request, case_id, read)

    async def candidates(self, city: str, case_id: str, request: Request) -> Response:
        async def read(officer: Officer) -> Any:
            wanted = arguments_of(CANDIDATES, request.query_params.multi_items())
            desk = self.right.desk
            found = await self.right.asked(lambda: desk.candidates(case_id, agency=officer.agency))
            best = best_of(
                one for one in found if one["state"] in wanted["state"] or _is_asked_again(one, wanted)
            )
            return {"candidates": [_shown(CANDIDATE, one) for one in best[: wanted["limit"]]]}

        return await self._answer("candidates", city, request, case_id, read)

    async def route(self, city: str, case_id: str, request: Request) -> Response:
        async def read(officer: Officer) -> Any:
            row = await self.right.asked(lambda: self.right.desk.route(case_id, agency=officer.agency))
            return {"route": None if row is None else _shown(ROUTE, row)}

        return await self._answer("route", city, request, case_id, read)

    async def _answer(
        self,
        name: str,
        city: str,
        request: Request,
        case_id: str | None,
        read: Callable[[Officer], Awaitable[Any]],
    ) -> Response:
        """Check the right, put the look on record, and only then read: a case may be closed meanwhile."""
        officer = None
        try:
            _account, officer = await self.right.officer_of(city, request, name)
            if case_id is not None:
                await self.right.asked(lambda: self.right.desk.case(case_id, agency=officer.agency))
            await self.right.look(officer, name, case_id)
            told = await read(officer)
        except Problem as refused:
            problem = await self.right.on_record(refused, request, name, officer)
            metrics.reads.labels(name, problem.status).inc()
            return problem.answer()
        metrics.reads.labels(name, 200).inc()
        headers = {"Cache-Control": "no-store"}
        return Response(orjson.dumps(told), media_type="application/json", headers=headers)


def best_of(candidates: Iterable[Row]) -> list[Row]:
    """The best ten a camera, in the order in which a person should see them; the others follow by likelihood."""
    of_camera: dict[Any, int] = defaultdict(int)  # as many as the case's cameras
    best = []
    for one in sorted(candidates, key=_place_of):
        of_camera[one["camera_id"]] += 1
        if of_camera[one["camera_id"]] <= OF_CAMERA_MAX:
            best.append(one)
    return best


def _place_of(one: Row) -> tuple[float, float, int, str]:
    return -(one["worth"] or 0.0), -_likelihood(one), one["rank"], one["candidate_id"]


def _is_asked_again(one: Row, wanted: Mapping[str, Any]) -> bool:
    """Whether a second look at an answered one is asked for: it waits as the open ones do."""
    return one["worth"] is not None and OPEN in wanted["state"]


def _likelihood(one: Row) -> float:
    return (one["appearance_log_ratio"] or 0.0) + (one["travel_log_ratio"] or 0.0)


def _case(row: CaseRow) -> dict[str, Any]:
    opened, filed = (None if ms is None else iso_of(ms) for ms in (row.opened_ms, row.filed_ms))
    is_readable = row.value["sealed"] is None
    return {
        **_shown(MISSING, row.value),
        "opened_at": opened,
        "filed_at": filed,
        "is_readable": is_readable,
    }


def _shown(contract: str, value: Row) -> dict[str, Any]:
    shown: Mapping[str, Any] = to_json_value(load_catalogue()[contract].newest, value)
    return {name: one for name, one in shown.items() if name != "sealed"}
