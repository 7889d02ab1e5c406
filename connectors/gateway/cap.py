"""The city's alerts in CAP 1.2 over HTTP: a feed in Atom, and one document a message.

Public alerts need no key; with a subscriber's key come those of its audience. A message has what an alert tells and its
area: no field that identifies somebody is in it, whoever reads.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.formats.cap_feed import CAP_TYPE, ENTRIES_MAX, atom_feed
from connectors.formats.cap_out import CapMessage
from connectors.gateway.limits import Rates, Turns
from connectors.gateway.networks import caller_of
from connectors.gateway.problems import Problem
from connectors.gateway.published import PublishedAlerts
from connectors.gateway.security_documents import BY_EITHER
from connectors.gateway.service import Gateway
from connectors.gateway.sessions_request import has_cookie
from connectors.subscribers import Subscriber

ATOM_TYPE = "application/atom+xml"
LIMIT = 100
"""The entries of a page, unless the client asks for others."""
PAGES_MAX = 1_000
PAGES_KEPT = 16
SIGNED_KEPT = 1_000
VISITS_PER_S = 20.0
"""Requests without a key that an address may make."""
NUMBER_DIGITS_MAX = 6
_HOST = re.compile(r"[A-Za-z0-9._~-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")


@dataclass(slots=True)
class CapPart:
    """The state behind the paths. *sign*: signs a document. *url*: where the public finds the gateway; ``None``: at the host
    that it asks.

    *trouble*: why not all alerts are known yet. *since_ms*: dates a feed without entries.
    """

    alerts: PublishedAlerts
    since_ms: int
    trouble: Callable[[], str | None] = lambda: None
    sign: Callable[[bytes], bytes] | None = None
    url: str | None = None
    visits: Rates = field(default_factory=lambda: Rates(VISITS_PER_S))
    turns: Turns = field(default_factory=Turns)
    """One document is made at a time, by turns of addresses: after a start many ask for what is not made yet."""
    _pages: dict[str, bytes] = field(default_factory=dict)
    _signed: dict[str, bytes] = field(default_factory=dict)

    def document(self, message: CapMessage) -> bytes:
        """The document of *message*, signed where the city has a key."""
        if self.sign is None:
            return message.body
        name = _tag(message.body)
        return self._signed.get(name) or _keep(self._signed, name, self.sign(message.body), SIGNED_KEPT)

    def page(self, page: _Page) -> bytes:
        """The feed's page as XML."""
        if (known := self._pages.get(page.tag)) is not None:
            return known
        body = atom_feed(
            page.messages,
            self.alerts.publisher,
            address=page.address,
            now_ms=self.since_ms,
            public=page.is_public,
            own_address=page.own_address,
            next_address=page.next_address,
        )
        return _keep(self._pages, page.tag, body, PAGES_KEPT)


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of the feed, before it is written."""

    messages: tuple[CapMessage, ...]
    address: str
    own_address: str
    next_address: str | None
    is_public: bool
    tag: str


def add(app: FastAPI, gateway: Gateway, part: CapPart) -> None:
    """Add the paths of *part* to *app*."""

    @app.get(
        "/v1/{city}/cap",
        summary="Alerts that hold now, as an Atom feed of CAP 1.2 messages, newest first",
        response_class=Response,
        openapi_extra={"parameters": _PAGING, "security": _SECURITY},
        responses=_FEED,
    )
    async def feed(city: str, request: Request) -> Response:
        try:
            subscriber = _reader(gateway, part, request, city)
            number, limit = (
                _asked(request, "page", 1, PAGES_MAX),
                _asked(request, "limit", LIMIT, ENTRIES_MAX),
            )
            address = f"{part.url or host_of(request)}/v1/{gateway.city}/cap"
            async with part.turns.turn(caller_of(request)):
                page = await run_in_threadpool(
                    _page, part, subscriber, address, number, limit, now_ms=gateway.now_ms()
                )
            headers = _headers(
                request, page.tag, page.messages[0].sent_ms if page.messages else part.since_ms
            )
            if page.next_address is not None:
                headers["Link"] = f'<{page.next_address}>; rel="next"'
            if _is_known(request, page.tag):
                return Response(status_code=304, headers=headers)
            async with part.turns.turn(caller_of(request)):
                body = await run_in_threadpool(part.page, page)
        except Problem as problem:
            return problem.answer()
        return Response(body, headers=headers, media_type=ATOM_TYPE)

    @app.get(
        "/v1/{city}/cap/{identifier}.xml",
        summary="One CAP 1.2 message, signed where the city has a key for it",
        response_class=Response,
        openapi_extra={"parameters": [_CITY, _IDENTIFIER], "security": _SECURITY},
        responses=_DOCUMENT,
    )
    async def document(request: Request) -> Response:
        identifier = request.path_params["identifier"]
        try:
            subscriber = _reader(gateway, part, request, request.path_params["city"])
            message = part.alerts.message(identifier, subscriber)
            if message is None:
                raise Problem(404, f"no CAP message {identifier[:80]!r} that you may read")
            tag = _tag(message.body)
            headers = _headers(request, tag, message.sent_ms)
            if _is_known(request, tag, message.sent_ms):
                return Response(status_code=304, headers=headers)
            async with part.turns.turn(caller_of(request)):
                body = await run_in_threadpool(part.document, message)
        except Problem as problem:
            return problem.answer()
        return Response(body, headers=headers, media_type=CAP_TYPE)


def _reader(gateway: Gateway, part: CapPart, request: Request, city: str) -> Subscriber | None:
    """The subscriber whose key the request has; ``None`` for one without a key."""
    subscriber = None
    if gateway.is_named(request):
        subscriber = gateway.subscriber_of(gateway.account_of(request))
    elif (wait_s := part.visits.wait_s(caller_of(request), None, gateway.now_s())) > 0:
        raise Problem(429, "too many requests without a key from this address", retry_after_s=wait_s)
    gateway.check_city(city)
    if (trouble := part.trouble()) is not None:
        raise Problem(503, f"the alerts are not known yet: {trouble}", retry_after_s=2)
    return subscriber


def _page(
    part: CapPart, subscriber: Subscriber | None, address: str, number: int, limit: int, *, now_ms: int
) -> _Page:
    start = (number - 1) * limit
    found, has_more = part.alerts.current(subscriber, now_ms=now_ms, start=start, count=limit)
    messages = tuple(found)

    def its(page: int) -> str:
        said = [*([f"page={page}"] if page > 1 else []), *([f"limit={limit}"] if limit != LIMIT else [])]
        return f"{address}?{'&'.join(said)}" if said else address

    own = its(number)
    following = its(number + 1) if has_more and number < PAGES_MAX else None
    named = "\n".join([own, str(following), str(subscriber is None), *(one.identifier for one in messages)])
    return _Page(messages, address, own, following, subscriber is None, _tag(named.encode()))


def _asked(request: Request, name: str, usual: int, most: int) -> int:
    """The number *name* of the query, 1 to *most*."""
    said = request.query_params.get(name)
    if said is None:
        return usual
    is_number = said.isascii() and said.isdecimal() and len(said) <= NUMBER_DIGITS_MAX
    if not is_number or not 1 <= int(said) <= most:
        raise Problem(422, f"{name} is no number from 1 to {most}", more={"field": name})
    return int(said)


def host_of(request: Request) -> str:
    """The gateway's address as the client wrote it."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        raise Problem(400, "the header Host names no host")
    return f"{request.url.scheme}://{host}"


