"""Pieces: what one feed says of one hub, and for how long that is live and shown. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.hubs.hub_numbers import HubNumbers

NEVER = -(2**62)
RIDE = "mobility.booking"
"""The contract of rides, and the beginning of the key of a ride's piece."""
Row = Mapping[str, Any]
NO_ARRIVAL = frozenset({"skipped", "no_data"})
"""A stop of a trip at which nothing is expected, or not known."""
NO_TRIP = frozenset({"canceled", "deleted"})
FREE, BUSY, FAULTY = "free", "busy", "faulty"
CHARGERS = {
    "available": FREE,
    "charging": BUSY,
    "reserved": BUSY,
    "blocked": BUSY,
    "out_of_order": FAULTY,
    "planned": None,
    "removed": None,
}
"""A state of ``mobility.hub`` → the board's; ``None``: it is no charger now. Any other state is unknown."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A thing said: live while now ≤ *live_until*, held while now ≤ *held_until*."""

    as_of_ms: int
    live_until_ms: int
    held_until_ms: int
    said: Any

    def is_live(self, now_ms: int) -> bool:
        return now_ms <= self.live_until_ms

    def is_held(self, now_ms: int) -> bool:
        return now_ms <= self.held_until_ms


@dataclass(frozen=True, slots=True)
class Arrival:
    """One vehicle that is expected at the hub."""

    at_ms: int
    trip_id: str
    route_id: str | None
    is_on_demand: bool


def counts_piece(row: Row, numbers: HubNumbers) -> Piece:
    """Return the piece of a row of ``mobility.hub``."""
    return _repeated(row, numbers.hub_ttl_s, numbers.forget_s, numbers)


def vehicle_piece(row: Row, numbers: HubNumbers) -> Piece:
    """Return the piece of a row of ``mobility.position``."""
    return _repeated(row, numbers.vehicle_ttl_s, numbers.gone_s, numbers)


def trip_piece(row: Row, arrivals: tuple[Arrival, ...], numbers: HubNumbers) -> Piece:
    """Return the piece of a row of ``mobility.trip`` at a hub where it has *arrivals*."""
    return _timed(row, arrivals, numbers.trip_ttl_s, numbers.gone_s, numbers)


def notice_piece(row: Row, numbers: HubNumbers) -> Piece:
    """Return the piece of an alert."""
    return _timed(row, row, numbers.notice_ttl_s, numbers.forget_s, numbers)


def ride_piece(source: str, as_of_ms: int, arrivals: tuple[Arrival, ...], numbers: HubNumbers) -> Piece:
    """Return the piece of a ride of *source* at a hub where it has *arrivals*: a ride is told when it changes, not again."""
    ttl_ms = round(numbers.ttl_s.get(source, numbers.ride_ttl_s) * 1000)
    return Piece(as_of_ms, as_of_ms + ttl_ms, as_of_ms + ttl_ms, arrivals)


def said_ms(row: Row) -> int:
    """Return the time of *row* itself; one that lies in the future is of its hearing."""
    return min(int(row["event_time"]), int(row["received_time"]))


def _repeated(row: Row, ttl_s: float, held_s: float, numbers: HubNumbers) -> Piece:
    """Return a piece of a feed that repeats what has not changed: not the last change but the saying has an age."""
    as_of_ms = said_ms(row) if row["is_stale"] else int(row["received_time"])
    return _piece(row, row, as_of_ms, ttl_s, held_s, numbers)


def _timed(row: Row, said: Any, ttl_s: float, held_s: float, numbers: HubNumbers) -> Piece:
    return _piece(row, said, said_ms(row), ttl_s, held_s, numbers)


def _piece(row: Row, said: Any, as_of_ms: int, ttl_s: float, held_s: float, numbers: HubNumbers) -> Piece:
    ttl_ms = round(numbers.ttl_s.get(row["source"], ttl_s) * 1000)
    live_until_ms = NEVER if row["is_stale"] else as_of_ms + ttl_ms
    return Piece(as_of_ms, live_until_ms, as_of_ms + max(ttl_ms, round(held_s * 1000)), said)


def arrivals_of(row: Row, numbers: HubNumbers) -> dict[str, tuple[Arrival, ...]]:
    """Return hub → the arrivals of a trip at its stops; a stop that no hub has is left out."""
    found: dict[str, tuple[Arrival, ...]] = {}
    if row["relationship"] in NO_TRIP:
        return found
    for stop in row["delays"]:
        hub = numbers.stops.get(stop["stop_id"] or "")
        at = stop["departure_time"] if stop["arrival_time"] is None else stop["arrival_time"]
        if hub is None or at is None or stop["relationship"] in NO_ARRIVAL:
            continue
        one = Arrival(int(at), row["trip_id"], row["route_id"], row["source"] in numbers.on_demand)
        found[hub] = (*found.get(hub, ()), one)
    return found


def hubs_of_alert(row: Row, numbers: HubNumbers) -> frozenset[str]:
    """Return the hubs at whose stops something is affected."""
    hubs = (numbers.stops.get(one["stop_id"] or "") for one in row["affected"])
    return frozenset(hub for hub in hubs if hub is not None)


def alert_id(row: Row) -> str:
    """Return the id of an alert; of one that has none, the one under which it was published."""
    return str(row["alert_id"] or row["trip_id"])


def is_active(alert: Row, now_ms: int) -> bool:
    """Whether an alert is to be shown at *now_ms*."""
    spans = alert["active"]
    return not spans or any(
        (span["starts_at"] is None or int(span["starts_at"]) <= now_ms)
        and (span["ends_at"] is None or now_ms <= int(span["ends_at"]))
        for span in spans
    )


def changes_of(piece: Piece) -> Iterator[int]:
    """Yield the times from which the piece shows something else."""
    yield piece.live_until_ms + 1
    yield piece.held_until_ms + 1


def changes_of_trip(piece: Piece) -> Iterator[int]:
    yield from changes_of(piece)
    for arrival in piece.said:
        yield arrival.at_ms + 1


def changes_of_notice(piece: Piece) -> Iterator[int]:
    yield from changes_of(piece)
    for span in piece.said["active"]:
        if span["starts_at"] is not None:
            yield int(span["starts_at"])
        if span["ends_at"] is not None:
            yield int(span["ends_at"]) + 1
