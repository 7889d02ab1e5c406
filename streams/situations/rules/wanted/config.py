"""The settings and the words of the rule ``wanted``."""

from __future__ import annotations

from typing import ClassVar

from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "wanted", "2"

default = defaults_beside(__file__)


class Words(Templates):
    """The texts of a hit, a candidate and their end in one language."""

    places: ClassVar = {"kind": "", "offence": "", "camera": "", "time": ""}
    hit: str
    candidate: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "wanted"`` of a city's file may give."""

    kind: str = default("kind")
    candidate_kind: str = default("candidate_kind")
    severity: Severity = default("severity")
    candidate_severity: Severity = default("candidate_severity")
    urgency: Urgency = default("urgency")
    min_confidence: float = default("min_confidence", ge=0, le=1)
    same_s: float = default("same_s", ge=0)
    close_after_min: float = default("close_after_min", gt=0)
    evidence_max: int = default("evidence_max", ge=1, le=200)
    per_second_max: int = default("per_second_max", ge=1, le=1_000)
    removed_max: int = default("removed_max", ge=1, le=100_000)
    plates_max: int = default("plates_max", ge=1, le=1_000)
    use: str = default("use")
    track_max_mps: float = default("track_max_mps", gt=0)
    reach_s: float = default("reach_s", ge=0, le=3_600)
    reach_mps: float = default("reach_mps", ge=0)
    next_max: int = default("next_max", ge=0, le=100)
    headlines: dict[str, Words] = headlines_of(NAME)
