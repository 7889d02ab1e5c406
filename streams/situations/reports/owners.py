"""Ownership of what is known: the source that told it first may revise it, and no other. Pure.

A thing told before sources were kept belongs to the first source that repeats its id.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from schemas.errors import Invalid
from schemas.event import case_id
from streams.situations.entry import Entry
from streams.situations.model import Incident
from streams.situations.reports.facts import source_of
from streams.situations.reports.notices import keepers
from streams.situations.state.city import CityState

DERIVED = re.compile(r"[0-9a-f]{32}")
"""The form of every id that a source derives; others came from an agency's record."""


def check_owner(state: CityState, entry: Entry) -> None:
    """``Invalid`` where *entry* says something of another source's incident, camera, site or entry in a list."""
    value = entry.value
    match entry.topic.partition(".")[2]:
        case contract if contract.endswith(".incident"):
            field, known = "incident_id", state.index.incidents.get(value.get("incident_id", ""))
            owner = None if known is None else known.source
            if known is not None and known.topic != entry.topic:
                raise Invalid(
                    f"{entry.topic}: an incident of another domain", field=field, expected="its own incident"
                )
        case "place.camera":
            field, camera = "camera_id", state.cameras.get(value.get("camera_id", ""))
            owner = None if camera is None else camera.source
        case "place.site":
            field, site = "site_id", state.sites.sites.get(value.get("site_id", ""))
            owner = None if site is None else site.source
        case contract:
            field, owner = "entry_id", _listed_by(state, contract, entry)
    if owner and owner != source_of(entry):
        raise Invalid(
            f"{entry.topic}: told by another source, which alone may revise it",
            field=field,
            expected="an id of the source's own",
        )


def is_known_by_another(state: CityState, incident: Incident) -> bool:
    """Whether *incident* only repeats what its own source has told: one warning by two feeds. It says nothing, so it is no
    fault; what is newer than the source's own is refused as any other source's (``check_owner``).
    """
    known = state.index.incidents.get(incident.incident_id)
    if known is None or known.source in ("", incident.source) or incident.revision > known.revision:
        return False
    return (known.topic, known.agency, known.agency_case_no) == (
        incident.topic,
        incident.agency,
        incident.agency_case_no,
    )


def _listed_by(state: CityState, contract: str, entry: Entry) -> str | None:
    """The source that first listed what a notice is about, by the rule that keeps the list."""
    owners = (rule.source_of_entry(state, entry) for rule in keepers(state, contract))
    return next(owners, None)


def as_known(state: CityState, incident: Incident) -> Incident:
    """*incident*, under the id by which its case is known. A case that was told before its id was derived in today's form
    goes on under its former id: it opens nothing twice."""
    if incident.incident_id in state.index.incidents:
        return incident
    source, number = incident.source, incident.agency_case_no
    forms = [case_id(state.rules.city, source, number, agency=agency) for agency in (None, incident.agency)]
    if incident.incident_id not in forms:
        return incident
    for former in (*forms, *_from_records(state, incident)):
        known = state.index.incidents.get(former)
        if known is not None and is_same_case(known, incident):
            return replace(incident, incident_id=former)
    return incident


def _from_records(state: CityState, incident: Incident) -> list[str]:
    """The ids, given by records and not derived, of cases of that number."""
    return sorted(
        its_id
        for its_id, known in state.index.incidents.items()
        if known.agency_case_no == incident.agency_case_no and not DERIVED.fullmatch(its_id)
    )


def is_same_case(known: Incident, incident: Incident) -> bool:
    """Whether both are of one case number, of one agency, told by one source as far as is known."""
    return known.source in ("", incident.source) and (known.topic, known.agency, known.agency_case_no) == (
        incident.topic,
        incident.agency,
        incident.agency_case_no,
    )
