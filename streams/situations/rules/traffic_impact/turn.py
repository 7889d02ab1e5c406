"""One question to the rule ``traffic-impact``: the city as it is, what the rule remembers of it, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct
from msgspec.structs import replace

from streams.situations.memory import Memory, memory_of, name_of, remembered
from streams.situations.model import Position, Situation
from streams.situations.rule import City, Draft, Step
from streams.situations.rules.traffic_impact.config import NAME, Numbers
from streams.situations.rules.traffic_impact.pace import CELL, MINUTE_MS, Pace, Paces, Reading

IMPACTS, REGISTER, HUB_OF = "impacts", "register", "hub:"
DAY_MS = 86_400_000
CHAIN_MAX = 20


class Impact(Struct, frozen=True, gc=False):
    """The effect of one cause on traffic, kept while the cause is open. *cells* are those that were slow; *told_share* and
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
    """The number of cells and hubs that are remembered, and of what was left out for want of room."""

    cells: int = 0
    hubs: int = 0
    left_out: dict[str, int] = {}


class Hub(Struct, frozen=True, gc=False):
    """The place of a hub, remembered under its id."""

    lat: float
    lon: float


@dataclass(slots=True)
class Turn:
    """One question to the rule: the city as it is, and what is to be remembered and told. *merged* are situations with the
    id of the one that each is merged into."""

    city: City
    numbers: Numbers
    now_ms: int
    impacts: dict[str, Impact]
    fresh: dict[str, Pace] = field(default_factory=dict)
    drafts: list[Draft] = field(default_factory=list)
    memories: list[Memory] = field(default_factory=list)
    forgets: list[str] = field(default_factory=list)
    merged: list[tuple[Situation, str]] = field(default_factory=list)

    @classmethod
    def of(cls, city: City, numbers: Numbers, now_ms: int = 0) -> Turn:
        return cls(city, numbers, max(city.now_ms, now_ms), impacts_of(city))

    @property
    def paces(self) -> Paces:
        return Paces(self.city, self.numbers, self.fresh)

    def readings(self, at: Position) -> list[Reading]:
        """Each cell within the rule's radius of *at* in which anybody moved of late."""
        return self.paces.readings(at, self.numbers.radius_m, self.now_ms)

    def cause(self, situation_id: str | None) -> Situation | None:
        """The situation of that id, or what it was merged into."""
        situations = self.city.situations
        situation = situations.get(situation_id or "")
        for _ in range(CHAIN_MAX):
            if situation is None or situation.view.merged_into is None:
                break
            situation = situations.get(situation.view.merged_into)
        return situation

    # -- the register ----------------------------------------------------------------------------------------

    def register(self) -> Register:
        return remembered(self.city.memories, NAME, REGISTER, Register) or Register()

    def registered(self, register: Register) -> None:
        wake_at = None
        if register.cells or register.hubs:  # once a day what nobody drives in any more goes
            wake_at = (self.city.now_ms // DAY_MS + 1) * DAY_MS
        self.memories.append(memory_of(NAME, REGISTER, register, wake_at=wake_at))

    def leaves_out(self, what: str) -> None:
        register = self.register()
        count = register.left_out.get(what, 0) + 1
        self.registered(replace(register, left_out={**register.left_out, what: count}))

    # -- the answer ------------------------------------------------------------------------------------------

    def step(self, drafts: list[Draft]) -> Step:
        """*drafts* with all that is remembered from now on: the next look is a minute away while an impact is on."""
        cells = (memory_of(NAME, CELL + cell, pace) for cell, pace in sorted(self.fresh.items()))
        memories, now = [*self.memories, *cells], self.city.now_ms
        held = self.city.memories.get(name_of(NAME, IMPACTS))
        if self.impacts or (held is not None and held.body):
            wake_at = now + round(self.numbers.look_min * MINUTE_MS) if self.impacts else None
            if held is not None and self.impacts and held.wake_at is not None and held.wake_at > now:
                wake_at = held.wake_at  # a look is due already
            memories.append(memory_of(NAME, IMPACTS, dict(sorted(self.impacts.items())), wake_at=wake_at))
        return Step(drafts, memories, self.forgets)


def impacts_of(city: City) -> dict[str, Impact]:
    """The impacts that are remembered, by the situation that caused each."""
    return remembered(city.memories, NAME, IMPACTS, dict[str, Impact]) or {}
