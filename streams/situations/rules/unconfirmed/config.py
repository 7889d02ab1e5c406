"""The settings and the words of the rule ``unconfirmed``."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Strict

NAME, VERSION = "unconfirmed", "1"

default = defaults_beside(__file__)


class Claimed(Strict):
    """Labels of detections, and what they would be."""

    labels: tuple[str, ...] = Field(min_length=1)
    kind: str


class Words(Templates):
    """The texts for operators in one language."""

    places: ClassVar = {"kind": "", "count": 1}
    claimed: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "unconfirmed"`` of a city's file may give."""

    sources: int = default("sources", ge=2, le=20)
    radius_m: float = default("radius_m", gt=0, le=5_000)
    window_s: float = default("window_s", gt=0, le=3_600)
    min_confidence: float = default("min_confidence", ge=0, le=1)
    close_after_min: float = default("close_after_min", gt=0)
    pending_max: int = default("pending_max", ge=2, le=100_000)
    evidence_max: int = default("evidence_max", ge=2, le=200)
    per_second_max: int = default("per_second_max", ge=1, le=1_000)
    purpose: str = default("purpose", pattern=r"\S")
    claims: tuple[Claimed, ...] = default("claims")
    headlines: dict[str, Words] = headlines_of(NAME)
