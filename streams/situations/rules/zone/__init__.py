"""A thing is where it should not be: one rule for drones, scooters, vessels, and people seen by cameras. Pure.

Each zone of ``place.zone`` that excludes, or that something must not leave, is a watch (or several, ``zone_parts.py``). The
match tells who comes in, who is still there, and who has left. The rule keeps that (``things.py``), so a restart or a
rebalance makes no new breach of what has long been inside. One situation for each thing (``breaches.py``), however many
zones it is in: it ends when the thing has left all of them, when it was silent for too long (lost, not left), or when the
zones' time is up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from schemas.event import Event, derived_id
from schemas.heights import NOT
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory, beneath, name_of
from streams.situations.model import Position, Situation
from streams.situations.reports.facts import position_of, source_of
from streams.situations.reports.notices import VERDICT, ZONE, need
from streams.situations.rule import (
    City,
    Draft,
    Explains,
    Follows,
    ForbidsFlight,
    KeepsList,
    Notices,
    Rule,
    Step,
)
from streams.situations.rules.parts.spells import shown
from streams.situations.rules.zone.areas import crosses
from streams.situations.rules.zone.breaches import Breaches
from streams.situations.rules.zone.config import NAME, VERSION, Numbers
from streams.situations.rules.zone.stays import Stays, both
from streams.situations.rules.zone.things import THING, Thing, thing_in, thing_known
from streams.situations.rules.zone.zone_parts import (
    DAY_MS,
    DETECTIONS,
    IN,
    PLACE,
    WATCHING,
    Watching,
    ZoneKept,
    all_of,
    kept_of,
    parts_known,
    parts_of,
    watch_of_zone,
    watching_of,
    windows_of,
    zone_known,
)

__all__ = ["VERSION", "Numbers", "build"]

LEFT = "left"


class ZoneRule(Rule, Notices, KeepsList, Follows, Explains, ForbidsFlight):
    """Memories for each part of a zone and for each thing inside one; one situation for each thing."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({ZONE, VERDICT})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._breaches = Breaches(config, numbers)
        self._stays = Stays(numbers, self._breaches)

    # -- zones -----------------------------------------------------------------------------------------------

    def check_room(self, city: City, entry: Entry) -> None:
        if not parts_known(city, entry.value["zone_id"]):
            count = sum(1 for _ in beneath(city.memories, NAME, PLACE))
            most = self._numbers.zones_max
            need(entry, count < most, "zone_id", f"at most {most} zones that are watched")

    def source_of_entry(self, city: City, entry: Entry) -> str | None:
        return next((one.source for one in parts_known(city, entry.value["zone_id"]).values()), None)

    def on_notice(self, city: City, entry: Entry) -> Step:
        """A zone is watched from now on, as it is said now; who is inside stays inside, until the match says otherwise. Or a
        drone was judged."""
        if entry.topic.endswith(VERDICT):
            return self._stays.judged(city, entry)
        value = entry.value
        known = parts_known(city, value["zone_id"])
        if any(value["event_time"] < one.heard for one in known.values()):
            return Step()
        ended = value["ends_at"] is not None and value["ends_at"] <= city.now_ms
        parts = [] if ended else parts_of(value, source_of(entry), self._numbers)
        wanted = [replace(one, said=_said(one)) for one in parts]
        memories: list[Memory] = []
        watches: list[Event] = []
        gone = Step()
        for zone in wanted:
            before = known.pop(zone.part, None)
            memories.append(zone.memory)
            if before is None or before.said != zone.said:
                now = max(city.now_ms, value["received_time"])  # before the first tick the city knows no time
                watching, event = self._told(city, zone, watching_of(city, zone.key), now)
                memories.append(watching.memory(zone.key))
                watches.append(event)
        for zone in known.values():
            gone = both(gone, self._ended(city, zone))
        return both(Step((), memories, (), watches), gone)

    def _told(self, city: City, zone: ZoneKept, before: Watching, now: int) -> tuple[Watching, Event]:
        """The next revision of a part's watch, with its hours of the next days and those inside it."""
        windows = windows_of(zone, ZoneInfo(city.rules.timezone), now)
        things = [(key, thing_known(city, key)) for key in before.inside]
        seeds = [thing.seed(zone.key) for _, thing in things if thing is not None and zone.key in thing.stays]
        after = Watching(
            before.revision + 1,
            now + DAY_MS if windows or zone.hours else None,
            before.inside,
            before.inside,
            None,
            zone.ends_at,
        )
        event = watch_of_zone(zone, after.revision, seeds, self._numbers, city.rules, now=now)
        return after, event

    def _ended(self, city: City, zone: ZoneKept) -> Step:
        """A part is watched no longer: its watch ends, and what was inside it is not any more."""
        watching, step = watching_of(city, zone.key), Step()
        for key in watching.inside:
            thing = thing_known(city, key)
            if thing is not None and zone.key in thing.stays:
                step = both(step, self._stays.out(city, thing, {zone.key}, "the zone's time is over", "over"))
        forgets = [name_of(NAME, f"{PLACE}{zone.key}"), name_of(NAME, f"{WATCHING}{zone.key}")]
        forgets = [one for one in forgets if one in city.memories]
        kept = [one for one in step.memories if one.name not in forgets]
        return Step(
            step.drafts,
            kept,
            [*step.forgets, *forgets],
            [*step.watches, Event("core.watch", zone.watch_id, None)],
        )

    # -- things ----------------------------------------------------------------------------------------------

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        """Something came in, is still inside, or has left."""
        zone = kept_of(city.memory_of_watch(value["watch_id"]))
        if value["subject"] is None:
            return Step()
        thing = thing_in(value)
        thing = thing_known(city, thing.key) or thing
        stay = thing.stays.get(zone.key)
        if stay is not None and value["event_time"] < stay.last:
            return Step()
        answer = NOT if value["kind"] == LEFT else self._judged(city, zone, thing, value)
        if answer == NOT:
            reason = "left the zone" if value["kind"] == LEFT else "is allowed there now"
            return Step() if stay is None else self._stays.out(city, thing, {zone.key}, reason, "over")
        return self._stays.inside(city, zone, thing, stay, value, answer)

    def _judged(self, city: City, zone: ZoneKept, thing: Thing, value: Mapping[str, Any]) -> str:
        """Whether it is a breach: certain, possible or not."""
        if not zone.applies(thing.label, thing.subject, self._numbers.drones):
            return NOT
        answers = [zone.certainty(thing.topic, value["certainty"], self._numbers.terrain)]
        at = position_of(value["position"])
        if thing.topic == DETECTIONS and at is not None:
            camera = city.cameras.get(value["seen_by"] or "")
            stands = None if camera is None else camera.position
            is_camera_s = stands is not None and (at.lat, at.lon) == (stands.lat, stands.lon)
            answers.append(zone.seen_from(at.lat, at.lon, is_camera_s, self._numbers.view_m))
        return all_of(answers)

    # -- time and operators ----------------------------------------------------------------------------------

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        if isinstance(due, Situation):
            return Step()
        if due.key.startswith(THING):
            return self._stays.due(city, due)
        key = due.key.removeprefix(WATCHING)
        zone, watching = zone_known(city, key), watching_of(city, key)
        if zone is None:
            return Step()
        if watching.ends_at is not None and watching.ends_at <= city.now_ms:
            return self._ended(city, zone)
        after, event = self._told(city, zone, watching, city.now_ms)
        return Step((), [after.memory(key)], (), [event])

    def on_action(self, city: City, after: Situation) -> Draft:
        return shown(city, after, {} if after.is_closed else self._breaches.uses(city, after))

    def forbids(self, city: City, drone_id: str, start: Position, end: Position) -> bool:
        """Whether a zone on the way excludes drones, whatever its height and hours, and does not allow this one."""
        zones = (kept_of(memory) for _, memory in beneath(city.memories, NAME, PLACE))
        return any(
            zone.part == IN
            and zone.applies("drone", drone_id, self._numbers.drones)
            and crosses(zone.areas, (start.lat, start.lon), (end.lat, end.lon))
            for zone in zones
        )

    def otherwise(self, city: City, situation: Situation) -> str | None:
        numbers = self._numbers
        return (
            f"it ends when the thing is {numbers.hysteresis_m:g} m outside every zone, or is not seen for"
            f" {numbers.silent_s:g} s; an allowed id or class opens none"
        )


def _said(zone: ZoneKept) -> str:
    """A digest of what its watch looks for: another is told to the match, the same is not."""
    what = (zone.place, zone.floor, zone.ceiling, zone.hours, zone.applies_to, zone.starts_at, zone.ends_at)
    return derived_id(*map(repr, what))


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> ZoneRule:
    return ZoneRule(config, Numbers.model_validate(numbers))
