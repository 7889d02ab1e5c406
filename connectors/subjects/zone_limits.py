"""Limits of a zone as properties bring them: sense, heights, hours, who may be there. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from connectors.formats.records import a_number, a_text, an_id, text_or_none
from schemas.errors import Invalid
from schemas.heights import ABOVE_GROUND, ABOVE_SEA, ABOVE_WGS84, NO_LIMIT
from schemas.heights import REFERENCES as OURS
from schemas.weekly import DAY_MIN, WEEKDAYS, minute_of

SENSES = ("exclusion", "inclusion", "none")
REFERENCES = {"AGL": ABOVE_GROUND, "AMSL": ABOVE_SEA, "WGS84": ABOVE_WGS84, "W84": ABOVE_WGS84}
"""The words of aviation for ours."""
SPANS_MAX, LISTED_MAX = 200, 1_000
PRIORITY_MAX = 2**31 - 1
NOT_READ = "; empty: not read"


class LimitProperties(BaseModel):
    """Settings that name the properties of a zone's limits."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sense_property: str = Field(
        "sense", description=f"the property that is exclusion, inclusion or none{NOT_READ}"
    )
    floor_property: str | None = Field(
        None, description=f"the property that is the lower limit in metres; none: floor_m or floor{NOT_READ}"
    )
    floor_reference_property: str = Field(
        "floor_reference", description="the property that says what the lower limit is above"
    )
    ceiling_property: str | None = Field(
        None,
        description=f"the property that is the upper limit in metres; none: ceiling_m or ceiling{NOT_READ}",
    )
    ceiling_reference_property: str = Field(
        "ceiling_reference", description="the property that says what the upper limit is above"
    )
    hours_property: str = Field(
        "hours", description=f"the property that is a list of days, from and until{NOT_READ}"
    )
    allowed_ids_property: str = Field(
        "allowed_ids", description=f"the property that lists things that may be there{NOT_READ}"
    )
    allowed_classes_property: str = Field(
        "allowed_classes", description=f"the property that lists classes of thing that may be there{NOT_READ}"
    )
    applies_to_property: str = Field(
        "applies_to", description=f"the property that lists classes of thing that it is about{NOT_READ}"
    )
    priority_property: str = Field(
        "priority", description=f"the property that is a whole number, the highest first{NOT_READ}"
    )


def limits_of(properties: Mapping[str, Any], names: LimitProperties) -> dict[str, Any]:
    """The limits of a zone by its *properties*. ``Invalid`` names the property that is wrong."""
    return {
        "sense": _sense(properties, names.sense_property),
        **_heights(properties, names),
        "hours": _listed(properties, names.hours_property, a_span, SPANS_MAX),
        "allowed_ids": _listed(properties, names.allowed_ids_property, an_id, LISTED_MAX),
        "allowed_classes": _listed(properties, names.allowed_classes_property, a_text, LISTED_MAX),
        "applies_to": _listed(properties, names.applies_to_property, a_text, LISTED_MAX),
        "priority": _priority(properties, names.priority_property),
    }


def a_span(said: object, field: str) -> dict[str, Any]:
    """A span of each week, ``{"days", "from", "until"}``. ``Invalid`` for anything else."""
    if not isinstance(said, dict) or not said.keys() <= {"days", "from", "until"}:
        raise Invalid("a span of the hours is none", field=field, expected="days, from and until")
    days = said.get("days") or []
    if not isinstance(days, list) or len(days) > len(WEEKDAYS) or any(day not in WEEKDAYS for day in days):
        raise Invalid("a day of the hours is none", field=f"{field}.days", expected=", ".join(WEEKDAYS))
    begin, _ = minute_of(said.get("from"), f"{field}.from"), minute_of(said.get("until"), f"{field}.until")
    if begin == DAY_MIN:
        raise Invalid("no span begins at 24:00", field=f"{field}.from", expected="00:00 to 23:59")
    return {"days": days, "from": said["from"], "until": said["until"]}


def _sense(properties: Mapping[str, Any], name: str) -> str:
    sense = text_or_none(properties.get(name), name) or "none"
    if sense not in SENSES:
        raise Invalid(f"{name} is no sense of a zone", field=name, expected=", ".join(SENSES))
    return sense


def _heights(properties: Mapping[str, Any], names: LimitProperties) -> dict[str, Any]:
    floor_name = _present(properties, names.floor_property, "floor_m", "floor")
    ceiling_name = _present(properties, names.ceiling_property, "ceiling_m", "ceiling")
    floor, above = _height(properties, floor_name, names.floor_reference_property)
    ceiling, over = _height(properties, ceiling_name, names.ceiling_reference_property)
    if floor is not None and ceiling is not None and above == over and floor > ceiling:
        raise Invalid("the floor is above the ceiling", field=floor_name, expected="at most the ceiling")
    return {"floor_m": floor, "floor_reference": above, "ceiling_m": ceiling, "ceiling_reference": over}


def _present(properties: Mapping[str, Any], chosen: str | None, *usual: str) -> str:
    """The property that the settings name, or the first of the *usual* ones that says something."""
    if chosen is not None:
        return chosen
    return next((name for name in usual if properties.get(name) is not None), usual[0])


def _height(properties: Mapping[str, Any], name: str, reference_name: str) -> tuple[float | None, str | None]:
    """A limit in metres and its reference: ``None`` for no limit, and for one whose reference nobody says."""
    value = properties.get(name)
    metres = None if value in (None, "") else a_number(value, name)
    word = text_or_none(properties.get(reference_name), reference_name)
    reference = None if word is None else REFERENCES.get(word.upper(), word)
    if reference is not None and reference not in OURS:
        raise Invalid(f"{reference_name} is none", field=reference_name, expected=", ".join(OURS))
    return (None, None) if metres is None or abs(metres) >= NO_LIMIT else (metres, reference)


def _listed(
    properties: Mapping[str, Any], name: str, read: Callable[[object, str], Any], most: int
) -> list[Any]:
    found = properties.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or len(found) > most:
        raise Invalid(f"{name} is no list, or too long", field=name, expected=f"a list of at most {most}")
    return [read(one, name) for one in found]


def _priority(properties: Mapping[str, Any], name: str) -> int:
    value = properties.get(name)
    number = 0.0 if value is None else a_number(value, name)
    if not number.is_integer() or abs(number) > PRIORITY_MAX:
        raise Invalid(f"{name} is no whole number", field=name, expected="a whole number")
    return int(number)
