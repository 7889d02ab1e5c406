"""Hubs, shared vehicles, chargers and rides of which something is wrong: their operator is told, and never flooded. Pure.

It takes boards of hubs (``core.hub``), positions of vehicles, and rides (``mobility.booking``, by their fold). Each cause at
each place is a fault (``faults.py``), which must be so for its minutes before it is told (``telling.py``), and well for
``over_after_min`` before it is over: what flaps is one situation. Vehicles at a hub are one situation for each cause.
Beyond ``hour_max`` situations of one operator in an hour, one situation tells how many more there are. What is stale neither
begins a fault nor ends one, and the minutes before count no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from streams.bookings.booking import END, ORDER
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory
from streams.situations.model import Situation
from streams.situations.reports.facts import source_of
from streams.situations.reports.notices import BOARD, BOOKING, HUB, VEHICLE
from streams.situations.rule import City, Draft, Explains, Follows, Notices, Rule, Sifts, Step
from streams.situations.rules.hub.config import NAME, VERSION, Numbers
from streams.situations.rules.hub.faults import (
    FAULT,
    HOUR,
    PLACE,
    RIDE,
    THING,
    Causes,
    HubFault,
    HubHour,
    KnownHub,
    Ride,
)
from streams.situations.rules.hub.hub_keys import fault_key, folded, hub_place, thing_key
from streams.situations.rules.hub.hub_turn import HubTurn
from streams.situations.rules.hub.signals import BOARD_CAUSES, Signal, is_gone, of_board, of_ride, of_vehicle
from streams.situations.rules.hub.telling import Telling

__all__ = ["VERSION", "Numbers", "build"]

HEARD_SHARE = 4
"""A vehicle of which the same is still so is taken again after this part of ``silent_h``."""


class HubRule(Rule, Notices, Sifts, Follows, Explains):
    """Memories for each fault, each vehicle in one, each ride and each operator's hour."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({BOARD, VEHICLE, BOOKING, HUB})
    tells_operator = False

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._telling = Telling(config, numbers)

    # -- what is heard ---------------------------------------------------------------------------------------

    def on_notice(self, city: City, entry: Entry) -> Step:
        turn = HubTurn(city, self._numbers, city.now_ms or entry.value["received_time"])
        match entry.topic.partition(".")[2]:
            case contract if contract == HUB:
                self._listed(turn, entry)
            case contract if contract == BOARD:
                self._board(turn, entry)
            case contract if contract == VEHICLE:
                self._vehicle(turn, entry)
            case _:
                self._ride(turn, entry)
        return turn.step()

    def is_news(self, city: City, contract: str, value: Mapping[str, Any]) -> bool:
        """Whether a board or a position may change anything: most only say again what is known."""
        turn = HubTurn(city, self._numbers, city.now_ms or value["received_time"])
        if contract == BOARD:
            place = hub_place(value["hub_id"])
            if is_gone(value):
                return any(turn.get(fault_key(place, one), HubFault) for one in BOARD_CAUSES)
            return any(
                self._is_news(turn.get(fault_key(place, one.cause), HubFault), one)
                for one in of_board(value, self._numbers)
            )
        if contract == VEHICLE:
            known = turn.get(thing_key(value["source"], value["vehicle_id"]), Causes) or Causes({})
            return any(
                self._is_news(turn.get(known.faults.get(one.cause, ""), HubFault), one)
                for one in of_vehicle(value, self._numbers)
            )
        return True

    def _is_news(self, fault: HubFault | None, signal: Signal) -> bool:
        if fault is None:
            return signal.is_so is True
        if signal.is_so is None:
            return fault.is_pending or fault.calm_since is not None
        if signal.is_so != (fault.calm_since is None):
            return True
        retold_ms = self._numbers.silent_ms // HEARD_SHARE
        return signal.is_so and fault.goes_silent and signal.since >= fault.heard + retold_ms

    def _listed(self, turn: HubTurn, entry: Entry) -> None:
        value = entry.value
        key = f"{PLACE}{value['hub_id']}"
        known = turn.get(key, KnownHub)
        if known is None or value["event_time"] >= known.heard:
            name = value["name"] or value["hub_id"]
            turn.put(key, KnownHub(value["operator"] or "", name, value["event_time"]))

    def _board(self, turn: HubTurn, entry: Entry) -> None:
        value = entry.value
        place = hub_place(value["hub_id"])
        if is_gone(value):
            self._gone(turn, place)
            return
        for signal in of_board(value, self._numbers):
            if signal.is_so:
                self._begin(turn, entry, place, place, signal, goes_silent=False)
            elif signal.is_so is None:
                self._unsaid(turn, fault_key(place, signal.cause))
            else:
                self._leave(turn, fault_key(place, signal.cause), place)

    def _gone(self, turn: HubTurn, place: str) -> None:
        """The hub was deleted: nothing will be heard of it that could end its faults."""
        for cause in BOARD_CAUSES:
            if (fault := turn.get(fault_key(place, cause), HubFault)) is not None:
                self._end(turn, fault, "the hub is gone")

    def _vehicle(self, turn: HubTurn, entry: Entry) -> None:
        value = entry.value
        thing = thing_key(source_of(entry), value["vehicle_id"])
        known = turn.get(thing, Causes) or Causes({})
        causes = dict(known.faults)
        for signal in of_vehicle(value, self._numbers):
            key = causes.get(signal.cause)
            fault = None if key is None else turn.get(key, HubFault)
            if signal.is_so:
                at_hub = None if value["hub_id"] is None else hub_place(value["hub_id"])
                place = fault.place if fault is not None else at_hub or f"vehicle:{thing}"
                if self._begin(turn, entry, place, thing, signal):
                    causes[signal.cause] = fault_key(place, signal.cause)
            elif key is not None:
                self._leave(turn, key, thing)
                del causes[signal.cause]
        if causes != known.faults:
            turn.put(thing, Causes(causes)) if causes else turn.drop(thing, Causes)

    def _ride(self, turn: HubTurn, entry: Entry) -> None:
        value = entry.value
        key, place = f"{RIDE}{value['booking_id']}", f"ride:{value['booking_id']}"
        known = turn.get(key, Ride)
        if known is None and not turn.has_room:
            return
        booking = folded(None if known is None else known.booking, value)
        if booking is None or (known is not None and booking == known.booking):
            return
        turn.put(key, Ride(booking, value["event_time"]))
        for signal in of_ride(booking, self._numbers):
            fault = turn.get(fault_key(place, signal.cause), HubFault)
            if fault is not None and (not signal.is_so or signal.since != fault.since):
                self._end(turn, fault, "picked up, ended, or at another time")
            if signal.is_so:
                self._begin(turn, entry, place, place, signal)

    # -- faults ----------------------------------------------------------------------------------------------

    def _begin(
        self,
        turn: HubTurn,
        entry: Entry,
        place: str,
        member: str,
        signal: Signal,
        *,
        goes_silent: bool = True,
    ) -> bool:
        """It is so of *member*. Whether the fault holds it."""
        key, value = fault_key(place, signal.cause), entry.value
        fault = turn.get(key, HubFault)
        if fault is None:
            if not turn.has_room:
                return False
            fault = turn.first(entry, place, signal, goes_silent=goes_silent)
        if member not in fault.members:
            if len(fault.members) >= self._numbers.members_max:
                return False
            fault = replace(fault, members=(*fault.members, member))
        fault = replace(fault, calm_since=None, heard=max(fault.heard, value["event_time"]))
        if not fault.is_pending:
            fault = self._telling.told_again(turn, fault)
        elif fault.since + self._numbers.after_ms(fault.cause) <= turn.now:
            fault = self._telling.opened(turn, fault)
        turn.put(key, fault)
        return True

    def _leave(self, turn: HubTurn, key: str, member: str) -> None:
        """It is not so of *member* any more."""
        fault = turn.get(key, HubFault)
        if fault is None or fault.calm_since is not None:
            return
        members = tuple(one for one in fault.members if one != member)
        if members:
            turn.put(key, replace(fault, members=members))
        elif fault.is_pending:
            turn.drop(key, HubFault)
        else:
            turn.put(key, replace(fault, members=(), calm_since=turn.now))

    def _unsaid(self, turn: HubTurn, key: str) -> None:
        """Nothing is said: a fault that is not told yet has to begin anew, and one that was well does not end by that."""
        fault = turn.get(key, HubFault)
        if fault is not None and fault.is_pending:
            turn.drop(key, HubFault)
        elif fault is not None and fault.calm_since is not None:
            turn.put(key, replace(fault, calm_since=None))

    def _end(self, turn: HubTurn, fault: HubFault, reason: str) -> None:
        self._telling.over(turn, fault.situation_id, reason, fault.cause, fault.name)
        turn.drop(fault.key, HubFault)
        for member in fault.members:
            if member.startswith(THING):
                turn.drop(member, Causes)

    # -- time and operators ----------------------------------------------------------------------------------

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        if isinstance(due, Situation):
            return Step()
        turn = HubTurn(city, self._numbers, city.now_ms)
        if due.key.startswith(HOUR):
            self._telling.hour_over(turn, due.read(HubHour))
            turn.drop(due.key, HubHour)
        elif due.key.startswith(RIDE):
            self._ride_due(turn, due.key, due.read(Ride))
        elif due.key.startswith(FAULT):
            self._fault_due(turn, due.read(HubFault))
        return turn.step()

    def _fault_due(self, turn: HubTurn, fault: HubFault) -> None:
        if fault.is_pending and fault.cause in self._numbers.causes:
            turn.put(fault.key, self._telling.opened(turn, fault))
        elif fault.calm_since is not None:
            self._end(turn, fault, f"well for {self._numbers.over_after_min:g} min")
        else:
            self._end(turn, fault, f"nothing heard for {self._numbers.silent_h:g} h")

    def _ride_due(self, turn: HubTurn, key: str, ride: Ride) -> None:
        """Forget a ride of which nothing was heard, unless its pick-up is still to come."""
        pickup_at = ride.booking.told["pickup_at"] or 0
        is_over = ORDER[ride.booking.state] == END or pickup_at < turn.now
        turn.drop(key, Ride) if is_over else turn.put(key, replace(ride, heard=turn.now))

    def on_action(self, city: City, after: Situation) -> Draft:
        if after.is_closed:
            fault = (
                HubTurn(city, self._numbers, city.now_ms).get(after.anchor, HubFault)
                if after.anchor.startswith(FAULT)
                else None
            )
            cause, name = ("many", "") if fault is None else (fault.cause, fault.name)
            after = replace(after, view=replace(after.view, words=self._telling.end_words(cause, name)))
        return Draft(after, {})

    def otherwise(self, city: City, situation: Situation) -> str | None:
        numbers = self._numbers
        return (
            f"each cause must be so for its minutes; well for {numbers.over_after_min:g} min, it is over; from the"
            f" {numbers.hour_max}th situation of an operator in an hour on, further ones are counted in one"
        )


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> HubRule:
    return HubRule(config, Numbers.model_validate(numbers))
