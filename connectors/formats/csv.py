"""Rows of CSV bodies, with the bytes of each row as they came."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Set
from dataclasses import dataclass

from connectors.formats.empty_body import Nothing
from schemas.errors import Invalid

BEGINNINGS_MAX = 50
"""Times that a body is begun anew behind a quote that nothing closes: each time it may be read to its end."""


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row: its cells, and its bytes (a quoted cell may hold line ends)."""

    cells: list[str]
    original: bytes


def csv_rows(body: bytes, encoding: str, *, delimiter: str = ",") -> Iterator[CsvRow]:
    """The rows of *body*, the heading first.

    Bytes that *encoding* does not know come as lone surrogates, so that one bad row spoils no other. A quote that nothing
    closes, or what else the CSV reader gives up on, costs the line in which it begins: a row without cells. After
    ``BEGINNINGS_MAX`` of them the rest of *body* is one such row.
    """
    lines, done = body.splitlines(keepends=True), 0
    for _ in range(BEGINNINGS_MAX):
        for row, number in _rows_from(lines[done:], encoding, delimiter):
            yield row
            done += number
        if done == len(lines):
            return
        yield CsvRow([], lines[done])
        done += 1
    if done < len(lines):
        yield CsvRow([], b"".join(lines[done:]))


def _rows_from(lines: list[bytes], encoding: str, delimiter: str) -> Iterator[tuple[CsvRow, int]]:
    """The rows of *lines*, each with its number of lines, up to one that is not closed or cannot be read."""
    reader = csv.reader((line.decode(encoding, "surrogateescape") for line in lines), delimiter=delimiter)
    done = 0
    while done < len(lines):
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            return
        original = b"".join(lines[done : reader.line_num])
        if reader.line_num == len(lines) > done + 1 and original.count(b'"') % 2:
            return
        yield CsvRow(cells, original), reader.line_num - done
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
