"""One page of the web, asked again and again. The only place where a source does HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from connectors.base import Heard
from schemas.errors import Fatal, Retriable

BODY_BYTES_MAX = 64 * 1024 * 1024
REFUSED = frozenset({401, 403})


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


class WebPage:
    """A URL and the client that asks it.

    The ETag is kept with the body it belongs to: "304 not modified" is returned as that body, so that each
    result is complete, can be recorded, and an unchanged list counts as a poll like any other.
    """

    def __init__(self, url: str, *, timeout_s: float, headers: Mapping[str, str] | None = None) -> None:
        self._url = httpx.URL(url)
        self._timeout_s = timeout_s
        self._headers = dict(headers or {})
        self._client: httpx.AsyncClient | None = None
        self._kept: tuple[str, bytes] | None = None

    @property
    def name(self) -> str:
        """The page without its query, where keys may stand."""
        return f"{self._url.scheme}://{self._url.netloc.decode().rpartition('@')[2]}{self._url.path}"

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
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self._timeout_s, follow_redirects=True)
        headers = self._headers | ({"If-None-Match": self._kept[0]} if self._kept else {})
        async with self._client.stream("GET", self._url, headers=headers) as answer:
            if answer.status_code == 304 and self._kept:
                return Heard(self._kept[1], wall_clock_ms(), attributes={"etag": self._kept[0]})
            self._refuse(answer)
            body = await self._body(answer)
            etag = answer.headers.get("ETag")
        self._kept = (etag, body) if etag else None
        return Heard(body, wall_clock_ms(), attributes={"etag": etag} if etag else {})

    def _refuse(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status in REFUSED:
            raise Fatal(
                f"{self.name} refuses the request: {status}", hint="check the source's url and its key"
            )
        if status not in (200, 204):
            wait = wait_s(answer.headers.get("Retry-After"), now_ms=wall_clock_ms())
            raise Retriable(f"{self.name} answered {status}", retry_after_s=wait)

    async def _body(self, answer: httpx.Response) -> bytes:
        parts, size = [], 0
        async for part in answer.aiter_bytes():
            size += len(part)
            if size > BODY_BYTES_MAX:
                raise Retriable(f"{self.name} sent more than {BODY_BYTES_MAX} bytes")
            parts.append(part)
        return b"".join(parts)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()
