"""Shared vehicles that stand to be rented, under names that hold for one stand and one day. Pure.

A vehicle's own id is known to its operator and to riders: who sees it twice can follow rides. So it is told under a
name made of a secret, its source, its id, the day, and the time at which its stand began. A stand ends when the vehicle is
seen in use, moved, or not at all for as long as its feed may be old, since feeds leave out what is ridden. The names follow
from the log: a gateway that read the day from its beginning gives the same ones, also after a restart. One that lacks the
beginning takes the stand as a later one and gives a new name; that of an earlier stand cannot come back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from connectors.formats.areas import distance_m

Row = Mapping[str, Any]
"""A row of ``mobility.position``, with times in ms."""
KEY_BYTES = 32
NAME_BYTES = 16
VEHICLES_MAX = 100_000
SWEEP_MS = 10_000
MOVED_M = 100.0
"""A standing vehicle is reported within this of where it stands: receivers between houses err by tens of metres."""
MOVES_MPS = 1.0
STANDS = frozenset({None, "available", "reserved", "non_operational"})
"""States of ``mobility.position`` in which a vehicle stands where it is reported."""


def key_of(secret: bytes, city: str) -> bytes:
    """The key of the names of *city*, derived by HKDF (RFC 5869)."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"bongsu/gbfs/{city}".encode()).derive(secret)


@dataclass(frozen=True, slots=True)
class ParkedVehicle:
    """A vehicle that stands, under its *name* outside its operator."""

    name: str
    vehicle_type: str
    lat: float | None
    lon: float | None
    hub_id: str | None
    is_reserved: bool
    is_disabled: bool
    reported_ms: int
    range_m: float | None
    battery_percent: float | None


@dataclass(frozen=True, slots=True)
class _Stand:
    """Where and since when a vehicle stands on *day*; *since_ms* is ``None`` while it is in use."""

    day: int
    since_ms: int | None
    row: Row
    at: tuple[float, float] | None = None
    hub_id: str | None = None


@dataclass(slots=True)
class SharedFleet:
    """The vehicles of a city, folded from their positions in the order of the log.

    *day_of*: the city's day of a time in ms. *ttl_of*: ms after which a source's word is stale. *types*: the types that are
    told. *sources*: the ones whose vehicles are told; empty: all, but then no cars, which may be taxis.
    """

    key: bytes = field(repr=False)
    day_of: Callable[[int], int]
    ttl_of: Callable[[str], int]
    types: Collection[str]
    sources: Collection[str] = ()
    vehicles_max: int = VEHICLES_MAX
    refused: int = 0
    """Rows of further vehicles than ``vehicles_max``."""
    _stands: dict[tuple[str, str], _Stand] = field(default_factory=dict)
    _swept_ms: int = 0

    def clear(self) -> None:
        self._stands.clear()

    def take(self, row: Row) -> None:
        """Take the next row. One older than what is known of its vehicle, or of one that is not told, is left out."""
        if not self._is_told(row):
            return
        key, at_ms = (row["source"], row["vehicle_id"]), int(row["received_time"])
        before = self._stands.get(key)
        if before is not None and at_ms < int(before.row["received_time"]):
            return
        if before is None and len(self._stands) >= self.vehicles_max:
            self._sweep(at_ms)
            if len(self._stands) >= self.vehicles_max:
                self.refused += 1
                return
        self._stands[key] = self._next(before, row, at_ms)

    def parked(self, now_ms: int) -> list[ParkedVehicle]:
        """The vehicles that stand at *now_ms* and of which that is not stale, in the order of their names."""
        found = [
            self._parked(one, one.since_ms)
            for one in self._stands.values()
            if one.since_ms is not None
            and not one.row["is_stale"]
            and now_ms - int(one.row["received_time"]) <= self.ttl_of(one.row["source"])
            and (one.at is not None or one.hub_id is not None)
        ]
        return sorted(found, key=lambda one: one.name)

    def _is_told(self, row: Row) -> bool:
        if self.sources:
            return row["source"] in self.sources and row["vehicle_type"] in self.types
        return row["vehicle_type"] in self.types and row["vehicle_type"] != "car"

    def _next(self, before: _Stand | None, row: Row, at_ms: int) -> _Stand:
        """Return the stand after *row*: the same one, or one that begins with it."""
        day = self.day_of(at_ms)
        if _is_in_use(row):
            return _Stand(day, None, row)
        is_same = (
            before is not None
            and before.day == day
            and before.since_ms is not None
            and not before.row["is_stale"]
            and at_ms - int(before.row["received_time"]) <= self.ttl_of(row["source"])
            and not _is_elsewhere(before, row)
        )
        if is_same and before is not None:
            return _Stand(
                day, before.since_ms, row, before.at or _place_of(row), before.hub_id or row["hub_id"]
            )
        return _Stand(day, at_ms, row, _place_of(row), row["hub_id"])

    def _parked(self, stand: _Stand, since_ms: int) -> ParkedVehicle:
        row = stand.row
        lat, lon = (None, None) if stand.at is None else stand.at
        return ParkedVehicle(
            name_of(self.key, row["source"], row["vehicle_id"], stand.day, since_ms),
            row["vehicle_type"],
            lat,
            lon,
            stand.hub_id,
            row["is_reserved"] is True or row["state"] == "reserved",
            row["is_disabled"] is True or row["state"] == "non_operational",
            int(row["received_time"]),
            row["range_m"],
            row["battery_percent"],
        )

    def _sweep(self, now_ms: int) -> None:
        """Forget what was not heard for longer than its source's ttl: its stand is over. Only once in ``SWEEP_MS``."""
        if 0 <= now_ms - self._swept_ms < SWEEP_MS:
            return
        self._swept_ms = now_ms
        for key, one in list(self._stands.items()):
            if now_ms - int(one.row["received_time"]) > self.ttl_of(key[0]):
                del self._stands[key]


def name_of(key: bytes, source: str, vehicle_id: str, day: int, since_ms: int) -> str:
    """The name of a vehicle for the stand that began at *since_ms* of *day*. Each part has its length before it."""
    parts = (source.encode(), vehicle_id.encode(), str(day).encode(), str(since_ms).encode())
    said = b"".join(len(one).to_bytes(4, "big") + one for one in parts)
    return blake2b(said, key=key, digest_size=NAME_BYTES).hexdigest()


def _is_in_use(row: Row) -> bool:
    is_moving = row["speed_mps"] is not None and row["speed_mps"] >= MOVES_MPS
    is_on_trip = row["trip_id"] is not None or row["route_id"] is not None
    return is_moving or is_on_trip or row["state"] not in STANDS


def _place_of(row: Row) -> tuple[float, float] | None:
    at = row["position"]
    return None if at is None else (at["lat"], at["lon"])


def _is_elsewhere(before: _Stand, row: Row) -> bool:
    """Whether *row* is of another place than the stand before. A place that is not said is no other one."""
    at = _place_of(row)
    if before.at is not None and at is not None and distance_m(before.at, at) > MOVED_M:
        return True
    return before.hub_id is not None and row["hub_id"] is not None and before.hub_id != row["hub_id"]
