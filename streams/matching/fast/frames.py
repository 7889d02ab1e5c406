"""Payloads at addresses: what a batch has of its records until it is answered, and what a look back keeps of them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from streams.match.batch import Frames, Words
from streams.match.observations import Longs
from streams.matching.fast.kernel import Kernel
from streams.matching.fast.loading import copied
from streams.runtime.records import Record

Bytes = npt.NDArray[np.uint8]
TEXTS = 7
HEAD_BYTES = 5


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one schema. *words_of* reads one that the kernel is not sure of."""

    kernel: Kernel
    fixed_label: str
    words_of: Callable[[bytes], Words]


@dataclass(frozen=True, slots=True)
class KernelFrames:
    """*payload* and *size* of each frame, *group* its number in *groups*; *unsure*: those that the row decoder read.

    *record_of* copies one while the messages are there; *held* owns the bytes when they are our own.
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

    def words(self, at: Longs) -> list[Words]:
        found: list[Words | None] = [None] * len(at)
        for number, group in self.groups.items():
            which = np.flatnonzero(self.group[at] == number)
            if len(which):
                rows = at[which]
                for index, words in zip(which.tolist(), self._words(group, rows), strict=True):
                    found[index] = words
        return [one for one in found if one is not None]

    def _words(self, group: Group, rows: Longs) -> list[Words]:
        texts = np.empty((len(rows), 2 * TEXTS), np.int64)
        accuracy = np.empty(len(rows))
        group.kernel.locate(self.payload, self.size, rows, texts, accuracy)
        ids, sources, labels, tokens, things, claimants, images = _read(texts)
        made = [
            Words(
                one or "",
                source or "",
                group.fixed_label or label or "",
                token,
                thing if thing is not None else token,
                metres if metres == metres else None,  # noqa: PLR0124 (not a number)
                claimant,
                image,
            )
            for one, source, label, token, thing, claimant, image, metres in zip(
                ids, sources, labels, tokens, things, claimants, images, accuracy.tolist(), strict=True
            )
        ]
        if self.unsure:
            for index, row in enumerate(rows.tolist()):
                if row in self.unsure:
                    made[index] = group.words_of(self._frame(row)[HEAD_BYTES:])
        return made

    def _frame(self, row: int) -> bytes:
        return ctypes.string_at(int(self.payload[row]), int(self.size[row]))

    def record(self, at: int) -> Record:
        if self.record_of is None:
            raise ValueError("the messages are gone")
        return self.record_of(at)

    def kept(self) -> KernelFrames:
        """With bytes of its own: the messages go with the next batch."""
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


def _read(texts: Longs) -> list[list[str | None]]:
    """The columns of texts of which *texts* has (address, bytes) row by row; address 0 is none."""
    address, size = (np.ascontiguousarray(texts[:, first::2].T).ravel() for first in (0, 1))
    size[address == 0] = 0
    held = np.empty(int(size.sum()), np.uint8)
    copied(address, size, held.ctypes.data)
    raw = held.tobytes()
    ends = np.cumsum(size)
    bounds = zip((ends - size).tolist(), ends.tolist(), strict=True)
    found: list[str | None]
    if raw.isascii():
        text = raw.decode()
        found = [text[begin:end] for begin, end in bounds]
    else:
        found = [_decoded(raw[begin:end]) for begin, end in bounds]
    for row in np.flatnonzero(address == 0).tolist():
        found[row] = None
    count = len(texts)
    return [found[column * count : (column + 1) * count] for column in range(TEXTS)]


def _decoded(raw: bytes) -> str:
    """``""`` for what is no text: a row that the kernel was not sure of, which is read otherwise."""
    return raw.decode(errors="ignore")
