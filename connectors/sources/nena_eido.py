"""NENA EIDO 1.0: the JSON with which emergency centres of North America pass incidents on (NENA-STA-021.1).

One document is one incident as its sender sees it; a body holds one, or a list of them. It is pushed, played, or
asked for. Nearly every part may be missing: a call that is passed on has no incident component yet.

- Id: the document's ``$id``, within the domain, since police and fire may both speak of one. Case number: the
  agency's ``internalIncidentId``, else the ``$id``.
- Agency: the one that owns the incident, else the one dispatched, else the one that updated it.
- Domain: what the city's file says of that agency, of its type (IANA's ``urn:emergency:service:responder``), of the
  incident's kind; else ``domain``.
- Time: the earliest start of a call; else the first update we heard, which later documents do not move.
- Place: the incident's own locations; else those whose type the city's file names, callers' say. Where a call was
  *routed* from is no place of the incident. A location by reference is not fetched.
- Status: words in ``schemas/kinds.toml`` under ``[statuses.nena-eido]`` and in the city's file. Units make it at
  least *dispatched*, one on the scene *arrived*; *closed* only when every word of the incident says so.

Persons, callers' numbers and notes are not read.
"""

from __future__ import annotations

from collections import Counter
from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import json_records, originals
from connectors.formats.pages import ListForm
from connectors.formats.pidf_lo import Whereabouts, read_pidf_lo
from connectors.formats.records import a_text, note_unknown, plausible_time, position, read_each, set_aside
from connectors.sources._eido import (
    Document,
    by_beginning,
    id_of,
    objects,
    priority_of,
    reference_of,
    text_of,
    texts,
    times_of,
    units_on,
)
from connectors.subjects.incidents import REMEMBERED, Case, Domain, Status, tell
from connectors.subjects.own_words import KindsOf, WordTable
from connectors.subjects.speakers import checked_agency
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.kinds import Words, load_kinds, spoken
from schemas.names import AgencyName
from schemas.parts import Known, kind_of

ORDER: tuple[Status, ...] = ("open", "dispatched", "arrived", "closed")
UNSTATED = "unstated"


