"""A zone as the rule keeps it, and the watches that it opens. Pure.

A zone that excludes is one place to watch. One that something must not leave is watched from outside: its surroundings, and
the room above its ceiling and below its floor. What cameras see has often the camera's own place: for it, the place is grown
by as far as a camera may see. Each such part is a watch of its own, and to be inside it is a breach.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from schemas.event import Event, derived_id
from schemas.heights import ABOVE_GROUND, NOT, POSSIBLE, SURE, Bound, Terrain, between, limit
from schemas.weekly import spans
from streams.situations.answers.watches import standing_event
from streams.situations.config import RulesConfig
from streams.situations.memory import Memory, memory_of, name_of, remembered
from streams.situations.rule import City, CityWatch
from streams.situations.rules.zone.areas import ZoneArea, areas_of, grown, holds, outside_of, view_in
from streams.situations.rules.zone.config import NAME, Numbers

DAY_MS = 86_400_000
AHEAD_MS = 8 * DAY_MS
"""The hours of a zone are told to the match so far ahead, and again each day."""
DETECTIONS = "cctv.detection"
POSITIONS = ("drone.position", "mobility.position")
IN, SEEN, OUT, OVER, UNDER = "in", "seen", "out", "over", "under"
PARTS = (IN, SEEN, OUT, OVER, UNDER)
PLACE, WATCHING = "place\x1f", "watching\x1f"
"""The beginnings of the keys of the two memories of a part."""
DRONES = {"own_drone": "own", "registered_drone": "registered", "unknown_drone": "unknown"}
"""Classes of drone, by what the city knows of it."""


class Height(Struct, frozen=True, gc=False):
    """A limit between two bounds, metres over *reference*."""

    low: float
    high: float
    reference: str

    @property
    def bound(self) -> Bound:
        return Bound(self.low, self.high)


class ZoneKept(Struct, frozen=True, gc=False):
    """The memory of one part of a zone: what the zone says, and the *place* of the part. *said* is a digest of it."""

    zone_id: str
    part: str
    name: str
    kind: str
    source: str
    heard: int
    areas: tuple[ZoneArea, ...]
    place: tuple[ZoneArea, ...]
    floor: Height | None = None
    ceiling: Height | None = None
    hours: tuple[tuple[tuple[str, ...], str, str], ...] = ()
    allowed_ids: tuple[str, ...] = ()
    allowed_classes: tuple[str, ...] = ()
    applies_to: tuple[str, ...] = ()
    priority: int = 0
    starts_at: int | None = None
    ends_at: int | None = None
    said: str = ""

    @property
    def key(self) -> str:
        return key_of(self.zone_id, self.part)

    @property
    def watch_id(self) -> str:
        return derived_id("watch", NAME, self.key)

    @property
    def memory(self) -> Memory:
        return memory_of(NAME, f"{PLACE}{self.key}", self, watch_id=self.watch_id)

    def applies(self, label: str, subject: str, drones: Mapping[str, str]) -> bool:
        """Whether it is about a thing of that class, and does not allow it."""
        classes = classes_of(label, subject, drones)
        if subject in self.allowed_ids or not classes.isdisjoint(self.allowed_classes):
            return False
        return not classes.isdisjoint(self.applies_to)

    def certainty(self, topic: str, said: str, terrain: Terrain) -> str:
        """*said* by the match, for a drone. All else has no height of its own and is on the ground."""
        if topic == "drone.position":
            return said
        return all_of(
            between(
                Bound(0.0, 0.0) if limit_.reference == ABOVE_GROUND else terrain.ground,
                limit_.bound if is_floor else None,
                None if is_floor else limit_.bound,
            )
            for limit_, is_floor in ((self.floor, True), (self.ceiling, False))
            if limit_ is not None
        )

    def seen_from(self, lat: float, lon: float, is_camera: bool, view_m: float) -> str:
        """Return the answer of the outline for a detection at a place, which is its camera's own where it gives none."""
        if is_camera:
            return view_in(self.areas, lat, lon, view_m)
        return SURE if holds(self.areas, lat, lon) else NOT


def all_of(answers: Iterable[str]) -> str:
    """The answer where each of *answers* must hold: the least certain of them."""
    said = {*answers}
    return NOT if NOT in said else POSSIBLE if POSSIBLE in said else SURE


class Watching(Struct, frozen=True, gc=False):
    """The memory of how a part is watched: the watch's last *revision*, when it must be told the zone's next hours, who is
    *inside* (keys of things), and who the watch was last told to be (*seeded*)."""

    revision: int = 0
    retell_at: int | None = None
    inside: tuple[str, ...] = ()
    seeded: tuple[str, ...] = ()
    seed_at: int | None = None
    ends_at: int | None = None

    def memory(self, key: str) -> Memory:
        due = (one for one in (self.retell_at, self.seed_at, self.ends_at) if one is not None)
        return memory_of(NAME, f"{WATCHING}{key}", self, wake_at=min(due, default=None))

    def changed(self, inside: tuple[str, ...], seed_at: int) -> Watching:
        """With others *inside*: the watch is told at *seed_at* at the latest."""
        if inside == self.seeded:
            return replace(self, inside=inside, seed_at=None)
        return replace(self, inside=inside, seed_at=min(seed_at, self.seed_at or seed_at))


def key_of(zone_id: str, part: str) -> str:
    return f"{zone_id}\x1f{part}"


def kept_of(memory: Memory) -> ZoneKept:
    return memory.read(ZoneKept)


