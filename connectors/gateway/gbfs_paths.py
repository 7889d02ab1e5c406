"""``GET /v1/{city}/gbfs/….json``: hubs and shared vehicles as GBFS 3.0, by key or, where the city says so, for all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import orjson
from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.cap import host_of
from connectors.gateway.closure_desk import ClosedPlaces
from connectors.gateway.gbfs_feeds import (
    TTL_S,
    ClosedNow,
    Document,
    GbfsSystem,
    HubWord,
    discovery,
    feeds_of,
)
from connectors.gateway.hub_boards import Board, HubReadings, aged
from connectors.gateway.limits import Rates, Turns
from connectors.gateway.networks import caller_of
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem, check_read
from connectors.gateway.read_documents import extra, object_of, problems
from connectors.gateway.reads import tagged
from connectors.gateway.service import Gateway
from connectors.gateway.shared_fleet import ParkedVehicle

VISITS_PER_S = 20.0
"""Requests without a key that an address may make."""
KEPT_S = 1.0
"""For so long the documents are given again as they are."""
SHARED_S = 10
"""Seconds for which a cache that many share may keep what is public."""


class FleetReadings(Protocol):
    """A city's shared vehicles that stand, and what operators say of hubs beside counts."""

    @property
    def trouble(self) -> str | None:
        """Why the day is not read to its end; ``None`` once it is. The first call begins the reading."""

    def wait(self) -> None:
        """Wait some seconds until all is read: for the first who ask."""

    def parked(self, now_ms: int) -> list[ParkedVehicle]: ...

    def words(self) -> Mapping[str, HubWord]:
        """Hub → the newest word of its operators."""


@dataclass(slots=True)
class GbfsPart:
    """The state behind the paths. *url*: where the public finds the gateway; ``None``: at the host that it asks.
    *is_public*: read without a key."""

    system: GbfsSystem
    hubs: HubReadings
    fleet: FleetReadings
    ttl_ms: Mapping[str, int]
    closures: ClosedPlaces
    url: str | None = None
    is_public: bool = False
    visits: Rates = field(default_factory=lambda: Rates(VISITS_PER_S))
    turns: Turns = field(default_factory=Turns)
    """The documents are made by one at a time, by turns of readers."""
    _kept: tuple[float, dict[str, Document], dict[str, bytes]] | None = None

    def body(self, name: str, address: str, *, now_ms: int, now_s: float) -> bytes:
        """The feed of that name. All of them are made at once, so they agree, and kept for ``KEPT_S``."""
        kept = self._kept
        if kept is None or not 0 <= now_s - kept[0] < KEPT_S:
            boards = [aged(one, now_ms, self.ttl_ms) for one in self.hubs.boards()]
            parked = self.fleet.parked(now_ms)
            closed = closed_now(self.closures, boards, parked, now_ms)
            feeds = feeds_of(self.system, boards, parked, self.fleet.words(), closed)
            bodies = {one: orjson.dumps(document) for one, document in feeds.items()}
            kept = self._kept = (now_s, feeds, bodies)
        if name == "gbfs":
            return orjson.dumps(discovery(self.system, kept[1], address))
        return kept[2][name]


def closed_now(
    closures: ClosedPlaces, boards: Sequence[Board], parked: Sequence[ParkedVehicle], now_ms: int
) -> ClosedNow:
    """Return what is closed at *now_ms*: hubs, vehicles that stand there, and those that stand at such a hub."""
    hubs = closures.closed({one["hub_id"]: one["position"] for one in boards}, now_ms)
    places = {
        one.name: {"lat": one.lat, "lon": one.lon}
        for one in parked
        if one.lat is not None and one.lon is not None
    }
    at_hubs = {one.name for one in parked if one.hub_id in hubs}
    return ClosedNow(hubs, closures.closed(places, now_ms) | at_hubs, closures.changed_ms(now_ms))


def add(app: FastAPI, gateway: Gateway, part: GbfsPart) -> None:
    """Add the paths of *part* to *app*."""
    for name in TTL_S:
        app.get(f"/v1/{{city}}/gbfs/{name}.json", **described_feed(name, part.is_public))(
            partial_of(gateway, part, name)
        )


def partial_of(gateway: Gateway, part: GbfsPart, name: str) -> Callable[..., Any]:
    """The route of the feed *name*."""

    async def feed(city: str, request: Request) -> Response:
        try:
            reader = _reader(gateway, part, request, city)
            whose = reader or caller_of(request)
            arguments_of((), request.query_params.multi_items())
            address = f"{part.url or host_of(request)}/v1/{gateway.city}/gbfs"
            make = partial(part.body, name, address, now_ms=gateway.now_ms(), now_s=gateway.now_s())
            async with part.turns.turn(whose):
                if part.fleet.trouble is not None:
                    await run_in_threadpool(part.fleet.wait)
                _check_read(part)
                body = await run_in_threadpool(make)
        except Problem as problem:
            metrics.reads.labels("gbfs", problem.status).inc()
            return problem.answer()
        response = tagged(request, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', {})
        if reader is None:
            response.headers["Cache-Control"] = f"public, max-age={SHARED_S}"
        metrics.reads.labels("gbfs", response.status_code).inc()
        return response

    return feed


def _reader(gateway: Gateway, part: GbfsPart, request: Request, city: str) -> str | None:
    """The account that reads; ``None`` for a visitor without a key, where that is allowed."""
    reader = None
    if not part.is_public or gateway.is_named(request):
        account = gateway.account_of(request)
        gateway.subscriber_of(account)
        reader = account.account_id
    elif (wait_s := part.visits.wait_s(caller_of(request), None, gateway.now_s())) > 0:
        raise Problem(
            429,
            "too many requests without a key from this address",
            code="too-many-requests",
            retry_after_s=wait_s,
        )
    gateway.check_city(city)
    return reader


def _check_read(part: GbfsPart) -> None:
    check_read(part.hubs.trouble or part.fleet.trouble or part.closures.trouble)


def described_feed(name: str, is_public: bool) -> dict[str, Any]:
    """The keyword arguments of the route of a feed."""
    schema = object_of(
        {
            "last_updated": {"type": "string", "format": "date-time"},
            "ttl": {"type": "integer", "minimum": 0},
            "version": {"type": "string", "const": "3.0"},
            "data": {"type": "object", "description": f"As {name}.json of GBFS 3.0 has it."},
        }
    )
    about = extra(())
    return {
        "summary": f"{name}.json of GBFS 3.0",
        "operation_id": f"gbfs_{name}",
        "tags": ["read"],
        "openapi_extra": {**about, "security": [{}, *about["security"]]} if is_public else about,
        "responses": {
            200: {"description": "The feed.", "content": {"application/json": {"schema": schema}}},
            304: {"description": "Nothing of it changed since the answer with that ETag."},
            **problems(_PROBLEMS),
        },
    }


_PROBLEMS = {
    400: "No usable Host.",
    401: "No key, or none that is known.",
    403: "The account may not read.",
    404: "No such city here.",
    422: "A parameter: these paths have none.",
    429: "Too many requests; see Retry-After.",
    503: "The log is not read to its end, or no keys are known yet; see Retry-After.",
}
