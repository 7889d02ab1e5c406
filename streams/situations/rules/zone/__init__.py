"""A thing is where it should not be: one rule for drones, scooters, vessels, and people seen by cameras. Pure.

Each zone of ``place.zone`` that excludes, or that something must not leave, is a watch (or several, ``places.py``). The
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
from schemas.heights import NOT, POSSIBLE
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.memory import Memory, beneath, name_of
from streams.situations.model import Position, Situation
from streams.situations.reports.facts import position_of, source_of
from streams.situations.reports.notices import ZONE, need
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
from streams.situations.rules.zone.places import (
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
from streams.situations.rules.zone.things import THING, Stay, Thing, thing_in, thing_known

__all__ = ["VERSION", "Numbers", "build"]

LEFT = "left"


class ZoneRule(Rule, Notices, KeepsList, Follows, Explains, ForbidsFlight):
    """Memories for each part of a zone and for each thing inside one; one situation for each thing."""

    name = NAME
    version = VERSION
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({ZONE})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._breaches = Breaches(config, numbers)

    # -- zones -----------------------------------------------------------------------------------------------

    def check_room(self, city: City, entry: Entry) -> None:
        if not parts_known(city, entry.value["zone_id"]):
            count = sum(1 for _ in beneath(city.memories, NAME, PLACE))
            most = self._numbers.zones_max
            need(entry, count < most, "zone_id", f"at most {most} zones that are watched")

    def source_of_entry(self, city: City, entry: Entry) -> str | None:
        return next((one.source for one in parts_known(city, entry.value["zone_id"]).values()), None)

    def on_notice(self, city: City, entry: Entry) -> Step:
        """A zone is watched from now on, as it is said now. Who is inside stays inside, until the match says otherwise."""
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
                watching, event = self._told(city, zone, watching_of(city, zone.key))
                memories.append(watching.memory(zone.key))
                watches.append(event)
        for zone in known.values():
            gone = _both(gone, self._ended(city, zone))
        return _both(Step((), memories, (), watches), gone)

    def _told(self, city: City, zone: ZoneKept, before: Watching) -> tuple[Watching, Event]:
        """The next revision of a part's watch, with its hours of the next days and those inside it."""
        now, windows = city.now_ms, windows_of(zone, ZoneInfo(city.rules.timezone), city.now_ms)
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
                step = _both(step, self._out(city, thing, {zone.key}, "the zone's time is over", "over"))
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
            return Step() if stay is None else self._out(city, thing, {zone.key}, reason, "over")
        return self._inside(city, zone, thing, stay, value, answer)

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

    def _inside(
        self,
        city: City,
        zone: ZoneKept,
        thing: Thing,
        stay: Stay | None,
        value: Mapping[str, Any],
        answer: str,
    ) -> Step:
        now, at = city.now_ms, value["event_time"]
        lost_at = now + round(self._numbers.silent_s * 1000)
        is_new, is_surer = (
            stay is None,
            stay is not None and stay.certainty == POSSIBLE and answer != POSSIBLE,
        )
        certainty = answer if stay is None or is_surer else stay.certainty
        after = Stay(at if stay is None else stay.since, at, lost_at, certainty)
        thing = replace(thing, stays={**thing.stays, zone.key: after})
        situation = city.situations.get(thing.situation_id or "")
        memories: list[Memory] = []
        if is_new:
            watching = watching_of(city, zone.key)
            inside = tuple(sorted({*watching.inside, thing.key}))
            seed_at = now + round(self._numbers.seed_after_s * 1000)
            memories.append(watching.changed(inside, seed_at).memory(zone.key))
            if situation is None:
                situation = self._overflow(city, watching)
        thing, drafts = self._breaches.told(city, zone, thing, situation, value, is_news=is_new or is_surer)
        step = Step(drafts, [*memories, thing.memory])
        is_known = name_of(NAME, thing.key) in city.memories
        return step if is_known else _both(self._made_room(city), step)

    def _known(self, city: City) -> dict[str, Memory]:
        return {THING + rest: memory for rest, memory in beneath(city.memories, NAME, THING)}

    def _made_room(self, city: City) -> Step:
        """Where there is no room for one more, the thing that was silent for longest is let go."""
        known = self._known(city)
        if len(known) < self._numbers.things_max:
            return Step()
        oldest = min(known.values(), key=lambda one: (one.wake_at or 0, one.key)).read(Thing)
        reason = "let go: more things are in zones than the city holds, and this was silent for longest"
        return self._out(city, oldest, {*oldest.stays}, reason, "over")

    def _overflow(self, city: City, watching: Watching) -> Situation | None:
        """The situation that opened last of those in a zone that holds as many things as are told one by one."""
        if len(watching.inside) < self._numbers.zone_things_max:
            return None
        things = (thing_known(city, key) for key in watching.inside)
        ids = {thing.situation_id for thing in things if thing is not None}
        still = [
            one for one in map(city.situations.get, ids - {None}) if one is not None and not one.is_closed
        ]
        return max(still, key=lambda one: one.age, default=None)

    def _out(self, city: City, thing: Thing, keys: set[str], reason: str, words: str) -> Step:
        """*thing* is no longer inside the parts *keys*; inside no other either, its situation is over."""
        memories: list[Memory] = []
        for key in sorted(keys):
            watching = watching_of(city, key)
            inside = tuple(one for one in watching.inside if one != thing.key)
            seed_at = city.now_ms + round(self._numbers.seed_after_s * 1000)
            memories.append(watching.changed(inside, seed_at).memory(key))
        stays = {key: stay for key, stay in thing.stays.items() if key not in keys}
        if stays:
            return Step((), [*memories, replace(thing, stays=stays).memory])
        drafts = self._breaches.over(city, thing, self._others_of(city, thing), reason, words)
        return Step(drafts, memories, [name_of(NAME, thing.key)])

    def _others_of(self, city: City, thing: Thing) -> int:
        """How many other things its situation stands for."""
        every = (memory for _, memory in beneath(city.memories, NAME, THING))
        return sum(one.situation_id == thing.situation_id and one.key != thing.key for one in every)

    # -- time and operators ----------------------------------------------------------------------------------

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        if isinstance(due, Situation):
            return Step()
        if due.key.startswith(THING):
            thing = thing_known(city, due.key)
            lost = {key for key, one in thing.stays.items() if one.lost_at <= city.now_ms} if thing else set()
            if thing is None or not lost:
                return Step(memories=[due])
            reason = f"lost: not seen for {self._numbers.silent_s:g} s, and not seen to leave"
            return self._out(city, thing, lost, reason, "lost")
        key = due.key.removeprefix(WATCHING)
        zone, watching = zone_known(city, key), watching_of(city, key)
        if zone is None:
            return Step()
        if watching.ends_at is not None and watching.ends_at <= city.now_ms:
            return self._ended(city, zone)
        after, event = self._told(city, zone, watching)
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


def _both(one: Step, other: Step) -> Step:
    """Both answers. Of what both remember of one thing, the other's holds."""
    later = {memory.name for memory in other.memories} | set(other.forgets)
    return Step(
        [*one.drafts, *other.drafts],
        [*(memory for memory in one.memories if memory.name not in later), *other.memories],
        [*one.forgets, *other.forgets],
        [*one.watches, *other.watches],
    )


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> ZoneRule:
    return ZoneRule(config, Numbers.model_validate(numbers))
