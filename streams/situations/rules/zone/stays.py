"""Things that come into zones, stay and go: the memories of it, and the situations that follow. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from schemas.heights import POSSIBLE
from streams.situations.entry import Entry
from streams.situations.memory import Memory, beneath, name_of
from streams.situations.model import Situation
from streams.situations.rule import City, Step
from streams.situations.rules.zone.breaches import Breaches
from streams.situations.rules.zone.config import NAME, Numbers
from streams.situations.rules.zone.things import THING, VERDICT_STAY, Thing, ZoneStay, thing_known
from streams.situations.rules.zone.zone_parts import Watching, ZoneKept, watching_of


class Stays:
    """The answers of the rule to a thing that is inside, or no longer."""

    def __init__(self, numbers: Numbers, breaches: Breaches) -> None:
        self._numbers = numbers
        self._breaches = breaches

    def inside(
        self,
        city: City,
        zone: ZoneKept,
        thing: Thing,
        stay: ZoneStay | None,
        value: Mapping[str, Any],
        answer: str,
    ) -> Step:
        now, at = city.now_ms, value["event_time"]
        # it may have been seen just before the next telling of it was due
        lost_at = now + round((self._numbers.silent_s + self._numbers.tell_every_s) * 1000)
        is_new = stay is None
        is_surer = stay is not None and stay.certainty == POSSIBLE and answer != POSSIBLE
        certainty = answer if stay is None or is_surer else stay.certainty
        after = ZoneStay(at if stay is None else stay.since, at, lost_at, certainty)
        thing = replace(thing, stays={**thing.stays, zone.key: after})
        situation = city.situations.get(thing.situation_id or "")
        memories: list[Memory] = []
        if is_new:
            watching = watching_of(city, zone.key)
            memories.append(self._with(city, watching, {thing.key}, set()).memory(zone.key))
            if situation is None:
                situation = self._overflow(city, watching)
        thing, drafts = self._breaches.told(city, zone, thing, situation, value, is_news=is_new or is_surer)
        step = Step(drafts, [*memories, thing.memory])
        is_known = name_of(NAME, thing.key) in city.memories
        return step if is_known else both(self._made_room(city), step)

    def _with(self, city: City, watching: Watching, come: set[str], gone: set[str]) -> Watching:
        """*watching* after things have *come* and *gone*. One that was let go for want of room is remembered no longer."""
        still = {key for key in watching.inside if name_of(NAME, key) in city.memories}
        seed_at = city.now_ms + round(self._numbers.seed_after_s * 1000)
        return watching.changed(tuple(sorted((still | come) - gone)), seed_at)

    def _known(self, city: City) -> dict[str, Memory]:
        return {THING + rest: memory for rest, memory in beneath(city.memories, NAME, THING)}

    def _made_room(self, city: City) -> Step:
        """Where there is no room for one more, the thing that was silent for longest is let go."""
        known = self._known(city)
        if len(known) < self._numbers.things_max:
            return Step()
        oldest = min(known.values(), key=lambda one: (one.wake_at or 0, one.key)).read(Thing)
        reason = "let go: more things are in zones than the city holds, and this was silent for longest"
        return self.out(city, oldest, {*oldest.stays}, reason, "over")

    def _overflow(self, city: City, watching: Watching) -> Situation | None:
        """The situation that opened last of those in a zone that holds as many things as are told one by one."""
        if len(watching.inside) < self._numbers.zone_things_max:
            return None
        things = (thing_known(city, key) for key in watching.inside)
        ids = {thing.situation_id for thing in things if thing is not None}
        found = (city.situations.get(one) for one in ids if one is not None)
        still = [one for one in found if one is not None and not one.is_closed]
        return max(still, key=lambda one: one.age, default=None)

    def out(self, city: City, thing: Thing, keys: set[str], reason: str, words: str) -> Step:
        """*thing* is no longer inside the parts *keys*; inside no other either, its situation is over."""
        memories: list[Memory] = []
        for key in sorted(keys - {VERDICT_STAY}):
            memories.append(self._with(city, watching_of(city, key), set(), {thing.key}).memory(key))
        stays = {key: stay for key, stay in thing.stays.items() if key not in keys}
        if stays:
            reasons = () if VERDICT_STAY in keys else thing.reasons
            return Step((), [*memories, replace(thing, stays=stays, reasons=reasons).memory])
        drafts = self._breaches.over(city, thing, self._others_of(city, thing), reason, words)
        return Step(drafts, memories, [name_of(NAME, thing.key)])

    def _others_of(self, city: City, thing: Thing) -> int:
        """The number of other things that its situation stands for."""
        every = (memory for _, memory in beneath(city.memories, NAME, THING))
        return sum(one.situation_id == thing.situation_id and one.key != thing.key for one in every)

    def due(self, city: City, memory: Memory) -> Step:
        """A thing that was silent for too long is lost; it has not left."""
        thing = thing_known(city, memory.key)
        lost = {key for key, one in thing.stays.items() if one.lost_at <= city.now_ms} if thing else set()
        if thing is None or not lost:
            return Step(memories=[memory])
        if lost == {VERDICT_STAY}:
            return self.out(city, thing, lost, "not heard of any more", "plausible")
        reason = f"lost: not seen for {self._numbers.silent_s:g} s, and not seen to leave"
        return self.out(city, thing, lost, reason, "lost")

    def judged(self, city: City, entry: Entry) -> Step:
        """A drone contradicts itself, or no longer does. What is silent goes on, until it counts as lost."""
        value = entry.value
        thing = Thing("drone.position", value["drone_id"], "drone", {})
        thing = thing_known(city, thing.key) or thing
        stay, at = thing.stays.get(VERDICT_STAY), value["event_time"]
        if (stay is not None and at < stay.last) or value["verdict"] == "stale":
            return Step()
        if value["verdict"] != "implausible":
            over = ({VERDICT_STAY}, "plausible again", "plausible")
            return Step() if stay is None else self.out(city, thing, *over)
        reasons = tuple(one for one in value["reasons"] if one != "silent")
        lost_at = city.now_ms + round(self._numbers.implausible_s * 1000)
        after = ZoneStay(at if stay is None else stay.since, at, lost_at)
        is_news = stay is None or not set(reasons) <= set(thing.reasons)
        thing = replace(
            thing,
            stays={**thing.stays, VERDICT_STAY: after},
            reasons=tuple(dict.fromkeys((*thing.reasons, *reasons))),
        )
        situation = city.situations.get(thing.situation_id or "")
        thing, drafts = self._breaches.judged(city, thing, situation, entry, is_news=is_news)
        step = Step(drafts, [thing.memory])
        return step if name_of(NAME, thing.key) in city.memories else both(self._made_room(city), step)


def both(one: Step, other: Step) -> Step:
    """Both answers. Of what both remember of one thing, the other's holds."""
    later = {memory.name for memory in other.memories} | set(other.forgets)
    return Step(
        [*one.drafts, *other.drafts],
        [*(memory for memory in one.memories if memory.name not in later), *other.memories],
        [*one.forgets, *other.forgets],
        [*one.watches, *other.watches],
    )
