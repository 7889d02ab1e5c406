"""Rides on demand as arrivals at hubs: which hub a ride comes to, and when. Pure.

An assigned ride comes to the hub where it picks up, and an assigned or begun one to the hub where it drops, each at
the time that was agreed; one without a time is no arrival. A hub is where ``place.hub`` says. Of hubs within reach the
nearest counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.event import derived_id
from streams.bookings.booking import ASSIGNED, PICKED_UP, Booking
from streams.bookings.table import BookingTable
from streams.geo import distance_m, reach_deg
from streams.hubs.hub_numbers import HubNumbers
from streams.hubs.pieces import Arrival, Row

COMES = frozenset({ASSIGNED, PICKED_UP})
"""The states in which a vehicle is on its way to somewhere."""


@dataclass(slots=True)
class Rides:
    """The rides of the log, and the places of hubs. *sites*: id in ``place.hub`` → its board, latitude and longitude."""

    numbers: HubNumbers
    table: BookingTable
    sites: dict[str, tuple[str, float, float]] = field(default_factory=dict)

    def take(self, row: Row) -> Booking | None:
        """Take the next row of the log; return the ride if the row changed it."""
        before = self.table.get(row["booking_id"])
        self.table.take(row)
        after = self.table.get(row["booking_id"])
        is_same = after is None or (before is not None and before.revision == after.revision)
        return None if is_same else after

    def put_site(self, hub_id: str, board: str, position: Mapping[str, Any] | None) -> bool:
        """Note where a hub is, ``None`` where it is not known; return whether that is new."""
        before = self.sites.get(hub_id)
        if position is None:
            self.sites.pop(hub_id, None)
        else:
            self.sites[hub_id] = (board, position["lat"], position["lon"])
        return self.sites.get(hub_id) != before

    def arrivals_of(self, ride: Booking) -> dict[str, tuple[Arrival, ...]]:
        """Return hub → the arrivals of a ride there."""
        found: dict[str, tuple[Arrival, ...]] = {}
        if ride.state not in COMES:
            return found
        told = ride.told
        stops = [(told["dropoff"], told["dropoff_at"])]
        if ride.state == ASSIGNED:
            stops.insert(0, (told["pickup"], told["pickup_at"]))
        for place, at in stops:
            hub = None if place is None or at is None else self._hub_at(place["lat"], place["lon"])
            if hub is not None:
                found[hub] = (*found.get(hub, ()), Arrival(int(at), arrival_id(ride), None, True))
        return found

    def _hub_at(self, lat: float, lon: float) -> str | None:
        """Return the board of the nearest hub within reach; of two as near the first by name."""
        near_m = self.numbers.ride_near_m
        high, _ = reach_deg(lat, near_m)
        near = [
            (metres, board)
            for board, its_lat, its_lon in self.sites.values()
            if abs(its_lat - lat) <= high and (metres := distance_m(lat, lon, its_lat, its_lon)) <= near_m
        ]
        return min(near)[1] if near else None


def arrival_id(ride: Booking) -> str:
    """Return the arrival's id: not the booking's number, which would tell where the ride goes to who may not see that."""
    return derived_id("ride-to-hub", ride.told["source"], ride.booking_id, ride.vehicle_id or "")
