"""Faults as situations: one for each fault, and one for all that an operator's hour has beyond the most. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.config import RulesConfig
from streams.situations.model import Observed, Position, Situation, View
from streams.situations.rule import Draft
from streams.situations.rules.hub.config import MANY, NAME, Numbers
from streams.situations.rules.hub.faults import HOUR_MS, HubFault, HubHour
from streams.situations.rules.hub.hub_turn import HubTurn
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.parts.spells import ended
from streams.situations.words import Said


class Telling:
    """Opens, tells again and ends the rule's situations, in the city's language."""

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._speech = Speech(numbers.headlines, config)

    def opened(self, turn: HubTurn, fault: HubFault) -> HubFault:
        """*fault*, which is told from now on: by a situation of its own, or with others beyond the most of its hour."""
        hour = self._hour(turn, fault.operator)
        if hour.opened >= self._numbers.hour_max:
            turn.put(hour.key, self._counted(turn, replace(hour, beyond=hour.beyond + 1)))
            return replace(fault, is_counted=True)
        turn.put(hour.key, replace(hour, opened=hour.opened + 1))
        evidence = fault.evidence
        its_id = derived_id(NAME, fault.key, fault.since, fault.begun_by)
        turn.drafts.append(
            self._draft(
                turn,
                its_id,
                fault.key,
                fault.operator,
                fault.cause,
                self._words(fault),
                fault.since,
                fault.position,
                () if evidence is None else (evidence,),
            )
        )
        return replace(fault, situation_id=its_id, told=len(fault.members))

    def told_again(self, turn: HubTurn, fault: HubFault) -> HubFault:
        """Its situation again, once it stands for twice as many vehicles as were told."""
        situation = self._open(turn, fault.situation_id)
        if situation is None or len(fault.members) < 2 * fault.told:
            return fault
        self._again(turn, situation, f"now {len(fault.members)}", self._words(fault))
        return replace(fault, told=len(fault.members))

    def over(self, turn: HubTurn, situation_id: str | None, reason: str, cause: str, place: str = "") -> None:
        """End that situation, unless operators did, or hold it open."""
        situation = self._open(turn, situation_id)
        if situation is not None and situation.handled.hold != "open":
            turn.drafts.append(ended(turn.city, situation, reason, self.end_words(cause, place)))

    def end_words(self, cause: str, place: str = "") -> Said:
        return self._said("over", cause, place, 1)

    def _words(self, fault: HubFault) -> Said:
        return self._said(fault.cause, fault.cause, fault.name, len(fault.members))

    def _said(self, template: str, cause: str, place: str, count: int) -> Said:
        return self._speech.said(template, {"kind": self._numbers.kind_of(cause)}, place=place, count=count)

    # -- an operator's hour ----------------------------------------------------------------------------------

    def _hour(self, turn: HubTurn, operator: str) -> HubHour:
        """The hour that runs; one that is over was ended by the clock, or has told nothing."""
        fresh = HubHour(operator, turn.now)
        hour = turn.get(fresh.key, HubHour)
        return fresh if hour is None or hour.began + HOUR_MS <= turn.now else hour

    def _counted(self, turn: HubTurn, hour: HubHour) -> HubHour:
        """*hour*, told the first time, and whenever twice as many are beyond the most as were told."""
        words = self._said(MANY, MANY, "", hour.beyond)
        reason = f"{hour.beyond} more than {self._numbers.hour_max} in an hour"
        if hour.situation_id is None:
            its_id = derived_id(NAME, hour.key, hour.began)
            draft = self._draft(
                turn, its_id, hour.key, hour.operator, MANY, words, turn.now, None, (), reason
            )
            turn.drafts.append(draft)
            return replace(hour, situation_id=its_id, told=hour.beyond)
        situation = self._open(turn, hour.situation_id)
        if situation is None or hour.beyond < 2 * hour.told:
            return hour
        self._again(turn, situation, reason, words)
        return replace(hour, told=hour.beyond)

    def hour_over(self, turn: HubTurn, hour: HubHour) -> None:
        reason = f"the hour is over: {hour.beyond} more than {self._numbers.hour_max}"
        self.over(turn, hour.situation_id, reason, MANY)

    # -- situations ------------------------------------------------------------------------------------------

    def _draft(
        self,
        turn: HubTurn,
        its_id: str,
        anchor: str,
        operator: str,
        cause: str,
        words: Said,
        opened_at: int,
        position: Position | None,
        observed: tuple[Observed, ...],
        reason: str | None = None,
    ) -> Draft:
        agency = self._numbers.agencies.get(operator, operator)
        view = View(
            kind=self._numbers.kind_of(cause),
            status="open",
            opened_at=opened_at,
            closed_at=None,
            position=position,
            agencies=(agency,) if agency else (),
            incidents=(),
            severity=self._numbers.severity,
            urgency=self._numbers.urgency,
            certainty="observed",
            cameras=(),
            observed=observed,
            words=words,
        )
        why = cause.replace("_", " ") if reason is None else reason
        return Draft(Situation(its_id, anchor, turn.city.sequence, 1, why, view, rule=NAME), {})

    def _again(self, turn: HubTurn, situation: Situation, reason: str, words: Said) -> None:
        view = replace(situation.view, words=words)
        after = replace(situation, revision=situation.revision + 1, reason=reason, view=view)
        turn.drafts.append(Draft(after, None))

    def _open(self, turn: HubTurn, situation_id: str | None) -> Situation | None:
        """The situation of that id as it stands, unless it is closed. One notice changes a situation once at most."""
        found = turn.city.situations.get(situation_id or "")
        return None if found is None or found.is_closed else found
