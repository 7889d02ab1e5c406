"""Shared vehicles in a closure: their operator is told once how many there are. Pure.

The feeds of vehicles say them again and again, so those in a closure are counted for ``gather_s`` from the first heard
there, each once, and then told as one situation of their operator. Those that come later tell nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import convert
from msgspec.structs import replace

from schemas.event import derived_id
from streams.closures.closed_area import holds
from streams.closures.closure_table import Closure
from streams.situations.memory import beneath, name_of
from streams.situations.rule import City
from streams.situations.rules.closure.closure_turn import (
    CLOSURE,
    FLEET,
    INSIDE,
    LIST,
    ClosureTurn,
    FleetCount,
    FleetVehicle,
    KeptClosure,
)
from streams.situations.rules.closure.config import NAME, Numbers
from streams.situations.rules.closure.operator_hour import OperatorHours


class Fleets:
    """Counts the vehicles of each operator in each closure, and tells the operator."""

    def __init__(self, numbers: Numbers, hours: OperatorHours) -> None:
        self._numbers = numbers
        self._hours = hours

    def is_news(self, turn: ClosureTurn, value: Mapping[str, Any]) -> bool:
        """Whether *value*, a position, is of a vehicle that a closure has yet to count."""
        return next(self._uncounted(turn, value), None) is not None

    def count(self, turn: ClosureTurn, value: Mapping[str, Any]) -> None:
        """Count the vehicle of *value* in the closures that have yet to count it."""
        operator = value["operator"]
        for its_id in list(self._uncounted(turn, value)):
            key = fleet_key(its_id, operator)
            fleet = turn.get(key, FleetCount)
            if fleet is None:
                closed = turn.closure(its_id)
                if closed is None:
                    continue
                turn.keep_closure(replace(closed, fleets=(*closed.fleets, operator)))
                fleet = FleetCount(its_id, operator, turn.now)
            turn.put(key, replace(fleet, count=fleet.count + 1))
            turn.put(_inside_key(its_id, value), FleetVehicle())

    def due(self, turn: ClosureTurn, fleet: FleetCount) -> None:
        """Tell the operator how many there are."""
        closed, numbers = turn.closure(fleet.closure_id), self._numbers
        self._forget_vehicles(turn, fleet)
        key = fleet_key(fleet.closure_id, fleet.operator)
        if closed is None or closed.closure.is_over:
            turn.drop(key)
            return
        words = self._hours.said(
            "vehicles", numbers.fleet_kind, reason=closed.closure.reason, count=fleet.count
        )
        one = self._hours.situation(
            turn,
            derived_id(NAME, key, fleet.began),
            key,
            fleet.operator,
            words,
            "its vehicles are in a closed area",
            kind=numbers.fleet_kind,
            severity=numbers.fleet_severity,
        )
        turn.put(key, replace(fleet, is_told=True, situation_id=self._hours.tell(turn, fleet.operator, one)))

    def closure_over(self, turn: ClosureTurn, closed: KeptClosure) -> KeptClosure:
        """*closed*, whose operators are told that it is over."""
        for operator in closed.fleets:
            key = fleet_key(closed.closure.closure_id, operator)
            if (fleet := turn.get(key, FleetCount)) is None:
                continue
            self._forget_vehicles(turn, fleet)
            words = self._hours.said("done", self._numbers.fleet_kind)
            self._hours.end(turn, fleet.situation_id, "the closure is over", words)
            turn.drop(key)
        return replace(closed, fleets=())

    def _forget_vehicles(self, turn: ClosureTurn, fleet: FleetCount) -> None:
        prefix = f"{INSIDE}{fleet.closure_id}\x1f{fleet.operator}\x1f"
        for rest, _ in list(beneath(turn.city.memories, NAME, prefix)):
            turn.drop(f"{prefix}{rest}")

    def _uncounted(self, turn: ClosureTurn, value: Mapping[str, Any]) -> Iterator[str]:
        """The ids of the closures in force around a standing or ridden shared vehicle that have yet to count it."""
        at = value["position"]
        is_ours = value["vehicle_type"] in self._numbers.vehicle_types and value["operator"]
        if not is_ours or at is None or value["is_stale"] or value["trip_id"] or value["route_id"]:
            return
        for closure, fleets in _open_closures(turn.city):
            if not closure.is_in_force(turn.now) or not holds(closure.polygons, at["lat"], at["lon"]):
                continue
            fleet = turn.get(fleet_key(closure.closure_id, value["operator"]), FleetCount)
            if fleet is None:
                has_room = fleets < self._numbers.fleets_max
            else:
                has_room = not fleet.is_told and fleet.count < self._numbers.vehicles_max
            if has_room and turn.get(_inside_key(closure.closure_id, value), FleetVehicle) is None:
                yield closure.closure_id


def fleet_key(closure_id: str, operator: str) -> str:
    return f"{FLEET}{closure_id}\x1f{operator}"


def _inside_key(closure_id: str, value: Mapping[str, Any]) -> str:
    return f"{INSIDE}{closure_id}\x1f{value['operator']}\x1f{value['source']}\x1f{value['vehicle_id']}"


def _open_closures(city: City) -> Iterator[tuple[Closure, int]]:
    """The closures that are not over, and of how many operators each counts vehicles. Asked of each position: of their
    memories no more is read than that."""
    listed = city.memories.get(name_of(NAME, LIST))
    for its_id in () if listed is None else listed.body["closures"]:
        kept = city.memories.get(name_of(NAME, f"{CLOSURE}{its_id}"))
        if kept is not None:
            yield convert(kept.body["closure"], Closure), len(kept.body.get("fleets", ()))
