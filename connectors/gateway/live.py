"""``GET /v1/{city}/events``: situations, alerts, grants and boards of hubs as they happen, as server-sent events."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from starlette.responses import Response

from connectors.gateway import metrics
from connectors.gateway.connections import VISITOR
from connectors.gateway.live_client import Client
from connectors.gateway.live_hub import Hub
from connectors.gateway.live_place import Place
from connectors.gateway.live_stream import Beginning, EventStream
from connectors.gateway.live_view import Box, View
from connectors.gateway.problems import Problem
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway
from connectors.gateway.sessions_request import used
from connectors.subscribers import DELIVERED, STREAMED, Subscriber
from schemas.kinds import load_kinds

AGAIN_S = 5
FILTER_MAX = 50
"""The longest list of kinds or contracts."""


def add(app: FastAPI, gateway: Gateway, hub: Hub) -> None:
    """Add the path to *app*."""

    def is_current(client: Client) -> bool:
        """Whether the account of *client* may still read, and what it is shown is still what it may see."""
        now_ms = gateway.now_ms()
        account = gateway.accounts.current(client.account, now_ms=now_ms)
        session, sessions = client.session, gateway.sessions
        if account is not None and session is not None and sessions is not None:
            account = account if sessions.is_of(session, account, now_ms=now_ms) else None
        if account is None:
            return False
        try:
            return gateway.subscriber_of(account) == client.view.subscriber
        except Problem:  # it may not read any more
            return False

    @app.get(
        "/v1/{city}/events",
        summary="Situations, alerts and grants as they happen (server-sent events)",
        description=_DESCRIPTION,
        openapi_extra=_PARAMETERS,
        responses=_RESPONSES,
        response_class=Response,
    )
    async def events(city: str, request: Request) -> Response:
        try:
            account = gateway.account_of(request)
            gateway.check_city(city)
            view = view_of(request, gateway.subscriber_of(account), city)
            beginning = beginning_of(request)
            place = _place_of(hub)
            if (why := hub.refusal(account.account_id)) is not None:
                raise Problem(429, why, retry_after_s=AGAIN_S)
        except Problem as problem:
            metrics.streams_refused.labels(problem.status).inc()
            return problem.answer()
        client = Client(account, view, place, used(request).session)
        visitor = request.scope.get("state", {}).get(VISITOR)
        if visitor is not None:
            client.close = visitor.cut
        return EventStream(hub, client, beginning, is_current)


KNOWN = {"kind", "contract", "topic", "bbox", "last_event_id", "from"}


def _place_of(hub: Hub) -> Place:
    if (place := hub.ring.place) is None:
        raise Problem(503, f"the log cannot be read: {hub.log.trouble}", retry_after_s=AGAIN_S)
    return place


def view_of(request: Request, subscriber: Subscriber, city: str) -> View:
    """The view of *subscriber* with the request's filters. ``Problem`` 422 for a filter that cannot be."""
    given = request.query_params
    if unknown_names := given.keys() - KNOWN:
        raise _refused(min(unknown_names)[:40], "no such parameter", ", ".join(sorted(KNOWN)))
    kinds = _listed(request, "kind")
    for kind in kinds:
        if kind not in load_kinds():
            raise _refused("kind", f"no kind {kind[:40]!r}", "a kind of the tree: bongsu kinds lists it")
    contracts = {
        one.removeprefix(f"{city}.") for one in _listed(request, "contract") + _listed(request, "topic")
    }
    if unknown := contracts - set(STREAMED):
        raise _refused("contract", f"{min(unknown)[:40]!r} is not delivered", " or ".join(STREAMED))
    box = None
    if "bbox" in given and (box := Box.of(given["bbox"])) is None:
        raise _refused("bbox", "no box", "west,south,east,north in degrees, such as 127.2,36.2,127.6,36.5")
    return View(subscriber, frozenset(contracts or DELIVERED), tuple(kinds), box)


