"""Closures: a grave warning closes its area, its end opens it, and rides are sent round. Pure.

It takes reports that are warnings, and ``core.closure``, in which operators' closures stand: it tells the log what a warning
closes, what an update of it changes, and what its end or a closure's own time opens again. One warning is one closure,
however often it is told; what an operator ended stays open. The operator of a ride (``mobility.booking``) whose vehicle has
a closure before it is told, once for each closure; so is the operator of shared vehicles in one, with their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from streams.closures.closure_rows import ended
from streams.closures.closure_table import OPEN, TIME, Closure, closure_of, is_next
from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory
from streams.situations.model import Situation
from streams.situations.reports.notices import BOOKING, CLOSURE, VEHICLE
from streams.situations.rule import City, Draft, Explains, Follows, Heard, Notices, Rule, Sifts, Step
from streams.situations.rules.closure.closure_turn import (
    CLOSURE as KEPT,
)
from streams.situations.rules.closure.closure_turn import (
    FLEET,
    HOUR,
    LIST,
    RIDE,
    SOURCE,
    ClosureTurn,
    FleetCount,
    KeptClosure,
    KeptRide,
    KeptVehicle,
    OperatorHour,
)
from streams.situations.rules.closure.closure_turn import (
    VEHICLE as SEEN,
)
from streams.situations.rules.closure.config import NAME, VERSION, Numbers
from streams.situations.rules.closure.fleets import Fleets
from streams.situations.rules.closure.operator_hour import OperatorHours
from streams.situations.rules.closure.ride_ways import RideWays, folded, is_over, is_to_come
from streams.situations.rules.parts.spells import place_in

__all__ = ["VERSION", "Numbers", "build"]


class ClosureRule(Rule, Notices, Sifts, Follows, Explains):
    """Memories for each closure, each ride and each vehicle that serves one."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({CLOSURE, BOOKING, VEHICLE})
    tells_operator = False

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._hours = OperatorHours(config, numbers)
        self._ways = RideWays(numbers, self._hours)
        self._fleets = Fleets(numbers, self._hours)

    # -- warnings --------------------------------------------------------------------------------------------

    def on_event(self, city: City, heard: Heard) -> Step:
        turn, incident = ClosureTurn(city, self._numbers, city.now_ms), heard.incident
        closure_id = derived_id("closure", incident.incident_id)
        kept, warning = turn.closure(closure_id), heard.warning
        closes = not incident.is_closed and self._numbers.closes(incident.kind, warning)
        if kept is None and closes and warning is not None:
            self._open(turn, city, heard, closure_id)
        elif kept is not None and not kept.closure.is_over:
            if not closes:
                self._end(turn, kept, incident.incident_id)
            elif warning is not None:
                self._change(turn, kept, warning)
        return turn.step()

    def _open(self, turn: ClosureTurn, city: City, heard: Heard, closure_id: str) -> None:
        incident, warning = heard.incident, heard.warning or {}
        if warning["ends_at"] is not None and warning["ends_at"] <= turn.now:
            return
        closure = Closure(
            closure_id=closure_id,
            geometry=warning["geometry"],
            starts_at=turn.now,
            ends_at=warning["ends_at"],
            reason=self._ways.reason(incident.kind),
            opened_by=incident.incident_id,
            ended_by=None,
            account_id=None,
            situation_id=_situation_of(city, incident.incident_id),
            revision=1,
            state=OPEN,
        )
        turn.say(closure)
        turn.keep_closure(KeptClosure(closure))
        self._ways.judge_all(turn)

    def _change(self, turn: ClosureTurn, kept: KeptClosure, warning: Mapping[str, Any]) -> None:
        """Another area, or another end."""
        before = kept.closure
        after = replace(before, geometry=warning["geometry"], ends_at=warning["ends_at"])
        if after == before:
            return
        after = replace(after, revision=before.revision + 1)
        turn.say(after)
        turn.keep_closure(replace(kept, closure=after))
        self._ways.judge_all(turn)

    def _end(self, turn: ClosureTurn, kept: KeptClosure, by: str) -> None:
        after = ended(kept.closure, by)
        turn.say(after)
        kept = self._all_over(turn, kept)
        turn.keep_closure(replace(kept, closure=after, over_at=turn.now))

    def _all_over(self, turn: ClosureTurn, kept: KeptClosure) -> KeptClosure:
        """*kept*, which is over: rides and fleets are told."""
        return self._fleets.closure_over(turn, self._ways.closure_over(turn, kept))

    # -- what is heard ---------------------------------------------------------------------------------------

    def on_notice(self, city: City, entry: Entry) -> Step:
        turn = ClosureTurn(city, self._numbers, city.now_ms or entry.value["received_time"])
        match entry.topic.partition(".")[2]:
            case contract if contract == CLOSURE:
                self._told(turn, closure_of(entry.value), entry.value["source"])
            case contract if contract == VEHICLE:
                self._vehicle(turn, entry)
            case _:
                self._ride(turn, entry)
        return turn.step()

    def is_news(self, city: City, contract: str, value: Mapping[str, Any]) -> bool:
        """Whether a position is of a vehicle that serves a ride, and has moved, or that a closure has yet to count."""
        if contract != VEHICLE:
            return True
        turn = ClosureTurn(city, self._numbers, city.now_ms)
        known = turn.get(f"{SEEN}{value['vehicle_id']}", KeptVehicle)
        has_moved = known is not None and self._has_moved(known, value)
        return has_moved or self._fleets.is_news(turn, value)

    def _has_moved(self, known: KeptVehicle, value: Mapping[str, Any]) -> bool:
        at = value["position"]
        if at is None or value["is_stale"]:
            return False
        return known.at is None or distance_m(*known.at, at["lat"], at["lon"]) >= self._numbers.moved_m

    def _told(self, turn: ClosureTurn, said: Closure, source: str) -> None:
        """A row of the log: an operator's, or one of ours that comes back."""
        kept = turn.closure(said.closure_id)
        if kept is None or is_next(kept.closure, said):
            kept = KeptClosure(said) if kept is None else replace(kept, closure=said)
            if said.is_over:
                kept = replace(self._all_over(turn, kept), over_at=turn.now)
            turn.keep_closure(kept)
            self._ways.judge_all(turn)
        elif kept.closure.is_over and not said.is_over:
            is_late = source != SOURCE or said.revision >= kept.closure.revision
            if is_late:  # it stands behind the end in the log, and compaction would keep it alone
                again = replace(kept.closure, revision=max(said.revision, kept.closure.revision) + 1)
                turn.say(again)
                turn.keep_closure(replace(kept, closure=again))

    def _vehicle(self, turn: ClosureTurn, entry: Entry) -> None:
        value = entry.value
        self._fleets.count(turn, value)
        key = f"{SEEN}{value['vehicle_id']}"
        known = turn.get(key, KeptVehicle)
        if known is None or not self._has_moved(known, value):
            return
        place = value["position"]
        turn.put(key, replace(known, at=(place["lat"], place["lon"]), position=place_in(entry)))
        for booking_id in known.rides:
            self._ways.judge(turn, booking_id)

    def _ride(self, turn: ClosureTurn, entry: Entry) -> None:
        value = entry.value
        booking_id = str(value["booking_id"])
        known = turn.get(f"{RIDE}{booking_id}", KeptRide)
        before = None if known is None else known.booking
        after = folded(before, value)
        if after is None or after == before or (before is None and is_over(after)):
            return
        if is_over(after):
            self._ways.ride_over(turn, booking_id, f"the ride is {after.state.replace('_', ' ')}")
            return
        listed = turn.listed
        if before is None and len(listed.rides) >= self._numbers.rides_max:
            turn.put(LIST, replace(listed, left_out=listed.left_out + 1))
            return
        if before is None:
            turn.put(LIST, replace(listed, rides=(*listed.rides, booking_id)))
        elif before.vehicle_id != after.vehicle_id:
            self._ways.leave(turn, booking_id, before.vehicle_id)
        turn.put(f"{RIDE}{booking_id}", KeptRide(after, turn.now))
        self._ways.serve(turn, booking_id, after.vehicle_id)
        self._ways.judge(turn, booking_id)

    # -- time and operators ----------------------------------------------------------------------------------

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        if isinstance(due, Situation):
            return Step()
        turn = ClosureTurn(city, self._numbers, city.now_ms)
        if due.key.startswith(RIDE):
            self._ride_due(turn, due.key, due.read(KeptRide))
        elif due.key.startswith(FLEET):
            self._fleets.due(turn, due.read(FleetCount))
        elif due.key.startswith(HOUR):
            self._hours.over(turn, due.read(OperatorHour))
        elif due.key.startswith(KEPT):
            self._closure_due(turn, due.key, due.read(KeptClosure))
        return turn.step()

    def _ride_due(self, turn: ClosureTurn, key: str, kept: KeptRide) -> None:
        """Forget a ride of which nothing was heard, unless it is booked ahead."""
        if is_to_come(kept.booking, turn.now):
            turn.put(key, replace(kept, heard=turn.now))
        else:
            reason = f"nothing heard for {self._numbers.silent_h:g} h"
            self._ways.ride_over(turn, key.removeprefix(RIDE), reason)

    def _closure_due(self, turn: ClosureTurn, key: str, kept: KeptClosure) -> None:
        """It begins, its time is over, or it has been over for so long that it is forgotten."""
        ends_at = kept.closure.ends_at
        if kept.closure.is_over:
            turn.drop(key)
        elif ends_at is not None and ends_at <= turn.now:
            self._end(turn, kept, TIME)
        else:
            turn.keep_closure(kept)
            self._ways.judge_all(turn)

    def on_action(self, city: City, after: Situation) -> Draft:
        if after.is_closed:
            is_ride = not after.anchor.startswith((FLEET, HOUR))
            words = (
                self._ways.end_words(after.anchor) if is_ride else self._hours.said("done", after.view.kind)
            )
            after = replace(after, view=replace(after.view, words=words))
        return Draft(after, {})

    def otherwise(self, city: City, situation: Situation) -> str | None:
        return "the way of a ride is the straight line from its vehicle to the pick-up and the drop"


def _situation_of(city: City, incident_id: str) -> str | None:
    """The open situation that holds that report."""
    found = (
        one.situation_id
        for one in city.situations.values()
        if not one.is_closed and any(each.incident_id == incident_id for each in one.view.incidents)
    )
    return next(found, None)


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> ClosureRule:
    return ClosureRule(config, Numbers.model_validate(numbers))
