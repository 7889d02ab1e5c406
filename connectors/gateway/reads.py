"""The reading routes: situations with their revisions and their story, alerts, grants, and cameras near a place.

Rows by ``Subscriber.may_read``, fields by ``Subscriber.shown``; a row that may not be read is 404, as one that is not there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics, parameters
from connectors.gateway.limits import Turns
from connectors.gateway.paging import after_of, cursor_of, digest_of, page_of
from connectors.gateway.parameters import Parameter, arguments_of
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.read_documents import described_cameras, described_list, described_one
from connectors.gateway.readings import Readings
from connectors.gateway.service import Gateway
from connectors.gateway.story import story
from connectors.subscribers import Subscriber
from schemas.iso_time import EPOCH

CACHE = "private, no-cache"
"""A client keeps an answer for itself, and asks with If-None-Match whether it still holds."""


Told = tuple[dict[str, Any], str | None]
"""The body, and the cursor of the next page."""


class FollowsLog(Protocol):
    """A part of the log, followed."""

    @property
    def trouble(self) -> str | None:
        """Why that part is not read to its end; ``None`` when it is."""


@dataclass(frozen=True, slots=True)
class LogReads:
    """Answers readers with what *desk* knows. *not_public*: why it is not for accounts that read public alerts alone."""

    gateway: Gateway
    desk: FollowsLog
    not_public: str = ""
    turns: Turns = field(default_factory=Turns)
    """One reading at a time: threads that compute at once would only take the interpreter from the event loop."""

    def reader_of(self, request: Request, city: str) -> tuple[str, Subscriber]:
        """The account's id, and what it may see. ``Problem`` where that is nothing, or the log is not read to its end."""
        account = self.gateway.account_of(request)
        subscriber = self.gateway.subscriber_of(account)
        self.gateway.check_city(city)
        if self.not_public and subscriber.audience is None:
            raise Problem(403, self.not_public, code="public-only")
        check_read(self.desk.trouble)
        return account.account_id, subscriber

    async def answer(
        self, request: Request, city: str, name: str, told_to: Callable[[Subscriber], Told]
    ) -> Response:
        """Check the account, then answer the reading *name* with what *told_to* gives."""
        try:
            account_id, subscriber = self.reader_of(request, city)

            def written() -> tuple[bytes, str, str | None]:
                told, cursor = told_to(subscriber)
                body = orjson.dumps(told)
                return body, tag_of(body), cursor

            async with self.turns.turn(account_id):
                body, tag, cursor = await run_in_threadpool(written)
        except Problem as problem:
            metrics.reads.labels(name, problem.status).inc()
            return problem.answer()
        response = tagged(request, body, tag, links(request, cursor))
        metrics.reads.labels(name, response.status_code).inc()
        return response


@dataclass(frozen=True, slots=True)
class Listing:
    """A route that lists the rows of *contract* under *name*."""

    name: str
    contract: str
    known: Sequence[Parameter]


LISTINGS = (
    Listing("situations", "core.situation", parameters.SITUATIONS),
    Listing("alerts", "core.alert", parameters.ALERTS),
    Listing("grants", "core.grant", parameters.GRANTS),
)


def add(app: FastAPI, gateway: Gateway, readings: Readings) -> None:
    """Add the routes to *app*."""
    reads = _Reads(gateway, readings, LogReads(gateway, readings))
    for listing in LISTINGS:
        app.get(
            f"/v1/{{city}}/{listing.name}", **described_list(listing.name, listing.contract, listing.known)
        )(reads.lister(listing))
    app.get("/v1/{city}/situations/{situation_id}", **described_one(parameters.ONE))(reads.situation)
    app.get("/v1/{city}/cameras", **described_cameras(parameters.CAMERAS))(reads.cameras)


