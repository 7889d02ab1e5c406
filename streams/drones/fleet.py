"""The drones in a city's air, and the verdict on each. Pure: positions and the city's time in, verdicts out.

A reason stands for ``hold_s`` after its last sign. A drone that is not heard for ``stale_s`` is told as stale, at
that very time, whenever it is noticed. So the same positions of a drone give the same verdicts, however they are cut
into batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from streams.drones.numbers import DroneNumbers
from streams.drones.paths import Path
from streams.drones.sights import Sight, metres, sight_of
from streams.drones.signs import Tracks, heard, signs_of

NEVER = -(2**62)
LOOK_MS = 500
OWN, REGISTERED, UNKNOWN, IMPLAUSIBLE, STALE = "own", "registered", "unknown", "implausible", "stale"
SILENT, ADDRESS_CHANGED, REPLAYED = "silent", "address_changed", "replayed"
REASONS = (
    *("jump", "speed", "two_places", "operator_far", "operator_follows", "bad_serial"),
    *(REPLAYED, "frozen", "too_high", ADDRESS_CHANGED, SILENT),
)
"""In the order in which they are told."""


@dataclass(frozen=True, slots=True)
class DroneVerdict:
    """The verdict on one drone at one time, with the fields of the contract."""

    drone_id: str
    at_ms: int
    verdict: str
    reasons: tuple[str, ...]
    known_as: str
    first_ms: int
    last_ms: int
    value: Mapping[str, Any] | None
    """Its newest position; ``None``: it was only known from before a restart."""
    nearest_own: str | None
    nearest_own_m: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """The last verdict published. Up to *silent_until* a restart reads again what was published before."""

    at_ms: int = NEVER
    verdict: str = ""
    reasons: tuple[str, ...] = ()
    silent_until: int = NEVER


@dataclass(frozen=True, slots=True)
class Drone:
    """The state of one drone. *signs*: each reason's last time. *address*: the day and its first transmitter."""

    first_ms: int
    last_ms: int
    known_as: str = UNKNOWN
    tracks: Tracks = ()
    path: Path = field(default_factory=Path)
    signs: Mapping[str, int] = field(default_factory=dict)
    address: tuple[str, str] | None = None
    told: Told = field(default_factory=Told)
    value: Mapping[str, Any] | None = None
    placed: Sight | None = None
    """Its newest position with a place."""

    def reasons(self, now_ms: int, numbers: DroneNumbers) -> tuple[str, ...]:
        """Return the reasons that stand at *now_ms*."""
        hold_ms = numbers.hold_s * 1000
        return tuple(one for one in REASONS if now_ms - self.signs.get(one, NEVER) <= hold_ms)


