"""``GET /v1/{city}/surplus``: windows of surplus energy by the log's last word. All may read them; who announced one is
personal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.limits import Turns
from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import CURSOR, LIMITED, SINCE, Parameter, arguments_of, one_of
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import described_list
from connectors.gateway.reads import AGAIN_S, answered, iso_of, links
from connectors.gateway.service import Gateway
from connectors.gateway.surplus_desk import PLANNED, WITHDRAWN, SurplusDesk, SurplusRow
from connectors.subscribers import Subscriber

CONTRACT = "energy.surplus"
STATES = (PLANNED, WITHDRAWN)
STATE = Parameter(
    "state",
    "planned or withdrawn; may come several times. Without it: both.",
    {"type": "string", "enum": list(STATES)},
    one_of(STATES),
    default=STATES,
    is_several=True,
    example=["planned"],
)
PARAMETERS = (STATE, SINCE, LIMITED, CURSOR)


def add(app: FastAPI, gateway: Gateway, desk: SurplusDesk) -> None:
    """Add the route to *app*."""
    route = described_list("surplus", CONTRACT, PARAMETERS)
    app.get("/v1/{city}/surplus", **route)(_Windows(gateway, desk).listed)


@dataclass(frozen=True, slots=True)
class _Windows:
    gateway: Gateway
    desk: SurplusDesk
    turns: Turns = field(default_factory=Turns)

    async def listed(self, city: str, request: Request) -> Response:
        """Check the account, then list a page."""
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
            metrics.reads.labels("surplus", problem.status).inc()
            return problem.answer()
        return answered(request, "surplus", body, links(request, cursor))

    def _page(self, reader: Subscriber, given: Sequence[tuple[str, str]]) -> tuple[bytes, str | None]:
        wanted, digest = arguments_of(PARAMETERS, given), digest_of(given)
        after, since_ms = after_of(wanted["cursor"], digest), wanted["since"] or 0
        found: list[SurplusRow] = []
        cursor = None
        for row in self.desk.windows():
            is_later = after is None or (row.place, row.window_id) < after
            if not is_later or row.state not in wanted["state"] or row.changed_ms < since_ms:
                continue
            if len(found) == wanted["limit"]:
                cursor = cursor_of((found[-1].place, found[-1].window_id), digest)
                break
            found.append(row)
        newest_ms = max((row.changed_ms for row in found), default=None)
        told = {
            "surplus": [reader.shown(CONTRACT, row.value()) for row in found],
            "newest_change": None if newest_ms is None else iso_of(newest_ms),
            "next": cursor,
        }
        return orjson.dumps(told), cursor
