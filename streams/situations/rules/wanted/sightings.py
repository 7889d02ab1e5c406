"""A wanted vehicle as a situation: opened by a reading, told again where it is seen next, a candidate or a hit."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.answers.alerts import OPERATOR
from streams.situations.config import RulesConfig
from streams.situations.law import Use
from streams.situations.model import Hit, Observed, Situation, View
from streams.situations.reports.facts import position_of
from streams.situations.rule import City
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.wanted.config import NAME, Numbers
from streams.situations.rules.wanted.listing import Listed, ListEntry
from streams.situations.words import Said

MINUTE_MS = 60_000


class Sightings:
    """The situations of vehicles on the list, in the city's language."""

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._speech = Speech(numbers.headlines, config)

    def first(
        self, city: City, entry: ListEntry, value: Mapping[str, Any], found: Observed, is_hit: bool
    ) -> Situation:
        """The situation that a reading opens."""
        view = View(
            kind=self._numbers.candidate_kind,
            status="open",
            opened_at=value["event_time"],
            closed_at=None,
            position=None,
            agencies=(),
            incidents=(),
            severity=self._numbers.candidate_severity,
            urgency=self._numbers.urgency,
            certainty="possible",
            cameras=(),
            observed=(replace(found, seconds=0.0),),
            shown_to=(OPERATOR,),
        )
        its_id = derived_id(NAME, entry.entry_id, found.event_id)
        reason = "read by a camera" if is_hit else "a plate one character off, or read without certainty"
        situation = Situation(its_id, entry.entry_id, city.sequence, 1, reason, view, rule=NAME)
        return self.moved(city, entry.listed, situation, value, is_hit)

    def listed_with(self, situation: Situation, found: Observed) -> Situation:
        """The next revision of *situation*, with one more observation."""
        observed = (*situation.view.observed, found)
        view = replace(situation.view, observed=observed[-self._numbers.evidence_max :])
        return replace(situation, revision=situation.revision + 1, reason="seen again", view=view)

    def hit_of(self, city: City, value: Mapping[str, Any], is_hit: bool) -> Hit:
        """The reading, as the track keeps it: where it was made or, if that is not said, where its camera stands now."""
        camera = city.cameras.get(value["seen_by"] or "")
        position = position_of(value["position"]) or (None if camera is None else camera.position)
        return Hit(value["observation_id"], position, value["subject"], is_hit)

    def moved(
        self, city: City, listed: Listed, situation: Situation, value: Mapping[str, Any], is_hit: bool
    ) -> Situation:
        """*situation*, as the reading says: where, when, with which image; and whom it concerns."""
        image = value.get("image_ref")
        view = replace(
            situation.view,
            position=position_of(value["position"]) or situation.view.position,
            references=(("image", image),) if image else (),
        )
        if is_hit or self.is_hit(situation):
            view = self.as_hit(city, view, listed)
        else:
            view = replace(view, words=self._said(city, "candidate", view, listed))
        return replace(situation, view=view, wake_at=self.over_at(city))

    def as_hit(self, city: City, view: View, listed: Listed) -> View:
        view = replace(
            view,
            kind=self._numbers.kind,
            agencies=(listed.agency,),
            severity=self._numbers.severity,
            certainty="observed" if view.certainty == "observed" else "likely",
        )
        return replace(view, words=self._said(city, "hit", view, listed))

    def is_hit(self, situation: Situation) -> bool:
        return situation.view.kind == self._numbers.kind

    def is_same(
        self, situation: Situation, value: Mapping[str, Any], found: Observed, is_graver: bool
    ) -> bool:
        """Whether it says nothing new: known already, or the same camera just now."""
        opened_at = situation.view.opened_at
        for one in situation.view.observed:
            away_ms = abs(value["event_time"] - opened_at - one.seconds * 1000)
            is_near = one.seen_by == found.seen_by and away_ms < self._numbers.same_s * 1000
            if one.event_id == found.event_id or (is_near and not is_graver):
                return True
        return False

    def over_at(self, city: City) -> int:
        """When a vehicle that was seen just now is no longer about."""
        return city.now_ms + round(self._numbers.close_after_min * MINUTE_MS)

    def over(self, listed: Listed) -> Said:
        kinds = {"kind": self._numbers.kind}
        return self._speech.said("over", kinds, offence=listed.offence, camera="", time="")

    def uses(self, city: City, listed: Listed, situation: Situation) -> dict[str, Use]:
        """The use of cameras where it was seen just now, for who looks for it, on the ground that the list names."""
        use, view = city.rules.law.uses.get(self._numbers.use), situation.view
        seen_at = view.opened_at + round(max(one.seconds for one in view.observed) * 1000)
        is_old = city.now_ms - seen_at > city.rules.grant_age_max_ms
        if use is None or not view.agencies or is_old:
            return {}
        ground = Use(purpose=use.purpose, legal_ground=listed.legal_ground)
        return dict.fromkeys(situation.view.agencies, ground)

    def _said(self, city: City, template: str, view: View, listed: Listed) -> Said:
        """The place and time at which it was last seen, in words."""
        last = max(view.observed, key=lambda one: one.seconds)
        return self._speech.said(
            template,
            {"kind": view.kind},
            offence=listed.offence,
            camera=last.seen_by,
            time=_clock(city, view.opened_at + round(last.seconds * 1000)),
        )


def _clock(city: City, time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms // 1000, city.zone):%H:%M:%S}"
