"""The parts of an EIDO document, each of which may be missing or not as the standard has it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.formats.times import iso_ms_or_none
from connectors.subjects.incidents import Domain
from schemas.errors import Invalid

Document = Mapping[str, Any]


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """The objects that *value* is or lists."""
    yield from (one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict))


def text_of(component: Document, name: str) -> str | None:
    value = component.get(name)
    return value.strip() or None if isinstance(value, str) else None


def texts(component: Document, name: str) -> list[str]:
    value = component.get(name)
    every = value if isinstance(value, list) else [value]
    return [text.strip() for text in every if isinstance(text, str) and text.strip()]


def id_of(component: Document) -> str:
    return text_of(component, "$id") or ""


def reference_of(value: Any) -> str | None:
    return text_of(value, "$ref") if isinstance(value, dict) else None


def units_on(document: Document, its_id: str) -> Iterator[dict[str, Any]]:
    """The units that are on this incident."""
    for unit in objects(document.get("emergencyResourceComponent")):
        if (text_of(unit, "activeOnIncidentId") or its_id) == its_id:
            yield unit


def priority_of(incident: Document) -> str | None:
    number = incident.get("incidentCommonPriorityNumber")
    common = str(number) if isinstance(number, int) and not isinstance(number, bool) else None
    return text_of(incident, "incidentPriorityInternalText") or common


def by_beginning(table: Mapping[str, Domain], names: list[Any]) -> Domain | None:
    """Of the longest entry that one of the dotted *names* is or lies below."""
    texts = [name for name in names if isinstance(name, str)]
    fits = [(len(e), e) for e in table for name in texts if name == e or name.startswith(e + ".")]
    return table[max(fits)[1]] if fits else None


def times_of(document: Document, incident: Document) -> tuple[int, int, bool]:
    """The times at which it was written and first reported (epoch ms), and whether the latter is stated."""
    updates = [
        ms
        for one in (document, incident)
        if (ms := iso_ms_or_none(one.get("lastUpdateTimeStamp"))) is not None
    ]
    names = ("callStartTimestamp", "answerDate")
    calls = list(objects(document.get("callComponent")))
    starts = [ms for call in calls for name in names if (ms := iso_ms_or_none(call.get(name))) is not None]
    if not updates and not starts:
        raise Invalid(
            "the document says no time", field="lastUpdateTimeStamp", expected="ISO 8601 with offset"
        )
    return max(updates or starts), min(starts or updates), bool(starts)
