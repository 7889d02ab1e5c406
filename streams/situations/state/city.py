"""The state of one city: all that the rules remember, its rows in ``core.state``, and ways to find it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
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
from streams.situations.rule import Notices, Rule, forbids_flight
from streams.situations.rules.in_force import families_of, rules_of
from streams.situations.state.clock import Clock
from streams.situations.state.indexes import Indexes
from streams.situations.state.memories import Memories
from streams.situations.state.rows import (
    CAMERA,
    CLOCK,
    MEMORY,
    SHADOW,
    SITE,
    body_of,
    camera_from,
    memory_body,
    memory_from,
    site_from,
    situation_from,
)
from streams.situations.state.schedule import Schedule, next_due


@dataclass(slots=True)
class CityState(Clock):
    """Facts (situations, cameras, the clock), and what is derived from them. ``step`` alone changes it."""

    config: RulesConfig | None = None
    situations: dict[str, Situation] = field(default_factory=dict)
    cameras: CameraIndex = field(default_factory=CameraIndex)
    sites: SiteIndex = field(default_factory=SiteIndex)
    shadow: CityState | None = None
    rules_in_force: tuple[Rule, ...] = ()
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    rates: Rates = field(default_factory=lambda: Rates({}))
    _memories: Memories = field(default_factory=Memories)
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
        told = (one for one in state.situations.values() if not one.is_merged)
        state.use(config, [incident for one in told for incident in one.view.incidents])
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
                self._memories.put(memory_from(body))
            case "clock":
                self.set_clock(body)
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

    @property
    def memories(self) -> Mapping[str, Memory]:
        """Name → memory. ``keep`` and ``drop`` alone change it."""
        return self._memories.by_name

    @property
    def covers(self) -> tuple[str, ...]:
        """The names of the memories that stand for an area alert now."""
        return self._memories.covers

    def use(self, config: RulesConfig, incidents: Collection[Incident] | None = None) -> None:
        """Put other numbers in force; partners and due times follow anew, for *incidents* or for all known."""
        if incidents is None:
            incidents = self._index.incidents.values() if self._index else ()
        index, rates = IncidentIndex(config), Rates(families_of(config))
        index.fill(incidents)
        rates.fill(incidents)
        self.config, self._index, self.rates = config, index, rates
        self.rules_in_force, self.zone = rules_of(config), ZoneInfo(config.timezone)
        self.cameras.forbids = partial(forbids_flight, self)
        self._schedule.clear()
        for situation in self.situations.values():
            self._schedule.put(situation.situation_id, next_due(situation, self))
        for memory in self.memories.values():
            self._schedule.put(memory.name, memory.wake_at)

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
        return self._memories.covering(kind)

    def keep(self, memory: Memory) -> list[Event]:
        """Remember *memory* in the place of its former self; its row, where it is another."""
        self._schedule.put(memory.name, memory.wake_at)
        if self.memories.get(memory.name) == memory:
            return []
        self._memories.put(memory)
        return [self.memory_row(memory.name)]

    def drop(self, memory: Memory) -> list[Event]:
        """Remember it no longer."""
        self._memories.remove(memory)
        self._schedule.remove(memory.name)
        return [self.memory_row(memory.name)]

    def is_standing(self, watch_id: str) -> bool:
        """Whether it is a watch that a rule has in the whole city."""
        return self.rule_of_watch(watch_id) is not None

    def rule_of_watch(self, watch_id: str | None) -> Rule | None:
        memory = self.memories.get(self._memories.name_of_watch(watch_id))
        return self.rule_named(memory.rule) if memory is not None else None

    def memory_of_watch(self, watch_id: str) -> Memory:
        """The memory that stands for a watch of a rule. ``KeyError`` without one."""
        return self.memories[self._memories.name_of_watch(watch_id)]

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
        return self._row(CLOCK, CLOCK, self.clock_body())

    def _row(self, key: str, kind: str, body: bytes | None) -> Event:
        return state_row(key, kind, body, self.rules.city, now=self.now_ms, sequence=self.sequence)
