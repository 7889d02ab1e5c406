"""The acts of all replicas, followed from ``core.access``: sign-outs, used links, and the newest acts to be listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.gateway.access_shelf import AccessShelf
from connectors.gateway.sessions_signs import Signs
from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader


class KnownAccess:
    """Keeps *shelf* equal to the topic, and passes its records on to *signs*, which keep what they know."""

    def __init__(
        self,
        city: str,
        signs: Signs,
        shelf: AccessShelf,
        following: Following,
        *,
        wire: Wire,
        now_ms: Callable[[], int],
    ) -> None:
        self._signs = signs
        self._shelf = shelf
        self._now_ms = now_ms
        self._reader = RowReader(wire, f"{city}.gateway.known-access")
        topic = topic_name(city, "core.access")
        Follower("acts of access", topic, following, begin=shelf.clear, take=self._take)

    def _take(self, records: Sequence[Record], is_all: bool) -> None:
        now_ms = self._now_ms()
        for row in self._reader.rows(records):
            if row.value is not None:
                self._signs.put(row.value, now_ms=now_ms)
                self._shelf.put(row.record.offset, row.value)
        if is_all:
            self._shelf.trouble = None
