"""The texts of observations: one by one, and as columns of UTF-8 bytes, so that a match creates no object for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from streams.match.core.observations import Floats, Longs, Rows

OBSERVATION_ID, SOURCE, LABEL, TOKEN, SUBJECT, SEEN_BY, IMAGE_REF = range(7)
COLUMNS = 7
NO_WORD = -1


class RowTexts(NamedTuple):
    """The texts of one observation. ``subject``: the thing's name; ``seen_by``: the name of the claiming device."""

    observation_id: str
    source: str
    label: str
    token: str | None
    subject: str | None
    accuracy_m: float | None
    seen_by: str | None = None
    image_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of n observations. *begin* and *size* are (7, n), in the order of the constants above: the
    begin of each text in *raw* and its bytes, ``NO_WORD`` for none. *accuracy_m*: NaN for none.
    """

    raw: bytes
    begin: Longs
    size: Longs
    accuracy_m: Floats

    @classmethod
    def of(cls, words: Sequence[RowTexts]) -> Texts:
        columns = [(one[0], one[1], one[2], one[3], one[4], one[6], one[7]) for one in words]
        texts = [
            None if text is None else text.encode()
            for column in zip(*columns, strict=True)
            for text in column
        ]
        size = np.array([NO_WORD if text is None else len(text) for text in texts], np.int64)
        ends = np.cumsum(size.clip(0))
        accuracy = [np.nan if one.accuracy_m is None else one.accuracy_m for one in words]
        shape = (COLUMNS, len(words))
        return cls(
            b"".join(text or b"" for text in texts),
            (ends - size.clip(0)).reshape(shape),
            size.reshape(shape),
            np.array(accuracy, np.float64),
        )

    def __len__(self) -> int:
        return len(self.accuracy_m)

    def take(self, rows: Rows) -> Texts:
        return Texts(self.raw, self.begin[:, rows], self.size[:, rows], self.accuracy_m[rows])

    def bytes_of(self, column: int) -> list[bytes]:
        """Return that column; ``b""`` for none."""
        raw, begins, ends = self.raw, self.begin[column], self.begin[column] + self.size[column].clip(0)
        return [raw[begin:end] for begin, end in zip(begins.tolist(), ends.tolist(), strict=True)]

    def column(self, column: int) -> list[str | None]:
        found: list[str | None] = [text.decode() for text in self.bytes_of(column)]
        for row in np.flatnonzero(self.size[column] == NO_WORD).tolist():
            found[row] = None
        return found

    def words(self) -> list[RowTexts]:
        columns = [self.column(number) for number in range(COLUMNS)]
        return [
            RowTexts(one or "", source or "", label or "", token, subject, known(metres), seen_by, image)
            for one, source, label, token, subject, seen_by, image, metres in zip(
                *columns, self.accuracy_m.tolist(), strict=True
            )
        ]


def known(value: float) -> float | None:
    """Return *value*; ``None`` for NaN."""
    return None if value != value else value  # noqa: PLR0124 (true for NaN alone)