@dataclass(slots=True)
class Fleet:
    """The drones by id, those heard last at the end. *zone*: of the city's days."""

    numbers: DroneNumbers = field(default_factory=lambda: DroneNumbers.model_validate({}))
    zone: tzinfo = UTC
    drones: dict[str, Drone] = field(default_factory=dict)
    own: set[str] = field(default_factory=set)
    dropped: int = 0
    passed_ms: int = NEVER

    def copy(self) -> Fleet:
        """Return a copy: positions taken by one do not change the other."""
        return replace(self, drones=dict(self.drones), own=set(self.own))

    def take(self, value: Mapping[str, Any]) -> list[DroneVerdict]:
        """Take one position, of the form of the contract's newest schema; return the verdicts to be told."""
        name, sight = value["drone_id"], sight_of(value, self.numbers)
        known_as = value["known_as"] if value["known_as"] in (OWN, REGISTERED) else UNKNOWN
        before = self.drones.pop(name, None) or Drone(sight.at_ms, sight.at_ms, known_as)
        self.drones[name] = before
        told = self._stale(name, sight.at_ms)
        before = self.drones[name]
        is_new = sight.at_ms - before.last_ms > self.numbers.new_flight_s * 1000
        path = before.path.heard(sight, self.numbers)
        tracks = heard(before.tracks, sight)
        now = replace(
            before,
            first_ms=sight.at_ms if is_new else before.first_ms,
            last_ms=max(before.last_ms, sight.at_ms),
            known_as=known_as,
            tracks=tracks,
            path=path,
            address=self._address(before, sight),
            value=value,
            placed=before.placed if sight.place is None else sight,
        )
        signs = dict(before.signs)
        for sign in self._signs(now, sight):
            signs[sign] = max(signs.get(sign, NEVER), sight.at_ms)
        self.drones[name] = replace(now, signs=signs)
        (self.own.add if known_as == OWN else self.own.discard)(name)
        self._join(value)
        while len(self.drones) > self.numbers.drones_max:
            oldest = next(iter(self.drones))
            del self.drones[oldest]
            self.own.discard(oldest)
            self.dropped += 1
        return told + self._due(name)

    def pass_time(self, now_ms: int) -> list[DroneVerdict]:
        """Return the verdicts on drones that are stale by *now_ms*, the city's time. Looks once in ``LOOK_MS``."""
        if now_ms < self.passed_ms + LOOK_MS:
            return []
        self.passed_ms = now_ms
        return [one for name in list(self.drones) for one in self._stale(name, now_ms)]

    def remember(self, row: Mapping[str, Any]) -> None:
        """Take a row of ``drone.verdict`` that was published before a restart; in order, before any position."""
        name, at_ms = row["drone_id"], int(row["event_time"])
        before = self.drones.pop(name, None)
        address = before.address if before else None
        if row["transmitter"] is not None:
            day = self._day(int(row["last_seen"]))
            address = address if address is not None and address[0] == day else (day, row["transmitter"])
        told = Told(at_ms, row["verdict"], tuple(row["reasons"]), at_ms)
        self.drones[name] = Drone(
            int(row["first_seen"]), int(row["last_seen"]), row["known_as"], address=address, told=told
        )
        while len(self.drones) > self.numbers.drones_max:
            del self.drones[next(iter(self.drones))]

    def resumed(self, rows: Iterable[Mapping[str, Any]]) -> Fleet:
        """Return it so that what *rows* of ``drone.verdict`` already say is not told again."""
        after = self.copy()
        newest = {row["drone_id"]: row for row in rows}
        for name, row in newest.items():
            one, at_ms = after.drones.get(name), int(row["event_time"])
            if one is None:
                after.remember(row)
            elif at_ms > one.told.at_ms:
                told = Told(at_ms, row["verdict"], tuple(row["reasons"]), at_ms)
                after.drones[name] = replace(one, told=told)
        return after

    # -- what is wrong ---------------------------------------------------------------------------------------

    def _signs(self, now: Drone, sight: Sight) -> list[str]:
        found = list(signs_of(now.tracks, sight, self.numbers))
        if now.path.is_replayed(self.numbers):
            found.append(REPLAYED)
        transmitter = sight.value["transmitter"]
        if now.known_as == OWN and now.address is not None and transmitter not in (None, now.address[1]):
            found.append(ADDRESS_CHANGED)
        return found

    def _address(self, before: Drone, sight: Sight) -> tuple[str, str] | None:
        """Return the first transmitter of the day of *sight*: its hash changes with the day."""
        transmitter, day = sight.value["transmitter"], self._day(sight.received_ms)
        if transmitter is None or (before.address is not None and before.address[0] >= day):
            return before.address
        return day, transmitter

    def _day(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, self.zone).date().isoformat()

    def _join(self, value: Mapping[str, Any]) -> None:
        """Forget the drone that was named by its address, once the same address says an id."""
        if value["transmitter"] not in (None, value["drone_id"]):
            self.drones.pop(value["transmitter"], None)

    # -- telling ---------------------------------------------------------------------------------------------

    def _due(self, name: str) -> list[DroneVerdict]:
        """Return the verdict on a drone just heard, if it has changed or is due again."""
        one, told = self.drones[name], self.drones[name].told
        reasons = one.reasons(one.last_ms, self.numbers)
        verdict = IMPLAUSIBLE if reasons else one.known_as
        is_well_known = verdict in (OWN, REGISTERED)
        wait_s = self.numbers.tell_known_s if is_well_known else self.numbers.tell_s
        is_same = (verdict, reasons) == (told.verdict, told.reasons)
        if one.last_ms <= told.silent_until or (is_same and one.last_ms - told.at_ms < wait_s * 1000):
            return []
        return [self._tell(name, one.last_ms, verdict, reasons)]

    def _stale(self, name: str, now_ms: int) -> list[DroneVerdict]:
        """Return the verdict that a drone was silent for too long before *now_ms*, once."""
        one = self.drones[name]
        at_ms = one.last_ms + round(self.numbers.stale_s * 1000)
        if now_ms <= at_ms or one.told.verdict in ("", STALE) or at_ms <= one.told.silent_until:
            return []
        return [self._tell(name, at_ms, STALE, (*one.reasons(at_ms, self.numbers), SILENT))]

    def _tell(self, name: str, at_ms: int, verdict: str, reasons: tuple[str, ...]) -> DroneVerdict:
        one = self.drones[name]
        self.drones[name] = replace(one, told=Told(at_ms, verdict, reasons, one.told.silent_until))
        nearest, away_m = self._nearest_own(name, at_ms)
        return DroneVerdict(
            name, at_ms, verdict, reasons, one.known_as, one.first_ms, one.last_ms, one.value, nearest, away_m
        )

    def _nearest_own(self, name: str, at_ms: int) -> tuple[str | None, float | None]:
        """Return the nearest own drone that was seen lately and is held to be itself, and the metres to it."""
        here = self.drones[name].placed
        found: list[tuple[float, str]] = []
        for other in self.own - {name}:
            one = self.drones[other]
            there = one.placed
            if here is None or there is None or here.place is None or there.place is None:
                continue
            is_late = abs(at_ms - there.at_ms) > self.numbers.near_own_s * 1000
            if not is_late and not one.reasons(one.last_ms, self.numbers):
                found.append((metres(here.place, there.place), other))
        away_m, nearest = min(found, default=(None, None))
        return nearest, away_m


def judge(fleet: Fleet, value: Mapping[str, Any], numbers: DroneNumbers) -> tuple[Fleet, list[DroneVerdict]]:
    """Return the fleet after one more position, and the verdicts to be told."""
    after = replace(fleet.copy(), numbers=numbers)
    return after, after.take(value)
