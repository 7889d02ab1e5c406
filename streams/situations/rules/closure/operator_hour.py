"""An operator's hour: the most situations that the rule tells it, and the one that counts those beyond. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.model import Position, Situation, View
from streams.situations.rule import Draft
from streams.situations.rules.closure.closure_turn import HOUR, ClosureTurn, OperatorHour
from streams.situations.rules.closure.config import HOUR_MS, NAME, Numbers
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.parts.spells import ended
from streams.situations.words import Said

COUNTED = ""
"""In place of a situation's id, where the situation of the hour counts it."""


class OperatorHours:
    """Opens and ends the rule's situations, each for one operator alone, in the city's language."""

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._speech = Speech(numbers.headlines, config)

    def said(self, template: str, kind: str, *, ride: str = "", reason: str = "", count: int = 1) -> Said:
        return self._speech.said(template, {"kind": kind}, ride=ride, reason=reason, count=count)

    def tell(
        self,
        turn: ClosureTurn,
        operator: str,
        draft: Situation,
    ) -> str:
        """Open *draft* and return its id, or ``COUNTED`` where the operator's hour has had its most."""
        key = f"{HOUR}{operator}"
        hour = turn.get(key, OperatorHour)
        if hour is None or hour.began + HOUR_MS <= turn.now:
            hour = OperatorHour(operator, turn.now)
        if hour.opened < self._numbers.hour_max:
            turn.put(key, replace(hour, opened=hour.opened + 1))
            turn.drafts.append(Draft(draft, {}))
            return draft.situation_id
        turn.put(key, self._counted(turn, key, replace(hour, beyond=hour.beyond + 1)))
        return COUNTED

    def situation(
        self,
        turn: ClosureTurn,
        its_id: str,
        anchor: str,
        operator: str,
        words: Said,
        why: str,
        *,
        kind: str,
        severity: str,
        position: Position | None = None,
    ) -> Situation:
        """A situation that begins now, for *operator* alone."""
        agency = self._numbers.agencies.get(operator, operator)
        view = View(
            kind=kind,
            status="open",
            opened_at=turn.now,
            closed_at=None,
            position=position,
            agencies=(agency,) if agency else (),
            incidents=(),
            severity=severity,
            urgency=self._numbers.urgency,
            certainty="likely",
            cameras=(),
            words=words,
        )
        return Situation(its_id, anchor, turn.city.sequence, 1, why, view, rule=NAME)

    def end(self, turn: ClosureTurn, situation_id: str, reason: str, words: Said) -> None:
        """End that situation, unless operators did, or hold it open."""
        found = turn.city.situations.get(situation_id)
        if found is not None and not found.is_closed and found.handled.hold != "open":
            turn.drafts.append(ended(turn.city, found, reason, words))

    def over(self, turn: ClosureTurn, hour: OperatorHour) -> None:
        """Forget an hour that is over, and end what was counted in it."""
        turn.drop(f"{HOUR}{hour.operator}")
        self.end(turn, hour.situation_id, "the hour is over", self.said("done", self._numbers.ride_kind))

    def _counted(self, turn: ClosureTurn, key: str, hour: OperatorHour) -> OperatorHour:
        """*hour*, told the first time, and whenever twice as many are beyond the most as were told."""
        numbers = self._numbers
        words = self.said("many", numbers.ride_kind, count=hour.beyond)
        why = f"{hour.beyond} more than {numbers.hour_max} in an hour"
        if not hour.situation_id:
            its_id = derived_id(NAME, key, hour.began)
            one = self.situation(
                turn,
                its_id,
                key,
                hour.operator,
                words,
                why,
                kind=numbers.ride_kind,
                severity=numbers.severity,
            )
            turn.drafts.append(Draft(one, {}))
            return replace(hour, situation_id=its_id, told=hour.beyond)
        place = next(
            (n for n, one in enumerate(turn.drafts) if one.situation.situation_id == hour.situation_id), None
        )
        if place is not None:  # this turn tells it already: a closure may come before many rides at once
            draft = turn.drafts[place]
            view = replace(draft.situation.view, words=words)
            turn.drafts[place] = replace(draft, situation=replace(draft.situation, reason=why, view=view))
            return replace(hour, told=hour.beyond)
        found = turn.city.situations.get(hour.situation_id)
        if found is None or found.is_closed or hour.beyond < 2 * hour.told:
            return hour
        view = replace(found.view, words=words)
        turn.drafts.append(Draft(replace(found, revision=found.revision + 1, reason=why, view=view), None))
        return replace(hour, told=hour.beyond)
