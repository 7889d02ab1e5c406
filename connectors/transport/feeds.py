"""Several addresses of one system, asked together: one that fails silences itself alone, and is tried again later."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from connectors.transport.web_page import WebPage
from schemas.errors import BongsuError, Fatal, Retriable

FEED_S_MAX = 45.0
"""The longest that a feed may take, whatever it drips: the others wait for it."""
BACK_OFF_FIRST_S, BACK_OFF_MAX_S = 15.0, 900.0


@dataclass(frozen=True, slots=True)
class Failure:
    """The last fault of a feed, the number of faults in a row, and the time before which it is left alone."""

    error: BongsuError
    count: int
    until_s: float


def after(error: BongsuError, before: Failure | None, *, now_s: float) -> Failure:
    """The failure after one more *error*: left alone for twice as long each time, or as long as ``Retry-After`` says."""
    count = 1 if before is None else before.count + 1
    wait_s = min(BACK_OFF_FIRST_S * 2 ** min(count - 1, 10), BACK_OFF_MAX_S)
    stated = error.retry_after_s if isinstance(error, Retriable) else None
    return Failure(error, count, now_s + min(stated or wait_s, BACK_OFF_MAX_S))


class Feeds:
    """The feeds of one system by name. *page* makes the client of an address."""

    def __init__(
        self, page: Callable[[str], WebPage], *, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._make, self._now_s = page, now_s
        self._pages: dict[str, WebPage] = {}
        self._failures: dict[str, Failure] = {}

    async def ask(self, addresses: Mapping[str, str]) -> tuple[dict[str, bytes], tuple[str, ...]]:
        """The bodies by name, and which were not heard and why. Where none was heard, what the first of them raised."""
        await self._forget(set(addresses.values()))
        names = list(addresses)
        answers = await asyncio.gather(*(self._one(addresses[name]) for name in names))
        bodies = {name: one for name, one in zip(names, answers, strict=True) if isinstance(one, bytes)}
        failed = {name: one for name, one in zip(names, answers, strict=True) if not isinstance(one, bytes)}
        if failed and not bodies:
            errors = sorted(failed.values(), key=lambda one: not isinstance(one, Retriable))
            raise errors[0].with_traceback(
                None
            )  # it may be raised again in each poll until it is tried again
        return bodies, tuple(f"{name}: {error.what}" for name, error in failed.items())

    async def _one(self, url: str) -> bytes | BongsuError:
        before = self._failures.get(url)
        if before is not None and self._now_s() < before.until_s:
            return before.error
        try:
            if url not in self._pages:
                self._pages[url] = self._make(url)
            async with asyncio.timeout(FEED_S_MAX):
                body = (await self._pages[url].get()).body
        except TimeoutError:
            error: BongsuError = Retriable(f"no whole answer within {FEED_S_MAX:.0f} s")
        except (Retriable, Fatal) as refused:
            error = refused
        else:
            self._failures.pop(url, None)
            return body
        self._failures[url] = after(error, before, now_s=self._now_s())
        return error

    async def _forget(self, wanted: set[str]) -> None:
        """Close the pages of addresses that the system no longer names: they may change with each poll."""
        for url in self._pages.keys() - wanted:
            await self._pages.pop(url).close()
        for url in self._failures.keys() - wanted:
            del self._failures[url]

    async def close(self) -> None:
        for page in self._pages.values():
            await page.close()
