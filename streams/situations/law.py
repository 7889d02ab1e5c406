"""A country's law, as far as the rules go by it."""

from __future__ import annotations

from pydantic import Field

from streams.situations.terms import LANGUAGE, Strict


class Use(Strict):
    """The purpose for which an agency's domain may look, and its legal ground."""

    purpose: str = Field(pattern=r"\S")
    legal_ground: str = Field(pattern=r"\S")


class Law(Strict):
    """A country's profile (``deploy/laws``). *uses* goes by domain; a domain without a use gets no grant."""

    name: str = Field(min_length=1)
    language: str = Field("en", pattern=LANGUAGE)
    forget_after_days: float = Field(30, gt=0)
    grant_minutes_max: float = Field(480, gt=0)
    uses: dict[str, Use] = Field(default_factory=dict)
    may: dict[str, tuple[str, ...]] = Field(
        {}, description="action → roles; one that stands not here, all may"
    )
    overrides: dict[str, str] = Field(default_factory=dict)
    wanted_offences: tuple[str, ...] | None = Field(
        None, description="classes of offence for which a vehicle may be looked for; absent: any"
    )
