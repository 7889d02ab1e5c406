"""A crash or fire that holds up traffic: transit and the hubs around it are told, once, until it flows again. Pure.

Vehicles' speed comes by cell and minute, and each cell knows its usual speed at that hour (``pace.py``). An impact
begins when the cells around an open crash or fire that are slower than ``begin_share`` of their usual speed hold at
least ``min_vehicles`` in each of ``min_minutes``. It is over when those cells together have been faster than
``over_share`` for ``over_after_min``, when nobody was seen there for ``silent_min``, or when what caused it is. Between
the shares nothing changes: what flaps is one impact. While it lasts, no cell around it learns, and what was not learnt
yet since the cause began is dropped: the usual level is not moved by it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msgspec import Struct, convert, json
from msgspec.structs import replace
from pydantic import Field, model_validator

from schemas.event import derived_id
from streams.geo import distance_m
from streams.situations import pace as levels
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.handling import opened_again
from streams.situations.handling import together as handled_together
from streams.situations.languages import words_of
from streams.situations.lasting import numbers_beside
from streams.situations.model import Observed, Position, Situation, View
from streams.situations.notices import HUB, SPEED
from streams.situations.pace import CELL, MINUTE_MS, RULE, Pace, Paces, Reading, Together, together
from streams.situations.rule import City, Draft, Heard, Memory, Step
from streams.situations.terms import Severity, Strict, Urgency, is_a
from streams.speed.cells import cells_near

NAME, VERSION = RULE, "1"
IMPACTS, REGISTER, HUB_OF = "impacts", "register", "hub:"
DAY_MS = 86_400_000
CHAIN_MAX = 20


@cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(numbers_beside(__file__).read_text(encoding="utf-8"))


def _default(name: str, **bounds: Any) -> Any:
    return Field(default_factory=lambda: _defaults()[name], validate_default=True, **bounds)


class Words(Strict):
    """What is told in one language."""

    slow: str
    over: str

    @model_validator(mode="after")
    def _sound(self) -> Words:
        for template in (self.slow, self.over):
            try:
                template.format(kind="", cause="", speed="", usual="", radius="")
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{template!r} may use {{kind}}, {{cause}}, {{speed}}, {{usual}}, {{radius}} only"
                ) from error
        return self


class Numbers(Strict):
    """What ``[[rule]] name = "traffic-impact"`` of a city's file may say."""

    kinds: tuple[str, ...] = _default("kinds", min_length=1)
    kind: str = _default("kind")
    radius_m: float = _default("radius_m", gt=0, le=5_000)
    begin_share: float = _default("begin_share", gt=0, lt=1)
    over_share: float = _default("over_share", gt=0, le=1)
    over_after_min: float = _default("over_after_min", ge=0)
    min_vehicles: int = _default("min_vehicles", ge=1)
    min_minutes: int = _default("min_minutes", ge=1)
    window_min: float = _default("window_min", ge=1, le=60)
    look_min: float = _default("look_min", gt=0)
    silent_min: float = _default("silent_min", gt=0)
    retell_share: float = _default("retell_share", gt=0)
    retell_grow: float = _default("retell_grow", gt=1)
    memory_days: float = _default("memory_days", ge=1)
    guard_h: float = _default("guard_h", ge=0, le=48)
    edge_min: float = _default("edge_min", ge=0, le=60)
    usual_minutes_min: float = _default("usual_minutes_min", ge=1)
    usual_min_mps: float = _default("usual_min_mps", ge=0)
    severity: Severity = _default("severity")
    urgency: Urgency = _default("urgency")
    tell: tuple[str, ...] = _default("tell")
    hub_kinds: tuple[str, ...] = _default("hub_kinds")
    hubs_told_max: int = _default("hubs_told_max", ge=0, le=1_000)
    cells_max: int = _default("cells_max", ge=1)
    hubs_max: int = _default("hubs_max", ge=0)
    impacts_max: int = _default("impacts_max", ge=1, le=10_000)
    headlines: dict[str, Words] = Field(default_factory=lambda: words_of(NAME), validate_default=True)

    @model_validator(mode="after")
    def _sound(self) -> Numbers:
        if self.over_share <= self.begin_share:
            raise ValueError("over_share must lie above begin_share: an impact would end as it begins")
        return self