def zone_known(city: City, key: str) -> ZoneKept | None:
    memory = city.memories.get(name_of(NAME, f"{PLACE}{key}"))
    return None if memory is None else kept_of(memory)


def watching_of(city: City, key: str) -> Watching:
    return remembered(city.memories, NAME, f"{WATCHING}{key}", Watching) or Watching()


def parts_known(city: City, zone_id: str) -> dict[str, ZoneKept]:
    """The parts of a zone that are remembered."""
    found = {part: zone_known(city, key_of(zone_id, part)) for part in PARTS}
    return {part: zone for part, zone in found.items() if zone is not None}


def classes_of(label: str, subject: str, drones: Mapping[str, str]) -> set[str]:
    """The classes that a thing belongs to: its label's, and of a drone what the city knows of it."""
    if label != "drone":
        return {label}
    known_as = drones.get(subject, "unknown")
    return {label, *(name for name, known in DRONES.items() if known == known_as)}


def labels_of(classes: Sequence[str]) -> tuple[str, ...]:
    """The labels by which the match finds things of *classes*."""
    return tuple(dict.fromkeys("drone" if one in DRONES else one for one in classes))


def parts_of(value: Mapping[str, Any], source: str, numbers: Numbers) -> list[ZoneKept]:
    """The parts that a zone is watched by; none for one that only describes, or has no area."""
    areas = areas_of(value["geometry"])
    if value["sense"] not in ("exclusion", "inclusion") or not areas:
        return []
    floor, ceiling = (
        _height(limit(value[f"{edge}_m"], value[f"{edge}_reference"], numbers.terrain))
        for edge in ("floor", "ceiling")
    )
    classes = tuple(value["applies_to"]) or numbers.applies_to

    def part(name: str, place: tuple[ZoneArea, ...], low: Height | None, high: Height | None) -> ZoneKept:
        return ZoneKept(
            zone_id=value["zone_id"],
            part=name,
            name=value["name"] or value["zone_id"],
            kind=value["kind"],
            source=source,
            heard=value["event_time"],
            areas=areas,
            place=place,
            floor=low,
            ceiling=high,
            hours=tuple((tuple(one["days"]), one["from"], one["until"]) for one in value["hours"]),
            allowed_ids=tuple(value["allowed_ids"]),
            allowed_classes=tuple(value["allowed_classes"]),
            applies_to=classes,
            priority=value["priority"],
            starts_at=value["starts_at"],
            ends_at=value["ends_at"],
        )

    if value["sense"] == "exclusion":
        found = [part(IN, areas, floor, ceiling)]
        if any(label != "drone" for label in labels_of(classes)):
            found.append(part(SEEN, grown(areas, numbers.view_m), floor, ceiling))
        return found
    beyond = [part(OUT, outside_of(areas), None, None)]
    if ceiling is not None:
        beyond.append(part(OVER, areas, ceiling, None))
    if floor is not None:
        beyond.append(part(UNDER, areas, None, floor))
    return beyond


def _height(found: tuple[Bound, str] | None) -> Height | None:
    return None if found is None else Height(found[0].low, found[0].high, found[1])


def windows_of(zone: ZoneKept, timezone: ZoneInfo, now: int) -> list[tuple[int, int]]:
    """The spans in which it holds, from a day ago until ``AHEAD_MS`` from now; none where it holds all the time."""
    if not zone.hours:
        return []
    table = [{"days": list(days), "from": begins, "until": ends} for days, begins, ends in zone.hours]
    return spans(table, timezone, now - DAY_MS, now + AHEAD_MS) or [(now, now)]


def watch_of_zone(
    zone: ZoneKept,
    revision: int,
    things: Sequence[Mapping[str, Any]],
    numbers: Numbers,
    config: RulesConfig,
    *,
    now: int,
) -> Event:
    """The watch of one part, with those inside it."""
    labels = labels_of(zone.applies_to)
    topics = (DETECTIONS,) if zone.part == SEEN else POSITIONS
    use = config.law.uses.get(numbers.use)
    purpose = use.purpose if use is not None else numbers.use
    looks_for = CityWatch(zone.watch_id, labels, topics, None, numbers.per_second_max, purpose)
    event = standing_event(looks_for, revision, NAME, config, now=now)
    starts_at = zone.heard if zone.starts_at is None else zone.starts_at
    value = {
        **(event.value or {}),
        "event_id": derived_id(zone.watch_id, revision),
        "watch_id": zone.watch_id,
        "kind": "fence",
        "shape": "polygon",
        "event": "crossed",
        "areas": [
            {
                "outline": _points(area.outline),
                "holes": [{"corners": _points(hole)} for hole in area.holes],
            }
            for area in zone.place
        ],
        "floor": _limit(zone.floor),
        "ceiling": _limit(zone.ceiling),
        "windows": [
            {"opens_at": opens, "closes_at": closes}
            for opens, closes in windows_of(zone, ZoneInfo(config.timezone), now)
        ],
        "inside": list(things),
        "hysteresis_m": numbers.hysteresis_m,
        "tell_inside_every_s": numbers.tell_every_s,
        "opens_at": starts_at,
        "since": starts_at,
        "closes_at": None if zone.ends_at is None else max(starts_at, zone.ends_at),
    }
    return Event("core.watch", zone.watch_id, value)


def _points(ring: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    return [{"lat": lat, "lon": lon} for lat, lon in ring]


def _limit(height: Height | None) -> dict[str, Any] | None:
    if height is None:
        return None
    return {"low_m": height.low, "high_m": height.high, "reference": height.reference}
