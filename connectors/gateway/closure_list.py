"""``GET /v1/{city}/closures``: what is closed as it stands by the log, and what was. Each audience sees all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.closure_desk import ClosureDesk, ClosureRow
from connectors.gateway.limits import Turns
from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import CURSOR, LIMITED, SINCE, Parameter, arguments_of, one_of
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import described_list
from connectors.gateway.reads import AGAIN_S, answered, iso_of, links
from connectors.gateway.service import Gateway
from connectors.subscribers import Subscriber
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from schemas.masking import masked

CONTRACT = "core.closure"
STATES = ("open", "over")
STATE = Parameter(
    "state",
    "Where the closure stands; may come several times. Without it: open.",
    {"type": "string", "enum": list(STATES)},
    one_of(STATES),
    default=("open",),
    is_several=True,
    example=["open"],
)
PARAMETERS = (STATE, SINCE, LIMITED, CURSOR)


def add(app: FastAPI, gateway: Gateway, desk: ClosureDesk) -> None:
    """Add the route to *app*."""
    reads = _ClosureReads(gateway, desk)
    app.get("/v1/{city}/closures", **described_list("closures", CONTRACT, PARAMETERS))(reads.listed)


@dataclass(frozen=True, slots=True)
class _ClosureReads:
    gateway: Gateway
    desk: ClosureDesk
    turns: Turns = field(default_factory=Turns)

    async def listed(self, city: str, request: Request) -> Response:
        given = request.query_params.multi_items()
        try:
            account = self.gateway.account_of(request)
            reader = self.gateway.subscriber_of(account)
            self.gateway.check_city(city)
            if (why := self.desk.trouble) is not None:
                raise Problem(
                    503, f"the log is not read to its end: {why}", code="not-ready", retry_after_s=AGAIN_S
                )
            async with self.turns.turn(account.account_id):
                body, cursor = await run_in_threadpool(self._page, reader, given)
        except Problem as problem:
            metrics.reads.labels("closures", problem.status).inc()
            return problem.answer()
        return answered(request, "closures", body, links(request, cursor))

    def _page(self, reader: Subscriber, given: Sequence[tuple[str, str]]) -> tuple[bytes, str | None]:
        wanted, digest = arguments_of(PARAMETERS, given), digest_of(given)
        found: list[ClosureRow] = []
        cursor = None
        for row in self._chosen(wanted, after_of(wanted["cursor"], digest)):
            if len(found) == wanted["limit"]:
                cursor = cursor_of((found[-1].place, found[-1].closure_id), digest)
                break
            found.append(row)
        newest_ms = max((row.changed_ms for row in found), default=None)
        told = {
            "closures": [_shown(reader, row) for row in found],
            "newest_change": None if newest_ms is None else iso_of(newest_ms),
            "next": cursor,
        }
        return orjson.dumps(told), cursor

    def _chosen(self, wanted: Mapping[str, Any], after: tuple[float, str] | None) -> Iterator[ClosureRow]:
        since_ms = wanted["since"] or 0
        for row in self.desk.closures():
            is_later = after is None or (row.place, row.closure_id) < after
            if is_later and row.state in wanted["state"] and row.changed_ms >= since_ms:
                yield row


def _shown(reader: Subscriber, row: ClosureRow) -> dict[str, Any]:
    """The closure, without the account that acted on it: the public never sees that, others for a purpose of the law."""
    value = to_json_value(load_catalogue()[CONTRACT].newest, row.value)
    is_cleared = reader.is_cleared and reader.audience is not None
    return masked(CONTRACT, value, identifying=is_cleared, located=is_cleared)
