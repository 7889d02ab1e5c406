"""A page of the web or a file, whichever a source's settings name; neither, when it is only played or pushed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from connectors.base import Heard
from connectors.file_read import read_file
from connectors.web_page import WebPage
from schemas.errors import Fatal


class PageOrFile:
    """What a ``PolledSource`` asks. A *url* goes before a *path*."""

    def __init__(
        self,
        who: str,
        *,
        url: str | None,
        path: Path | None,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._who = who
        self._path = path
        self._page = None if url is None else WebPage(url, timeout_s=timeout_s, headers=headers)

    async def ask(self) -> Heard:
        """Ask once. ``Retriable`` if the outside may heal, ``Fatal`` if it refuses us or nothing is named."""
        if self._page is not None:
            return await self._page.get()
        if self._path is not None:
            return await read_file(self._path)
        raise Fatal(
            f"source {self._who!r} has neither url nor path",
            hint="set one of them under its [[source]], or live = false if it is only played or pushed",
        )

    async def close(self) -> None:
        if self._page is not None:
            await self._page.close()
