"""The rules' numbers: how near, how soon, how many, who receives. They come from the city's file and its law."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Law(Strict):
    """What a country's law lets the platform do, as data (``deploy/laws``)."""

    name: str
    purpose: dict[str, str] = Field(description="domain of a report → purpose for which its agency may look")
    legal_ground: dict[str, str] = Field(description="purpose → ground of the law; none: no grant")
    grant_minutes_max: float = Field(gt=0, description="no grant is longer")


class Pair(Strict):
    """Two kinds that may be the same happening, in either order; a kind stands for all below it."""

    kinds: tuple[str, str]
    radius_m: float | None = Field(None, gt=0, description="metres; the rule's own where not given")
    window_min: float | None = Field(None, gt=0, description="minutes; the rule's own where not given")


def _pairs(*kinds: tuple[str, str]) -> tuple[Pair, ...]:
    return tuple(Pair(kinds=pair) for pair in kinds)


SAME_HAPPENING = _pairs(
    ("crash", "crash"),
    ("crash", "medical"),
    ("crash", "rescue"),
    ("crash", "fire.vehicle"),
    ("crash", "hazard"),
    ("fire", "fire"),
    ("gas", "gas"),
    ("gas", "fire"),
    ("medical", "medical"),
    ("rescue", "rescue"),
    ("crime.assault", "medical"),
)
"""Where a city says nothing else. Never a theft with a cardiac arrest: they share a street, not a cause."""

SEVERITY = {
    "fire.building": "severe",
    "rescue": "severe",
    "gas": "severe",
    "crash.fatal": "extreme",
    "crash": "moderate",
    "fire": "moderate",
    "medical": "moderate",
    "hazard": "minor",
    "alarm": "minor",
    "crime": "moderate",
}
KIND_ORDER = ("rescue", "fire.building", "gas", "fire", "crash", "crime", "wires", "hazard", "medical", "alarm")


class RulesConfig(Strict):
    """The numbers of rule ``joint-incident``."""

    city: str
    law: Law
    radius_m: float = Field(200, gt=0, description="metres within which reports of two agencies may be one happening")
    window_min: float = Field(15, gt=0, description="minutes within which they may be")
    pairs: tuple[Pair, ...] = Field(SAME_HAPPENING, description="which kinds may be the same happening")
    incidents_max: int = Field(6, ge=1, description="a situation never holds more")
    span_m_max: float = Field(600, gt=0, description="no two of its reports lie farther apart")
    span_min_max: float = Field(90, gt=0, description="no two of its reports lie longer apart")
    cameras_count: int = Field(5, ge=0, description="the nearest so many cameras")
    cameras_radius_m: float = Field(500, gt=0, description="none farther away")
    grant_minutes: float = Field(240, gt=0, description="a grant ends then at the latest")
    grant_age_max_min: float = Field(60, gt=0, description="no grant is opened for an older report")
    expire_after_min: float | None = Field(None, gt=0, description="a silent situation ends; none: only its agencies end it")
    forget_after_days: float = Field(30, gt=0, description="an ended situation leaves the memory")
    severity: dict[str, str] = Field(SEVERITY, description="kind → CAP severity; the longest kind that fits decides")
    kind_order: tuple[str, ...] = Field(KIND_ORDER, description="which member's kind names the situation: the first that fits")
    language: str = Field("en", description="of the alerts' headlines")

    def canonical(self) -> dict[str, Any]:
        """As it goes into the journal."""
        return self.model_dump(mode="json")

    def digest(self) -> str:
        return hashlib.blake2b(orjson.dumps(self.canonical(), option=orjson.OPT_SORT_KEYS), digest_size=8).hexdigest()


def is_a(kind: str, ancestor: str) -> bool:
    """Whether *kind* is *ancestor* or below it in the tree."""
    return kind == ancestor or kind.startswith(ancestor + ".")


def longest_of(table: dict[str, str], kind: str, default: str) -> str:
    """The entry of the nearest ancestor of *kind* in *table*."""
    while kind:
        if kind in table:
            return table[kind]
        kind = kind.rpartition(".")[0]
    return default
