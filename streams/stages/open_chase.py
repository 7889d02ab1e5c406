"""The search of one open case, and what waits until it has looked back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.errors import Fatal
from streams.cases.judge import Allowed
from streams.sightings.pursuit import PersonAnswer, Pursuit
from streams.sightings.sighting_columns import SightingColumns
from streams.stages.persons_known import ToldCase

WAITING_MAX = 2_000_000
"""The most sightings that wait for the end of a look back."""


@dataclass(slots=True)
class Chase:
    """An open case: its search, and what waits until it has looked back."""

    pursuit: Pursuit
    verdict: Allowed
    is_ready: bool = False
    is_changed: bool = True
    is_begun_again: bool = False
    """It was looked for before the last start, so it is told with the others."""
    stops: Mapping[str, int] = field(default_factory=dict)
    """Stop → its number in the search."""
    calls_version: int = 0
    cameras_version: int = 0
    answered: list[tuple[PersonAnswer, Mapping[int, int]]] = field(default_factory=list)
    """The answers that were taken, each with the offsets at which it was."""
    sightings: list[SightingColumns] = field(default_factory=list)
    answers: list[PersonAnswer] = field(default_factory=list)

    @property
    def told(self) -> ToldCase:
        """The search as it was told, for another that goes on with it."""
        return ToldCase(
            list(self.pursuit.told.values()), self.pursuit.route, list(self.answered), list(self.answers)
        )

    def waits_for(self, many: SightingColumns) -> None:
        """Hold *many* until the past was read. ``Fatal`` where too many wait."""
        if not len(many):
            return
        self.sightings.append(many)
        if sum(map(len, self.sightings)) > WAITING_MAX:
            raise Fatal(
                "too many sightings wait for a look back", hint="make the case's area or time smaller"
            )
