"""Machines alone: what independent sources claim near each other, reported by nobody, is an unconfirmed situation. Pure.

Operators alone are alerted: it has no agency and opens no grant. It is closed by itself when nothing more is claimed, and
merged into the situation of the first report that says the same nearby. One camera is one source, however often it claims.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.memory import Memory
from streams.situations.model import Incident, Observed, Position, Situation, View, listed_with
from streams.situations.rule import City, CityWatch, Draft, Explains, Follows, Heard, Rule, Step
from streams.situations.rules.parts.reported import as_handled, seen, with_that_of
from streams.situations.rules.parts.settings import Speech
from streams.situations.rules.unconfirmed.claims import (
    PENDING,
    Claim,
    Claims,
    distance_of,
    pending_claims,
    pending_memory,
    placed,
    turn,
)
from streams.situations.rules.unconfirmed.config import NAME, VERSION, Numbers
from streams.situations.terms import is_a
from streams.situations.words import Said

__all__ = ["VERSION", "Numbers", "build"]

MINUTE_MS = 60_000
CLAIMED, SEEN = "claimed before it was reported", "claimed by machines, too"


class Unconfirmed(Rule, Follows, Explains):
    """Waits for a second source, by the claims' own times."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:{PENDING}", f"{NAME}:watch"})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._claims = Claims(numbers)
        self._speech = Speech(numbers.headlines, config)
        labels = tuple(sorted({label for one in numbers.claims for label in one.labels}))
        self.standing = CityWatch(
            name=f"{NAME}:watch",
            labels=labels,
            topics=("cctv.detection",),
            min_confidence=numbers.min_confidence,
            per_second_max=numbers.per_second_max,
            purpose=numbers.purpose,
        )

    def otherwise(self, city: City, situation: Situation) -> str | None:
        """The number of sources that it takes, and the claim that waits nearest."""
        numbers, at = self._numbers, situation.view.position
        takes = (
            f"it takes {numbers.sources} independent sources within {numbers.radius_m:g} m and"
            f" {numbers.window_s:g} s, and no report of it"
        )
        claims = pending_claims(city)
        others = [one for one in claims if one.kind == situation.view.kind and at is not None]
        if at is None or not others:
            return takes
        away_m, _, seen_by = min((one.away_m(at), one.at, one.source[1]) for one in others)
        return f"{takes}; the nearest claim that waits is of {seen_by}, {away_m:.0f} m away"

    # -- what came in ----------------------------------------------------------------------------------------

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        """A claim: of what is known already, of a situation of this rule, or one that waits for another source."""
        claim = self._claims.read(value)
        if claim is None:
            return Step()
        reported = self._reported(city, claim)
        if reported is not None:
            return Step() if _is_watched(city, claim) else self._borne_out(city, reported, claim)
        known = next((one for one in self._open(city, claim.kind) if self._is_near(claim, one)), None)
        if known is not None:
            return self._claimed_again(city, known, claim)
        pending = self._claims.waiting(city, claim)
        near = {one.source: one for one in pending if self._claims.belong(one, claim)}
        if len(near) < self._numbers.sources:
            return Step(memories=[pending_memory(pending)])
        left = [one for one in pending if not self._claims.belong(one, claim)]
        claims = sorted(near.values(), key=turn)
        return Step([Draft(self._drawn(city, claims), {})], [pending_memory(left)])

    def on_event(self, city: City, heard: Heard) -> Step:
        """A report of what was only claimed: from now on it is told with the report's situation."""
        owner_id = city.owners.get(heard.incident.incident_id)
        if owner_id is None or city.situations[owner_id].is_closed:
            return Step()
        drafts: list[Draft] = []
        owner = city.situations[owner_id]
        for one in self._open(city, None):
            if one.situation_id == heard.answers or self._is_reported(city, one, heard.incident):
                drafts.append(self._merged(city, one, owner_id))
                owner = with_that_of(one, owner, city.rules)
        if owner != city.situations[owner_id]:
            drafts.append(as_handled(city, replace(owner, revision=owner.revision + 1, reason=CLAIMED)))
        return Step(drafts)

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Closed by itself, unless an operator opened it again: then they close it."""
        if not isinstance(due, Situation) or due.is_closed or due.handled.hold == "open":
            return Step()
        if city.now_ms < (due.wake_at or 0):
            return Step()
        words = self._said("over", due.view.kind, due.view.observed)
        view = replace(due.view, status="closed", closed_at=city.now_ms, words=words)
        reason = f"nothing more was claimed for {self._numbers.close_after_min:g} min"
        return Step([Draft(replace(due, revision=due.revision + 1, reason=reason, view=view), {})])

    def on_action(self, city: City, after: Situation) -> Draft:
        """Opened again, it says once more what was claimed."""
        view = after.view
        if not after.is_closed and city.situations[after.situation_id].is_closed:
            view = replace(view, words=self._said("claimed", view.kind, view.observed))
        return Draft(replace(after, view=view), {})

    # -- claims ----------------------------------------------------------------------------------------------

    def _reported(self, city: City, claim: Claim) -> Situation | None:
        """The nearest situation of reports that say the same."""
        at = Position(claim.lat, claim.lon)
        near = [
            one
            for one in city.live_near([at], self._numbers.radius_m)
            if _says(city, claim.found.label, claim.kind, one.view.kind)
        ]
        return min(near, key=lambda one: (distance_of(claim, one), one.age), default=None)

    def _borne_out(self, city: City, reported: Situation, claim: Claim) -> Step:
        """The reported situation with the claim, which no watch of that situation looks for, as one more observation."""
        centre = reported.view.position or Position(claim.lat, claim.lon)
        found = placed(claim, centre, reported.view.opened_at)
        if any(one.event_id == found.event_id for one in reported.view.observed):
            return Step()
        draft = seen(city, reported, found)
        is_listed = draft.situation.view != reported.view
        return Step([replace(draft, situation=replace(draft.situation, reason=SEEN))] if is_listed else ())

    # -- situations ------------------------------------------------------------------------------------------

    def _open(self, city: City, kind: str | None) -> list[Situation]:
        its = (city.situations[one] for one in city.of_rule(NAME))
        return [one for one in its if not one.is_closed and kind in (None, one.view.kind)]

    def _is_near(self, claim: Claim, situation: Situation) -> bool:
        at = situation.view.position
        return at is not None and claim.away_m(at) <= self._numbers.radius_m

    def _within(self, one: Position, other: Position) -> bool:
        return distance_m(one.lat, one.lon, other.lat, other.lon) <= self._numbers.radius_m

    def _drawn(self, city: City, claims: Sequence[Claim]) -> Situation:
        first, kind, config = claims[0], claims[0].kind, city.rules
        line = config.gravity[config.gravity_of(kind)]
        centre = Position(
            round(math.fsum(one.lat for one in claims) / len(claims), 6),
            round(math.fsum(one.lon for one in claims) / len(claims), 6),
        )
        observed = tuple(placed(one, centre, first.at) for one in claims)
        view = View(
            kind=kind,
            status="open",
            opened_at=first.at,
            closed_at=None,
            position=centre,
            agencies=(),
            incidents=(),
            severity=line.severity,
            urgency=line.urgency,
            certainty="possible",
            cameras=(),
            observed=observed[-self._numbers.evidence_max :],
            words=self._said("claimed", kind, observed),
        )
        its_id = derived_id(NAME, first.found.event_id)
        reason = f"claimed by {len(claims)} independent sources, reported by nobody"
        situation = Situation(its_id, first.found.event_id, city.sequence, 1, reason, view, rule=NAME)
        return self._lasting(city, situation, claims[-1].at)

    def _claimed_again(self, city: City, situation: Situation, claim: Claim) -> Step:
        observed = situation.view.observed
        known = {one.event_id for one in observed}
        if claim.found.event_id in known:
            return Step()
        centre = situation.view.position or Position(claim.lat, claim.lon)
        found = placed(claim, centre, situation.view.opened_at)
        observed = listed_with(observed, found, self._numbers.evidence_max)
        if observed == situation.view.observed:  # not listed, but it goes on
            return Step([Draft(self._lasting(city, situation, claim.at), {}, is_new_revision=False)])
        view = replace(situation.view, observed=observed, words=self._said("claimed", claim.kind, observed))
        reason = f"claimed again: {claim.found.label}"
        after = replace(situation, revision=situation.revision + 1, reason=reason, view=view)
        return Step([Draft(self._lasting(city, after, claim.at), {})])

    def _lasting(self, city: City, situation: Situation, at: int) -> Situation:
        """*situation*, until long enough after *at*: never due already, as claims may come late."""
        wake_at = max(at, city.now_ms) + round(self._numbers.close_after_min * MINUTE_MS)
        return replace(situation, wake_at=max(wake_at, situation.wake_at or 0))

    def _is_reported(self, city: City, claimed: Situation, incident: Incident) -> bool:
        """Whether *incident* says the same nearby."""
        at, its = incident.position, claimed.view.position
        is_near = at is not None and its is not None and self._within(at, its)
        return is_near and any(
            _says(city, found.label, claimed.view.kind, incident.kind) for found in claimed.view.observed
        )

    def _merged(self, city: City, situation: Situation, into: str) -> Draft:
        view = replace(situation.view, status="closed", closed_at=city.now_ms, merged_into=into)
        reason = f"reported: merged into {into}"
        return Draft(replace(situation, revision=situation.revision + 1, reason=reason, view=view), {})

    def _said(self, template: str, kind: str, observed: Sequence[Observed]) -> Said:
        return self._speech.said(template, {"kind": kind}, count=len({one.seen_by for one in observed}))


def _says(city: City, label: str | None, claimed: str, reported: str) -> bool:
    """Whether what was *claimed* is what was *reported*."""
    return is_a(reported, claimed) or label in city.rules.labels_of(reported)


def _is_watched(city: City, claim: Claim) -> bool:
    """Whether a situation's own watch looks for such a claim."""
    watch = city.rules.watch
    return watch is not None and claim.found.label in city.rules.watched_labels(watch)


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> Unconfirmed:
    return Unconfirmed(config, Numbers.model_validate(numbers))