class Impact(Struct, frozen=True, gc=False):
    """What one cause does to traffic, kept while the cause is open. *cells* are those that were slow; *told_share* and
    *told_cells* how it was last told; *seen* is when anybody was last seen in it, *calm_since* since when it is fast,
    *began* when it began, the last time that it did."""

    situation_id: str
    is_on: bool
    cells: tuple[str, ...]
    told_share: float
    told_cells: int
    seen: int
    calm_since: int | None = None
    began: int = 0


class Register(Struct, frozen=True, gc=False):
    """How much is remembered, and what was not for want of room: counted."""

    cells: int = 0
    hubs: int = 0
    left_out: dict[str, int] = {}


@dataclass(slots=True)
class Turn:
    """One question to the rule: the city as it is, and what is to be remembered and told."""

    city: City
    now_ms: int
    impacts: dict[str, Impact]
    fresh: dict[str, Pace] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    forgets: list[str] = field(default_factory=list)
    merged: list[tuple[Situation, str]] = field(default_factory=list)

    @property
    def paces(self) -> Paces:
        return Paces(self.city, self.fresh)

    def register(self) -> Register:
        memory = self.city.memories.get(f"{NAME}:{REGISTER}")
        return Register() if memory is None else convert(memory.body, Register)

    def registered(self, register: Register) -> None:
        wake_at = None
        if register.cells or register.hubs:  # once a day what nobody drives in any more goes
            wake_at = (self.city.now_ms // DAY_MS + 1) * DAY_MS
        self.memories.append(Memory(NAME, REGISTER, json.decode(json.encode(register)), wake_at))

    def leaves_out(self, what: str) -> None:
        register = self.register()
        count = register.left_out.get(what, 0) + 1
        self.registered(replace(register, left_out={**register.left_out, what: count}))


class TrafficImpact:
    """Asked with each speed, each report, and once a minute while anything is held up."""

    name = NAME
    version = VERSION
    speaks_last = True
    standing = None
    keeps = frozenset({f"{NAME}:"})
    notices = frozenset({SPEED, HUB})

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self._level = levels.Numbers.among(numbers.model_dump())
        self._names = config.names
        self._words = numbers.headlines.get(config.spoken) or next(iter(numbers.headlines.values()))

    def on_event(self, city: City, heard: Heard) -> Step:
        """What a report changes: its situation may be held against the speeds there are, or be over."""
        owner = self._cause(city, city.owners.get(heard.incident.incident_id))
        turn = self._turn(city)
        if owner is None or (owner.situation_id not in turn.impacts and not self._may_hold_up(owner)):
            return Step()
        self._looked_at(turn, owner)
        return self._answer(turn)

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        return Step()

    def on_notice(self, city: City, entry: Entry) -> Step:
        is_hub = entry.topic.partition(".")[2] == HUB
        return self._hub(city, entry) if is_hub else self._speed(city, entry)

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Impacts are looked at whether or not anything is heard; what nobody drives in any more is forgotten."""
        turn = self._turn(city)
        if isinstance(due, Situation):
            return Step()
        if due.key == REGISTER:
            return self._swept(turn)
        for cause_id in list(turn.impacts):
            owner = self._cause(city, cause_id)
            if owner is None:
                self._gone(turn, cause_id)
            else:
                self._moved(turn, cause_id, owner)
        return self._answer(turn)

    def on_action(self, city: City, after: Situation) -> Draft:
        """Opened again, it says how fast it is now; the next look begins it anew."""
        words = after.view.words
        if after.is_closed:
            words = self._said("over", "", None)
        elif city.situations[after.situation_id].is_closed:
            words = self._said_now(city, after) or words
        return Draft(replace(after, view=replace(after.view, words=words)), {})

    def otherwise(self, city: City, situation: Situation) -> str | None:
        """What speed would have been none, or would have kept it going."""
        for cause_id, impact in _impacts(city).items():
            if impact.situation_id == situation.situation_id:
                now = self._now(self._turn(city), impact, self._cause(city, cause_id))
                usual = "" if now is None else f" ({_kmh(now.usual)} km/h)"
                numbers = self._numbers
                return (
                    f"slower than {numbers.begin_share:.0%} of the usual speed{usual} begins one;"
                    f" faster than {numbers.over_share:.0%} for {numbers.over_after_min:g} min ends it"
                )
        return None

    # -- what comes in ---------------------------------------------------------------------------------------

    def _speed(self, city: City, entry: Entry) -> Step:
        """A cell's minute: remembered, learnt unless an impact is on there, and held against what is open nearby."""
        value = entry.value
        cell, minute = value["cell"], value["event_time"]
        turn = self._turn(city, minute + MINUTE_MS)
        before, centre = turn.paces.of(cell), Position(value["position"]["lat"], value["position"]["lon"])
        if before is not None and minute <= before.heard:
            return Step()  # told twice
        if before is None and not self._has_room(turn, cell):
            return Step(memories=turn.memories)
        event = (value["event_id"], entry.topic, entry.partition, entry.offset)
        pace = Pace(minute, event) if before is None else replace(before, event=event)
        pace = pace.heard_of(
            minute,
            value["vehicles"],
            value["mean_speed_mps"],
            numbers=self._level,
            is_frozen=self._is_frozen(turn, centre),
            zone=city.zone,
        )
        turn.fresh[cell] = pace
        for owner in city.live_near([centre], self._numbers.radius_m):
            if owner.situation_id in turn.impacts or self._may_hold_up(owner):
                self._looked_at(turn, owner)
        return self._answer(turn)

    def _has_room(self, turn: Turn, cell: str) -> bool:
        register = turn.register()
        if register.cells >= self._numbers.cells_max:
            turn.leaves_out("cells")
            return False
        turn.registered(replace(register, cells=register.cells + 1))
        return True

    def _is_frozen(self, turn: Turn, at: Position) -> bool:
        causes = (self._cause(turn.city, one) for one, impact in turn.impacts.items() if impact.is_on)
        places = (one.view.position for one in causes if one is not None)
        return any(
            distance_m(at.lat, at.lon, one.lat, one.lon) <= self._numbers.radius_m
            for one in places
            if one is not None
        )

    def _hub(self, city: City, entry: Entry) -> Step:
        """Where a hub stands."""
        value, turn = entry.value, self._turn(city)
        key, at = HUB_OF + value["hub_id"], value["position"]
        is_known = f"{NAME}:{key}" in city.memories
        register = turn.register()
        if at is None or value["kind"] not in self._numbers.hub_kinds:
            if is_known:
                turn.registered(replace(register, hubs=register.hubs - 1))
                turn.forgets.append(f"{NAME}:{key}")
            return Step(memories=turn.memories, forgets=turn.forgets)
        if not is_known and register.hubs >= self._numbers.hubs_max:
            turn.leaves_out("hubs")
            return Step(memories=turn.memories)
        if not is_known:
            turn.registered(replace(register, hubs=register.hubs + 1))
        return Step(memories=[*turn.memories, Memory(NAME, key, {"lat": at["lat"], "lon": at["lon"]})])

    def _swept(self, turn: Turn) -> Step:
        """Once a day: cells in which nobody was seen for as long as anything is remembered are forgotten."""
        city, oldest = turn.city, turn.city.now_ms - self._numbers.memory_days * DAY_MS
        prefix = f"{NAME}:{CELL}"
        gone = sorted(
            name
            for name, one in city.memories.items()
            if name.startswith(prefix) and one.body["heard"] < oldest
        )
        register = turn.register()
        turn.registered(replace(register, cells=register.cells - len(gone)))
        return Step(memories=turn.memories, forgets=gone)

    # -- impacts ---------------------------------------------------------------------------------------------

    def _turn(self, city: City, now_ms: int = 0) -> Turn:
        return Turn(city, max(city.now_ms, now_ms), _impacts(city))

    def _answer(self, turn: Turn) -> Step:
        memories = [*turn.memories, *(pace.remembered(cell) for cell, pace in sorted(turn.fresh.items()))]
        body = json.decode(json.encode(dict(sorted(turn.impacts.items()))))
        held = turn.city.memories.get(f"{NAME}:{IMPACTS}")
        if body or (held is not None and held.body):
            wake_at = turn.city.now_ms + round(self._numbers.look_min * MINUTE_MS) if body else None
            if held is not None and body and held.wake_at is not None and held.wake_at > turn.city.now_ms:
                wake_at = held.wake_at
            memories.append(Memory(NAME, IMPACTS, body, wake_at))
        return Step(_handed_on(turn), memories, turn.forgets)

    def _cause(self, city: City, situation_id: str | None) -> Situation | None:
        """The situation of that id, or what it was merged into."""
        situation = city.situations.get(situation_id or "")
        for _ in range(CHAIN_MAX):
            if situation is None or situation.view.merged_into is None:
                break
            situation = city.situations.get(situation.view.merged_into)
        return situation

    def _may_hold_up(self, owner: Situation) -> bool:
        return owner.is_placed and any(is_a(owner.view.kind, one) for one in self._numbers.kinds)

    def _moved(self, turn: Turn, cause_id: str, owner: Situation) -> None:
        """The cause may have been merged: its impact goes on with the other, unless that has one of its own."""
        if cause_id != owner.situation_id:
            if owner.situation_id in turn.impacts:
                self._gone(turn, cause_id, into=turn.impacts[owner.situation_id].situation_id)
                return
            turn.impacts[owner.situation_id] = turn.impacts.pop(cause_id)
        self._looked_at(turn, owner)

    def _looked_at(self, turn: Turn, owner: Situation) -> None:
        impact = turn.impacts.get(owner.situation_id)
        at = owner.view.position
        if not self._may_hold_up(owner) or at is None:
            if impact is not None:
                self._gone(turn, owner.situation_id)
            return
        readings = turn.paces.readings(at, self._numbers.radius_m, turn.now_ms, self._level)
        slow = [one for one in readings if one.share is not None and one.share < self._numbers.begin_share]
        if impact is None or not impact.is_on or self._is_reopened(turn, impact):
            if self._is_enough(slow):
                self._begun(turn, owner, impact, slow)
        else:
            self._goes_on(turn, owner, impact, readings, slow)

    def _is_reopened(self, turn: Turn, impact: Impact) -> bool:
        """Whether an operator opened it again, and it has not begun since: what was measured before counts no more."""
        situation = turn.city.situations.get(impact.situation_id)
        actions = () if situation is None else situation.handled.actions
        return any(one.action == "reopen" and one.at > impact.began for one in actions)

    def _is_enough(self, slow: Sequence[Reading]) -> bool:
        now = together(slow)
        return now is not None and now.vehicles_in(self._numbers.min_minutes) >= self._numbers.min_vehicles

    def _begun(self, turn: Turn, owner: Situation, impact: Impact | None, slow: Sequence[Reading]) -> None:
        city, now = turn.city, together(slow)
        before = None if impact is None else city.situations.get(impact.situation_id)
        if now is None or (before is not None and not self._is_open_to(before)):
            return
        if impact is None and len(turn.impacts) >= self._numbers.impacts_max:
            turn.leaves_out("impacts")
            return
        its_id = derived_id(NAME, owner.situation_id, turn.now_ms) if before is None else before.situation_id
        view = self._drawn(turn, owner, slow, now)
        reason = f"slower than usual around {owner.situation_id}: {self._measured(now)}"
        if before is None:
            situation = Situation(its_id, owner.anchor, city.sequence, 1, reason, view, rule=NAME)
        else:
            view = replace(view, opened_at=before.view.opened_at)
            situation = replace(before, revision=before.revision + 1, reason=reason, view=view)
        self._forget_since(turn, owner)
        cells = tuple(sorted(one.cell for one in slow))
        turn.impacts[owner.situation_id] = Impact(
            its_id, True, cells, now.share, len(cells), turn.now_ms, began=city.now_ms
        )
        turn.drafts.append(Draft(situation, {}))

    def _is_open_to(self, before: Situation) -> bool:
        """Whether what was over may begin again: not what an operator closed."""
        return before.handled.hold != "closed"

    def _forget_since(self, turn: Turn, owner: Situation) -> None:
        """What the cells around have not learnt yet since the cause began, they never do."""
        at = owner.view.position
        for cell, _ in cells_near(at.lat, at.lon, self._numbers.radius_m) if at is not None else ():
            pace = turn.paces.of(cell)
            after = None if pace is None else pace.forgetting(owner.view.opened_at)
            if pace is not None and after is not None and after != pace:
                turn.fresh[cell] = after

    def _goes_on(
        self,
        turn: Turn,
        owner: Situation,
        impact: Impact,
        readings: Sequence[Reading],
        slow: Sequence[Reading],
    ) -> None:
        numbers, cells = self._numbers, tuple(sorted({*impact.cells, *(one.cell for one in slow)}))
        inside = [one for one in readings if one.cell in cells]
        now = together(inside)
        impact = replace(impact, cells=cells)
        if now is None:
            if turn.now_ms - impact.seen >= numbers.silent_min * MINUTE_MS:
                reason = f"nobody was seen there for {numbers.silent_min:g} min"
                self._over(turn, owner.situation_id, impact, reason)
            else:
                turn.impacts[owner.situation_id] = impact
            return
        impact = replace(impact, seen=turn.now_ms)
        if now.share <= numbers.over_share:
            impact = replace(impact, calm_since=None)
        elif impact.calm_since is None:
            impact = replace(impact, calm_since=turn.now_ms)
        calm_since = impact.calm_since
        if calm_since is not None and turn.now_ms - calm_since >= numbers.over_after_min * MINUTE_MS:
            reason = f"faster again for {numbers.over_after_min:g} min: {self._measured(now)}"
            self._over(turn, owner.situation_id, impact, reason)
            return
        turn.impacts[owner.situation_id] = self._retold(turn, owner, impact, inside, now)

    def _retold(
        self, turn: Turn, owner: Situation, impact: Impact, inside: Sequence[Reading], now: Together
    ) -> Impact:
        """Told again when it has clearly become worse, or when its cause lies elsewhere now."""
        before = turn.city.situations.get(impact.situation_id)
        if before is None or before.is_closed:
            return impact
        is_slower = now.share <= impact.told_share - self._numbers.retell_share
        is_wider = len(impact.cells) >= impact.told_cells * self._numbers.retell_grow
        at, was = owner.view.position, before.view.position
        is_moved = at is not None and was is not None and (at.lat, at.lon) != (was.lat, was.lon)
        if not (is_slower or is_wider or is_moved or owner.situation_id not in before.view.beneath):
            return impact
        view = replace(self._drawn(turn, owner, inside, now), opened_at=before.view.opened_at)
        view = replace(view, status=before.view.status)
        reason = f"it has changed: {self._measured(now)}"
        after = replace(before, revision=before.revision + 1, reason=reason, view=view)
        turn.drafts.append(Draft(after, {}))
        return replace(impact, told_share=now.share, told_cells=len(impact.cells))

    def _over(self, turn: Turn, cause_id: str, impact: Impact, reason: str) -> None:
        """The impact is; its cause is not: it may begin again, and is the same situation then."""
        before = turn.city.situations.get(impact.situation_id)
        if before is not None and not before.is_closed:
            if before.handled.hold == "open":
                turn.impacts[cause_id] = impact
                return
            turn.drafts.append(self._ended(turn, before, reason))
        turn.impacts[cause_id] = replace(impact, is_on=False, calm_since=None, cells=())

    def _gone(self, turn: Turn, cause_id: str, into: str | None = None) -> None:
        """What caused it is over, or forgotten."""
        impact = turn.impacts.pop(cause_id)
        before = turn.city.situations.get(impact.situation_id)
        if before is not None and not before.is_closed and before.handled.hold != "open":
            reason = "what caused it is over" if into is None else f"merged into {into}"
            turn.drafts.append(self._ended(turn, before, reason, into))
            if into is not None:
                turn.merged.append((before, into))

    def _ended(self, turn: Turn, before: Situation, reason: str, into: str | None = None) -> Draft:
        words = self._said("over", "", None)
        view = replace(
            before.view, status="closed", closed_at=turn.city.now_ms, words=words, merged_into=into
        )
        return Draft(replace(before, revision=before.revision + 1, reason=reason, view=view), {})

    def _now(self, turn: Turn, impact: Impact, owner: Situation | None) -> Together | None:
        at = None if owner is None else owner.view.position
        if at is None:
            return None
        readings = turn.paces.readings(at, self._numbers.radius_m, turn.now_ms, self._level)
        return together(one for one in readings if one.cell in impact.cells)

    # -- what is told ----------------------------------------------------------------------------------------

    def _drawn(self, turn: Turn, owner: Situation, readings: Sequence[Reading], now: Together) -> View:
        at, numbers = owner.view.position, self._numbers
        opened_at = turn.city.now_ms
        return View(
            kind=numbers.kind,
            status="open",
            opened_at=opened_at,
            closed_at=None,
            position=at,
            agencies=tuple(sorted({*numbers.tell, *self._hubs(turn.city, at)})),
            incidents=(),
            severity=numbers.severity,
            urgency=numbers.urgency,
            certainty="observed",
            cameras=(),
            observed=tuple(_observed(one, opened_at) for one in readings),
            radius_m=numbers.radius_m,
            words=self._said_slow(owner, now),
            beneath=(owner.situation_id,),
        )

    def _hubs(self, city: City, at: Position | None) -> Iterator[str]:
        """The nearest hubs within the radius, as audiences."""
        prefix = f"{NAME}:{HUB_OF}"
        found = [
            (distance_m(at.lat, at.lon, one.body["lat"], one.body["lon"]), name.removeprefix(prefix))
            for name, one in city.memories.items()
            if at is not None and name.startswith(prefix)
        ]
        near = sorted(one for one in found if one[0] <= self._numbers.radius_m)
        return (HUB_OF + hub for _, hub in near[: self._numbers.hubs_told_max])

    def _measured(self, now: Together) -> str:
        return (
            f"{_kmh(now.speed)} km/h, usually {_kmh(now.usual)} ({now.share:.0%}),"
            f" {now.vehicles_in(1)} vehicles in a minute"
        )

    def _said_now(self, city: City, situation: Situation) -> str | None:
        """How fast it is around *situation*; ``None`` where nobody is seen."""
        at, turn = situation.view.position, self._turn(city)
        owner = self._cause(city, next(iter(situation.view.beneath), None))
        if at is None or owner is None:
            return None
        now = together(turn.paces.readings(at, self._numbers.radius_m, turn.now_ms, self._level))
        return None if now is None else self._said_slow(owner, now)

    def _said_slow(self, owner: Situation, now: Together) -> str:
        return self._said("slow", self._names.get(owner.view.kind, owner.view.kind), now)

    def _said(self, template: str, cause: str, now: Together | None) -> str:
        text: str = getattr(self._words, template)
        return text.format(
            kind=self._names.get(self._numbers.kind, self._numbers.kind),
            cause=cause,
            speed="" if now is None else _kmh(now.speed),
            usual="" if now is None else _kmh(now.usual),
            radius=f"{self._numbers.radius_m:.0f}",
        )


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> TrafficImpact:
    return TrafficImpact(config, Numbers.model_validate(numbers))


def _impacts(city: City) -> dict[str, Impact]:
    memory = city.memories.get(f"{NAME}:{IMPACTS}")
    return {} if memory is None else {whose: convert(one, Impact) for whose, one in memory.body.items()}


def _handed_on(turn: Turn) -> list[Draft]:
    """What is told, in which what operators did with what is merged goes on with the other."""
    drafts = {one.situation.situation_id: one for one in turn.drafts}
    for gone, into in turn.merged:
        before = turn.city.situations.get(into)
        if before is None:
            continue
        again = replace(before, revision=before.revision + 1, reason="what was done with another is of this")
        after = drafts[into].situation if into in drafts else again
        done = opened_again(gone.handled) if before.is_closed else gone.handled
        its = handled_together(after.handled, done)
        if its != after.handled:
            drafts[into] = Draft(replace(after, handled=its), {})
    return list(drafts.values())


def _observed(one: Reading, opened_at: int) -> Observed:
    event_id, topic, partition, offset = one.pace.event
    seconds = (one.pace.heard - opened_at) / 1000
    return Observed(event_id, topic, partition, offset, one.away_m, seconds, "speed", one.cell)


def _kmh(mps: float) -> str:
    return f"{mps * 3.6:.0f}"
