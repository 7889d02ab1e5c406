"""The place of a reader in the delivered topics: the next offset of each; its text is the id of an event. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from connectors.subscribers import DELIVERED, STREAMED

LETTERS = tuple(contract.partition(".")[2][0] for contract in STREAMED)
"""``s``, ``a``, ``g`` and ``h``: each streamed topic's letter in a place's text."""
_PARTS = [rf"{letter}([0-9]{{1,18}})" for letter in LETTERS]
TEXT = re.compile(
    r"\.".join(_PARTS[: len(DELIVERED)]) + "".join(rf"(?:\.{one})?" for one in _PARTS[len(DELIVERED) :])
)
"""A place without ``h`` is of a city that has told no board of a hub yet, or of what reads the delivered topics alone."""
NUMBER = {contract: number for number, contract in enumerate(STREAMED)}


@dataclass(frozen=True, slots=True)
class Place:
    """The next offset to read in each of ``STREAMED``, in that order; of a past time in each of ``DELIVERED``."""

    offsets: tuple[int, ...]

    @classmethod
    def of(cls, text: str) -> Place | None:
        """The place that *text* names, such as ``s12.a7.g33.h5``; ``None`` for anything else."""
        found = TEXT.fullmatch(text)
        return None if found is None else cls(tuple(int(one or 0) for one in found.groups()))

    @property
    def text(self) -> str:
        told = [f"{letter}{offset}" for letter, offset in zip(LETTERS, self.offsets, strict=False)]
        while len(told) > len(DELIVERED) and not self.offsets[len(told) - 1]:
            told.pop()
        return ".".join(told)

    def after(self, number: int, offset: int) -> Place:
        """This place once the record at *offset* of topic *number* was read."""
        return Place((*self.offsets[:number], offset + 1, *self.offsets[number + 1 :]))

    def joined(self, other: Place) -> Place:
        """The place of one who has read both up to here and up to *other*."""
        return Place(tuple(map(max, self.offsets, other.offsets)))

    def reaches(self, other: Place) -> bool:
        """Whether a reader here has read all that one at *other* has."""
        return all(mine >= its for mine, its in zip(self.offsets, other.offsets, strict=True))
