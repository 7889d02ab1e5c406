"""The bodies of requests about missing persons' cases. What the law decides on, such as the ground, may be missing: then the
law refuses, and that is on record.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from connectors.gateway.case_desk import ANSWERS
from connectors.gateway.problems import Problem
from schemas.appearance import load_appearance

ID_MAX, NOTE_MAX, TRAITS_MAX, AREA_MAX = 200, 2_000, 64, 20_000
EARLIEST, LATEST = datetime(1970, 1, 2, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _in_reach(at: datetime) -> datetime:
    if not EARLIEST <= at <= LATEST:
        raise ValueError("a time from 1970 to 2200")
    return at


Moment = Annotated[AwareDatetime, AfterValidator(_in_reach)]
Name = Annotated[str, Field(min_length=1, max_length=ID_MAX, pattern=r"\S")]
Ground = Literal[
    "under_18", "intellectual_disability", "autistic_disability", "mental_disability", "dementia", "other"
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


class PlaceBody(_Body):
    """A place, WGS-84."""

    lat: float = Field(ge=-90, le=90)
    lon: float = Field(ge=-180, le=180)
    accuracy_m: float | None = Field(None, ge=0)


class LastSeenBody(_Body):
    """When and where the person was last seen for certain."""

    seen_at: Moment
    position: PlaceBody | None = None


class TraitBody(_Body):
    """One attribute, by the words of ``schemas/appearance.toml``."""

    name: Name
    word: Name
    confidence: float | None = Field(None, ge=0, le=1)

    @model_validator(mode="after")
    def _known(self) -> Self:
        trait = load_appearance().traits.get(self.name)
        if trait is None:
            raise ValueError("name: one of " + ", ".join(sorted(load_appearance().traits)))
        if self.word not in trait.words:
            raise ValueError(f"word: one of {', '.join(trait.words)}")
        return self


class OpenBody(_Body):
    """The body of a request to open a case."""

    agency_case_no: Name = Field(description="the agency's own number of the case")
    ground: Ground | None = Field(None, description="the ground that the law names")
    other_ground: Name | None = Field(None, description="with ground other: the law's own word for it")
    requester: Name | None = Field(None, description="the officer or unit that asks, never a name")
    authorisation_id: Name | None = Field(None, description="the decision's number, where the law wants one")
    is_urgent: bool = Field(False, description="the authorisation is asked for within the law's hours")
    category: Name | None = Field(None, description="the agency's own class of the case")
    area: dict[str, Any] | None = Field(None, description="a GeoJSON Polygon: nothing outside is looked at")
    from_time: Moment | None = Field(None, description="nothing before is looked at; with its offset")
    until_time: Moment | None = Field(None, description="the case ends then; with its offset")
    last_seen: LastSeenBody | None = Field(None, description="an object with seen_at and position")
    attributes: tuple[TraitBody, ...] = Field(
        (), max_length=TRAITS_MAX, description="objects with name and word"
    )
    photo_ref: Name | None = Field(
        None, description="where a photo is kept, for who may see it; never the photo"
    )

    def asked(self) -> Mapping[str, Any]:
        """The fields as ``police.missing`` has them. ``Problem`` 422 for an area that cannot be written."""
        said = self.model_dump()
        for name in ("from_time", "until_time"):
            said[name] = _ms(said[name])
        if said["last_seen"] is not None:
            said["last_seen"]["seen_at"] = _ms(said["last_seen"]["seen_at"])
        return {**said, "attributes": list(said["attributes"]), "area": _area(self.area)}


class FilingBody(_Body):
    """The body of a request to record a filing."""

    filing_id: Name = Field(description="the number of the request for an authorisation")


class CaseEndBody(_Body):
    """The body of a request to close a case."""

    reason: Name = Field(description="found, withdrawn, mistaken or authorisation_refused")


class AnswerBody(_Body):
    """The body of an answer to a candidate."""

    answer: Literal["confirm", "reject", "unsure", "part"] = Field(description=" or ".join(ANSWERS))
    revision: int = Field(ge=0, le=2**31 - 1, description="the revision of the candidate that was seen")
    note: str | None = Field(None, max_length=NOTE_MAX, description="a note, written under the case's key")


def _area(said: Mapping[str, Any] | None) -> str | None:
    if said is None:
        return None
    more = {"field": "area", "expected": f"a GeoJSON Polygon of at most {AREA_MAX} characters"}
    try:
        text = orjson.dumps(said).decode()
    except (TypeError, ValueError):  # a number of more than 64 bits, which no degree has
        text = ""
    if not 0 < len(text) <= AREA_MAX:
        raise Problem(422, "area: it cannot be", code="wrong-field", more=more)
    return text


def _ms(at: datetime | None) -> int | None:
    return None if at is None else round(at.timestamp() * 1000)
