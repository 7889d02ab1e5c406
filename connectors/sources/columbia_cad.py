"""Columbia, Missouri: the dispatch log of the police and of the fire and ambulance services.

Three forms of one log: a CSV collected over two months, today's JSON list, and the JSON list of 2025, which has no
``service`` and no ``agency``. Service PD becomes ``police.incident``, FIRE_EMS ``fire.incident``.

In the form of 2025 the spelling of ``type`` tells whose a row is: the police's system writes it in capitals
(ASSIST MEDICS), that of the fire and ambulance services does not (Medical Response). In the later forms this
holds for every row.

The log's words for the life cycle: none. Each row is a call to which somebody was dispatched, so every incident is
*dispatched*; that it is over is never said, and leaving the list says nothing (a row stands on it until the day's
list ends). A city that shall close them sets ``expire_after_min`` in its rule.

A number is of one agency's row: one happening has several numbers, and they are joined by correlation. A number
that comes again and says something else is a revision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.csv import headed_rows, named_cells, under_heading
from connectors.formats.json import BOM, json_records, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import (
    a_text,
    an_id,
    note_unknown,
    plausible_time,
    position,
    read_each,
    set_aside,
    text_or_none,
)
from connectors.formats.times import local_time
from connectors.subjects.incidents import Case, Domain, Status, tell
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.kinds import Words, load_kinds, spoken
from schemas.parts import kind_of

POLICE, FIRE = "PD", "FIRE_EMS"
SERVICES: dict[str, tuple[Domain, str]] = {
    POLICE: ("police", "columbia-police"),
    FIRE: ("fire", "columbia-fire"),
}
"""The log's service → domain, table of words."""
AGENCIES = {
    (POLICE, "Columbia Police Department"): "cpd",
    (FIRE, "CFD"): "cfd",
    (FIRE, "Columbia Fire Department"): "cfd",
    (FIRE, "BCFD"): "bcfd",
    (FIRE, "Boone County Fire Protection District"): "bcfd",
    (FIRE, "SBFD"): "sbfd",
    (FIRE, "Southern Boone County Fire Protection District"): "sbfd",
    (FIRE, "Southern Boone Fire Protection District"): "sbfd",
    (POLICE, None): "cpd",
    (FIRE, None): "fire-ems",
}
"""Service and agency → our word: the city's police and fire departments, the county's and the southern district's;
where the form names none, the service's only one, or the services together. Another is called as the log calls it,
and noted."""
SPOKEN_AGENCIES = {(service, name and spoken(name)): ours for (service, name), ours in AGENCIES.items()}
STATUS: Status = "dispatched"
"""Of every row; see above."""
TIME_FORM = "%m/%d/%Y %I:%M:%S %p"
AMBIGUOUS_ACCURACY_S = 3600.0
COLUMNS = frozenset({"incident", "datetime", "type", "location_txt", "lat", "lon"})
"""The columns that every form of the log has."""


class Config(PagedSettings):
    """Settings of a source of type ``columbia_cad``. Without url and path it is only played or pushed."""


class ColumbiaCad:
    """A ``PolledSource``: every poll reads the log as far as it is published."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._asked = PageOrFile(context.source, config, ListForm())
        self._words: dict[str, Words] = {
            service: load_kinds().words[table] for service, (_, table) in SERVICES.items()
        }

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        noted = Counter[str]()
        try:
            cases, aside = self._cases(heard, noted)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        return tell(self._context, heard, place, cases, aside=aside, noted=noted)

    def _cases(self, heard: Heard, noted: Counter[str]) -> tuple[list[Case], list[SetAside]]:
        body = heard.body.removeprefix(BOM)
        if body.lstrip()[:1] not in (b"[", b"{"):
            return self._from_csv(body, heard.at_ms, noted)
        records = json_records(body, None)
        if isinstance(records[0], dict) and not COLUMNS & records[0].keys():
            raise Invalid("the body is no list of calls", field="", expected=", ".join(sorted(COLUMNS)))
        cases, aside, _ = read_each(
            records,
            lambda record: self._case(record, heard.at_ms, noted),
            originals(body, None),
        )
        return cases, aside

    def _from_csv(
        self, body: bytes, at_ms: int | None, noted: Counter[str]
    ) -> tuple[list[Case], list[SetAside]]:
        heading, rows = headed_rows(body, "utf-8", COLUMNS)
        cases, aside, _ = read_each(
            rows,
            lambda row: self._case(named_cells(row, heading), at_ms, noted),
            lambda _, row: row.original.rstrip(b"\r\n"),
            under_heading(heading, "utf-8"),
        )
        return cases, aside

    def _case(self, row: object, at_ms: int | None, noted: Counter[str]) -> Case:
        if not isinstance(row, Mapping):
            raise Invalid("a record is no object", field="", expected="an object")
        number, word = an_id(row.get("incident"), "incident"), a_text(row.get("type"), "type")
        service = _service(row, word, noted)
        read = local_time(row.get("datetime"), TIME_FORM, self._context.timezone, "datetime")
        return Case(
            domain=SERVICES[service][0],
            agency=_agency(row, service, noted),
            number=number,
            kind=kind_of(self._words[service], word),
            kind_text=word,
            status=STATUS,
            event_ms=plausible_time(read.note(noted), at_ms, "datetime"),
            position=position(self._context, row.get("lat"), row.get("lon")),
            accuracy_s=AMBIGUOUS_ACCURACY_S if read.is_ambiguous else None,
            address=text_or_none(row.get("location_txt"), "location_txt"),
        )


def _service(row: Mapping[str, Any], word: str, noted: Counter[str]) -> str:
    """The service that the row states; where that is none that we know, the one that spells its words so."""
    stated = text_or_none(row.get("service"), "service")
    if stated in SERVICES:
        return str(stated)
    if stated is not None:
        note_unknown(noted, "service", stated)
    return POLICE if word.isupper() else FIRE


def _agency(row: Mapping[str, Any], service: str, noted: Counter[str]) -> str:
    stated = text_or_none(row.get("agency"), "agency")
    known = SPOKEN_AGENCIES.get((service, None if stated is None else spoken(stated)))
    if known is not None:
        return known
    note_unknown(noted, "agency", stated or "")  # where none is stated, the table has a word
    return stated or service


SOURCE = ColumbiaCad
