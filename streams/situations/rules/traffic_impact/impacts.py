"""The rule ``traffic-impact`` judges: when an impact begins, is told again, moves with its cause, and is over."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from schemas.event import derived_id
from streams.situations.model import Situation
from streams.situations.operators.actions import opened_again
from streams.situations.operators.actions import together as handled_together
from streams.situations.rule import Draft
from streams.situations.rules.traffic_impact.config import NAME, Numbers
from streams.situations.rules.traffic_impact.pace import MINUTE_MS, Reading, Together, together
from streams.situations.rules.traffic_impact.turn import Impact, Turn
from streams.situations.rules.traffic_impact.view import ImpactView, measured
from streams.situations.terms import is_a
from streams.speed.cells import cells_near


class Judge:
    """Holds the causes of a turn against the speeds around them."""

    def __init__(self, numbers: Numbers, view: ImpactView) -> None:
        self._numbers = numbers
        self._view = view

    def may_hold_up(self, owner: Situation) -> bool:
        return owner.is_placed and any(is_a(owner.view.kind, one) for one in self._numbers.kinds)

    def follow(self, turn: Turn, cause_id: str, owner: Situation) -> None:
        """The cause may have been merged: its impact goes on with the other, unless that has one of its own."""
        if cause_id != owner.situation_id:
            if owner.situation_id in turn.impacts:
                self.drop(turn, cause_id, into=turn.impacts[owner.situation_id].situation_id)
                return
            turn.impacts[owner.situation_id] = turn.impacts.pop(cause_id)
        self.look_at(turn, owner)

    def look_at(self, turn: Turn, owner: Situation) -> None:
        impact = turn.impacts.get(owner.situation_id)
        at = owner.view.position
        if not self.may_hold_up(owner) or at is None:
            if impact is not None:
                self.drop(turn, owner.situation_id)
            return
        readings = turn.readings(at)
        slow = [one for one in readings if one.share is not None and one.share < self._numbers.begin_share]
        if impact is None or not impact.is_on or self._is_reopened(turn, impact):
            if self._is_enough(slow):
                self._begin(turn, owner, impact, slow)
        else:
            self._go_on(turn, owner, impact, readings, slow)

    def _is_reopened(self, turn: Turn, impact: Impact) -> bool:
        """Whether an operator opened it again, and it has not begun since: what was measured before counts no more."""
        situation = turn.city.situations.get(impact.situation_id)
        actions = () if situation is None else situation.handled.actions
        return any(one.action == "reopen" and one.at > impact.began for one in actions)

    def _is_enough(self, slow: Sequence[Reading]) -> bool:
        now = together(slow)
        return now is not None and now.vehicles_in(self._numbers.min_minutes) >= self._numbers.min_vehicles

    def _begin(self, turn: Turn, owner: Situation, impact: Impact | None, slow: Sequence[Reading]) -> None:
        city, now = turn.city, together(slow)
        before = None if impact is None else city.situations.get(impact.situation_id)
        if now is None or (before is not None and not self._is_open_to(before)):
            return
        if impact is None and len(turn.impacts) >= self._numbers.impacts_max:
            turn.leaves_out("impacts")
            return
        its_id = derived_id(NAME, owner.situation_id, turn.now_ms) if before is None else before.situation_id
        view = self._view.drawn(turn, owner, slow, now)
        reason = f"slower than usual around {owner.situation_id}: {measured(now)}"
        if before is None:
            situation = Situation(its_id, owner.anchor, city.sequence, 1, reason, view, rule=NAME)
        else:
            view = replace(view, opened_at=before.view.opened_at)
            situation = replace(before, revision=before.revision + 1, reason=reason, view=view)
        self._unlearn_since(turn, owner)
        cells = tuple(sorted(one.cell for one in slow))
        turn.impacts[owner.situation_id] = Impact(
            its_id, True, cells, now.share, len(cells), turn.now_ms, began=city.now_ms
        )
        turn.drafts.append(Draft(situation, {}))

    def _is_open_to(self, before: Situation) -> bool:
        """Whether what was over may begin again: not what an operator closed."""
        return before.handled.hold != "closed"

    def _unlearn_since(self, turn: Turn, owner: Situation) -> None:
        """Drop what the cells around have not learnt yet since the cause began: it never is."""
        at = owner.view.position
        for cell, _ in cells_near(at.lat, at.lon, self._numbers.radius_m) if at is not None else ():
            pace = turn.paces.of(cell)
            after = None if pace is None else pace.forgetting(owner.view.opened_at)
            if pace is not None and after is not None and after != pace:
                turn.fresh[cell] = after

    def _go_on(
        self,
        turn: Turn,
        owner: Situation,
        impact: Impact,
        readings: Sequence[Reading],
        slow: Sequence[Reading],
    ) -> None:
        numbers, cells = self._numbers, tuple(sorted({*impact.cells, *(one.cell for one in slow)}))
        inside = [one for one in readings if one.cell in cells]
        now = together(inside)
        impact = replace(impact, cells=cells)
        if now is None:
            if turn.now_ms - impact.seen >= numbers.silent_min * MINUTE_MS:
                reason = f"nobody was seen there for {numbers.silent_min:g} min"
                self._end(turn, owner.situation_id, impact, reason)
            else:
                turn.impacts[owner.situation_id] = impact
            return
        impact = replace(impact, seen=turn.now_ms)
        if now.share <= numbers.over_share:
            impact = replace(impact, calm_since=None)
        elif impact.calm_since is None:
            impact = replace(impact, calm_since=turn.now_ms)
        calm_since = impact.calm_since
        if calm_since is not None and turn.now_ms - calm_since >= numbers.over_after_min * MINUTE_MS:
            reason = f"faster again for {numbers.over_after_min:g} min: {measured(now)}"
            self._end(turn, owner.situation_id, impact, reason)
            return
        turn.impacts[owner.situation_id] = self._tell_again(turn, owner, impact, inside, now)

    def _tell_again(
        self, turn: Turn, owner: Situation, impact: Impact, inside: Sequence[Reading], now: Together
    ) -> Impact:
        """Told again when it has clearly become worse, or when its cause lies elsewhere now."""
        before = turn.city.situations.get(impact.situation_id)
        if before is None or before.is_closed:
            return impact
        is_slower = now.share <= impact.told_share - self._numbers.retell_share
        is_wider = len(impact.cells) >= impact.told_cells * self._numbers.retell_grow
        at, was = owner.view.position, before.view.position
        is_moved = at is not None and was is not None and (at.lat, at.lon) != (was.lat, was.lon)
        if not (is_slower or is_wider or is_moved or owner.situation_id not in before.view.beneath):
            return impact
        view = replace(self._view.drawn(turn, owner, inside, now), opened_at=before.view.opened_at)
        view = replace(view, status=before.view.status)
        reason = f"it has changed: {measured(now)}"
        after = replace(before, revision=before.revision + 1, reason=reason, view=view)
        turn.drafts.append(Draft(after, {}))
        return replace(impact, told_share=now.share, told_cells=len(impact.cells))

    def _end(self, turn: Turn, cause_id: str, impact: Impact, reason: str) -> None:
        """The impact is; its cause is not: it may begin again, and is the same situation then."""
        before = turn.city.situations.get(impact.situation_id)
        if before is not None and not before.is_closed:
            if before.handled.hold == "open":
                turn.impacts[cause_id] = impact
                return
            turn.drafts.append(self._closed(turn, before, reason))
        turn.impacts[cause_id] = replace(impact, is_on=False, calm_since=None, cells=())

    def drop(self, turn: Turn, cause_id: str, into: str | None = None) -> None:
        """Let go of an impact whose cause is over, forgotten, or merged into another that has one of its own."""
        impact = turn.impacts.pop(cause_id)
        before = turn.city.situations.get(impact.situation_id)
        if before is not None and not before.is_closed and before.handled.hold != "open":
            reason = "what caused it is over" if into is None else f"merged into {into}"
            turn.drafts.append(self._closed(turn, before, reason, into))
            if into is not None:
                turn.merged.append((before, into))

    def _closed(self, turn: Turn, before: Situation, reason: str, into: str | None = None) -> Draft:
        words = self._view.over()
        view = replace(
            before.view, status="closed", closed_at=turn.city.now_ms, words=words, merged_into=into
        )
        return Draft(replace(before, revision=before.revision + 1, reason=reason, view=view), {})


def speed_in(turn: Turn, impact: Impact, owner: Situation | None) -> Together | None:
    """The speed now in the cells of *impact*, which *owner* caused; ``None`` where nobody is seen."""
    at = None if owner is None else owner.view.position
    if at is None:
        return None
    readings = turn.readings(at)
    return together(one for one in readings if one.cell in impact.cells)


def handed_on(turn: Turn) -> list[Draft]:
    """The drafts of *turn*. Where an impact was merged into another, what operators did with it goes on with the other."""
    drafts = {one.situation.situation_id: one for one in turn.drafts}
    for gone, into in turn.merged:
        before = turn.city.situations.get(into)
        if before is None:
            continue
        again = replace(before, revision=before.revision + 1, reason="what was done with another is of this")
        after = drafts[into].situation if into in drafts else again
        done = opened_again(gone.handled) if before.is_closed else gone.handled
        its = handled_together(after.handled, done)
        if its != after.handled:
            drafts[into] = Draft(replace(after, handled=its), {})
    return list(drafts.values())
