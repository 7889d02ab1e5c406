"""``GET /v1/{city}/hubs`` and ``…/hubs/{hub_id}``: the boards of hubs, as last told, for whoever may read.

A board names no person, and hubs are public places: each audience sees all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway.hub_boards import Board, HubReadings, aged, has_stale
from connectors.gateway.hub_documents import HUB, HUBS, described_hub, described_hubs
from connectors.gateway.paging import after_of, cursor_of, digest_of
from connectors.gateway.parameters import arguments_of
from connectors.gateway.problems import Problem
from connectors.gateway.reads import LogReads, Told
from connectors.gateway.service import Gateway
from connectors.subscribers import Subscriber
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value


def add(app: FastAPI, gateway: Gateway, hubs: HubReadings, ttl_ms: Mapping[str, int]) -> None:
    """Add the routes to *app*. *ttl_ms*: the age after which each part of a board is stale."""
    reads = _HubReads(gateway, hubs, ttl_ms, LogReads(gateway, hubs))
    app.get("/v1/{city}/hubs", **described_hubs())(reads.listed)
    app.get("/v1/{city}/hubs/{hub_id}", **described_hub())(reads.one)


@dataclass(frozen=True, slots=True)
class _HubReads:
    gateway: Gateway
    hubs: HubReadings
    ttl_ms: Mapping[str, int]
    reads: LogReads

    async def listed(self, city: str, request: Request) -> Response:
        return await self.reads.answer(
            request, city, "hubs", lambda who: self._page(who, request.query_params.multi_items())
        )

    async def one(self, city: str, hub_id: str, request: Request) -> Response:
        def body(who: Subscriber) -> Told:
            arguments_of((), request.query_params.multi_items())
            board = self.hubs.board(hub_id)
            if board is None:
                raise Problem(404, f"no hub {hub_id[:80]!r} has a board", code="no-hub")
            return {"hub": self._shown(who, board)}, None

        return await self.reads.answer(request, city, "hub", body)

    def _page(self, who: Subscriber, given: Sequence[tuple[str, str]]) -> Told:
        wanted, digest = arguments_of(HUBS, given), digest_of(given)
        after, now_ms = after_of(wanted["cursor"], digest), self.gateway.now_ms()
        found: list[tuple[float, str, dict[str, Any]]] = []
        for away_m, board in self._around(wanted):
            place = (away_m or 0.0, str(board["hub_id"]))
            if after is not None and place <= after:
                continue
            if wanted["stale"] in (None, has_stale(aged(board, now_ms, self.ttl_ms))):
                found.append((*place, {"distance_m": away_m, "hub": self._shown(who, board)}))
            if len(found) > wanted["limit"]:
                break
        shown = found[: wanted["limit"]]
        cursor = cursor_of(shown[-1][:2], digest) if len(found) > len(shown) else None
        return {"hubs": [row for _, _, row in shown], "next": cursor}, cursor

    def _around(self, wanted: Mapping[str, Any]) -> Sequence[tuple[float | None, Board]]:
        if wanted["near"] is None:
            return [(None, one) for one in self.hubs.boards()]
        lat, lon = wanted["near"]
        return self.hubs.near(lat, lon, wanted["radius_m"])

    def _shown(self, who: Subscriber, board: Board) -> dict[str, Any]:
        now = aged(board, self.gateway.now_ms(), self.ttl_ms)
        return who.shown(HUB, to_json_value(load_catalogue()[HUB].newest, now))
