"""Any agency's rows, CSV or JSON, whose columns the city's file maps to an incident's fields. No code.

A row without news is skipped; one whose case number comes again with other values is a revision.
Read from a page (``url``), from a file (``path``), from a recording, or pushed: a 112 centre that posts its
reports as JSON over HTTP is this type with ``format = "json"`` and neither url nor path.

Nothing is guessed: a place outside the city sets the row aside, and what is mapped but not there is unknown. An agency,
or a word for the status, that the city's file does not name costs the row nothing: it is noted, and the case is open.
Names of JSON columns are dotted paths (``geometry.coordinates``). Leaving a list means nothing here; an agency's word for
*closed* closes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.csv import headed_rows, named_cells, under_heading
from connectors.formats.json import BOM, around_record, at_path, in_utf8, json_records, json_value, originals
from connectors.formats.numbers import NumberCells
from connectors.formats.positions import OTHER_ORDER, PlaceForm, two_of_point
from connectors.formats.records import (
    a_text,
    an_id,
    id_or_none,
    note_unknown,
    plausible_time,
    read_each,
    set_aside,
)
from connectors.formats.times import row_time
from connectors.sources._mapping import Config
from connectors.subjects.incidents import UNKNOWN_STATUS, Case, Status, tell
from connectors.subjects.plausible import id_if_known, known_id
from connectors.subjects.speakers import checked_agency
from connectors.transport.page_or_file import PageOrFile
from schemas.errors import Invalid
from schemas.kinds import Words, load_kinds, spoken
from schemas.parts import kind_of

AMBIGUOUS_ACCURACY_S = 3600.0
OTHERS = "left to others"


class MappedRows:
    """A ``PolledSource`` of rows that are mapped by configuration alone."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._zone = ZoneInfo(config.timezone) if config.timezone else context.timezone
        columns = config.columns
        numbers = (columns.case_no, columns.time, columns.lat, columns.lon, columns.point, columns.filing_id)
        self._numbers = NumberCells(config.digits, numbers)
        self._places = PlaceForm(
            config.coordinates,
            is_swapped="lon lat" in (config.axes, config.point_order.replace("-", " ")),
            latitude_sign=config.latitude_sign,
            longitude_sign=config.longitude_sign,
            other_order=OTHER_ORDER if config.columns.point is None else "point_order",
        )
        self._asked = PageOrFile(context.source, config, config.list_form)
        theirs = load_kinds().words[config.words] if config.words else None
        self._kinds = Words.of(config.kinds, beside=theirs)
        self._statuses = {spoken(word): status for word, status in config.statuses.items()}
        self._unknown = {"", *(text.strip().casefold() for text in config.unknown)}

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        body, noted = heard.body.removeprefix(BOM), Counter[str]()
        try:
            cases, aside = {"csv": self._csv, "json": self._json, "jsonl": self._jsonl}[self._config.format](
                body, heard.at_ms, noted
            )
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        ours = [case for case in cases if case is not None]
        return tell(
            self._context,
            heard,
            place,
            _by_case(ours) if self._config.row_per_unit else ours,
            aside=aside,
            noted=noted,
            skipped={OTHERS: len(cases) - len(ours)} if len(ours) < len(cases) else {},
            remember=self._config.remember,
        )

    # -- rows ------------------------------------------------------------------------------------------------

    def _csv(
        self, body: bytes, at_ms: int | None, noted: Counter[str]
    ) -> tuple[list[Case | None], list[SetAside]]:
        heading, rows = headed_rows(
            body, self._config.encoding, self._named(), delimiter=self._config.delimiter
        )
        cases, aside, _ = read_each(
            rows,
            lambda row: self._case(named_cells(row, heading), at_ms, noted),
            lambda _, row: row.original.rstrip(b"\r\n"),
            under_heading(heading, self._config.encoding, delimiter=self._config.delimiter),
        )
        return cases, aside

    def _json(
        self, body: bytes, at_ms: int | None, noted: Counter[str]
    ) -> tuple[list[Case | None], list[SetAside]]:
        path, encoding = self._config.records, self._config.encoding
        text = in_utf8(body, encoding)
        cases, aside, _ = read_each(
            json_records(text, path),
            lambda record: self._case(record, at_ms, noted),
            originals(text, path, encoding),
            around_record(path, encoding),
        )
        return cases, aside

    def _jsonl(
        self, body: bytes, at_ms: int | None, noted: Counter[str]
    ) -> tuple[list[Case | None], list[SetAside]]:
        encoding = self._config.encoding
        lines = [line for line in body.split(b"\n") if line.strip()]
        cases, aside, _ = read_each(
            lines,
            lambda line: self._case(json_value(in_utf8(line, encoding)), at_ms, noted),
            lambda _, line: line.rstrip(b"\r"),
        )
        return cases, aside

    def _named(self) -> set[str]:
        """All columns that the city's file names."""
        return set(self._config.only) | {
            name
            for value in self._config.columns.model_dump().values()
            for name in ((value,) if isinstance(value, str) else value or ())
        }

    # -- one row ---------------------------------------------------------------------------------------------

    def _case(self, row: object, at_ms: int | None, noted: Counter[str]) -> Case | None:
        """``None`` for a row that ``only`` leaves to others."""
        if not isinstance(row, Mapping):
            raise Invalid("a row is no object", field="", expected="an object")
        columns = self._config.columns
        if any(self._text(row, name) not in words for name, words in self._config.only.items()):
            return None
        word = a_text(self._text(row, columns.kind_text), columns.kind_text)
        status = self._status(row, noted)
        event_ms, accuracy_s = self._time(row, noted)
        number = known_id(an_id(self._cell(row, columns.case_no), columns.case_no), columns.case_no)
        agency = self._agency(row, noted)
        return Case(
            domain=self._config.domain,
            agency=agency,
            number=number,
            identity=(agency, number) if columns.agency is not None else (),
            kind=kind_of(self._kinds, word),
            kind_text=word,
            status=status,
            event_ms=plausible_time(event_ms, at_ms, "time"),
            accuracy_s=accuracy_s,
            position=self._position(row),
            priority=self._text(row, columns.priority),
            units=self._units(row),
            address=" / ".join(filter(None, (self._text(row, name) for name in columns.address))) or None,
            closed_reason="closed by the agency" if status == "closed" else None,
            filing_id=id_if_known(
                id_or_none(self._cell(row, columns.filing_id), "filing_id"), "filing_id", noted
            ),
        )

    def _cell(self, row: Mapping[str, Any], name: str | None) -> Any:
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

    def _text(self, row: Mapping[str, Any], name: str | None) -> str | None:
        cell = self._cell(row, name)
        if cell is None:
            return None
        if not isinstance(cell, str | int | float):
            raise Invalid(f"{name} is no text", field=str(name), expected="text")
        return str(cell).strip()

    def _agency(self, row: Mapping[str, Any], noted: Counter[str]) -> str:
        stated = self._text(row, self._config.columns.agency)
        if stated is None:
            return self._config.agency
        if self._config.agencies and stated not in self._config.agencies:
            note_unknown(noted, "agency", stated)
        return checked_agency(self._config.agencies.get(stated, stated), self._context.speaks_for)

    def _status(self, row: Mapping[str, Any], noted: Counter[str]) -> Status:
        stated = self._text(row, self._config.columns.status)
        if stated is None:
            return self._config.status
        status = self._statuses.get(spoken(stated))
        if status is None:
            note_unknown(noted, "status", stated)
            return UNKNOWN_STATUS
        return status

    def _units(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        """In alphabetical order, each once: a list's own order changes without meaning."""
        cell, name = self._cell(row, self._config.columns.units), self._config.columns.units
        if cell is None:
            return ()
        units = cell if isinstance(cell, list) else str(cell).split(self._config.units_separator)
        if not all(isinstance(unit, str | int) and not isinstance(unit, bool) for unit in units):
            raise Invalid(
                f"{name} is no list of units", field=str(name), expected="a list of names, or a text"
            )
        return tuple(sorted({str(unit).strip() for unit in units} - {""}))

    def _time(self, row: Mapping[str, Any], noted: Counter[str]) -> tuple[int, float | None]:
        named, form = self._config.columns.time, self._config.time_format
        names = (named,) if isinstance(named, str) else named
        text = " ".join(a_text(self._text(row, name), name) for name in names)
        read = row_time(text, form, self._zone)
        stated = self._config.time_accuracy_s
        accuracy_s = max(stated or 0.0, AMBIGUOUS_ACCURACY_S) if read.is_ambiguous else stated
        return read.note(noted), accuracy_s

    def _position(self, row: Mapping[str, Any]) -> dict[str, Any] | None:
        columns = self._config.columns
        pair = (self._cell(row, columns.lat), self._cell(row, columns.lon))
        if columns.point is not None:
            pair = two_of_point(self._cell(row, columns.point), self._config.coordinates)
        return self._places.position(self._context, *pair)


def _by_case(cases: list[Case]) -> list[Case]:
    """One case for all rows of its number, as the last of them says, with the units of all."""
    joined: dict[str, Case] = {}
    for case in cases:
        before = joined.get(case.key)
        units = case.units if before is None else tuple(sorted({*before.units, *case.units}))
        joined[case.key] = replace(case, units=units)
    return list(joined.values())


SOURCE = MappedRows
