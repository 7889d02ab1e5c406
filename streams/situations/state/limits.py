"""The bound on the situations that a city holds, and the choice of those to let go beyond it. Pure."""

from __future__ import annotations

from heapq import nsmallest
from typing import Protocol

from msgspec.structs import replace

from streams.situations.config import RulesConfig
from streams.situations.model import Situation

ROOM = 100
"""A hundredth of the bound is let go at once, so that a flood does not search all situations for each report."""


class Holds(Protocol):
    situations: dict[str, Situation]

    @property
    def rules(self) -> RulesConfig: ...


def too_many(city: Holds) -> list[Situation]:
    """The situations to let go, in order; none while the bound holds. First those closed longest, then those whose reports
    were silent longest; never an open one of another rule, which has its own bound."""
    most = city.rules.limits.situations
    count = len(city.situations) - most
    if count <= 0:
        return []
    may_go = (one for one in city.situations.values() if one.is_closed or one.holds_reports)
    return nsmallest(count + most // ROOM, may_go, key=_turn)


def _turn(situation: Situation) -> tuple[bool, int, str]:
    view = situation.view
    if view.closed_at is not None:
        return False, view.closed_at, situation.situation_id
    heard_at = max((one.heard_at for one in view.incidents), default=view.opened_at)
    return True, heard_at, situation.situation_id


def let_go(situation: Situation, config: RulesConfig, *, now: int) -> Situation:
    """The last revision of a live one that goes."""
    most = config.limits.situations
    view = replace(situation.view, status="closed", closed_at=now)
    reason = f"let go: the city holds {most} situations, and this was silent for longest"
    return replace(situation, revision=situation.revision + 1, reason=reason, view=view)
