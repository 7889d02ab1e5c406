"""Why nothing that is pushed is published now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing is published, and since when; *is_over*: nor will it be by this process."""

    why: str
    since_ms: int
    is_over: bool = False


def worst(troubles: list[Trouble | None]) -> Trouble | None:
    """The trouble to report: one that stays before one that may pass, the oldest first."""
    found = [one for one in troubles if one is not None]
    return min(found, key=lambda one: (not one.is_over, one.since_ms), default=None)