@dataclass(frozen=True, slots=True)
class _Reads:
    gateway: Gateway
    readings: Readings
    reads: LogReads

    def lister(self, listing: Listing) -> Callable[..., Awaitable[Response]]:
        async def rows(city: str, request: Request) -> Response:
            def body(subscriber: Subscriber) -> Told:
                return self._page(listing, subscriber, request.query_params.multi_items())

            return await self.reads.answer(request, city, listing.name, body)

        return rows

    async def situation(self, city: str, situation_id: str, request: Request) -> Response:
        def body(subscriber: Subscriber) -> tuple[dict[str, Any], None]:
            wanted = arguments_of(parameters.ONE, request.query_params.multi_items())
            return self._one(subscriber, situation_id, wanted["as_of"]), None

        return await self.reads.answer(request, city, "situation", body)

    async def cameras(self, city: str, request: Request) -> Response:
        def body(subscriber: Subscriber) -> Told:
            if subscriber.audience is None:
                raise Problem(
                    403, "this account reads public alerts alone, not where cameras are", code="public-only"
                )
            return self._near(request.query_params.multi_items())

        return await self.reads.answer(request, city, "cameras", body)

    def _page(self, listing: Listing, subscriber: Subscriber, given: Sequence[tuple[str, str]]) -> Told:
        wanted, digest = arguments_of(listing.known, given), digest_of(given)
        now_ms = self.gateway.now_ms()
        page = page_of(
            listing.contract,
            self.readings.rows(listing.contract, now_ms=now_ms),
            subscriber,
            wanted,
            after=after_of(wanted["cursor"], digest),
            now_ms=now_ms,
        )
        cursor = None if page.after is None else cursor_of(page.after, digest)
        newest = None if page.newest_ms is None else iso_of(page.newest_ms)
        return {listing.name: page.rows, "newest_change": newest, "next": cursor}, cursor

    def _one(self, subscriber: Subscriber, situation_id: str, as_of_ms: int | None) -> dict[str, Any]:
        now_ms = self.gateway.now_ms()
        row = self.readings.row("core.situation", situation_id, now_ms=now_ms)
        if row is None or not subscriber.may_read("core.situation", row.head):
            raise Problem(404, f"no situation {situation_id[:80]!r} that you may read", code="no-situation")
        # from before its agency came in: not its rows, as they are none of a stream's
        revisions = [
            subscriber.shown("core.situation", one)
            for one in row.revisions(as_of_ms)
            if subscriber.may_read("core.situation", one)
        ]
        if not revisions:
            raise Problem(
                404, f"no situation {situation_id[:80]!r} that you could read then", code="no-situation"
            )
        of_it = {
            contract: [
                [subscriber.shown(contract, one) for one in its.revisions(as_of_ms)]
                for its in self.readings.of_situation(contract, situation_id, now_ms=now_ms)
                if subscriber.may_read(contract, its.head)
            ]
            for contract in ("core.alert", "core.grant")
        }
        alerts, grants = ([one for one in of_it[name] if one] for name in ("core.alert", "core.grant"))
        return {
            "situation": revisions[-1],
            "revisions": revisions,
            "alerts": [one[-1] for one in alerts],
            "grants": [one[-1] for one in grants],
            "story": story(revisions, list(chain(*alerts)), list(chain(*grants))),
        }

    def _near(self, given: Sequence[tuple[str, str]]) -> Told:
        wanted, digest = arguments_of(parameters.CAMERAS, given), digest_of(given)
        after = after_of(wanted["cursor"], digest)
        lat, lon = wanted["near"]
        found: list[tuple[float, Mapping[str, Any]]] = [
            (away_m, camera)
            for away_m, camera in self.readings.cameras_near(lat, lon, wanted["radius_m"])
            if _is_wanted(camera, wanted) and (after is None or (away_m, camera["camera_id"]) > after)
        ]
        shown, rest = found[: wanted["limit"]], found[wanted["limit"] :]
        cursor = None
        if rest:
            away_m, last = shown[-1]
            cursor = cursor_of((away_m, last["camera_id"]), digest)
        cameras = [{"distance_m": away_m, "camera": camera} for away_m, camera in shown]
        return {"cameras": cameras, "next": cursor}, cursor


def _is_wanted(camera: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    is_for_it = wanted["purpose"] is None or wanted["purpose"] in camera["purposes"]
    return is_for_it and camera["status"] in wanted["status"]


def links(request: Request, cursor: str | None) -> dict[str, str]:
    """The header with the address of the next page, relative to this server."""
    if cursor is None:
        return {}
    given = [one for one in request.query_params.multi_items() if one[0] != "cursor"]
    return {"Link": f'<{request.url.path}?{urlencode([*given, ("cursor", cursor)])}>; rel="next"'}


def tag_of(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def tagged(request: Request, body: bytes, tag: str, headers: Mapping[str, str]) -> Response:
    """The answer with its ETag; 304 without a body where the client has it already."""
    sent = {**headers, "ETag": tag, "Cache-Control": CACHE, "Vary": "Authorization, Cookie"}
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if tag in known or "*" in known:
        return Response(status_code=304, headers=sent)
    return Response(body, headers=sent, media_type="application/json")


def answered(request: Request, name: str, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """The answer of the reading *name*, counted, with the digest of *body* as its ETag."""
    response = tagged(request, body, tag_of(body), headers or {})
    metrics.reads.labels(name, response.status_code).inc()
    return response


def iso_of(ms: int) -> str:
    return (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
