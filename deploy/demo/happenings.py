"""Lines about what feeds of mobility say, where something changed: hubs, vehicles, chargers and rides. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = Mapping[str, Any]
MOBILITY = ("mobility.hub", "mobility.position", "mobility.trip", "mobility.booking", "civil.incident")
"""The contracts of which lines are told."""
REMEMBERED_MAX = 20_000
BATTERY_LOW_PERCENT = 15
LATE_MS = 300_000
FAULT = "out_of_order"
WAITING = ("requested", "assigned")


@dataclass(slots=True)
class Happenings:
    """The last state of each hub, vehicle and ride. Bounded: the longest unsaid is forgotten first."""

    _last: OrderedDict[tuple[str, str, str], str] = field(default_factory=OrderedDict)
    _waiting: OrderedDict[str, int] = field(default_factory=OrderedDict)
    """Ride that waits for its van → when it wanted to be picked up."""

    def take(self, contract: str, value: Value) -> list[str]:
        """The lines about *value*: none where nothing changed, or of what is stale."""
        if value.get("is_stale"):
            return []
        told = {
            "mobility.hub": self._hub,
            "mobility.position": self._vehicle,
            "mobility.booking": self._ride,
            "mobility.trip": self._notice,
            "civil.incident": self._warning,
        }.get(contract)
        return [] if told is None else [*self._late(value["received_time"]), *told(value)]

    def _hub(self, value: Value) -> list[str]:
        if not value["available"]:
            return self._chargers(value)
        vehicles = sum(one["count"] for one in value["available"])
        free = None if value["docks"] is None else value["docks"]["free"]
        state = "empty" if vehicles == 0 else "full" if free == 0 else ""
        words = {
            "empty": "no vehicle is left",
            "full": "no dock is free",
            "": f"{vehicles} vehicles, {free} docks free",
        }
        return self._changed(value, "hub_id", f"hub {value['hub_id']}: {words[state]}", state)

    def _chargers(self, value: Value) -> list[str]:
        faulty = sum(one["count"] for one in value["chargers"] if one["state"] == FAULT)
        if not value["chargers"]:
            return []
        words = f"{faulty} out of order" if faulty else "all work again"
        return self._changed(value, "hub_id", f"chargers {value['hub_id']}: {words}", f"{faulty or ''}")

    def _vehicle(self, value: Value) -> list[str]:
        battery = value["battery_percent"]
        state = "tipped" if value["tipped_over"] else ""
        if not state and battery is not None and battery < BATTERY_LOW_PERCENT:
            state = "low"
        ground = value["location_type"] or "unknown ground"
        words = {"tipped": f"lies on its side, {ground}", "low": "battery is low", "": "is well again"}
        name = f"{value['vehicle_type']} {value['label'] or value['vehicle_id']}"
        return self._changed(value, "vehicle_id", f"{name} {words[state]}", state)

    def _ride(self, value: Value) -> list[str]:
        ride, state = value["booking_id"], value["state"]
        pickup_ms = value["pickup_at"]
        if state in WAITING and pickup_ms is not None:
            self._waiting[ride] = pickup_ms
        else:
            self._waiting.pop(ride, None)
        if len(self._waiting) > REMEMBERED_MAX:
            self._waiting.popitem(last=False)
        by = f" by {value['vehicle_id']}" if value["vehicle_id"] else ""
        return self._changed(value, "booking_id", f"ride {ride} {state.replace('_', ' ')}{by}", state)

    def _late(self, now_ms: int) -> list[str]:
        """The rides that wait five minutes beyond their time, each once."""
        late = [ride for ride, pickup_ms in self._waiting.items() if now_ms > pickup_ms + LATE_MS]
        for ride in late:
            del self._waiting[ride]
        return [f"ride {ride}: its van is more than five minutes late" for ride in late]

    def _notice(self, value: Value) -> list[str]:
        if value["relationship"] != "alert":
            return []
        return self._changed(value, "trip_id", f"buses: {value['header_text']}", value["trip_id"])

    def _warning(self, value: Value) -> list[str]:
        words = f"warning of {value['agency']}: {value['kind_text']}, {value['status']}"
        return self._changed(value, "incident_id", words, value["status"])

    def _changed(self, value: Value, key: str, line: str, state: str) -> list[str]:
        """The line, if the state is another than the last; the first counts where it is something."""
        one = value["source"], key, value[key]
        before = self._last.pop(one, "")
        self._last[one] = state
        if len(self._last) > REMEMBERED_MAX:
            self._last.popitem(last=False)
        return [line] if state != before else []
