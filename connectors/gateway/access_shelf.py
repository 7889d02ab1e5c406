"""The newest acts of ``core.access`` in memory, and whether all that was read of it follows on in its chains. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock
from typing import Any

from connectors.gateway.chain import Head, hash_of, head_after

KEPT_MAX = 20_000
"""So many acts are kept, at some 800 bytes each; older ones are in the log alone."""
FAULTS_MAX = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """An act, by the contract's fields. *place*: its offset."""

    place: int
    at: int
    act: str
    account_id: str | None
    address: str | None
    grant_id: str | None
    camera_id: str | None
    situation_id: str | None
    purpose: str | None
    legal_ground: str | None
    reason: str | None
    count: int | None
    writer: str
    sequence: int


FIELDS = tuple(name for name in Seen.__slots__ if name != "place")


@dataclass(slots=True)
class AccessShelf:
    """*trouble*: why not all of the log is read; *faults*: the first places at which a chain does not hold."""

    trouble: str | None = "the access log is being read"
    records: int = 0
    faulty: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    is_whole: bool = True
    """Whether all acts of the log are kept."""
    _rows: deque[Seen] = field(default_factory=lambda: deque(maxlen=KEPT_MAX))
    _heads: dict[str, Head] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def clear(self) -> None:
        with self._lock:
            self.trouble = "the access log is being read"
            self.records = self.faulty = 0
            self.is_whole = True
            self.faults.clear()
            self._rows.clear()
            self._heads.clear()

    def put(self, place: int, row: Mapping[str, Any]) -> None:
        """Take the next record of the log."""
        with self._lock:
            writer, head = row["writer"], self._heads.get(row["writer"])
            if (what := _fault(head, row)) is not None:
                self.faulty += 1
                if len(self.faults) < FAULTS_MAX:
                    self.faults.append({"writer": writer, "sequence": row["sequence"], "what": what})
            self._heads[writer] = head_after(row)
            self.records += 1
            self.is_whole = self.is_whole and len(self._rows) < KEPT_MAX
            self._rows.append(Seen(place, *(row[name] for name in FIELDS)))

    def newest(self, before: int | None) -> Iterator[Seen]:
        """The acts before the place *before*, the newest first."""
        with self._lock:
            rows = list(self._rows)
        return (one for one in reversed(rows) if before is None or one.place < before)

    def oldest_ms(self) -> int | None:
        """When the oldest act that is kept was done."""
        with self._lock:
            return next((one.at for one in islice(self._rows, 1)), None)

    @property
    def writers(self) -> int:
        return len(self._heads)


def _fault(head: Head | None, row: Mapping[str, Any]) -> str | None:
    """The first thing that is wrong with *row* after *head*, which is ``None`` at the beginning of what is kept."""
    if hash_of(row) != row["hash"]:
        return "was altered: its hash is of other content"
    if head is None:
        return None
    if row["sequence"] != head.sequence + 1:
        return f"does not stand right after its predecessor: {head.sequence} is before it"
    return None if row["previous_hash"] == head.hash else f"does not follow {head.sequence} as it stands here"
