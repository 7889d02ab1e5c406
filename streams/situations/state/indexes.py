"""Indexes of situations: by report, place, rule, filing, and by whether a watch is open around them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from streams.geo import Grid
from streams.situations.answers.watches import is_watched
from streams.situations.model import Position, Situation
from streams.situations.reports.cameras import CELL_DEG


@dataclass(slots=True)
class Indexes:
    """Derived from the situations, so no row carries them. All hold ids.

    *owners* is report → the situation that it is told with. It stays when a situation is removed: its next revision, or
    another situation, takes its reports.
    """

    owners: dict[str, str] = field(default_factory=dict)
    watched: set[str] = field(default_factory=set)
    _live: Grid[str] = field(default_factory=lambda: Grid(CELL_DEG))
    _of_rule: dict[str, set[str]] = field(default_factory=dict)
    _filed: dict[str, str] = field(default_factory=dict)

    def put(self, situation: Situation) -> None:
        """Find *situation* by what it says. Its former revision has been removed."""
        its_id, at = situation.situation_id, situation.view.position
        if not situation.holds_reports and not situation.is_closed:
            self._of_rule.setdefault(situation.rule, set()).add(its_id)
        if is_watched(situation):
            self.watched.add(its_id)
        if situation.is_placed and at is not None:
            self._live.add(its_id, at.lat, at.lon)
        if not situation.is_merged:
            for incident in situation.view.incidents:
                self.owners[incident.incident_id] = its_id
            self._filed |= dict.fromkeys((one.filing_id for one in situation.filings if one.is_open), its_id)

    def remove(self, situation: Situation) -> None:
        """Find *situation*, as it was put, no more."""
        its_id, at = situation.situation_id, situation.view.position
        self.watched.discard(its_id)
        for filing in situation.filings:
            if self._filed.get(filing.filing_id) == its_id:
                del self._filed[filing.filing_id]
        if situation.rule in self._of_rule:
            self._of_rule[situation.rule].discard(its_id)
        if situation.is_placed and at is not None:
            self._live.remove(its_id, at.lat, at.lon)

    def filed_as(self, filing_id: str | None) -> str | None:
        """The situation of that open filing."""
        return self._filed.get(filing_id or "")

    def of_rule(self, name: str) -> list[str]:
        """The situations of the rule *name* that are not closed; never those of reports."""
        return sorted(self._of_rule.get(name, ()))

    def rules(self) -> list[str]:
        """The rules that have, or had, situations without reports."""
        return sorted(self._of_rule)

    def live_near(self, places: Iterable[Position], radius_m: float) -> set[str]:
        """The placed situations within *radius_m* of any of *places*."""
        return {one for at in places for one, _ in self._live.near(at.lat, at.lon, radius_m)}
