"""Rows of CSV, JSON or JSON lines, read one by one by the columns that a city's file names. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from connectors.base import SetAside, SourceContext
from connectors.formats.csv import headed_rows, named_cells, under_heading
from connectors.formats.json import BOM, around_record, at_path, in_utf8, json_records, json_value, originals
from connectors.formats.numbers import NumberCells
from connectors.formats.positions import OTHER_ORDER, PlaceForm, two_of_point
from connectors.formats.records import a_text, read_each
from connectors.formats.times import row_time
from connectors.sources._mapping import MappedColumns, RowSettings
from schemas.errors import Invalid

AMBIGUOUS_ACCURACY_S = 3600.0
OTHERS = "left to others"
Row = Mapping[str, Any]
Read = TypeVar("Read")


class RowReader:
    """The reader of all rows of a body. *numbers*: the columns of numbers, times and ids."""

    def __init__(
        self,
        context: SourceContext,
        config: RowSettings,
        columns: MappedColumns,
        *numbers: str | tuple[str, ...] | None,
    ) -> None:
        self._context, self._config, self._columns = context, config, columns
        self.zone = ZoneInfo(config.timezone) if config.timezone else context.timezone
        of_all = (columns.time, columns.lat, columns.lon, columns.point)
        self._numbers = NumberCells(config.digits, (*numbers, *of_all))
        self._places = PlaceForm(
            config.coordinates,
            is_swapped="lon lat" in (config.axes, config.point_order.replace("-", " ")),
            latitude_sign=config.latitude_sign,
            longitude_sign=config.longitude_sign,
            other_order=OTHER_ORDER if columns.point is None else "point_order",
        )
        self._unknown = {"", *(text.strip().casefold() for text in config.unknown)}

    def read_all(
        self, body: bytes, read_one: Callable[[Row], Read | None]
    ) -> tuple[list[Read | None], list[SetAside]]:
        """Results of *read_one* for each row, ``None`` for one that is left to others; and what was set aside.

        ``Invalid`` for a body that is no list of rows.
        """

        def one(row: object) -> Read | None:
            if not isinstance(row, Mapping):
                raise Invalid("a row is no object", field="", expected="an object")
            if any(self.text(row, name) not in words for name, words in self._config.only.items()):
                return None
            return read_one(row)

        forms = {"csv": self._csv, "json": self._json, "jsonl": self._jsonl}
        return forms[self._config.format](body.removeprefix(BOM), one)

    def _csv(self, body: bytes, read_one: Callable[[object], Any]) -> tuple[list[Any], list[SetAside]]:
        config = self._config
        heading, rows = headed_rows(body, config.encoding, self._named(), delimiter=config.delimiter)
        read, aside, _ = read_each(
            rows,
            lambda row: read_one(named_cells(row, heading)),
            lambda _, row: row.original.rstrip(b"\r\n"),
            under_heading(heading, config.encoding, delimiter=config.delimiter),
        )
        return read, aside

    def _json(self, body: bytes, read_one: Callable[[object], Any]) -> tuple[list[Any], list[SetAside]]:
        path, encoding = self._config.records, self._config.encoding
        text = in_utf8(body, encoding)
        read, aside, _ = read_each(
            json_records(text, path),
            read_one,
            originals(text, path, encoding),
            around_record(path, encoding),
        )
        return read, aside

    def _jsonl(self, body: bytes, read_one: Callable[[object], Any]) -> tuple[list[Any], list[SetAside]]:
        encoding = self._config.encoding
        lines = [line for line in body.split(b"\n") if line.strip()]
        read, aside, _ = read_each(
            lines,
            lambda line: read_one(json_value(in_utf8(line, encoding))),
            lambda _, line: line.rstrip(b"\r"),
        )
        return read, aside

    def _named(self) -> set[str]:
        """All columns that the city's file names."""
        return set(self._config.only) | {
            name
            for value in self._columns.model_dump().values()
            for name in ((value,) if isinstance(value, str) else value or ())
        }

    # -- one row ---------------------------------------------------------------------------------------------

    def cell(self, row: Row, name: str | None) -> Any:
        """The value of a column; ``None`` for nothing and for a word that means not known."""
        if name is None:
            return None
        cell = row.get(name)
        if cell is None and self._config.format != "csv":
            cell = at_path(row, name)
        cell = self._numbers.read(name, cell)
        if isinstance(cell, bool) or cell is None:
            return None if cell is None else str(cell).lower()
        if isinstance(cell, str | int | float):
            return None if str(cell).strip().casefold() in self._unknown else cell
        return cell

    def text(self, row: Row, name: str | None) -> str | None:
        """The text of a column; ``Invalid`` for a list or an object."""
        cell = self.cell(row, name)
        if cell is None:
            return None
        if not isinstance(cell, str | int | float):
            raise Invalid(f"{name} is no text", field=str(name), expected="text")
        return str(cell).strip()

    def time(self, row: Row, noted: Counter[str]) -> tuple[int, float | None]:
        """Epoch ms, and by how many seconds it may be off."""
        named, form = self._columns.time, self._config.time_format
        names = (named,) if isinstance(named, str) else named
        text = " ".join(a_text(self.text(row, name), name) for name in names)
        read = row_time(text, form, self.zone)
        stated = self._config.time_accuracy_s
        accuracy_s = max(stated or 0.0, AMBIGUOUS_ACCURACY_S) if read.is_ambiguous else stated
        return read.note(noted), accuracy_s

    def position(self, row: Row) -> dict[str, Any] | None:
        """The place of a row; ``None`` where it says none."""
        columns = self._columns
        pair = (self.cell(row, columns.lat), self.cell(row, columns.lon))
        if columns.point is not None:
            pair = two_of_point(self.cell(row, columns.point), self._config.coordinates)
        return self._places.position(self._context, *pair)