def _headers(request: Request, tag: str, changed_ms: int) -> dict[str, str]:
    whose = "private" if request.headers.get("authorization") or has_cookie(request) else "public"
    return {
        "ETag": tag,
        "Last-Modified": format_datetime(datetime.fromtimestamp(changed_ms // 1000, UTC), usegmt=True),
        "Cache-Control": f"{whose}, no-cache",
        "Vary": "Authorization, Cookie",
    }


def _is_known(request: Request, tag: str, changed_ms: int | None = None) -> bool:
    """Whether the client has it already. A date counts where *changed_ms* is given, for what never changes."""
    if (tags := request.headers.get("if-none-match")) is not None:
        return tags.strip() == "*" or tag.removeprefix("W/") in (
            one.strip().removeprefix("W/") for one in tags.split(",")
        )
    since = request.headers.get("if-modified-since")
    if since is None or changed_ms is None:
        return False
    try:
        return parsedate_to_datetime(since).timestamp() >= changed_ms // 1000
    except (ValueError, OverflowError):
        return False


def _tag(of: bytes) -> str:
    """A weak entity tag: a signature may be other bytes each time, over the same message."""
    return f'W/"{hashlib.blake2b(of, digest_size=12).hexdigest()}"'


def _keep(kept: dict[str, bytes], name: str, body: bytes, most: int) -> bytes:
    """*body*, which now stands in *kept* in the place of the oldest. Several threads may come here at once."""
    kept[name] = body
    for oldest in list(kept)[: max(0, len(kept) - most)]:
        kept.pop(oldest, None)
    return body


_CITY, _IDENTIFIER = (
    {"in": "path", "name": name, "required": True, "schema": {"type": "string"}}
    for name in ("city", "identifier")
)
_SECURITY: list[dict[str, list[str]]] = [{}, *BY_EITHER]
_PAGING = [
    {
        "in": "query",
        "name": name,
        "schema": {"type": "integer", "minimum": 1, "maximum": most, "default": usual},
        "description": said,
    }
    for name, most, usual, said in (
        ("page", PAGES_MAX, 1, "the page, 1 for the newest messages; the link `next` leads on"),
        ("limit", ENTRIES_MAX, LIMIT, "the messages of a page"),
    )
]
_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_TAGS = {
    name: {"schema": {"type": "string"}, "description": said}
    for name, said in (
        ("ETag", "a weak tag, for If-None-Match"),
        ("Last-Modified", "when the newest message was sent"),
    )
}
_SHARED: dict[int | str, dict[str, Any]] = {
    304: {"description": "As the client has it."},
    401: {"description": "A key that is unknown, revoked or expired.", **_PROBLEM},
    403: {"description": "The key is none of a subscriber.", **_PROBLEM},
    404: {"description": "No such city or message that this reader may read.", **_PROBLEM},
    429: {"description": "Too many requests; see Retry-After.", **_PROBLEM},
    503: {"description": "The alerts are still being read; see Retry-After.", **_PROBLEM},
}
_XML = {"schema": {"type": "string", "format": "binary"}}
_FEED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Without a key the public messages; with a subscriber's those of its audience, too.",
        "content": {ATOM_TYPE: _XML},
        "headers": _TAGS,
    },
    400: {"description": "No usable Host.", **_PROBLEM},
    422: {"description": "page or limit is no such number.", **_PROBLEM},
    **_SHARED,
}
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {"description": "The message.", "content": {CAP_TYPE: _XML}, "headers": _TAGS},
    **_SHARED,
}
