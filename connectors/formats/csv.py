"""Rows of CSV bodies, with the bytes of each row as they came."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Set
from dataclasses import dataclass

from connectors.formats.empty_body import Nothing
from schemas.errors import Invalid


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: its cells, and its bytes (a quoted cell may hold line ends)."""

    cells: list[str]
    original: bytes


def csv_rows(body: bytes, encoding: str, *, delimiter: str = ",") -> Iterator[CsvRow]:
    """The rows of *body*, the heading first.

    Bytes that *encoding* does not know come as lone surrogates, so that one bad row spoils no other; what the
    CSV reader gives up on comes as one last row without cells.
    """
    lines = body.splitlines(keepends=True)
    reader = csv.reader((line.decode(encoding, "surrogateescape") for line in lines), delimiter=delimiter)
    done = 0
    while done < len(lines):
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            yield CsvRow([], b"".join(lines[done:]))
            return
        yield CsvRow(cells, b"".join(lines[done : reader.line_num]))
        done = reader.line_num


def under_heading(heading: list[str], encoding: str, *, delimiter: str = ",") -> tuple[bytes, bytes]:
    """The bytes before and after a row that make a body of its own of it: its heading before it."""
    line = io.StringIO()
    csv.writer(line, delimiter=delimiter, lineterminator="\n").writerow(heading)
    return line.getvalue().encode(encoding, "surrogateescape"), b"\n"


def headed_rows(
    body: bytes, encoding: str, needed: Set[str], *, delimiter: str = ","
) -> tuple[list[str], list[CsvRow]]:
    """The heading of *body* and its rows, blank lines left out.

    ``Invalid`` when a *needed* column is missing, ``Nothing`` for a heading alone.
    """
    rows = [row for row in csv_rows(body, encoding, delimiter=delimiter) if row.original.strip()]
    heading = [name.strip() for name in rows[0].cells] if rows else []
    if missing := sorted(needed - set(heading)):
        raise Invalid(
            f"the heading has no column {missing[0]!r}", field="", expected=", ".join(sorted(needed))
        )
    if not rows[1:]:
        raise Nothing("a heading alone")
    return heading, rows[1:]


def named_cells(row: CsvRow, heading: list[str]) -> dict[str, str]:
    """The cells of *row* by name. ``Invalid`` for too few, too many, or bytes of no character."""
    if len(row.cells) != len(heading):
        raise Invalid(f"the row has {len(row.cells)} cells", field="", expected=f"{len(heading)} cells")
    for name, cell in zip(heading, row.cells, strict=True):
        if not cell.isprintable() and any("\ud800" <= letter <= "\udfff" for letter in cell):
            raise Invalid(f"{name} holds bytes of no character", field=name, expected="text")
    return dict(zip(heading, row.cells, strict=True))
