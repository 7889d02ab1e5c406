"""Happenings of the simulated city, and the reports of 119 and 112 about them. Pure, and the same on every machine.

Time is cut into slots of ``pace_s``; one thing happens in each, drawn from (seed, slot) alone. So two sources
with one seed report the same happenings without exchanging anything, whenever each of them begins.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from connectors.base import Bounds
from connectors.simulation.chance import Spot, moved, somewhere
from schemas.event import derived_id

Domain = Literal["fire", "police"]

STEPS: dict[Domain, tuple[str, str, str, str]] = {
    "fire": ("접수", "출동", "도착", "종결"),
    "police": ("접수", "출동지령", "현장도착", "종결"),
}
"""Each agency's words for open, dispatched, arrived, closed (``kinds.toml`` maps them to ours)."""
STEP_S = ((0, 0), (2, 6), (8, 20), (35, 70))
"""Seconds from the report to each step, at ``life`` 1: at least, at most."""
LIFE_S_MAX = 120
"""No report comes later, and no case lasts longer, than this after its happening, at ``life`` 1."""
UNITS: dict[Domain, tuple[str, str]] = {"fire": ("펌프", "구급"), "police": ("순찰", "교통")}


class Happens(NamedTuple):
    """One sort of happening: how often, and the word of each agency that is called."""

    weight: int
    words: dict[Domain, str]


SORTS = (
    Happens(3, {"fire": "교통사고", "police": "교통사고"}),
    Happens(1, {"fire": "보행자 교통사고", "police": "보행자 교통사고"}),
    Happens(3, {"fire": "구급"}),
    Happens(1, {"fire": "심정지"}),
    Happens(1, {"fire": "건물화재"}),
    Happens(1, {"fire": "차량화재"}),
    Happens(1, {"fire": "자동화재속보"}),
    Happens(3, {"police": "절도"}),
    Happens(1, {"police": "폭행"}),
    Happens(1, {"police": "소란"}),
)
JOINT_EVERY = 3
"""Every third slot is a crash to which both agencies are called, so that a joint situation comes soon."""


@dataclass(frozen=True, slots=True)
class City:
    """Where and how fast things happen."""

    seed: int
    bounds: Bounds
    around: tuple[Spot, ...] = ()
    pace_s: float = 6
    life: float = 1

    @property
    def inner(self) -> Bounds:
        """The city without its rim, so that what is reported beside a happening still lies in the city."""
        b, rim = self.bounds, 0.001
        return Bounds(b.south + rim, b.west + rim, b.north - rim, b.east - rim)

    @property
    def slot_ms(self) -> int:
        return round(self.pace_s * 1000)


@dataclass(frozen=True, slots=True)
class Report:
    """One agency's report of a happening."""

    domain: Domain
    case_no: str
    word: str
    lat: float
    lon: float
    steps_ms: tuple[int, ...]
    units: tuple[str, ...]

    def records(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The case as the agency sends it, again at each step: (when, what)."""
        for number, at_ms in enumerate(self.steps_ms):
            yield (
                at_ms,
                {
                    "case_no": self.case_no,
                    "sequence": number + 1,
                    "type": self.word,
                    "status": STEPS[self.domain][number],
                    "lat": self.lat,
                    "lon": self.lon,
                    "units": list(self.units) if number else [],
                    "reported_at": _iso(self.steps_ms[0]),
                    "changed_at": _iso(at_ms),
                },
            )


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def _sort(chance: random.Random, slot: int) -> Happens:
    if slot % JOINT_EVERY == 0:
        return SORTS[0] if chance.random() < 0.75 else SORTS[1]
    left = chance.random() * sum(sort.weight for sort in SORTS)
    for sort in SORTS:
        left -= sort.weight
        if left < 0:
            return sort
    return SORTS[-1]


def _report(chance: random.Random, city: City, domain: Domain, slot: int, word: str) -> Report:
    begun_ms = slot * city.slot_ms + round(chance.random() * city.slot_ms)
    lat, lon = somewhere(chance, city.inner, city.around)
    own = random.Random(f"{city.seed}:{domain}:{slot}")  # noqa: S311 - repeatable on purpose
    delay_s = 1 + own.random() * 15
    if domain == "police":  # called to another corner, 10 to 140 m away
        sides = [-1 if own.random() < 0.5 else 1 for _ in range(2)]
        north_m, east_m = (side * (8 + own.random() * 90) for side in sides)
        lat, lon = moved(lat, lon, north_m=north_m, east_m=east_m)
    waits = [low + own.random() * (high - low) for low, high in STEP_S]
    steps = tuple(begun_ms + round((delay_s + wait) * city.life * 1000) for wait in waits)
    day = datetime.fromtimestamp(begun_ms / 1000, UTC)
    case_no = f"{day:%y%m%d}-{derived_id('case', domain, city.seed, slot)[:6].upper()}"
    names = UNITS[domain][: 1 + int(own.random() * 2)]
    units = tuple(f"{name}{1 + int(own.random() * 40):02d}" for name in names)
    return Report(domain, case_no, word, lat, lon, steps, units)


def report(city: City, domain: Domain, slot: int) -> Report | None:
    """The report of *domain*'s agency on the happening of *slot*; ``None`` when it is not called."""
    chance = random.Random(f"{city.seed}:{slot}")  # noqa: S311 - repeatable on purpose
    sort = _sort(chance, slot)
    word = sort.words.get(domain)
    return _report(chance, city, domain, slot, word) if word else None


def scenario(city: City, domain: Domain, start_ms: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """All reports of *domain*'s agency from *start_ms* on, without end, in order of time: (when in epoch ms,
    record).

    Cases that began before *start_ms* go on.
    """
    slot = (start_ms - round(LIFE_S_MAX * city.life * 1000)) // city.slot_ms
    waiting: list[tuple[int, str, int, dict[str, Any]]] = []
    while True:
        while waiting and waiting[0][0] < slot * city.slot_ms:
            at_ms, _, _, record = heapq.heappop(waiting)
            if at_ms >= start_ms:
                yield at_ms, record
        heard = report(city, domain, slot)
        for at_ms, record in heard.records() if heard else ():
            heapq.heappush(waiting, (at_ms, record["case_no"], record["sequence"], record))
        slot += 1
