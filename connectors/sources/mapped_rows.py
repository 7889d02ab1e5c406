"""Any agency's rows, CSV or JSON, whose columns the city's file maps to fields of incidents or of sensors' values. No code.

Values (``becomes = "observation"``) have settings of their own: ``_row_values.py``. What follows is of incidents.

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
from dataclasses import replace

from connectors.base import Heard, Place, Reader, Reading, SourceContext
from connectors.formats.json import BOM
from connectors.formats.records import a_text, an_id, id_or_none, note_unknown, plausible_time, set_aside
from connectors.sources._mapping import Config, ValueConfig, config_of
from connectors.sources._row_values import MappedValues
from connectors.sources._rows import OTHERS, Row, RowReader
from connectors.subjects.incidents import UNKNOWN_STATUS, Case, Status, tell
from connectors.subjects.plausible import id_if_known, known_id
from connectors.subjects.speakers import checked_agency
from connectors.transport.page_or_file import PageOrFile
from schemas.errors import Invalid
from schemas.kinds import Words, load_kinds, spoken
from schemas.parts import kind_of

__all__ = ["SOURCE", "Config", "MappedRows", "config_of"]


class MappedRows:
    """A ``PolledSource`` of what is mapped by configuration alone: incidents, or measured values."""

    def __init__(self, context: SourceContext, config: Config | ValueConfig) -> None:
        self._asked = PageOrFile(context.source, config, config.list_form)
        self._reader: Reader
        if isinstance(config, ValueConfig):
            self._reader = MappedValues(context, config)
        else:
            self._reader = MappedCases(context, config)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        return self._reader.read(heard, place)


class MappedCases:
    """A ``Reader`` of incidents."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        columns = config.columns
        self._rows = RowReader(context, config, columns, columns.case_no, columns.filing_id)
        theirs = load_kinds().words[config.words] if config.words else None
        self._kinds = Words.of(config.kinds, beside=theirs)
        self._statuses = {spoken(word): status for word, status in config.statuses.items()}

    def read(self, heard: Heard, place: Place) -> Reading:
        noted = Counter[str]()
        try:
            cases, aside = self._rows.read_all(heard.body, lambda row: self._case(row, heard.at_ms, noted))
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body.removeprefix(BOM), error)])
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

    def _case(self, row: Row, at_ms: int | None, noted: Counter[str]) -> Case:
        columns = self._config.columns
        word = a_text(self._rows.text(row, columns.kind_text), columns.kind_text)
        status = self._status(row, noted)
        event_ms, accuracy_s = self._rows.time(row, noted)
        number = known_id(an_id(self._rows.cell(row, columns.case_no), columns.case_no), columns.case_no)
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
            position=self._rows.position(row),
            priority=self._rows.text(row, columns.priority),
            units=self._units(row),
            address=" / ".join(filter(None, (self._rows.text(row, name) for name in columns.address)))
            or None,
            closed_reason="closed by the agency" if status == "closed" else None,
            filing_id=id_if_known(
                id_or_none(self._rows.cell(row, columns.filing_id), "filing_id"), "filing_id", noted
            ),
        )

    def _agency(self, row: Row, noted: Counter[str]) -> str:
        stated = self._rows.text(row, self._config.columns.agency)
        if stated is None:
            return self._config.agency
        if self._config.agencies and stated not in self._config.agencies:
            note_unknown(noted, "agency", stated)
        return checked_agency(self._config.agencies.get(stated, stated), self._context.speaks_for)

    def _status(self, row: Row, noted: Counter[str]) -> Status:
        stated = self._rows.text(row, self._config.columns.status)
        if stated is None:
            return self._config.status
        status = self._statuses.get(spoken(stated))
        if status is None:
            note_unknown(noted, "status", stated)
            return UNKNOWN_STATUS
        return status

    def _units(self, row: Row) -> tuple[str, ...]:
        """In alphabetical order, each once: a list's own order changes without meaning."""
        cell, name = self._rows.cell(row, self._config.columns.units), self._config.columns.units
        if cell is None:
            return ()
        units = cell if isinstance(cell, list) else str(cell).split(self._config.units_separator)
        if not all(isinstance(unit, str | int) and not isinstance(unit, bool) for unit in units):
            raise Invalid(
                f"{name} is no list of units", field=str(name), expected="a list of names, or a text"
            )
        return tuple(sorted({str(unit).strip() for unit in units} - {""}))


def _by_case(cases: list[Case]) -> list[Case]:
    """One case for all rows of its number, as the last of them says, with the units of all."""
    joined: dict[str, Case] = {}
    for case in cases:
        before = joined.get(case.key)
        units = case.units if before is None else tuple(sorted({*before.units, *case.units}))
        joined[case.key] = replace(case, units=units)
    return list(joined.values())


SOURCE = MappedRows
