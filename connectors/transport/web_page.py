"""One page of the web, asked again and again, with the pages that follow it. The only place where a source does HTTP."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache

import httpx

from connectors.base import Heard
from connectors.formats.pages import ListForm, NoPage, joined, linked_next, next_page, origin
from schemas.errors import Fatal, Retriable

BODY_BYTES_MAX = 64 * 1024 * 1024
REFUSED = frozenset({401, 403})
LINK_LETTERS_MAX = 8_000
PAGES_MAX = 50
"""Pages of one list that are followed unless the city's file says another bound."""


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def wait_s(retry_after: str | None, *, now_ms: int) -> float | None:
    """The seconds that a ``Retry-After`` asks for: a number, or until a date (RFC 9110, 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.fromtimestamp(now_ms / 1000, UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class Paging:
    """The bounds of following further pages: at most *pages_max* in all, at the first's origin and *origins*."""

    form: ListForm
    pages_max: int = PAGES_MAX
    origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Answer:
    """One page as it was answered. *url*: where it came from at last; *links*: its ``Link`` headers."""

    url: str
    body: bytes
    etag: str | None
    links: tuple[str, ...]


class _TooLong(Exception):
    """A body beyond its bound."""


class WebPage:
    """A URL and the client that asks it.

    The ETag is kept with the body it belongs to: "304 not modified" is returned as that body, so that each
    result is complete, can be recorded, and an unchanged list counts as a poll like any other.

    With *paging* all pages of a list are one answer, each asked under its own ETag: that of the first says nothing of
    the others. A page that fails fails the poll. What stands behind the bound, at another origin or on a page that is
    no list is named in ``Heard.missing``.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
        paging: Paging | None = None,
    ) -> None:
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL:
            raise Fatal("the address is no URL", hint="check the source's url") from None
        self._timeout_s = timeout_s
        self._headers = dict(headers or {})
        self._paging = paging
        self._client: httpx.AsyncClient | None = None
        self._kept: dict[str, _Answer] = {}

    @property
    def name(self) -> str:
        """The page without its query, where keys may stand."""
        return _named(self._url)

    @property
    def is_closed(self) -> bool:
        return self._client is None

    async def get(self) -> Heard:
        """Ask once. ``Retriable`` when a later try may succeed, ``Fatal`` when it refuses us."""
        try:
            return await self._get()
        except asyncio.CancelledError:
            await self.close()
            raise
        except httpx.HTTPError as error:
            raise Retriable(f"{self.name} does not answer: {type(error).__name__}") from None

    async def _get(self) -> Heard:
        try:
            first = await self._ask(str(self._url), BODY_BYTES_MAX, self._kept)
        except _TooLong:
            raise Retriable(f"{self.name} sent more than {BODY_BYTES_MAX} bytes") from None
        answers, missing, kept = [first], "", self._kept
        self._kept = {}  # after a page that failed all are asked anew: a kept link may have run out
        if self._paging is not None:
            missing = await self._follow(answers, self._paging, kept)
        elif linked_next(first.links) is not None:
            missing = "the pages behind the first, which this source cannot join"
        known = {str(self._url): first} | {one.url: one for one in answers[1:]}
        self._kept = {url: one for url, one in known.items() if one.etag}
        body = first.body
        if len(answers) > 1 and self._paging is not None:
            body, missing = await asyncio.to_thread(_whole, answers, self._paging.form, missing)
        etag = first.etag if len(answers) == 1 else None
        return Heard(
            body,
            wall_clock_ms(),
            attributes={"etag": etag} if etag else {},
            missing=(missing,) if missing else (),
        )

    async def _follow(self, answers: list[_Answer], paging: Paging, kept: Mapping[str, _Answer]) -> str:
        """Ask for the pages behind the first and add them to *answers*; return what was left off, "" for nothing."""
        trusted = {origin(one) for one in (str(self._url), *paging.origins)}
        allowed = trusted | {origin(answers[0].url)}
        seen, size = {str(self._url), answers[0].url}, len(answers[0].body)
        try:
            while following := next_page(answers[-1].url, answers[-1].body, answers[-1].links, paging.form):
                where = origin(following)
                if why_not := _why_not(following, seen, len(answers), paging, is_allowed=where in allowed):
                    return why_not
                seen.add(following)
                answer = await self._ask_on(
                    following, BODY_BYTES_MAX - size, kept, is_trusted=where in trusted
                )
                if not answer.body.strip():
                    break
                if any(answer.body == one.body for one in answers):
                    return "pages that repeat"  # a server that does not heed the offset
                size += len(answer.body)
                answers.append(answer)
        except _TooLong:
            return f"pages behind the first {BODY_BYTES_MAX} bytes"
        except (ValueError, httpx.InvalidURL):
            return "pages behind an address that is none"
        return ""

    async def _ask_on(
        self, url: str, bytes_max: int, kept: Mapping[str, _Answer], *, is_trusted: bool
    ) -> _Answer:
        """A page behind the first. That one was answered, so a refusal here may be a mark that ran out: ``Retriable``."""
        try:
            return await self._ask(url, bytes_max, kept, is_trusted=is_trusted)
        except Fatal as error:
            raise Retriable(error.what, hint=error.hint) from None

    async def _ask(
        self, url: str, bytes_max: int, kept: Mapping[str, _Answer], *, is_trusted: bool = True
    ) -> _Answer:
        if self._client is None:
            self._client = httpx.AsyncClient(
                timeout=self._timeout_s, follow_redirects=True, verify=_trusted()
            )
        before = kept.get(url)
        headers = dict(self._headers) if is_trusted else {}
        if before is not None and before.etag is not None:
            headers["If-None-Match"] = before.etag
        async with self._client.stream("GET", url, headers=headers) as answer:
            links = tuple(link[:LINK_LETTERS_MAX] for link in answer.headers.get_list("Link"))
            if answer.status_code == 304 and before is not None:
                return replace(before, links=links or before.links)
            self._refuse(answer)
            body = await self._body(answer, bytes_max)
            return _Answer(str(answer.url), body, answer.headers.get("ETag"), links)

    def _refuse(self, answer: httpx.Response) -> None:
        status, name = answer.status_code, _named(answer.url)
        if status in REFUSED:
            raise Fatal(f"{name} refuses the request: {status}", hint="check the source's url and its key")
        if status not in (200, 204):
            wait = wait_s(answer.headers.get("Retry-After"), now_ms=wall_clock_ms())
            raise Retriable(f"{name} answered {status}", retry_after_s=wait)

    async def _body(self, answer: httpx.Response, bytes_max: int) -> bytes:
        parts, size = [], 0
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > bytes_max:
                raise _TooLong
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: they take longer to read than a page does to arrive."""
    return httpx.create_ssl_context()


def _named(url: httpx.URL) -> str:
    return f"{url.scheme}://{url.netloc.decode().rpartition('@')[2]}{url.path}"


def _why_not(
    following: str, seen: Collection[str], count: int, paging: Paging, *, is_allowed: bool
) -> str | None:
    """The pages that are left off where *following* is not to be asked for; ``None`` where it is."""
    if not is_allowed:
        return "pages at another server, which pages_from does not name"
    if following in seen:
        return "pages whose addresses repeat"
    return f"pages behind the first {paging.pages_max}" if count >= paging.pages_max else None


def _whole(answers: list[_Answer], form: ListForm, missing: str) -> tuple[bytes, str]:
    """The pages as one body, and what it lacks. A page that is none of the list ends it."""
    for count in range(len(answers), 1, -1):
        try:
            return joined([one.body for one in answers[:count]], form), missing
        except NoPage:
            missing = f"page {count}, which is no page of the list"
    return answers[0].body, missing
