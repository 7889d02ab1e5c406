"""Rows of CSV bodies, with the bytes of each row as they came."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.errors import Invalid


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: its cells, and its bytes (a quoted cell may hold line ends)."""

    cells: list[str]
    original: bytes


def csv_rows(body: bytes, encoding: str) -> Iterator[CsvRow]:
    """The rows of *body*, the heading first.

    Bytes that *encoding* does not know come as lone surrogates, so that one bad row spoils no other; what the
    CSV reader gives up on comes as one last row without cells.
    """
    lines = body.splitlines(keepends=True)
    reader = csv.reader(line.decode(encoding, "surrogateescape") for line in lines)
    done = 0
    while done < len(lines):
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            yield CsvRow([], b"".join(lines[done:]))
            return
        yield CsvRow(cells, b"".join(lines[done : reader.line_num]))
        done = reader.line_num


def named_cells(row: CsvRow, heading: list[str]) -> dict[str, str]:
    """The cells of *row* by name. ``Invalid`` for too few, too many, or bytes of no character."""
    if len(row.cells) != len(heading):
        raise Invalid(f"the row has {len(row.cells)} cells", field="", expected=f"{len(heading)} cells")
    for name, cell in zip(heading, row.cells, strict=True):
        if not cell.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            raise Invalid(f"{name} holds bytes of no character", field=name, expected="text")
    return dict(zip(heading, row.cells, strict=True))
