"""The grants in force, followed from ``core.grant``: a revoked one is known as such within a second."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.gateway.access import Grants
from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader


class KnownGrants:
    """Keeps *grants* equal to the topic."""

    def __init__(
        self,
        city: str,
        grants: Grants,
        following: Following,
        *,
        wire: Wire,
        now_ms: Callable[[], int],
    ) -> None:
        self._grants = grants
        self._now_ms = now_ms
        self._reader = RowReader(wire, f"{city}.gateway.grants")
        grants.trouble = "the grants are being read"
        Follower("grants", topic_name(city, "core.grant"), following, begin=self._begin, take=self._take)

    def _begin(self) -> None:
        self._grants.trouble = "the grants are being read"
        self._grants.clear()

    def _take(self, records: Sequence[Record], is_all: bool) -> None:
        now_ms = self._now_ms()
        for value in self._reader.values(records):
            self._grants.put(value, now_ms=now_ms)
        if is_all:
            self._grants.trouble = None
            self._grants.forget(now_ms=now_ms)
