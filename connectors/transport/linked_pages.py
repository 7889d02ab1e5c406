"""A page and what it links to, as one answer. Each linked page is asked once: it is a message that never changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

import orjson

from connectors.base import Heard
from connectors.formats.pages import origin
from connectors.transport.feeds import Feeds
from connectors.transport.web_page import WebPage
from schemas.errors import Fatal, Invalid, Retriable

INDEX, LINKED = "index", "linked"
PAGE_BYTES_MAX, ALL_BYTES_MAX = 8 * 1024 * 1024, 32 * 1024 * 1024
"""Of one linked page, and of all that are passed on at once. A message with a picture within it has a few megabytes."""


class LinkedPages:
    """The pages behind the links of an index, at its own server and at *origins* alone.

    *links_in* gives the addresses of an index's body, each with a mark that changes when the page there does; ``Invalid``
    for a body that is none. *links_max*: pages asked for in one poll; the others are for the next, and named until then.
    """

    def __init__(
        self,
        url: str,
        links_in: Callable[[bytes], Mapping[str, str]],
        *,
        links_max: int,
        origins: tuple[str, ...],
        timeout_s: float,
        headers: Mapping[str, str],
    ) -> None:
        self._url, self._links_in, self._max = url, links_in, links_max
        self._allowed = {origin(url), *(origin(one) for one in origins)}
        self._timeout_s, self._headers = timeout_s, headers
        self._feeds = Feeds(self._page)
        self._kept: dict[str, tuple[str, str]] = {}
        self._failed: set[str] = set()

    async def follow(self, heard: Heard) -> Heard:
        """*heard* itself where it links to nothing; else ``{"index": …, "linked": {address: …}}``, both as text."""
        try:
            found = await asyncio.to_thread(self._links_in, heard.body)
        except Invalid:
            return heard
        links, elsewhere = self._addresses(found)
        self._kept = {link: kept for link, kept in self._kept.items() if links.get(link) == kept[0]}
        self._failed &= links.keys()
        new = sorted((one for one in links if one not in self._kept), key=self._failed.__contains__)
        missing = list(heard.missing)
        if elsewhere:
            missing.append("alerts at another server, which links_from does not name")
        if len(new) > self._max:
            missing.append(f"alerts behind the first {self._max} new links; the next polls ask for them")
        missing += await self._ask(new[: self._max], links)
        if not self._kept:
            return replace(heard, missing=tuple(missing))
        linked, left = {}, ALL_BYTES_MAX
        for link in (one for one in links if self._kept.get(one, ("", ""))[1]):
            if (left := left - len(self._kept[link][1])) < 0:
                missing.append(f"linked alerts behind the first {ALL_BYTES_MAX} bytes")
                break
            linked[link] = self._kept[link][1]
        body = {INDEX: heard.body.decode("utf-8", "backslashreplace"), LINKED: linked}
        return replace(heard, body=orjson.dumps(body), missing=tuple(missing), attributes={})

    async def close(self) -> None:
        await self._feeds.close()

    def _addresses(self, found: Mapping[str, str]) -> tuple[dict[str, str], int]:
        """The links that may be asked, whole, and how many lead elsewhere."""
        links = {}
        for link, mark in found.items():
            try:
                whole = urljoin(self._url, link)
                if origin(whole) in self._allowed:
                    links[whole] = mark
            except ValueError:
                continue
        return links, len(found) - len(links)

    async def _ask(self, new: list[str], marks: Mapping[str, str]) -> list[str]:
        if not new:
            return []
        self._failed.update(new)  # until it answers: those that never failed are asked first
        try:
            bodies, missing = await self._feeds.ask({link: link for link in new})
        except (Retriable, Fatal) as error:
            return [f"{len(new)} linked alerts: {error.what}"]
        self._failed -= bodies.keys()
        said = [f"{len(missing)} linked alerts that did not answer"] if missing else []
        if any(len(body) > PAGE_BYTES_MAX for body in bodies.values()):
            said.append(f"linked alerts of more than {PAGE_BYTES_MAX} bytes")
        for link, body in bodies.items():
            is_kept = len(body) <= PAGE_BYTES_MAX
            self._kept[link] = marks[link], body.decode("utf-8", "backslashreplace") if is_kept else ""
        return said

    def _page(self, url: str) -> WebPage:
        """Secrets are sent only to the host that the city's file names."""
        is_theirs = urlsplit(url).netloc == urlsplit(self._url).netloc
        return WebPage(url, timeout_s=self._timeout_s, headers=self._headers if is_theirs else {})
