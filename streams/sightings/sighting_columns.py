"""Sightings as columns, and the reader that fills them: the compiled kernel, or row by row where it gives up."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Invalid
from schemas.wire import Wire
from streams.persons.analytic_table import ATTRIBUTES, words_of_attribute
from streams.persons.looks import UNSAID
from streams.sightings.sighting_kernel import read_frames, text_number

PERSON = "cctv.person"
KERNEL_VERSION = 1
CONFIDENCE_LEAST = 0.5
"""A word that its analytic holds for less likely than this is not taken."""
EVENT, TIME, CAMERA, ANALYTIC, CASE, SCORE = range(6)
Longs = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SightingColumns:
    """Rows of ``cctv.person``. *numbers*: see the kernel; *at*: degrees, nan where unknown; *words*: a column an attribute.

    *frames*: the records' bytes, by row; *unread*: the rows of what was read that are left out.
    """

    numbers: Longs
    at: NDArray[np.float64]
    words: NDArray[np.int8]
    partition: Longs
    offset: Longs
    frames: Sequence[bytes]
    unread: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.offset)

    def rows(self, chosen: Longs) -> SightingColumns:
        """Keep the *chosen* rows alone."""
        frames = [self.frames[row] for row in chosen.tolist()]
        return SightingColumns(
            self.numbers[chosen],
            self.at[chosen],
            self.words[chosen],
            self.partition[chosen],
            self.offset[chosen],
            frames,
        )


class FramesAt(Sequence[bytes]):
    """Frames that lie at addresses: one is copied when it is asked for. Their owner must hold them until then."""

    def __init__(self, address: Longs, size: Longs) -> None:
        self._address, self._size = address, size

    def __len__(self) -> int:
        return len(self._address)

    @overload
    def __getitem__(self, row: int) -> bytes: ...
    @overload
    def __getitem__(self, row: slice) -> FramesAt: ...
    def __getitem__(self, row: int | slice) -> bytes | FramesAt:
        if isinstance(row, slice):
            return FramesAt(self._address[row], self._size[row])
        return ctypes.string_at(int(self._address[row]), int(self._size[row])) if self._size[row] else b""


class SightingReader:
    """Reads frames of one city."""

    def __init__(self, city: str, wire: Wire) -> None:
        self._topic, self._wire = topic_name(city, PERSON), wire
        self._schema_id = -1
        self._table = {
            text_number(name, word): (column, number)
            for column, name in enumerate(ATTRIBUTES)
            for number, word in enumerate(words_of_attribute(name))
        }
        codes = sorted(self._table)
        self._codes = np.array(codes, np.int64)
        self._columns = np.array([self._table[one][0] for one in codes], np.int64)
        self._words = np.array([self._table[one][1] for one in codes], np.int8)

    def read(self, frames: Sequence[bytes], partition: Longs, offset: Longs) -> SightingColumns:
        """Decode *frames*; those that cannot be read are left out, and named."""
        count = len(frames)
        raw = np.frombuffer(b"".join(frames) or b"\0", np.uint8)
        size = np.fromiter(map(len, frames), np.int64, count)
        return self.read_at(raw.ctypes.data + np.cumsum(size) - size, size, partition, offset, frames)

    def read_at(
        self, address: Longs, size: Longs, partition: Longs, offset: Longs, frames: Sequence[bytes]
    ) -> SightingColumns:
        """Decode the frames at these addresses; *frames* are the same ones."""
        count = len(address)
        ok = np.zeros(count, np.uint8)
        numbers, at = np.zeros((count, 6), np.int64), np.full((count, 2), np.nan)
        words = np.full((count, len(ATTRIBUTES)), UNSAID, np.int8)
        read_frames(
            address,
            size,
            self._known_id(),
            self._codes,
            self._columns,
            self._words,
            CONFIDENCE_LEAST,
            ok,
            numbers,
            at,
            words,
        )
        for row in np.flatnonzero(ok == 0).tolist():
            words[row] = UNSAID
            ok[row] = self._slowly(frames[row], numbers[row], at[row], words[row])
        unread = np.flatnonzero(ok == 0).tolist()
        if unread:
            whole = SightingColumns(numbers, at, words, partition, offset, frames)
            return replace(whole.rows(np.flatnonzero(ok)), unread=unread)
        return SightingColumns(numbers, at, words, partition, offset, frames)

    def value(self, frame: bytes) -> dict[str, Any]:
        """The whole row of one frame."""
        return self._wire.decode(self._topic, frame)

    def _known_id(self) -> int:
        if self._schema_id < 0:
            contract = load_catalogue()[PERSON]
            if len(contract.versions) == KERNEL_VERSION:
                self._schema_id = self._wire.registry.id_of(self._topic, contract)
        return self._schema_id

    def _slowly(self, frame: bytes, numbers: Longs, at: Any, words: Any) -> int:
        try:
            value = self.value(frame)
        except Invalid:
            return 0
        numbers[EVENT], numbers[TIME] = text_number(value["event_id"]), value["event_time"]
        numbers[CAMERA], numbers[ANALYTIC] = text_number(value["camera_id"]), text_number(value["analytic"])
        numbers[CASE] = 0 if value["case_id"] is None else text_number(value["case_id"])
        numbers[SCORE] = value["score"] is not None
        at[:] = placed(value["position"])
        for trait in value["attributes"]:
            known = self._table.get(text_number(trait["name"], trait["word"]))
            if known is not None and (trait["confidence"] is None or trait["confidence"] >= CONFIDENCE_LEAST):
                words[known[0]] = known[1]
        return 1


def placed(position: Mapping[str, Any] | None) -> tuple[float, float]:
    """Degrees, nan where there is no position."""
    return (np.nan, np.nan) if position is None else (position["lat"], position["lon"])
