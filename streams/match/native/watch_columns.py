"""Byte strings as columns for the kernels that write evidence, and the parts of a record that each watch gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from streams.match.core.observations import Longs
from streams.match.core.watches import Watch

WATCHES_MAX = 50_000
NULL, SOME = b"\0", b"\2"
COLUMNS, KEYS = 4, 3


class WatchColumns:
    """The parts of a record that depend on the watch alone, as columns for `written`, and the key of each watch."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.keys: list[bytes] = []
        self.raw = np.zeros(0, np.uint8)
        self.begin = self.size = np.zeros((0, COLUMNS), np.int64)
        self._known: dict[str, tuple[Watch, int]] = {}

    def numbers(self, watches: Sequence[Watch]) -> Longs:
        """Return the number of each watch. Numbers are valid until the next call."""
        if len(self.keys) > WATCHES_MAX:
            self.forget()
        known, new, found = self._known, list[bytes](), []
        for watch in watches:
            one = known.get(watch.watch_id)
            if one is None or one[0] is not watch:
                one = known[watch.watch_id] = (watch, len(self.keys))
                fields = _fields_of(watch)
                self.keys.append(fields[KEYS])
                new += fields
            found.append(one[1])
        if new:
            raw, begin, size = StringColumn(new).columns
            self.begin = np.concatenate([self.begin, (begin + len(self.raw)).reshape(-1, COLUMNS)])
            self.size = np.concatenate([self.size, size.reshape(-1, COLUMNS)])
            self.raw = np.concatenate([self.raw, raw])
        return np.array(found, np.int64)


class StringColumn:
    """Byte strings one behind another, and the begin of each."""

    def __init__(self, strings: list[bytes]) -> None:
        self.size: Longs = np.fromiter(map(len, strings), np.int64, len(strings))
        self._raw = np.frombuffer(b"".join(strings) or b"\0", np.uint8)
        self._begin = np.cumsum(self.size) - self.size

    @property
    def columns(self) -> tuple[Any, ...]:
        return self._raw, self._begin, self.size


def _fields_of(watch: Watch) -> tuple[bytes, ...]:
    """Return the beginning of its evidence ids, the fields before and after the others, and the key."""
    situation = NULL if watch.situation_id is None else SOME + avro_text(watch.situation_id)
    return (
        f"evidence\x1f{watch.watch_id}\x1f".encode(),
        avro_text(watch.watch_id) + situation,
        avro_text(watch.purpose),
        (watch.situation_id or watch.watch_id).encode(),
    )


def avro_text(text: str) -> bytes:
    """Encode as Avro does: the number of bytes, then UTF-8."""
    raw = text.encode()
    return avro_number(len(raw)) + raw


def avro_number(value: int) -> bytes:
    """Encode as Avro does: zigzag, then seven bits per byte, the lowest first. *value* must not be negative."""
    value <<= 1
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)