class Agency(BaseModel):
    """One agency, as the city's file names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: AgencyName = Field(description="our word for it")
    domain: Domain | None = Field(None, description="whose incidents it reports; none: by its type")


class Config(PagedSettings):
    """Settings of a source of type ``nena_eido``. Without url and path it is only played or pushed."""

    domain: Domain = Field("fire", description="of an incident whose agency and kind say nothing else")
    agencies: dict[str, Agency] = Field({}, description="the id of an agency in EIDOs → what it is here")
    agency_types: dict[str, Domain] = Field(
        {"police": "police", "fire": "fire", "ambulance": "fire"},
        description="the beginning of an agency's type → domain: police holds police.federal",
    )
    domains: dict[str, Domain] = Field({}, description="kind → domain: crime holds crime.larceny")
    kinds: KindsOf = Field({}, description="incident types, the agency's or the registry's → kinds")
    words: WordTable = Field(None, description="a table of words in schemas/kinds.toml, after kinds")
    statuses: dict[str, Status] = Field({}, description="status words → open, dispatched, arrived or closed")
    location_types: tuple[str, ...] = Field(
        ("Incident", "Caller"),
        description="types of location that stand for an incident without one of its own",
    )
    remember: int = Field(REMEMBERED, ge=0, le=50_000, description="incidents remembered")

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """The agencies for which the source speaks; ``None``: any that a document names."""
        return context.speaks_for or None


class NenaEido:
    """A ``PolledSource`` of emergency incident data objects."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("list"))
        tree = load_kinds()
        theirs = tree.words[config.words] if config.words else None
        self._kinds = Words.of(config.kinds, beside=theirs)
        stated = {**tree.statuses["nena-eido"].table, **{spoken(w): s for w, s in config.statuses.items()}}
        self._statuses = {word: cast(Status, status) for word, status in stated.items()}

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        noted = Counter[str]()
        try:
            cases, aside, _ = read_each(
                json_records(heard.body, None),
                lambda document: self._case(document, heard.at_ms, noted),
                originals(heard.body, None),
            )
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        return tell(
            self._context, heard, place, cases, aside=aside, noted=noted, remember=self._config.remember
        )

    def _case(self, document: object, at_ms: int | None, noted: Counter[str]) -> Case:
        if not isinstance(document, dict) or not ("eidoVersion" in document or "agencyComponent" in document):
            raise Invalid("the document is no EIDO", field="eidoVersion", expected="1.0")
        its_id = a_text(document.get("$id"), "$id")
        incident = next(objects(document.get("incidentComponent")), {})
        word, kind = self._kind(document, incident)
        agency, domain = self._agency(document, incident, kind.kind)
        said_ms, event_ms, is_first_time = times_of(document, incident)
        where = self._where(document, incident, noted)
        status = self._status(document, incident, its_id, noted)
        return Case(
            domain=domain,
            agency=agency,
            number=text_of(incident, "internalIncidentId") or its_id,
            identity=(its_id, domain),
            kind=kind,
            kind_text=word,
            status=status,
            event_ms=plausible_time(event_ms, at_ms, "callStartTimestamp"),
            is_first_time=is_first_time,
            said_ms=said_ms,
            position=position(self._context, where.lat, where.lon, accuracy_m=where.accuracy_m),
            priority=priority_of(incident),
            units=tuple(
                sorted(
                    {
                        text_of(unit, "emergencyResourceName") or id_of(unit)
                        for unit in units_on(document, its_id)
                    }
                    - {""}
                )
            ),
            address=where.address,
            closed_reason="closed by the agency" if status == "closed" else None,
        )

    def _kind(self, document: Document, incident: Document) -> tuple[str, Known]:
        """The agency's own word, and what is known of all of its words."""
        names = ("incidentTypeInternalText", "incidentTypeInternalCode", "incidentTypeCommonRegistryText")
        words = [word for name in names if (word := text_of(incident, name))]
        words += [
            w for c in objects(document.get("callComponent")) if (w := text_of(c, "standardPrimaryCallType"))
        ]
        return (words or [UNSTATED])[0], kind_of(self._kinds, *words)

    def _agency(self, document: Document, incident: Document, kind: str) -> tuple[str, Domain]:
        agencies = {id_of(agency): agency for agency in objects(document.get("agencyComponent"))}
        owners = [
            name for name, agency in agencies.items() if agency.get("incidentOwningAgencyIndicator") is True
        ]
        sent = [
            reference_of(one.get("agencyReference")) for one in objects(document.get("dispatchComponent"))
        ]
        updated = [reference_of(one.get("updatedByAgencyReference")) for one in (incident, document)]
        its_id = next((name for name in (*owners, *sent, *updated, *agencies) if name), None)
        if its_id is None:
            raise Invalid(
                "the document names no agency", field="agencyComponent", expected="an agency with its $id"
            )
        ours = self._config.agencies.get(its_id)
        types = agencies.get(its_id, {}).get("agencyType")
        domain = (
            (ours.domain if ours else None)
            or by_beginning(self._config.agency_types, types if isinstance(types, list) else [types])
            or by_beginning(self._config.domains, [kind])
            or self._config.domain
        )
        return checked_agency(ours.name if ours else its_id, self._context.speaks_for), domain

    def _status(self, document: Document, incident: Document, its_id: str, noted: Counter[str]) -> Status:
        names = ("incidentStatusCommonRegistryText", "incidentStatusInternalText")
        stated: list[Status] = next(
            (found for name in names if (found := self._known(texts(incident, name), noted))), []
        )
        if stated and all(status == "closed" for status in stated):
            return "closed"
        units = list(units_on(document, its_id))
        on_their_way = [
            status
            for unit in units
            for status in self._known(texts(unit, "primaryUnitStatusRegistryText"), noted)
        ]
        reached: set[Status] = {"open", *stated, *on_their_way} - {"closed"}
        if units or next(objects(document.get("dispatchComponent")), None) is not None:
            reached.add("dispatched")
        return max(reached, key=ORDER.index)

    def _known(self, words: list[str], noted: Counter[str]) -> list[Status]:
        found: list[Status] = []
        for word in words:
            status = self._statuses.get(spoken(word))
            if status is None:
                note_unknown(noted, "status", word)
            else:
                found.append(status)
        return found

    def _where(self, document: Document, incident: Document, noted: Counter[str]) -> Whereabouts:
        """The first location that has a point, with the first address; one that cannot be read is noted."""
        every = list(objects(document.get("locationComponent")))
        wanted = {reference_of(one) for one in objects(incident.get("locationReference"))}
        ours = [one for one in every if id_of(one) in wanted] or [
            one
            for kind in self._config.location_types
            for one in every
            if text_of(one, "locationTypeDescriptionRegistryText") == kind
        ]
        found = list[Whereabouts]()
        for one in ours:
            text = text_of(one, "locationByValue")
            try:
                found += [read_pidf_lo(text)] if text else []
            except Invalid as error:
                noted[f"location left out: {error.what}"] += 1
            if not text and text_of(one, "locationByReferenceUrl"):
                noted["location by reference is not fetched"] += 1
        point = next((one for one in found if one.lat is not None), Whereabouts())
        address = next((one.address for one in found if one.address), None)
        return Whereabouts(point.lat, point.lon, point.accuracy_m, address)


SOURCE = NenaEido
