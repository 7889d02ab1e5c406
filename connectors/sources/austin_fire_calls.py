"""Austin, Texas: the fire department's calls of a year, as the city published them (CSV).

The file has the day of a call and no more: an event's time is the beginning of that local day, with an accuracy
of a day. Places are whole micro-degrees without a sign, ``(30218836, 97806156)``. Which hemisphere they lie in is
not in the file, so it has to be said in the city's file (``longitude_sign``), and is held against the city's
bounds: a wrong sign sets every placed row aside.

The file's words for the life cycle: none. ``Response Status`` (Code 1, Code 3) is how units drove, not how far a
call is. A year's list is of calls that are over: every incident is *closed*.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.csv import CsvRow, headed_rows, named_cells, under_heading
from connectors.formats.json import BOM
from connectors.formats.pages import ListForm
from connectors.formats.records import (
    a_text,
    note_unknown,
    plausible_time,
    position,
    read_each,
    set_aside,
    text_or_none,
)
from connectors.formats.times import local_time
from connectors.subjects.incidents import Case, Status, tell
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.kinds import load_kinds
from schemas.parts import kind_of

NUMBER, YEAR, MONTH, DAY = "MasterIncidentNumber", "CalendarYear", "Month", "DayOfMonth"
PROBLEM, PRIORITY, JURISDICTION, LOCATION = "Problem", "PriorityDescription", "Jurisdiction", "Location 1"
COLUMNS = frozenset({NUMBER, YEAR, MONTH, DAY, PROBLEM, PRIORITY, JURISDICTION, LOCATION})
AGENCIES = {"AFD": "afd"}
"""The file's jurisdiction → our word."""
STATUS: Status = "closed"
CLOSED_REASON = "in a list of calls that are over"
DAY_S = 86_400.0
MICRO = 1e6
PLACE = re.compile(r"\(\s*(\d{1,9})\s*,\s*(\d{1,9})\s*\)", re.ASCII)


class Config(PagedSettings):
    """Settings of a source of type ``austin_fire_calls``."""

    longitude_sign: Literal[-1, 1] = Field(
        description="what the file leaves out: -1 where its longitudes are degrees west, 1 where they are east"
    )
    latitude_sign: Literal[-1, 1] = Field(1, description="1 where its latitudes are degrees north, -1 south")


class AustinFireCalls:
    """A ``PolledSource`` that reads a file; the same file again gives no event."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("rows"))
        self._words = load_kinds().words["austin-fire"]

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        try:
            heading, rows = headed_rows(heard.body.removeprefix(BOM), "utf-8", COLUMNS)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        noted = Counter[str]()
        cases, aside, _ = read_each(
            rows,
            lambda row: self._case(row, heading, heard.at_ms, noted),
            lambda _, row: row.original.rstrip(b"\r\n"),
            under_heading(heading, "utf-8"),
        )
        return tell(self._context, heard, place, cases, aside=aside, noted=noted)

    def _case(self, row: CsvRow, heading: list[str], at_ms: int | None, noted: Counter[str]) -> Case:
        cells = named_cells(row, heading)
        word, jurisdiction = a_text(cells[PROBLEM], PROBLEM), a_text(cells[JURISDICTION], JURISDICTION)
        if jurisdiction not in AGENCIES:
            note_unknown(noted, "jurisdiction", jurisdiction)
        return Case(
            domain="fire",
            agency=AGENCIES.get(jurisdiction, jurisdiction),
            number=a_text(cells[NUMBER], NUMBER),
            kind=kind_of(self._words, word),
            kind_text=word,
            status=STATUS,
            event_ms=plausible_time(self._day_ms(cells), at_ms, DAY),
            accuracy_s=DAY_S,
            position=self._position(cells[LOCATION]),
            priority=text_or_none(cells[PRIORITY], PRIORITY),
            closed_reason=CLOSED_REASON,
        )

    def _day_ms(self, cells: Mapping[str, str]) -> int:
        day = " ".join(a_text(cells[name], name) for name in (YEAR, MONTH, DAY))
        return local_time(day, "%Y %b %d", self._context.timezone, DAY).ms

    def _position(self, text: str) -> dict[str, Any] | None:
        if not text.strip():
            return None
        match = PLACE.fullmatch(text.strip())
        if match is None:
            raise Invalid(
                "the place is no pair of whole numbers without sign",
                field=LOCATION,
                expected="(30218836, 97806156)",
            )
        north, east = (int(part) / MICRO for part in match.groups())
        return position(self._context, north * self._config.latitude_sign, east * self._config.longitude_sign)


SOURCE = AustinFireCalls