def beginning_of(request: Request) -> Beginning:
    """Where the request wants to begin: by the header, by the parameter of that name, or by ``from``."""
    said = request.headers.get("last-event-id") or request.query_params.get("last_event_id")
    if said:
        place = Place.of(said)
        return Beginning(place, why_lost=None if place else "the last event's id is none of ours")
    start = request.query_params.get("from", "now")
    if start not in ("now", "beginning"):
        raise _refused("from", f"no beginning {start[:40]!r}", "now or beginning")
    return Beginning(is_oldest=start == "beginning")


def _listed(request: Request, name: str) -> list[str]:
    """The values of a parameter, given several times or with commas."""
    found = [one for text in request.query_params.getlist(name) for one in text.split(",") if one]
    if len(found) > FILTER_MAX:
        raise _refused(name, f"{len(found)} values", f"{FILTER_MAX} at most")
    return found


def _refused(field: str, what: str, expected: str) -> Problem:
    return Problem(422, f"{field}: {what}", more={"field": field, "expected": expected})


_DESCRIPTION = """\
Each event has `id` (its place in the log, such as `s12.a7.g33.h5`), `event` (the contract) and `data` (a CloudEvent 1.0 as
JSON, whose `data` is the event without the fields that the account may not see). Order holds within a contract.

A client that sends `Last-Event-ID` goes on behind that event: nothing is missed, nothing comes twice. Without it the
stream begins now. Comments keep the connection open. Pass over events whose name you do not know.

Boards of hubs come to who asks for them: `contract=core.hub`, alone or beside others. A board that ended is not told.

Events of the stream itself have no id. `reset`: the place is unknown, older than what is kept, or beyond the end. Its data
has `reason`, and the `snapshot` events that follow are the open situations and the alerts and grants in force.
`dropped`: the gateway ends the stream. Its data has `reason`, which is `slow`, `shutdown`, `key` or `log`, and
`last_event_id`."""


def _parameter(name: str, description: str, where: str = "query", **schema: Any) -> dict[str, Any]:
    its_schema = {"type": "string", **schema}
    return {"in": where, "name": name, "required": False, "description": description, "schema": its_schema}


_PARAMETERS = {
    "security": BY_EITHER,
    "parameters": [
        _parameter("Last-Event-ID", "The id of the last event that was received.", "header"),
        _parameter("last_event_id", "The same, for clients that cannot send headers. The header wins."),
        _parameter(
            "from",
            "Without an id: `beginning` sends all that is kept first.",
            enum=["now", "beginning"],
            default="now",
        ),
        _parameter(
            "kind",
            "These kinds and those below them; several with commas. What has no kind (a grant) is left out.",
            example="crash,fire",
        ),
        _parameter(
            "contract",
            "These contracts; several with commas. Without it: all but core.hub.",
            example="core.situation,core.alert",
        ),
        _parameter("topic", "The same, by the Kafka topic's name.", example="daejeon.core.situation"),
        _parameter(
            "bbox",
            "west,south,east,north in degrees: alerts whose area reaches into it, situations and grants in it. "
            "What has no place, or none that the account may see, is left out.",
            example="127.2,36.2,127.6,36.5",
        ),
    ],
}
_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_EXAMPLE = """\
retry: 2000
id: s12.a7.g33.h5

id: s13.a7.g33.h5
event: core.situation
data: {"specversion":"1.0","id":"9f2c","source":"/daejeon/core","type":"bongsu.core.situation","data":{}}

"""
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "A stream that ends when either side ends it.",
        "content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}},
    },
    401: {"description": "No key, or none that is known.", **_PROBLEM},
    403: {"description": "The account may not read situations, alerts and grants.", **_PROBLEM},
    404: {"description": "No such city here.", **_PROBLEM},
    422: {"description": "A filter that cannot be; its field is named.", **_PROBLEM},
    429: {"description": "Too many requests, connections or streams; see Retry-After.", **_PROBLEM},
    503: {"description": "The log cannot be read, or no keys are known yet; see Retry-After.", **_PROBLEM},
}
