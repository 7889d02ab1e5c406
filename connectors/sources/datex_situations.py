"""Road situations in DATEX II, versions 2 and 3: accidents, obstructions, jams and conditions, as ``civil.incident``.

Asked (page or file), pushed or played. One situation is one incident: its records are linked by cause (an accident, the jam
behind it). It is told as its gravest record says; records of works, management and services are no happening, and a
situation of nothing else is counted.

- Id: the supplier's and the situation's, whichever source passes it on. The version's time orders what is heard; our own
  revisions count what changed, since DATEX's numbers also rise where nothing did.
- Place: by coordinates, the first that lies in the city; others are counted. A TMC (Alert-C) reference needs a table that
  is not public everywhere: alone it is noted, never guessed, and ``unplaced`` says whether it is told.
- End: ``end`` or ``cancel`` of all its records, a suspended validity, ``overallEndTime`` at the first body heard after
  it; with ``whole``, that a whole body no longer holds it.
- Skipped and counted: informationStatus other than real, what begins later, what had ended when it was first heard.
- Kind: ``kinds``, then ``[words.datex2]``: the subtype, then the type of record. Priority: the severity as it is said.

Comments are not read: they hold names and numbers of people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lxml import etree
from pydantic import Field

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.records import plausible_time, position, set_aside
from connectors.formats.xml import check_unmarked, parsed_with_marks
from connectors.sources import _datex
from connectors.sources._datex import Publication, Record, Situation
from connectors.subjects.incidents import Case, Status
from connectors.subjects.lasting import Lasting
from connectors.subjects.own_words import KindsOf
from connectors.subjects.plausible import FUTURE_MS_MAX
from connectors.subjects.speakers import checked_agency
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import Invalid
from schemas.kinds import OTHER, Words, load_kinds
from schemas.names import AgencyName
from schemas.parts import TABLE, UNKNOWN, Known

SYSTEM = "datex2"
GRAVEST = (
    "crash",
    "fire",
    "rescue",
    "gas",
    "wires",
    "hazard",
    "animal",
    "traffic.stalled",
    "traffic.jam",
    "traffic",
)
"""The beginnings of kinds, gravest first: what a situation of several records is told as."""
ENDS = {"cancel": "cancelled by its operator", "end": "ended by its operator"}


class Config(PageOrFileSettings):
    """Settings of a source of type ``datex_situations``. Without url and path it is only played or pushed."""

    agency: AgencyName = Field(description="our word for the road operator")
    kinds: KindsOf = Field({}, description="subtypes or types of records → kinds, before our table")
    unplaced: bool = Field(True, description="whether situations without coordinates are told")
    whole: bool = Field(
        False, description="true where each answer holds all situations that last: what left it is over"
    )

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """The agency for which the source speaks."""
        return context.speaks_for or (self.agency,)


class DatexSituations:
    """A ``PolledSource`` of road situations."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._asked = PageOrFile(context.source, config)
        self._words = Words.of(config.kinds, beside=load_kinds().words["datex2"])

    async def poll(self, place: Place) -> Heard:
        heard = await self._asked.ask()
        return heard if heard.at_ms is not None else replace(heard, at_ms=wall_clock_ms())

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Lasting(self._context, heard, place)
        try:
            root, is_marked = parsed_with_marks(heard.body)
            publication = _datex.publication_in(root)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        if publication is None:
            return told.reading()
        aside: list[SetAside] = []
        keys = set[str]()
        for number, element in enumerate(publication.situations):
            try:
                if is_marked:
                    check_unmarked(element)
                situation = _datex.read_situation(element, publication.time, told.noted)
                keys.add(_key(publication, situation))
                self._hear(situation, publication, heard.at_ms, told)
            except Invalid as error:
                original = bytes(etree.tostring(element, with_tail=False))
                aside.append(set_aside(original, error, publication.around(), number=number))
        if self._config.whole and not (publication.is_part or aside or heard.missing):
            told.left(keys, "left its operator's list")
        return told.reading(aside)

    def _hear(self, situation: Situation, publication: Publication, at_ms: int | None, told: Lasting) -> None:
        happenings = [one for one in situation.records if not one.is_planned]
        if situation.information != "real":
            told.skipped[f"informationStatus {situation.information[:30]}"] += 1
            return
        if not happenings:
            told.skipped[f"no happening: {situation.records[0].type[:40]}"] += 1
            return
        kinds = [self._kind(one) for one in happenings]
        gravest = min(range(len(kinds)), key=lambda index: _rank(kinds[index].kind))
        record, kind = happenings[gravest], kinds[gravest]
        key = _key(publication, situation)
        if record.validity == "planned" or (at_ms is not None and record.start_ms > at_ms + FUTURE_MS_MAX):
            told.skipped["begins later"] += 1
            return
        is_ours, where = self._place((record, *happenings), told, is_new=not told.knows(key))
        if is_ours:
            case = self._case(situation, key, record, kind, where, at_ms, _ended(happenings))
            ends = [one.end_ms for one in happenings]
            told.say(case, None if None in ends else max(end for end in ends if end is not None))
        else:
            told.end(key, "no longer of the city", said_ms=max(one.written_ms for one in situation.records))

    def _place(
        self, records: Sequence[Record], told: Lasting, *, is_new: bool
    ) -> tuple[bool, dict[str, object] | None]:
        """Whether the situation is told, and its place."""
        points = [point for one in records for point in one.points if point != (0.0, 0.0)]
        if points:
            point = _datex.point_in(points, self._context.bounds)
            if point is None:
                told.skipped["outside the city"] += 1
                return False, None
            return True, position(self._context, *point)
        if not self._config.unplaced:
            told.skipped["without a place"] += 1
            return False, None
        if is_new:
            has_tmc = any(one.has_tmc for one in records)
            told.noted["place by a TMC reference alone" if has_tmc else "no place"] += 1
        return True, None

    def _case(
        self,
        situation: Situation,
        key: str,
        record: Record,
        kind: Known,
        where: dict[str, object] | None,
        at_ms: int | None,
        ended: str | None,
    ) -> Case:
        status: Status = "open" if ended is None else "closed"
        return Case(
            domain="civil",
            agency=checked_agency(self._config.agency, self._context.speaks_for),
            number=situation.id,
            identity=tuple(key.split("\x1f")),
            system=SYSTEM,
            kind=kind,
            kind_text=": ".join((record.type, *record.words[:1])),
            status=status,
            event_ms=plausible_time(record.start_ms, at_ms, "overallStartTime"),
            said_ms=max(one.written_ms for one in situation.records),
            is_first_time=False,
            position=where,
            priority=record.severity or situation.severity,
            address=" / ".join(record.roads[:5]) or None,
            closed_reason=ended,
        )

    def _kind(self, record: Record) -> Known:
        found = next((kind for word in (*record.words, record.type) if (kind := self._words.get(word))), None)
        return Known(OTHER, UNKNOWN) if found is None else Known(found, TABLE)


def _key(publication: Publication, situation: Situation) -> str:
    return "\x1f".join((SYSTEM, publication.supplier, situation.id))


def _rank(kind: str) -> int:
    starts = (index for index, start in enumerate(GRAVEST) if kind == start or kind.startswith(start + "."))
    return next(starts, len(GRAVEST))


def _ended(records: Sequence[Record]) -> str | None:
    """Why a situation is over: all its happenings are, as its operator says; ``None`` while one lasts."""
    if all(one.over is not None for one in records):
        return ENDS[records[0].over or "end"]
    return "suspended by its operator" if all(one.validity == "suspended" for one in records) else None


SOURCE = DatexSituations
