"""A crash or fire that holds up traffic: transit and the hubs around it are told, once, until it flows again. Pure.

Vehicles' speed comes by cell and minute, and each cell knows its usual speed at that hour (``pace.py``). An impact
begins when the cells around an open crash or fire that are slower than ``begin_share`` of their usual speed hold at
least ``min_vehicles`` in each of ``min_minutes``. It is over when those cells together have been faster than
``over_share`` for ``over_after_min``, when nobody was seen there for ``silent_min``, or when what caused it is. Between
the shares nothing changes: what flaps is one impact. While it lasts, no cell around it learns, and what was not learnt
yet since the cause began is dropped: the usual level is not moved by it.

``levels.py`` learns, ``impacts.py`` judges, ``view.py`` says it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory
from streams.situations.model import Position, Situation
from streams.situations.reports.notices import HUB, SPEED
from streams.situations.rule import (
    City,
    Draft,
    Explains,
    Follows,
    Heard,
    MeasuresTraffic,
    Notices,
    Rule,
    Step,
)
from streams.situations.rules.traffic_impact.config import NAME, VERSION, Numbers
from streams.situations.rules.traffic_impact.impacts import Judge, handed_on, speed_in
from streams.situations.rules.traffic_impact.levels import hub_placed, learnt, swept
from streams.situations.rules.traffic_impact.pace import MINUTE_MS, speed_near, together
from streams.situations.rules.traffic_impact.turn import REGISTER, Turn, impacts_of
from streams.situations.rules.traffic_impact.view import ImpactView, kmh
from streams.situations.words import Said

__all__ = ["VERSION", "Numbers", "build"]


class TrafficImpact(Rule, Notices, MeasuresTraffic, Follows, Explains):
    """Asked with each speed, each report, and once a minute while anything is held up."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({SPEED, HUB})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._view = ImpactView(config, numbers)
        self._judge = Judge(numbers, self._view)

    def on_event(self, city: City, heard: Heard) -> Step:
        """Hold the report's situation against the speeds there are; it may be over, too."""
        turn = Turn.of(city, self._numbers)
        owner = turn.cause(city.owners.get(heard.incident.incident_id))
        if owner is None or not self._concerns(turn, owner):
            return Step()
        self._judge.look_at(turn, owner)
        return turn.step(handed_on(turn))

    def on_notice(self, city: City, entry: Entry) -> Step:
        """A hub's place, or a cell's minute: it is learnt, and held against what is open nearby."""
        if entry.topic.partition(".")[2] == HUB:
            return hub_placed(Turn.of(city, self._numbers), entry)
        turn = Turn.of(city, self._numbers, entry.value["event_time"] + MINUTE_MS)
        centre = learnt(turn, entry)
        if centre is None:
            return Step(memories=turn.memories)
        for owner in city.live_near([centre], self._numbers.radius_m):
            if self._concerns(turn, owner):
                self._judge.look_at(turn, owner)
        return turn.step(handed_on(turn))

    def _concerns(self, turn: Turn, owner: Situation) -> bool:
        return owner.situation_id in turn.impacts or self._judge.may_hold_up(owner)

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Impacts are looked at whether or not anything is heard; what nobody drives in any more is forgotten."""
        if isinstance(due, Situation):
            return Step()
        turn = Turn.of(city, self._numbers)
        if due.key == REGISTER:
            return swept(turn)
        for cause_id in list(turn.impacts):
            owner = turn.cause(cause_id)
            if owner is None:
                self._judge.drop(turn, cause_id)
            else:
                self._judge.follow(turn, cause_id, owner)
        return turn.step(handed_on(turn))

    def on_action(self, city: City, after: Situation) -> Draft:
        """Opened again, it says how fast it is now; the next look begins it anew."""
        words = after.view.words
        if after.is_closed:
            words = self._view.over()
        elif city.situations[after.situation_id].is_closed:
            words = self._slow_now(city, after) or words
        return Draft(replace(after, view=replace(after.view, words=words)), {})

    def _slow_now(self, city: City, situation: Situation) -> Said | None:
        """The words for the speed around *situation* now; ``None`` where nobody is seen."""
        at, turn = situation.view.position, Turn.of(city, self._numbers)
        owner = turn.cause(next(iter(situation.view.beneath), None))
        if at is None or owner is None:
            return None
        now = together(turn.readings(at))
        return None if now is None else self._view.slow(owner, now)

    def otherwise(self, city: City, situation: Situation) -> str | None:
        """The speed that would have been none, or would have kept it going."""
        for cause_id, impact in impacts_of(city).items():
            if impact.situation_id == situation.situation_id:
                turn, numbers = Turn.of(city, self._numbers), self._numbers
                now = speed_in(turn, impact, turn.cause(cause_id))
                usual = "" if now is None else f" ({kmh(now.usual)} km/h)"
                return (
                    f"slower than {numbers.begin_share:.0%} of the usual speed{usual} begins one;"
                    f" faster than {numbers.over_share:.0%} for {numbers.over_after_min:g} min ends it"
                )
        return None

    def speed_near(self, city: City, position: Position, radius_m: float) -> Mapping[str, Any] | None:
        return speed_near(city, self._numbers, position, radius_m)


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> TrafficImpact:
    return TrafficImpact(config, Numbers.model_validate(numbers))
