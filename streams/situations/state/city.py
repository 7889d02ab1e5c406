"""All that the rules remember of one city, and how it is kept in ``core.state`` and found again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import Fatal
from schemas.event import Event
from streams.situations.answers.events import state_row
from streams.situations.config import RulesConfig
from streams.situations.memory import Memory
from streams.situations.model import Camera, Incident, Position, Site, Situation
from streams.situations.reports.cameras import CameraIndex
from streams.situations.reports.joining import IncidentIndex
from streams.situations.reports.rates import Rates
from streams.situations.reports.sites import SiteIndex
from streams.situations.rule import Notices, Rule
from streams.situations.rules.in_force import families_of, rules_of
from streams.situations.state.indexes import Indexes
from streams.situations.state.rows import (
    CAMERA,
    CLOCK,
    MEMORY,
    SHADOW,
    SITE,
    body_of,
    camera_from,
    clock_from,
    memory_body,
    memory_from,
    site_from,
    situation_from,
)
from streams.situations.state.schedule import Schedule, next_due
from streams.situations.terms import is_a


@dataclass(slots=True)
class CityState:
    """Facts (situations, cameras, the clock), and what is derived from them. ``step`` alone changes it.

    *sequence* counts the entries taken; *rules_digest* is that of the numbers in force, ``None`` before any. *gone* counts
    the situations that were let go early, for want of room; *gone_to* is when the latest report of them was made.
    *unwatched* counts those that opened without a watch, for want of room; *left_out* the cameras that units sent could not
    see, *units_left_out* the units that could see none, for want of room.
    """

    now_ms: int = 0
    sequence: int = 0
    rules_digest: str | None = None
    opening: str | None = None
    """That of the numbers in force by which cameras open."""
    gone: int = 0
    gone_to: int = 0
    unwatched: int = 0
    left_out: int = 0
    units_left_out: int = 0
    config: RulesConfig | None = None
    situations: dict[str, Situation] = field(default_factory=dict)
    cameras: CameraIndex = field(default_factory=CameraIndex)
    sites: SiteIndex = field(default_factory=SiteIndex)
    memories: dict[str, Memory] = field(default_factory=dict)
    shadow: CityState | None = None
    covers: tuple[str, ...] = ()
    rules_in_force: tuple[Rule, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    rates: Rates = field(default_factory=lambda: Rates({}))
    _watchers: dict[str, str] = field(default_factory=dict)
    _index: IncidentIndex | None = None
    _indexes: Indexes = field(default_factory=Indexes)
    _schedule: Schedule = field(default_factory=Schedule)

    @classmethod
    def empty(cls) -> CityState:
        """A city of which nothing is known, not even its rules: the journal's first entry tells them."""
        return cls()

    @classmethod
    def from_records(
        cls, config: RulesConfig, rows: Iterable[tuple[str, Mapping[str, Any] | None]]
    ) -> CityState:
        """The state that ``core.state`` holds: key and value of each row, in any order.

        *config* is what the city's file says now. If ``rules_digest`` differs from its digest, give it to
        ``step`` as a rules entry before anything else.
        """
        state, in_shadow = cls(), []
        for key, value in rows:
            if value is not None and key.startswith(SHADOW):
                in_shadow.append((key.removeprefix(SHADOW), value))
            elif value is not None:
                state._remember(key, value["kind"], value["body"])
        state._covered()
        told = (one for one in state.situations.values() if not one.is_merged)
        state._use(config, [incident for one in told for incident in one.view.incidents])
        if in_shadow:
            state.shadow = cls.from_records(config.candidate() or config, in_shadow)
        return state

    def _remember(self, key: str, kind: str, body: bytes) -> None:
        match kind:
            case "situation":
                self._hold_situation(situation_from(body))
            case "camera":
                self.cameras.put(camera_from(body))
            case "site":
                self.sites.put(site_from(body))
            case "rule":
                self._hold(memory_from(body))
            case "clock":
                clock = clock_from(body)
                self.now_ms, self.sequence = clock["now_ms"], clock["sequence"]
                self.rules_digest, self.opening = clock["rules"], clock.get("opening")
                self.gone, self.gone_to = clock.get("gone", 0), clock.get("gone_to", 0)
                self.unwatched, self.left_out = clock.get("unwatched", 0), clock.get("left_out", 0)
                self.units_left_out = clock.get("units_left_out", 0)
            case _:
                raise Fatal(
                    f"core.state: row {key!r} is of unknown kind {kind!r}", hint="run a newer version"
                )

    @property
    def rules(self) -> RulesConfig:
        if self.config is None:
            raise Fatal("the rules have no numbers yet", hint="give them a rules entry first")
        return self.config

    @property
    def index(self) -> IncidentIndex:
        if self._index is None:
            raise Fatal("the rules have no numbers yet", hint="give them a rules entry first")
        return self._index

    @property
    def owners(self) -> Mapping[str, str]:
        """Report → the situation that it is told with."""
        return self._indexes.owners

    def use(self, config: RulesConfig) -> None:
        """Put other numbers in force: who is whose partner and what is due when follow anew."""
        self._use(config, self._index.incidents.values() if self._index else ())

    def _use(self, config: RulesConfig, incidents: Collection[Incident]) -> None:
        index, rates = IncidentIndex(config), Rates(families_of(config))
        index.fill(incidents)
        rates.fill(incidents)
        self.config, self._index, self.rates = config, index, rates
        self.rules_in_force, self.zone = rules_of(config), ZoneInfo(config.timezone)
        self._schedule.clear()
        for situation in self.situations.values():
            self._schedule.put(situation.situation_id, next_due(situation, self))
        for memory in self.memories.values():
            self._schedule.put(memory.name, memory.wake_at)

    def is_kept(self, name: str) -> bool:
        """Whether a rule in force may have a memory of that name."""
        kept = (one for rule in self.rules_in_force for one in rule.keeps)
        return any(name.startswith(one) if one.endswith(":") else name == one for one in kept)

    def rule_named(self, name: str) -> Rule | None:
        """The rule in force of that name; ``None`` for one that is not, or no longer."""
        return next((rule for rule in self.rules_in_force if rule.name == name), None)

    def takes(self, contract: str) -> bool:
        """Whether a rule in force, or in shadow, takes notices of that *contract*."""
        takes = any(isinstance(one, Notices) and contract in one.notices for one in self.rules_in_force)
        return takes or (self.shadow is not None and self.shadow.takes(contract))

    # -- reports and what rules remember ---------------------------------------------------------------------

    def remember(self, incident: Incident) -> None:
        """Take what *incident* says now in the place of what it said before."""
        before = self.index.incidents.get(incident.incident_id)
        if before is not None and (before.order, before.kind) != (incident.order, incident.kind):
            self.rates.remove(before)
            before = None
        if before is None:
            self.rates.put(incident)
        self.index.put(incident)

    def covering(self, kind: str) -> Iterator[Memory]:
        """The area alerts that now stand for single situations of *kind*."""
        for name in self.covers:
            if any(is_a(kind, one) for one in self.memories[name].covers):
                yield self.memories[name]

    def keep(self, memory: Memory) -> list[Event]:
        """Remember *memory* in the place of its former self; its row, where it is another."""
        self._schedule.put(memory.name, memory.wake_at)
        before = self.memories.get(memory.name)
        if before == memory:
            return []
        self._hold(memory)
        if memory.covers or (before is not None and before.covers):
            self._covered()
        return [self.memory_row(memory.name)]

    def _hold(self, memory: Memory) -> None:
        self.memories[memory.name] = memory
        if memory.watch_id is not None:
            self._watchers[memory.watch_id] = memory.name

    def _covered(self) -> None:
        self.covers = tuple(sorted(name for name, one in self.memories.items() if one.covers))

    def drop(self, memory: Memory) -> list[Event]:
        """Remember it no longer."""
        del self.memories[memory.name]
        self._watchers.pop(memory.watch_id or "", None)
        if memory.covers:
            self._covered()
        self._schedule.remove(memory.name)
        return [self.memory_row(memory.name)]

    # -- situations ------------------------------------------------------------------------------------------

    def put(self, situation: Situation) -> None:
        """Remember *situation* in the place of its former revision."""
        before = self.situations.get(situation.situation_id)
        if before is not None:
            self._indexes.remove(before)
        self._hold_situation(situation)
        if not situation.is_merged:
            for incident in situation.view.incidents:
                self.remember(incident)
        self._schedule.put(situation.situation_id, next_due(situation, self))

    def _hold_situation(self, situation: Situation) -> None:
        self.situations[situation.situation_id] = situation
        self._indexes.put(situation)

    def relist(self, situation: Situation) -> None:
        """Remember *situation*, of which only the evidence, or a filing's answer, is another: where it is found and when it
        is due stand."""
        self.situations[situation.situation_id] = situation

    def forget(self, situation: Situation) -> None:
        """Remove it and, unless they are told elsewhere, its reports."""
        self._indexes.remove(self.situations.pop(situation.situation_id))
        self._schedule.remove(situation.situation_id)
        if not situation.is_merged:
            for incident in situation.view.incidents:
                del self._indexes.owners[incident.incident_id]
                self.rates.remove(self.index.incidents[incident.incident_id])
                self.index.remove(incident.incident_id)

    def let_go(self, situation: Situation) -> None:
        """Forget it before its time. Nothing told of its reports later may bear its id again."""
        told_at = [one.event_time for one in situation.view.incidents]
        self.gone, self.gone_to = self.gone + 1, max([self.gone_to, *told_at])
        self.forget(situation)

    def has_room_to_watch(self, situation: Situation) -> bool:
        """Whether one more watch may be open; that *situation* has to do without is counted when it opens."""
        watched = self._indexes.watched
        if len(watched) < self.rules.limits.watches or situation.situation_id in watched:
            return True
        if (
            self.rules.watch is not None
            and situation.is_placed
            and situation.situation_id not in self.situations
        ):
            self.unwatched += 1
        return False

    def of_rule(self, name: str) -> list[str]:
        """The situations of the rule *name* that are not closed; never those of reports."""
        return self._indexes.of_rule(name)

    def rules_with_situations(self) -> list[str]:
        return self._indexes.rules()

    def is_standing(self, watch_id: str) -> bool:
        """Whether it is a watch that a rule has in the whole city."""
        return self.rule_of_watch(watch_id) is not None

    def rule_of_watch(self, watch_id: str | None) -> Rule | None:
        memory = self.memories.get(self._watchers.get(watch_id or "", ""))
        return self.rule_named(memory.rule) if memory is not None else None

    def memory_of_watch(self, watch_id: str) -> Memory:
        """The memory that stands for a watch of a rule. ``KeyError`` without one."""
        return self.memories[self._watchers[watch_id]]

    def owner_of(self, incident: Incident) -> Situation | None:
        owner = self.owners.get(incident.incident_id)
        return self.situations[owner] if owner is not None else None

    def filed_as(self, filing_id: str | None) -> Situation | None:
        """The situation of that open filing; ``None`` for one that is unknown, accepted or withdrawn."""
        return self.situations.get(self._indexes.filed_as(filing_id) or "")

    def now_told_as(self, situation_id: str | None) -> Situation | None:
        """The situation of that id, or the one that it was merged into; ``None`` once that is forgotten."""
        situation = self.situations.get(situation_id or "")
        while situation is not None and situation.view.merged_into is not None:
            situation = self.situations.get(situation.view.merged_into)
        return situation

    def live_near(self, places: Iterable[Position], radius_m: float) -> list[Situation]:
        """The situations that are not closed and lie within *radius_m* of any of *places*, oldest first."""
        near = self._indexes.live_near(places, radius_m)
        return sorted((self.situations[one] for one in near), key=lambda situation: situation.age)

    # -- time ------------------------------------------------------------------------------------------------

    def due_until(self, time_ms: int) -> Iterator[tuple[int, Situation | Memory]]:
        """(when, what) of each wake-up due by *time_ms*, in order; such as arise meanwhile included."""
        for due, name in self._schedule.due_until(time_ms):
            yield due, self.memories[name] if name in self.memories else self.situations[name]

    # -- rows ------------------------------------------------------------------------------------------------

    def situation_row(self, situation_id: str) -> Event:
        situation = self.situations.get(situation_id)
        return self._row(situation_id, "situation", body_of(situation) if situation else None)

    def camera_row(self, camera: Camera) -> Event:
        return self._row(CAMERA + camera.camera_id, "camera", body_of(camera))

    def site_row(self, site: Site) -> Event:
        return self._row(SITE + site.site_id, "site", body_of(site))

    def memory_row(self, name: str) -> Event:
        memory = self.memories.get(name)
        return self._row(MEMORY + name, "rule", memory_body(memory) if memory else None)

    def clock_row(self) -> Event:
        """Where the city stands: its time, the journal's sequence, the rules in force."""
        clock = {"now_ms": self.now_ms, "sequence": self.sequence, "rules": self.rules_digest}
        clock |= {"gone": self.gone, "gone_to": self.gone_to}
        clock |= {"unwatched": self.unwatched, "left_out": self.left_out, "opening": self.opening}
        clock |= {"units_left_out": self.units_left_out}
        return self._row(CLOCK, CLOCK, body_of(clock))

    def _row(self, key: str, kind: str, body: bytes | None) -> Event:
        return state_row(key, kind, body, self.rules.city, now=self.now_ms, sequence=self.sequence)
