"""Rides whose way leads through a closure: which, and the situation by which its operator is told. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from schemas.event import derived_id
from streams.bookings.booking import ASSIGNED, END, ORDER, PICKED_UP, Booking, assign, heard
from streams.bookings.table import GATEWAY, command_of
from streams.closures.closed_area import Corner
from streams.closures.closure_effects import corner_of, must_go_round
from streams.situations.rules.closure.closure_turn import (
    LIST,
    RIDE,
    VEHICLE,
    ClosureTurn,
    KeptClosure,
    KeptRide,
    KeptVehicle,
)
from streams.situations.rules.closure.config import NAME, Numbers
from streams.situations.rules.closure.operator_hour import OperatorHours
from streams.situations.words import Said, text_of

SAID = (
    "booking_id", "revision", "state", "command_id", "source", "operator", "pickup", "dropoff", "vehicle_id",
    "pickup_at", "dropoff_at",
)  # fmt: skip
"""The fields of a row of ``mobility.booking`` that are remembered."""


def folded(before: Booking | None, value: Mapping[str, Any]) -> Booking | None:
    """The ride after *value* of the log, as ``streams.bookings`` has it; ``None`` for a command for an unknown ride."""
    row = {**{name: value[name] for name in SAID}, "assigned_by": ""}
    if value["command_id"] is None or value["source"] != GATEWAY:
        return heard(before, row)
    return None if before is None else assign(before, command_of(row))[0]


def way_of(ride: Booking, vehicle: Corner | None) -> tuple[Corner | None, ...]:
    """The places that the ride's vehicle still has before it, in order; none while it has no vehicle, or is over."""
    pickup, dropoff = corner_of(ride.told["pickup"]), corner_of(ride.told["dropoff"])
    if ride.state == ASSIGNED:
        return vehicle, pickup, dropoff
    return (vehicle or pickup, dropoff) if ride.state == PICKED_UP else ()


class RideWays:
    """Judges rides against closures, and tells their operators, in the city's language."""

    def __init__(self, numbers: Numbers, hours: OperatorHours) -> None:
        self._numbers = numbers
        self._hours = hours

    def reason(self, kind: str) -> str:
        """The reason of a closure by a warning of that kind, in the city's language."""
        return text_of(self._hours.said("reason", kind))

    def judge(self, turn: ClosureTurn, booking_id: str) -> None:
        """Tell the operator of a ride that must go round a closure, once for each."""
        kept = turn.get(f"{RIDE}{booking_id}", KeptRide)
        if kept is None:
            return
        ride = kept.booking
        vehicle = turn.get(f"{VEHICLE}{ride.vehicle_id}", KeptVehicle)
        way = way_of(ride, None if vehicle is None else vehicle.at)
        closures = {one.closure.closure_id: one for one in turn.open_closures()}
        for found in must_go_round(way, [one.closure for one in closures.values()], turn.now):
            closed = closures[found.closure_id]
            if booking_id not in closed.situations:
                self._tell(turn, ride, vehicle, closed)

    def judge_all(self, turn: ClosureTurn) -> None:
        for booking_id in turn.listed.rides:
            self.judge(turn, booking_id)

    def closure_over(self, turn: ClosureTurn, kept: KeptClosure) -> KeptClosure:
        """*kept*, whose rides are told that it is over."""
        for booking_id, situation_id in kept.situations.items():
            self._end(turn, booking_id, situation_id, "the closure is over")
        return replace(kept, situations={})

    def ride_over(self, turn: ClosureTurn, booking_id: str, reason: str) -> None:
        """Forget a ride, with what was told of it."""
        kept = turn.get(f"{RIDE}{booking_id}", KeptRide)
        if kept is None:
            return
        self.leave(turn, booking_id, kept.booking.vehicle_id)
        turn.drop(f"{RIDE}{booking_id}")
        listed = turn.listed
        turn.put(LIST, replace(listed, rides=tuple(one for one in listed.rides if one != booking_id)))
        for closed in [one for one in turn.open_closures() if booking_id in one.situations]:
            situations = dict(closed.situations)
            self._end(turn, booking_id, situations.pop(booking_id), reason)
            turn.keep_closure(replace(closed, situations=situations))

    def serve(self, turn: ClosureTurn, booking_id: str, vehicle_id: str | None) -> None:
        """That vehicle serves the ride."""
        if vehicle_id is None:
            return
        known = turn.get(f"{VEHICLE}{vehicle_id}", KeptVehicle) or KeptVehicle(())
        if booking_id not in known.rides:
            turn.put(f"{VEHICLE}{vehicle_id}", replace(known, rides=(*known.rides, booking_id)))

    def leave(self, turn: ClosureTurn, booking_id: str, vehicle_id: str | None) -> None:
        """That vehicle does not serve the ride any more."""
        known = turn.get(f"{VEHICLE}{vehicle_id}", KeptVehicle)
        if known is None:
            return
        rides = tuple(one for one in known.rides if one != booking_id)
        if rides:
            turn.put(f"{VEHICLE}{vehicle_id}", replace(known, rides=rides))
        else:
            turn.drop(f"{VEHICLE}{vehicle_id}")

    def end_words(self, booking_id: str) -> Said:
        return self._hours.said("over", self._numbers.ride_kind, ride=booking_id)

    def _tell(
        self, turn: ClosureTurn, ride: Booking, vehicle: KeptVehicle | None, closed: KeptClosure
    ) -> None:
        numbers, closure = self._numbers, closed.closure
        operator = str(ride.told["operator"])
        one = self._hours.situation(
            turn,
            derived_id(NAME, closure.closure_id, ride.booking_id, turn.now, ride.heard, ride.revision),
            ride.booking_id,
            operator,
            self._hours.said("around", numbers.ride_kind, ride=ride.booking_id, reason=closure.reason),
            "its way is closed",
            kind=numbers.ride_kind,
            severity=numbers.severity,
            position=None if vehicle is None else vehicle.position,
        )
        its_id = self._hours.tell(turn, operator, one)
        turn.keep_closure(replace(closed, situations={**closed.situations, ride.booking_id: its_id}))

    def _end(self, turn: ClosureTurn, booking_id: str, situation_id: str, reason: str) -> None:
        self._hours.end(turn, situation_id, reason, self.end_words(booking_id))


def is_to_come(ride: Booking, now: int) -> bool:
    """Whether a time that was agreed for it lies ahead."""
    return any((ride.told.get(name) or 0) >= now for name in ("pickup_at", "dropoff_at"))


def is_over(ride: Booking) -> bool:
    return ORDER[ride.state] == END
