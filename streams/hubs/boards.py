"""The boards of a city's hubs. Pure: rows of topics and the city's ticks in, changed boards out.

The time is that of the newest tick; before the first one nothing is told. A board is told as soon as it says something
else, at most every ``LEAST_MS``, and when a part of it becomes stale. If only its times are newer, it waits ``tell_s``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streams.bookings.booking import Booking
from streams.bookings.table import BookingTable
from streams.hubs.held import PARTS, HeldHub, Key, without_times
from streams.hubs.hub_closures import HubClosures
from streams.hubs.hub_numbers import HubNumbers
from streams.hubs.pieces import (
    NEVER,
    RIDE,
    Piece,
    Row,
    alert_id,
    arrivals_of,
    counts_piece,
    hubs_of_alert,
    notice_piece,
    ride_piece,
    said_ms,
    trip_piece,
    vehicle_piece,
)
from streams.hubs.rides import Rides

PLACE, COUNTS, VEHICLE, TRIP, CLOSURE, TICK = (
    "place.hub",
    "mobility.hub",
    "mobility.position",
    "mobility.trip",
    "core.closure",
    "core.tick",
)
ALERT = "alert"
HELD_IN = {VEHICLE: "vehicles", TRIP: "trips", RIDE: "trips", ALERT: "notices"}
"""Kind of piece that goes from hub to hub → where a hub holds it."""
LEAST_MS = 1000


@dataclass(frozen=True, slots=True)
class Board:
    """A hub as it is told at *at_ms*: the fields of the contract beside the common ones.

    *said* is ``None`` when nothing is held of the hub any more.
    """

    hub_id: str
    at_ms: int
    revision: int
    position: Mapping[str, Any] | None
    said: Mapping[str, Any] | None


@dataclass(slots=True)
class Boards:
    """The hubs by id. *heard*: (kind, key) of each piece → the time of its newest row and its hubs, oldest first."""

    numbers: HubNumbers = field(default_factory=lambda: HubNumbers.model_validate({}))
    hubs: dict[str, HeldHub] = field(default_factory=dict)
    heard: dict[str, dict[Key, tuple[int, frozenset[str]]]] = field(
        default_factory=lambda: {one: {} for one in HELD_IN}
    )
    rides: Rides = field(init=False)
    closures: HubClosures = field(default_factory=HubClosures)
    now_ms: int = NEVER
    refused: int = 0
    """Rows of further hubs than ``hubs_max``."""
    dropped: int = 0
    """Pieces forgotten because there were more than ``pieces_max``."""

    def __post_init__(self) -> None:
        self.rides = Rides(self.numbers, BookingTable(self.numbers.pieces_max))

    def take(self, topic: str, key: str, value: Row | None) -> list[Board]:
        """Take one row of a contract, of the form of its newest schema, ``None`` when it is deleted.

        Return the boards to be told.
        """
        if topic == PLACE:
            return self._due(self._place(key, value))
        if topic == CLOSURE:
            return self._due(list(self.hubs)) if self.closures.take(key, value) else []
        if topic == TICK and value is not None:
            return self.pass_time(int(value["event_time"]))
        takes = {
            COUNTS: self._counts,
            VEHICLE: self._vehicle,
            TRIP: self._trip_or_alert,
            RIDE: self._ride,
        }
        return [] if value is None or topic not in takes else self._due(takes[topic](value))

    def pass_time(self, now_ms: int) -> list[Board]:
        """Return the boards to be told by *now_ms*, the city's time. It never goes back."""
        if now_ms <= self.now_ms:
            return []
        self.now_ms = now_ms
        return self._due([name for name, hub in self.hubs.items() if hub.wake_ms <= now_ms])

    def resume(self, now_ms: int) -> None:
        """Go on at *now_ms*, the city's time up to which rows were taken before a restart. Nothing is told by that."""
        self.now_ms = max(self.now_ms, now_ms)

    def remember(self, row: Row) -> None:
        """Take a row of ``core.hub`` that was published before a restart."""
        name = self._board_of(row["hub_id"])
        if name == row["hub_id"] and (name in self.hubs or len(self.hubs) < self.numbers.hubs_max):
            said = {one: row[one] for one in ("position", "name", "closed", *PARTS)}
            hub = self.hubs.get(name, HeldHub())
            told_ms, revision = int(row["event_time"]), int(row["revision"])
            if revision > hub.revision:
                self.hubs[name] = replace(hub, told=said, told_ms=told_ms, revision=revision)

    # -- rows ------------------------------------------------------------------------------------------------

    def _board_of(self, hub_id: str) -> str:
        return self.numbers.same_as.get(hub_id, hub_id)

    def _hub(self, name: str) -> HeldHub | None:
        """Return a hub that is held or new; ``None`` where there are too many."""
        hub = self.hubs.get(name)
        if hub is None and len(self.hubs) >= self.numbers.hubs_max:
            self.refused += 1
            return None
        return hub or HeldHub()

    def _place(self, key: str, value: Row | None) -> Iterable[str]:
        name = self._board_of(key)
        if value is None and name not in self.hubs:
            return ()
        hub = self._hub(name)
        if hub is None:
            return ()
        places = {one: row for one, row in hub.places.items() if one != key}
        self.hubs[name] = replace(hub, places=places if value is None else {**places, key: value})
        is_moved = self.rides.put_site(key, name, None if value is None else value["position"])
        return (name, *self._rides_again()) if is_moved else (name,)

    def _counts(self, value: Row) -> Iterable[str]:
        name, key = self._board_of(value["hub_id"]), (value["source"], value["hub_id"])
        hub = self._hub(name)
        if hub is None:
            return ()
        before = hub.counts.get(key)
        if before is not None and int(value["received_time"]) < int(before.said["received_time"]):
            return ()
        self.hubs[name] = replace(hub, counts={**hub.counts, key: counts_piece(value, self.numbers)})
        return (name,)

    def _vehicle(self, value: Row) -> Iterable[str]:
        key = (value["source"], value["vehicle_id"])
        hubs = frozenset(() if value["hub_id"] is None else (self._board_of(value["hub_id"]),))
        piece = vehicle_piece(value, self.numbers)
        pieces = dict.fromkeys(hubs, piece)
        return self._moved(VEHICLE, key, int(value["received_time"]), pieces)

    def _trip_or_alert(self, value: Row) -> Iterable[str]:
        return self._alert(value) if value["relationship"] == ALERT else self._trip(value)

    def _trip(self, value: Row) -> Iterable[str]:
        start = (value["trip_start_date"] or "", value["trip_start_clock"] or "")
        key = (value["source"], value["trip_id"], *start)
        arrivals = arrivals_of(value, self.numbers)
        pieces = {hub: trip_piece(value, some, self.numbers) for hub, some in arrivals.items()}
        return self._moved(TRIP, key, said_ms(value), pieces)

    def _ride(self, value: Row) -> Iterable[str]:
        ride = self.rides.take(value)
        if ride is None:
            return ()
        as_of_ms, _ = self.heard[RIDE].get(_ride_key(ride), (NEVER, ()))
        return self._ride_as_of(ride, max(as_of_ms, said_ms(value)))

    def _ride_as_of(self, ride: Booking, as_of_ms: int) -> Iterable[str]:
        key, arrivals = _ride_key(ride), self.rides.arrivals_of(ride)
        source = ride.told["source"]
        pieces = {hub: ride_piece(source, as_of_ms, some, self.numbers) for hub, some in arrivals.items()}
        changed = self._moved(RIDE, key, as_of_ms, pieces)
        if ride.is_over:
            self.heard[RIDE].pop(key, None)
        return changed

    def _rides_again(self) -> Iterable[str]:
        """Put the rides to the hubs where they now are: a hub has moved."""
        changed: set[str] = set()
        for key, (as_of_ms, _) in tuple(self.heard[RIDE].items()):
            ride = self.rides.table.get(key[1])
            if ride is not None:
                changed |= {*self._ride_as_of(ride, as_of_ms)}
        return sorted(changed)

    def _alert(self, value: Row) -> Iterable[str]:
        key = (value["source"], alert_id(value))
        hubs = hubs_of_alert(value, self.numbers)
        pieces = dict.fromkeys(hubs, notice_piece(value, self.numbers))
        return self._moved(ALERT, key, said_ms(value), pieces)

    def _moved(self, kind: str, key: Key, order_ms: int, pieces: Mapping[str, Piece]) -> Iterable[str]:
        """Put *pieces* to their hubs, in place of all that was held under *key*; an older row is ignored."""
        heard, part = self.heard[kind], HELD_IN[kind]
        newest_ms, hubs = heard.pop(key, (NEVER, frozenset[str]()))
        if order_ms < newest_ms:
            heard[key] = (newest_ms, hubs)
            return ()
        for name in hubs - pieces.keys():
            self._without(name, part, key)
        placed = set()
        for name, piece in pieces.items():
            hub = self._hub(name)
            if hub is not None:
                placed.add(name)
                self.hubs[name] = hub.with_pieces(part, {**getattr(hub, part), key: piece})
        heard[key] = (order_ms, frozenset(placed))
        return sorted({*hubs, *placed, *self._trimmed(kind)})

    def _trimmed(self, kind: str) -> Iterable[str]:
        """Forget the piece heard first where there are too many; return its hubs."""
        heard = self.heard[kind]
        if len(heard) <= self.numbers.pieces_max:
            return ()
        key = next(iter(heard))
        _, hubs = heard.pop(key)
        self.dropped += 1
        for name in hubs:
            self._without(name, HELD_IN[kind], key)
        return hubs

    def _without(self, name: str, part: str, key: Key) -> None:
        hub = self.hubs.get(name)
        if hub is not None:
            kept = {one: piece for one, piece in getattr(hub, part).items() if one != key}
            self.hubs[name] = hub.with_pieces(part, kept)

    # -- telling ---------------------------------------------------------------------------------------------

    def _due(self, names: Iterable[str]) -> list[Board]:
        found = (self._one_due(name) for name in names if name in self.hubs)
        return [one for one in found if one is not None]

    def _one_due(self, name: str) -> Board | None:
        """Return the board if it is to be told now; it is looked at again when it may change, or be told."""
        now_ms = self.now_ms
        if now_ms == NEVER:
            return None
        hub = self.hubs[name].held_at(now_ms)
        if hub.is_empty and hub.told is None:
            del self.hubs[name]
            return None
        says = None if hub.is_empty else hub.board(name, now_ms, self.numbers)
        if says is not None:
            says["closed"] = self.closures.part(says["position"], now_ms)
        next_ms = self.closures.next_change_ms(now_ms, hub.next_change_ms(now_ms))
        if says == hub.told:
            self.hubs[name] = replace(hub, wake_ms=next_ms)
            return None
        is_other = says is None or hub.told is None or without_times(says) != without_times(hub.told)
        wait_ms = LEAST_MS if is_other else round(self.numbers.tell_s * 1000)
        due_ms = hub.told_ms + wait_ms
        if now_ms < due_ms:
            self.hubs[name] = replace(hub, wake_ms=min(due_ms, next_ms))
            return None
        revision = hub.revision + 1
        if says is None:
            del self.hubs[name]
            return Board(name, now_ms, revision, None, None)
        self.hubs[name] = replace(hub, told=says, told_ms=now_ms, revision=revision, wake_ms=next_ms)
        return Board(name, now_ms, revision, says["position"], {**says, "hub_id": name, "revision": revision})


def _ride_key(ride: Booking) -> Key:
    return (RIDE, ride.booking_id)
