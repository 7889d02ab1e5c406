"""Memories of chargers that other processes of the stage wrote, and how one of them takes over a charger.

A charger may connect to any process. Before its first call is taken, the process writes a mark into ``source.place`` and
waits until it has read the mark itself: then each transaction that another process had begun there is over, and the newest
row of the charger is known. The first call writes the charger's memory with this process's slot; the process before reads
that, forgets the charger, and never tells it as silent.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from schemas.catalogue import topic_name
from schemas.errors import Invalid, Retriable
from schemas.event import Event
from schemas.wire import Wire
from streams.chargers.post import Post
from streams.chargers.rows import PLACE, charger_of, mark_event, mark_key, memory_of
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

LOOK_S = 0.01
KNOWN_S = 30.0
"""The wait for a mark, also for one that others asked for before. A transaction that a killed process left open is ended by
Kafka before."""


class Mark(Protocol):
    """Writes an event durably, as ``Commits.put`` does."""

    async def __call__(self, events: Sequence[Event]) -> None: ...


@dataclass(frozen=True, slots=True)
class _Newest:
    offset: int
    place: bytes


class Neighbours:
    """Rows that others wrote last of *charger_ids*, by *following*. *life*: tells our marks from those before a restart."""

    def __init__(
        self,
        city: str,
        source: str,
        slot: str,
        charger_ids: Collection[str],
        following: Following,
        *,
        wire: Wire,
        life: str,
        now_ms: Callable[[], int],
    ) -> None:
        self._city, self._source, self._slot, self._life = city, source, slot, life
        self._now_ms = now_ms
        self._ids = frozenset(charger_ids)
        self._reader = RowReader(wire, f"{city}.chargers.neighbours")
        self._lock = threading.Lock()
        self._others = dict[str, _Newest]()  # bounded by the chargers of the list
        self._mark = ""
        self._marking = asyncio.Lock()
        self._begun = self._known = 0
        self._follower = Follower(
            "memories of chargers",
            topic_name(city, PLACE),
            following,
            begin=self._begin,
            take=self._take,
        )

    @property
    def are_known(self) -> bool:
        """Whether all that others wrote is being read."""
        return self._follower.trouble is None

    async def known(self, write: Mark) -> None:
        """Return once all that others had committed, or begun to write, is known. ``TimeoutError``, and errors of *write*.

        Those who wait share a mark: one that begins after they ask.
        """
        wanted = self._begun + 1
        async with asyncio.timeout(KNOWN_S), self._marking:
            if self._known >= wanted:
                return
            self._begun = number = self._begun + 1
            mark = f"{self._life}-{number}"
            await write([mark_event(self._city, self._source, self._slot, mark, self._now_ms())])
            while self._mark != mark:  # noqa: ASYNC110 (a thread without a loop reads it)
                await asyncio.sleep(LOOK_S)
            self._known = number

    def take_over(self, post: Post) -> None:
        """Give *post* the memory that another process wrote, where that is the newest. Call it after ``known``.
        ``Retriable``: the log is being read anew."""
        with self._lock:
            newest = self._others.get(post.charger.charger_id)
        if (
            not self.are_known
        ):  # asked afterwards: a reading that begins anew says so before it forgets them all
            raise Retriable("the memories of other processes are being read")
        if newest is not None:
            post.memory, post.seen_offset = memory_of({"place": newest.place}), newest.offset

    def is_gone(self, post: Post) -> bool:
        """Whether another process wrote of *post* since it was taken over here. Also of one that was left already, so that a
        commit which ends late does not bring it back."""
        if not self.are_known:
            return False
        newest = self._others.get(post.charger.charger_id)
        return newest is not None and newest.offset > post.seen_offset

    # -- in the thread that follows ------------------------------------------------------------------------------

    def _begin(self) -> None:
        with self._lock:
            self._others = {}

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        ours = mark_key(self._source, self._slot)
        for row in self._reader.rows(records):
            if row.key == ours and row.value is not None:
                self._mark = row.value["place"].decode("ascii", "replace")
            elif (charger_id := charger_of(self._source, row.key)) in self._ids:
                self._note(charger_id, row.record, row.value)

    def _note(self, charger_id: str, record: Record, value: Any) -> None:
        is_ours = value is None
        if value is not None:
            try:
                is_ours = memory_of(value)["slot"] == self._slot
            except Invalid as error:  # the row before it counts, as at a start
                self._reader.refuse(record, error)
                return
        with self._lock:
            if is_ours:
                self._others.pop(charger_id, None)
            else:
                self._others[charger_id] = _Newest(record.offset, bytes(value["place"]))
