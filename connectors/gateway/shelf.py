"""The newest revision of each row of a delivered contract, with those before it. Pure; values are in the JSON form.

A row's revisions are kept compressed, each by what differs from the next newer one. Rows stand in the order of their
last change.
"""

from __future__ import annotations

import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

REVISIONS_MAX = 500
"""The newest revisions that are kept of a row."""
SWEEP_MS = 60_000

Value = Mapping[str, Any]
KEYS: Mapping[str, Callable[[Value], str]] = {
    "core.situation": lambda it: str(it["situation_id"]),
    "core.alert": lambda it: f"{it['alert_id']}/{it['audience']}",
    "core.grant": lambda it: str(it["grant_id"]),
}
"""Contract → the key of a row: one alert has a row for each audience."""
HEADS: Mapping[str, tuple[str, ...]] = {
    "core.situation": ("situation_id", "kind", "status", "agencies", "position"),
    "core.alert": ("alert_id", "audience", "situation_id", "kind", "position", "area"),
    "core.grant": ("grant_id", "granted_to", "situation_id", "camera_id", "expires_at", "revoked_at"),
}
"""Contract → the fields by which rows are chosen; they stay in memory as they are."""


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """A row as of its newest revision. *place* is that revision's offset, *changed_ms* the time of its record."""

    key: str
    place: int
    changed_ms: int
    head: Value
    _newest: bytes
    _before: deque[tuple[int, int, bytes]]
    """The older revisions: the offset and the time of each one's record, and what differs."""

    def value(self) -> dict[str, Any]:
        found: dict[str, Any] = orjson.loads(zlib.decompress(self._newest))
        return found

    def revisions(self, as_of_ms: int | None = None) -> list[dict[str, Any]]:
        """All that are kept, the oldest first; with *as_of_ms* those whose records were written until then."""
        return [
            value for _, written_ms, value in self.written() if as_of_ms is None or written_ms <= as_of_ms
        ]

    def written(self) -> list[tuple[int, int, dict[str, Any]]]:
        """(offset and time of its record, value) of all that are kept, the oldest first."""
        text = zlib.decompress(self._newest)
        found = [(self.place, self.changed_ms, text)]
        for place, changed_ms, piece in reversed(tuple(self._before)):
            text = zlib.decompressobj(zdict=text).decompress(piece)
            found.append((place, changed_ms, text))
        return [(place, changed_ms, orjson.loads(text)) for place, changed_ms, text in reversed(found)]


@dataclass(slots=True)
class Shelf:
    """The rows of *contract*. *keep_ms*: the time since its last change after which a row is forgotten; *keep_over_ms*: the
    same for one of which *is_over* says so by its head. Safe for one thread that writes and several that read.
    """

    contract: str
    keep_ms: int | None = None
    keep_over_ms: Callable[[], float] | None = None
    is_over: Callable[[Value], bool] = lambda head: head["status"] == "closed"
    _rows: dict[str, ShelfRow] = field(default_factory=dict)
    _of_situation: dict[str, dict[str, None]] = field(default_factory=dict)
    _swept_ms: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self._rows)

    def clear(self) -> None:
        with self._lock:
            self._rows.clear()
            self._of_situation.clear()

    def put(self, value: Value, *, place: int, changed_ms: int) -> None:
        """Add a revision. One older than the newest that is known changes nothing."""
        key = KEYS[self.contract](value)
        text = orjson.dumps(value)
        with self._lock:
            before = self._rows.get(key)
            if before is not None and before.place >= place:
                return
            head = {name: value.get(name) for name in HEADS[self.contract]}
            self._rows.pop(key, None)  # so that the changed row is the last
            self._rows[key] = ShelfRow(
                key, place, changed_ms, head, zlib.compress(text, 1), _chain(before, text)
            )
            self._of_situation.setdefault(str(value["situation_id"]), {})[key] = None

    def rows(self, *, now_ms: int) -> list[ShelfRow]:
        """The rows, the newest changed first."""
        with self._lock:
            self._sweep(now_ms)
            return list(reversed(self._rows.values()))

    def row(self, key: str, *, now_ms: int) -> ShelfRow | None:
        with self._lock:
            self._sweep(now_ms)
            return self._rows.get(key)

    def of_situation(self, situation_id: str, *, now_ms: int) -> list[ShelfRow]:
        """The rows of that situation, in the order of their keys' first revisions."""
        with self._lock:
            self._sweep(now_ms)
            return [self._rows[key] for key in self._of_situation.get(situation_id, ())]

    def _sweep(self, now_ms: int) -> None:
        if abs(now_ms - self._swept_ms) < SWEEP_MS:
            return
        self._swept_ms = now_ms
        for row in list(self._old(now_ms)):
            del self._rows[row.key]
            situation_id = str(row.head["situation_id"])
            keys = self._of_situation[situation_id]
            del keys[row.key]
            if not keys:
                del self._of_situation[situation_id]

    def _old(self, now_ms: int) -> Iterator[ShelfRow]:
        """The rows to forget: they stand at the beginning, as the last changed are last."""
        over_ms = None if self.keep_over_ms is None else self.keep_over_ms()
        terms = [term for term in (self.keep_ms, over_ms) if term is not None]
        for row in self._rows.values():
            age_ms = now_ms - row.changed_ms
            if not terms or age_ms <= min(terms):
                return
            is_out = self.keep_ms is not None and age_ms > self.keep_ms
            if is_out or (over_ms is not None and age_ms > over_ms and self.is_over(row.head)):
                yield row


def _chain(before: ShelfRow | None, text: bytes) -> deque[tuple[int, int, bytes]]:
    """The older revisions of *before*, and its newest one by what differs from *text*."""
    if before is None:
        return deque(maxlen=REVISIONS_MAX - 1)
    packer = zlib.compressobj(1, zdict=text)
    piece = packer.compress(zlib.decompress(before._newest)) + packer.flush()
    chain = before._before.copy()
    chain.append((before.place, before.changed_ms, piece))
    return chain
