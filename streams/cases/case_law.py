"""A country's law of missing persons' cases: the section ``[missing_persons]`` of a profile in ``deploy/laws``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from streams.situations.terms import Strict

Ground = Literal[
    "under_18", "intellectual_disability", "autistic_disability", "mental_disability", "dementia", "other"
]
"""The words of ``police.missing``."""
OTHER: Ground = "other"
SourceClass = Literal["clothing", "biometric"]


class Biometric(Strict):
    """A condition for a biometric score: an authorisation, or in urgency a request for it within *filing_hours*."""

    legal_ground: str = Field(pattern=r"\S")
    filing_hours: float = Field(gt=0, le=168)


class CaseLaw(Strict):
    """A law without grounds is one that nobody has looked up: it allows nothing by itself, and a person names a ground."""

    grounds: dict[Ground, str] = Field({}, description="word of the contract → the law's own")
    other_grounds: dict[str, str] = Field(
        description="grounds outside the act, each of which needs the number of a decision"
    )
    sighting_hours: float = Field(gt=0, le=720, description="a sighting older than this is not looked at")
    biometric: Biometric | None = Field(None, description="absent: no biometric score is used")
    analytics: dict[str, SourceClass] = Field(
        {}, description="analytic → what it tells people apart by; one that stands not here is biometric"
    )

    def is_biometric(self, analytic: str, *, has_score: bool) -> bool:
        """Whether a sighting is a biometric answer. One with a score is, whatever its analytic says of itself."""
        return has_score or self.analytics.get(analytic, "biometric") == "biometric"
