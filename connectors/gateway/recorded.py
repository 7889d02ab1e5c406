"""``GET /v1/{city}/recorded``: the situations, alerts and grants of a past time, as they were written one after the other.

Rows by ``Subscriber.may_read``, fields by ``Subscriber.shown``, as in the lists and the stream of now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics, parameters
from connectors.gateway.limits import Turns
from connectors.gateway.live_place import Place
from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import arguments_of, wrong
from connectors.gateway.problems import Problem
from connectors.gateway.read_documents import described_recorded
from connectors.gateway.reads import answered, iso_of, links
from connectors.gateway.recorded_log import RecordedEvent, RecordedLog
from connectors.gateway.service import Gateway
from connectors.subscribers import Subscriber
from schemas.errors import BongsuError

SPAN_MAX_MS = 25 * 3_600_000
"""The longest time between ``from`` and ``to``: a day, also the one on which clocks are put back."""
AGAIN_S = 1
SITUATION = "core.situation"


def add(app: FastAPI, gateway: Gateway, log: RecordedLog) -> None:
    """Add the path to *app*."""
    recorded = _Recorded(gateway, log)
    app.get("/v1/{city}/recorded", **described_recorded(parameters.RECORDED))(recorded.answer)


@dataclass(frozen=True, slots=True)
class _Recorded:
    gateway: Gateway
    log: RecordedLog
    turns: Turns = field(default_factory=Turns)
    """One reading at a time: each has a consumer of its own and decodes much."""

    async def answer(self, city: str, request: Request) -> Response:
        try:
            account = self.gateway.account_of(request)
            subscriber = self.gateway.subscriber_of(account)
            self.gateway.check_city(city)
            given = request.query_params.multi_items()
            async with self.turns.turn(account.account_id):
                body, cursor = await run_in_threadpool(self._written, subscriber, given)
        except Problem as problem:
            metrics.reads.labels("recorded", problem.status).inc()
            return problem.answer()
        return answered(request, "recorded", body, links(request, cursor))

    def _written(self, subscriber: Subscriber, given: Sequence[tuple[str, str]]) -> tuple[bytes, str | None]:
        wanted, digest = arguments_of(parameters.RECORDED, given), digest_of(given)
        from_ms, to_ms = wanted["from"], wanted["to"]
        if not from_ms < to_ms <= from_ms + SPAN_MAX_MS:
            raise wrong("to", "it is not after from, or more than 25 hours after it", parameters.TO.about)
        after = _place_of(after_of(wanted["cursor"], digest))
        try:
            if after is None:
                self._check_kept(from_ms)
            page = self.log.page(from_ms, to_ms, after, wanted["limit"])
            standing = self.log.standing(from_ms) if after is None else ()
        except BongsuError as error:
            raise Problem(
                503, f"the log cannot be read: {error.what}", code="log-away", retry_after_s=AGAIN_S
            ) from error
        cursor = None if page.after is None else cursor_of((0, page.after.text), digest)
        told = {
            "standing": [
                subscriber.shown(SITUATION, one) for one in standing if subscriber.may_read(SITUATION, one)
            ],
            "events": [
                _shown(subscriber, one) for one in page.events if subscriber.may_read(one.contract, one.value)
            ],
            "next": cursor,
        }
        return orjson.dumps(told), cursor

    def _check_kept(self, from_ms: int) -> None:
        kept_from_ms = self.log.kept_from_ms()
        if kept_from_ms is not None and from_ms < kept_from_ms:
            told = iso_of(kept_from_ms)
            why = f"from: that time is older than what is kept: all is kept since {told}"
            raise Problem(
                410, why, code="no-longer-kept", more={"field": "from", "expected": f"{told} or later"}
            )


def _shown(subscriber: Subscriber, one: RecordedEvent) -> dict[str, Any]:
    value = subscriber.shown(one.contract, one.value)
    return {"at": iso_of(one.at_ms), "contract": one.contract, "data": value}


def _place_of(after: tuple[float, str] | None) -> Place | None:
    """The place in a cursor. ``Problem`` 422 for a cursor that names none."""
    if after is None:
        return None
    if (place := Place.of(after[1])) is None:
        raise wrong("cursor", "it is no cursor of this list", "`next` of the page before, as it is")
    return place
