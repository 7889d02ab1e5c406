"""The aircraft that an ADS-B receiver hears: what each said, until a message gives a place. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connectors.formats.areas import distance_m
from connectors.formats.cpr import CprPlace, place_near, place_of_pair
from connectors.formats.mode_s import AirbornePlace, Identification, Squitter, SurfacePlace, Velocity
from connectors.subjects.aircraft import AIRCRAFT_MAX, AircraftState, callsign_of
from connectors.subjects.plausible import AIR_SPEED_MPS_MAX
from connectors.subjects.vehicles import Telemetry

PAIR_MS, VELOCITY_MS = 10_000, 10_000
KNOWN_MS = 300_000
"""At 800 m/s 240 km: less than the half zone within which one message is certain."""
ROOM_M = 2_000
WAITING, JUMP = "place that waits for its other half", "place that jumps"


class Tracks:
    """The aircraft of a body, after those of bodies before. *receiver*: its latitude and longitude."""

    def __init__(self, known: Mapping[str, Any], receiver: tuple[float, float] | None) -> None:
        self._known: dict[str, dict[str, Any]] = {who: dict(state) for who, state in known.items()}
        self._receiver = receiver
        self._newest_ms = 0

    def hear(self, said: Squitter, at_ms: int, told: Telemetry) -> AircraftState | None:
        """Remember *said*; the aircraft's state, where it gives a place."""
        track = self._known.pop(said.address, {})
        self._known[said.address] = track  # the last heard is the last
        track["heard"] = at_ms
        self._newest_ms = max(self._newest_ms, at_ms)
        if isinstance(said, Identification):
            track["callsign"], track["category"] = callsign_of(said.callsign), said.category
            return None
        if isinstance(said, Velocity):
            if said.speed_kn is not None:
                track["velocity"] = [at_ms, said.speed_kn, said.track_deg]
            return None
        where = self._place(said, at_ms, track)
        if where is None:
            told.skipped[WAITING] += 1
            return None
        if _jumps(where, at_ms, track):
            told.skipped[JUMP] += 1
            for name in ("at", "even", "odd"):
                track.pop(name, None)
            return None
        track["at"] = [at_ms, *where]
        return _state(said, at_ms, where, track)

    def kept(self) -> dict[str, Any]:
        """The aircraft to remember: those heard in the last five minutes, the latest last."""
        kept = {
            who: track for who, track in self._known.items() if self._newest_ms - track["heard"] <= KNOWN_MS
        }
        return dict(list(kept.items())[-AIRCRAFT_MAX:])

    def _place(
        self, said: AirbornePlace | SurfacePlace, at_ms: int, track: dict[str, Any]
    ) -> tuple[float, float] | None:
        is_surface = isinstance(said, SurfacePlace)
        if not is_surface:
            found = _of_pair(said.place, at_ms, track)
            if found is not None:
                return found
        last = track.get("at")
        if last is not None and 0 <= at_ms - last[0] <= KNOWN_MS:
            return place_near(said.place, last[1], last[2], on_ground=is_surface)
        if self._receiver is not None:
            return place_near(said.place, *self._receiver, on_ground=is_surface)
        return None


def _of_pair(place: CprPlace, at_ms: int, track: dict[str, Any]) -> tuple[float, float] | None:
    name, other = ("odd", "even") if place.is_odd else ("even", "odd")
    track[name] = [at_ms, place.lat, place.lon]
    before = track.get(other)
    if before is None or not 0 <= at_ms - before[0] <= PAIR_MS:
        return None
    paired = CprPlace(not place.is_odd, before[1], before[2])
    even, odd = (paired, place) if place.is_odd else (place, paired)
    return place_of_pair(even, odd, odd_is_newer=place.is_odd)


def _jumps(where: tuple[float, float], at_ms: int, track: dict[str, Any]) -> bool:
    """Whether it lies farther from the aircraft's last place than it can have flown since."""
    last = track.get("at")
    if last is None or not 0 <= at_ms - last[0] <= KNOWN_MS:
        return False
    reach_m = ROOM_M + AIR_SPEED_MPS_MAX * (at_ms - last[0]) / 1000
    return bool(distance_m((last[1], last[2]), where) > reach_m)


def _state(
    said: AirbornePlace | SurfacePlace, at_ms: int, where: tuple[float, float], track: dict[str, Any]
) -> AircraftState:
    heard_ms, speed_kn, track_deg = track.get("velocity", [None, None, None])
    if isinstance(said, SurfacePlace):
        speed_kn, track_deg = said.speed_kn, said.track_deg
    elif heard_ms is None or not 0 <= at_ms - heard_ms <= VELOCITY_MS:
        speed_kn = track_deg = None
    return AircraftState(
        address=said.address,
        at_ms=at_ms,
        lat=where[0],
        lon=where[1],
        speed_kn=speed_kn,
        track_deg=track_deg,
        callsign=track.get("callsign"),
        category=track.get("category"),
    )
