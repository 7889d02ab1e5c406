"""Payloads at addresses: the records of a batch while it is processed, and copies of them for look-backs."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cramjam
import numpy as np
import numpy.typing as npt

from streams.match.core.batch import Frames
from streams.match.core.compressed import Column, Kind, compressed_columns, kind_of, opened_columns
from streams.match.core.observations import Longs, Rows
from streams.match.core.texts import COLUMNS, LABEL, NO_WORD, SUBJECT, TOKEN, RowTexts, Texts
from streams.match.native.kernel import Kernel
from streams.match.native.load import copied
from streams.runtime.records import Record

Bytes = npt.NDArray[np.uint8]
HEAD_BYTES = 5
LEVEL = 1
"""The level of zstd. Its entropy coding halves ids of hexadecimal digits, which lz4 leaves as they are."""


@dataclass(frozen=True, slots=True)
class Group:
    """The records of one schema. *words_of* decodes a record that the kernel cannot."""

    kernel: Kernel | None
    fixed_label: str
    words_of: Callable[[bytes], RowTexts]


@dataclass(frozen=True, slots=True)
class KernelFrames:
    """The frames of a batch: address *payload*, *size*, and *group*, an index into *groups*. *unsure*: the rows that
    the row decoder read.

    *record_of* copies one record while the messages exist; *held* owns the bytes when they are our own.
    """

    payload: Longs
    size: Longs
    group: npt.NDArray[np.uint8]
    groups: Mapping[int, Group]
    unsure: frozenset[int] = frozenset()
    record_of: Callable[[int], Record] | None = None
    held: Bytes | None = field(default=None)

    @property
    def nbytes(self) -> int:
        own = 0 if self.held is None else self.held.nbytes
        return own + self.payload.nbytes + self.size.nbytes + self.group.nbytes

    def __len__(self) -> int:
        return len(self.payload)

    def texts(self, at: Longs) -> Texts:
        address, size = np.zeros((COLUMNS, len(at)), np.int64), np.zeros((COLUMNS, len(at)), np.int64)
        accuracy = np.empty(len(at))
        own: list[Bytes] = []
        """The memory of decoded texts, kept until all texts are copied."""
        chosen = self.group[at]
        for number in np.unique(chosen).tolist():
            group, which = self.groups[number], np.flatnonzero(chosen == number)
            if group.kernel is not None:
                group.kernel.locate(self.payload, self.size, at, which, address, size, accuracy)
            if group.fixed_label:
                _put(own, address, size, LABEL, which, group.fixed_label)
        # a thing without an id is named by its token
        without = address[SUBJECT] == 0
        address[SUBJECT, without], size[SUBJECT, without] = address[TOKEN, without], size[TOKEN, without]
        if self.unsure:
            for index, row in enumerate(at.tolist()):
                if row in self.unsure:
                    words = self.groups[int(chosen[index])].words_of(self._frame(row)[HEAD_BYTES:])
                    accuracy[index] = np.nan if words.accuracy_m is None else words.accuracy_m
                    texts = (*words[:5], words.seen_by, words.image_ref)
                    for column, text in enumerate(texts):
                        _put(own, address, size, column, np.array([index]), text)
        size[address == 0] = 0
        held = np.empty(int(size.sum()), np.uint8)
        copied(address.ravel(), size.ravel(), held.ctypes.data)
        begin = (np.cumsum(size) - size.ravel()).reshape(size.shape)
        size[address == 0] = NO_WORD
        return Texts(held.tobytes(), begin, size, accuracy)

    def _frame(self, row: int) -> bytes:
        return ctypes.string_at(int(self.payload[row]), int(self.size[row]))

    def record(self, at: int) -> Record:
        if self.record_of is None:
            raise ValueError("record called after kept: its messages are freed")
        return self.record_of(at)

    def kept(self) -> KernelFrames:
        """Copy the bytes: the messages are freed with the next batch."""
        if self.held is not None:
            return self if self.record_of is None else replace(self, record_of=None)
        begins = np.cumsum(self.size) - self.size
        held = np.empty(int(self.size.sum()), np.uint8)
        copied(self.payload, self.size, held.ctypes.data)
        return KernelFrames(
            begins + held.ctypes.data, self.size, self.group, self.groups, self.unsure, None, held
        )

    def joined(self, others: Sequence[Frames]) -> KernelFrames:
        parts = [self.kept(), *(one.kept() for one in others if isinstance(one, KernelFrames))]
        held = np.concatenate([one.held for one in parts if one.held is not None])
        sizes = np.concatenate([one.size for one in parts])
        firsts = np.cumsum([0, *(len(one) for one in parts)])
        unsure = frozenset(
            int(first) + row for first, one in zip(firsts, parts, strict=False) for row in one.unsure
        )
        groups: dict[int, Group] = {}
        for one in parts:
            groups |= one.groups
        begins = np.cumsum(sizes) - sizes + held.ctypes.data
        group = np.concatenate([one.group for one in parts])
        return KernelFrames(begins, sizes, group, groups, unsure, None, held)

    def compressed(self) -> Frames:
        return CompressedFrames.of(self)


@dataclass(frozen=True, slots=True)
class CompressedFrames:
    """Kept `KernelFrames`: *held* is their payloads, *about* their sizes and groups; addresses follow from the sizes."""

    held: bytes
    about: bytes
    kinds: Sequence[Kind]
    rows: int
    groups: Mapping[int, Group]
    unsure: frozenset[int]

    @classmethod
    def of(cls, frames: KernelFrames) -> CompressedFrames:
        kept = frames.kept()
        about: list[Column] = [kept.size, kept.group]
        return cls(
            bytes(cramjam.zstd.compress(b"" if kept.held is None else kept.held.data, LEVEL)),
            compressed_columns(about),
            tuple(map(kind_of, about)),
            len(kept),
            kept.groups,
            kept.unsure,
        )

    @property
    def nbytes(self) -> int:
        return len(self.held) + len(self.about)

    def __len__(self) -> int:
        return self.rows

    def texts(self, at: Longs) -> Texts:
        return self.kept().texts(at)

    def record(self, at: int) -> Record:
        return self.kept().record(at)

    def kept(self) -> KernelFrames:
        """Return the frames opened."""
        held = np.frombuffer(bytes(cramjam.zstd.decompress(self.held)), np.uint8)
        size, group = opened_columns(self.about, self.kinds, self.rows)
        sizes = size.astype(np.int64, copy=False)
        begins = np.cumsum(sizes) - sizes + held.ctypes.data
        return KernelFrames(
            begins, sizes, group.astype(np.uint8, copy=False), self.groups, self.unsure, None, held
        )

    def joined(self, others: Sequence[Frames]) -> Frames:
        return self.kept().joined([one.kept() for one in others])

    def compressed(self) -> Frames:
        return self


def _put(own: list[Bytes], address: Longs, size: Longs, column: int, rows: Rows, text: str | None) -> None:
    """Set that text for these rows."""
    held = np.frombuffer((text or "").encode() or b"\0", np.uint8)
    own.append(held)
    address[column, rows] = 0 if text is None else held.ctypes.data
    size[column, rows] = len((text or "").encode())
