"""Many more calls of one family than usual: one area alert instead of a flood, the single situations beneath it. Pure.

The statistics. Calls are taken as a Poisson count whose mean *m* follows the hour of the day. *n* calls in the window are
``2 (√(n + 3/8) − √(m + 3/8)) / √(φ (1 + 1/w))`` standard deviations above it: Anscombe's transformation, which gives a
Poisson count the variance 1/4 whatever its mean (F. J. Anscombe, "The transformation of Poisson, binomial and
negative-binomial data", Biometrika 35, 1948), widened for a mean that is itself known from *w* days only, and by φ, the
family's ``spread``, for calls that come in bunches or differ from day to day. A surge begins at ``raise_at``
such deviations: the mean + 3 of the Early Aberration Reporting System (L. Hutwagner et al., "The bioterrorism preparedness
and response Early Aberration Reporting System", J. Urban Health 80, 2003), whose guard band is kept too: an hour is learnt
``guard_h`` after its end, and never one that a surge touches, as C. P. Farrington et al. leave past outbreaks out of the
baseline ("A statistical algorithm for the early detection of outbreaks", J. R. Statist. Soc. A 159, 1996). Additions,
divisions and square roots only: every machine finds the same number.

The level of an hour is the file's, weighing ``file_days``, together with the calls of the same local hour on each day
seen, fading over ``memory_days``.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from msgspec import Struct, convert, json
from msgspec.structs import replace
from pydantic import Field, model_validator

from schemas.event import derived_id
from streams.geo import distance_m
from streams.situations.config import RulesConfig
from streams.situations.languages import words_of
from streams.situations.model import Incident, Observed, Position, Situation, View
from streams.situations.rates import ALL, HOUR_MS
from streams.situations.rule import City, Draft, Heard, Memory, Step
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "surge", "1"
MINUTE_MS = 60_000
HOURS = 24
CALLS_MAX = 100_000


@cache
def _defaults() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("surge.toml").read_text(encoding="utf-8"))


def _default(name: str) -> Any:
    return Field(default_factory=lambda: _defaults()[name], validate_default=True)


Hours = Annotated[tuple[float, ...], Field(min_length=HOURS, max_length=HOURS)]


class Family(Strict):
    """Kinds whose calls are counted together, and how many of them an hour are usual."""

    kinds: tuple[str, ...] = Field(min_length=1)
    per_hour: float = Field(ge=0)
    by_hour: Hours | None = None
    floor: int | None = Field(None, ge=1)
    spread: float = Field(1, ge=1, description="variance against mean: 1 for calls that come by themselves")
    severity: Severity | None = None


class Words(Strict):
    """What a surge's alert says in one language."""

    surge: str
    over: str

    @model_validator(mode="after")
    def _sound(self) -> Words:
        for template in (self.surge, self.over):
            try:
                template.format(kind="", count=1, minutes=1, usual="")
            except (KeyError, IndexError, ValueError) as error:
                raise ValueError(
                    f"{template!r} may use {{kind}}, {{count}}, {{minutes}}, {{usual}} only"
                ) from error
        return self


class Numbers(Strict):
    """What ``[[rule]] name = "surge"`` of a city's file may say."""

    window_min: float = Field(default_factory=lambda: _defaults()["window_min"], gt=0, le=1_440)
    raise_at: float = Field(default_factory=lambda: _defaults()["raise_at"], gt=0)
    over_at: float = Field(default_factory=lambda: _defaults()["over_at"])
    over_after_min: float = Field(default_factory=lambda: _defaults()["over_after_min"], ge=0)
    floor: int = Field(default_factory=lambda: _defaults()["floor"], ge=1)
    look_min: float = Field(default_factory=lambda: _defaults()["look_min"], ge=1)
    grow: float = Field(default_factory=lambda: _defaults()["grow"], gt=1)
    file_days: float = Field(default_factory=lambda: _defaults()["file_days"], gt=0)
    memory_days: float = Field(default_factory=lambda: _defaults()["memory_days"], ge=1)
    guard_h: float = Field(default_factory=lambda: _defaults()["guard_h"], ge=0, le=48)
    listed_max: int = Field(default_factory=lambda: _defaults()["listed_max"], ge=0, le=2_000)
    evidence_max: int = Field(default_factory=lambda: _defaults()["evidence_max"], ge=0, le=200)
    area_share: float = Field(default_factory=lambda: _defaults()["area_share"], gt=0, le=1)
    area_radius_min_m: float = Field(
        default_factory=lambda: _defaults()["area_radius_min_m"], ge=0, le=20_000
    )
    severity: Severity = _default("severity")
    urgency: Urgency = _default("urgency")
    by_hour: Hours = _default("by_hour")
    families: dict[str, Family] = Field(min_length=1)
    headlines: dict[str, Words] = Field(default_factory=lambda: words_of(NAME), validate_default=True)

    @model_validator(mode="after")
    def _sound(self) -> Numbers:
        if self.over_at >= self.raise_at:
            raise ValueError("over_at must lie below raise_at: a surge would end as it begins")
        return self


class Level(Struct, frozen=True, gc=False):
    """What is remembered of one family.

    *seen* is (calls, days) for each local hour of the day; hours of the epoch before *learnt_until* have been learnt or
    passed over. *surges* are spans of time (ms) that are never learnt. *situation_id* is the surge going on, raised at
    *began*, last told with *told_count* calls; *calm_since* is since when the rate has been back.
    """

    since: int
    learnt_until: int
    seen: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * HOURS
    surges: tuple[tuple[int, int], ...] = ()
    situation_id: str | None = None
    began: int = 0
    told_count: int = 0
    calm_since: int | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """*count* calls in the window, *usual* ones, and how many standard deviations the one is above the other."""

    count: int
    usual: float
    deviations: float

    def __str__(self) -> str:
        return f"{self.count} calls, usually {self.told_usual}: {self.deviations:.1f} standard deviations"

    @property
    def told_usual(self) -> str:
        return f"{self.usual:.0f}" if self.usual >= 10 else f"{self.usual:.1f}"


def deviations(count: int, usual: float, days: float, spread: float = 1) -> float:
    """How far *count* lies above *usual*, a mean known from *days* days, in standard deviations (see above)."""
    return 2 * (math.sqrt(count + 0.375) - math.sqrt(usual + 0.375)) / math.sqrt(spread * (1 + 1 / days))


class Surge:
    """Counts incidents, not revisions: each once, by its newest revision's kind and when it was first reported."""

    name = NAME
    version = VERSION
    speaks_last = False
    standing = None

    def __init__(self, config: RulesConfig, numbers: Numbers) -> None:
        self._numbers = numbers
        self.keeps = frozenset(f"{NAME}:{family}" for family in numbers.families)
        self._window_ms = round(numbers.window_min * MINUTE_MS)
        self._names = config.names
        self._words = numbers.headlines.get(config.spoken) or next(iter(numbers.headlines.values()))

    def on_event(self, city: City, heard: Heard) -> Step:
        """A call that counts anew may raise the surge of its family, or make it grow."""
        one, before = heard.incident, heard.before
        if before is not None and (before.kind, before.order) == (one.kind, one.order):
            return Step()
        named = {family: f"{NAME}:{family}" for family in self._numbers.families}
        if any(name not in city.memories for name in named.values()):
            begun = [family for family, name in named.items() if name not in city.memories]
            return Step(memories=[self._memory(family, self._begun(city), city) for family in begun])
        its = set(city.rates.families_of(one.kind))
        return _together([self._called(city, family, name) for family, name in named.items() if name in its])

    def on_evidence(self, city: City, value: Mapping[str, Any]) -> Step:
        return Step()

    def on_time(self, city: City, due: Situation | Memory) -> Step:
        """Hours are learnt once their late reports have come; a surge is looked at, and ends when the rate is back."""
        if isinstance(due, Situation) or due.key not in self._numbers.families:
            return Step()
        level = self._learnt(city, due.key, convert(due.body, Level))
        return self._judged(city, due.key, level)

    def _called(self, city: City, family: str, name: str) -> Step:
        memory = city.memories[name]
        if memory.situation_id is None:  # few calls are no surge whatever is usual
            floor = self._numbers.families[family].floor or self._numbers.floor
            if city.rates.count(name, city.now_ms - self._window_ms, city.now_ms) < floor:
                return Step()
        return self._judged(city, family, convert(memory.body, Level))

    # -- the level -------------------------------------------------------------------------------------------

    def _begun(self, city: City) -> Level:
        return Level(since=city.now_ms, learnt_until=city.now_ms // HOUR_MS + 1)

    def _memory(self, family: str, level: Level, city: City) -> Memory:
        wake_at = (level.learnt_until + 1) * HOUR_MS + round(self._numbers.guard_h * HOUR_MS)
        covers: tuple[str, ...] = ()
        if level.situation_id is not None:
            planned = self._planned(city, family)
            look_at = city.now_ms + round(self._numbers.look_min * MINUTE_MS)
            wake_at = min(wake_at, look_at if planned is None or planned <= city.now_ms else planned)
            surge = city.situations.get(level.situation_id)
            covers = () if surge is not None and surge.is_closed else self._numbers.families[family].kinds
        body = json.decode(json.encode(level))  # as a restart finds it
        return Memory(NAME, family, body, wake_at, level.situation_id, covers)

    def _planned(self, city: City, family: str) -> int | None:
        """When the next look is due, as it was last decided."""
        memory = city.memories.get(f"{NAME}:{family}")
        return memory.wake_at if memory is not None and memory.situation_id is not None else None

    def _learnt(self, city: City, family: str, level: Level) -> Level:
        """With every hour that is now old enough. One in which nothing at all was reported says nothing."""
        now, numbers, seen = city.now_ms, self._numbers, list(level.seen)
        due = (now - round(numbers.guard_h * HOUR_MS)) // HOUR_MS
        fade = 1 - 1 / numbers.memory_days
        for hour in range(level.learnt_until, due):
            start, end = hour * HOUR_MS - 1, (hour + 1) * HOUR_MS - 1
            if self._is_moved(level, start, end) or not city.rates.count(ALL, start, end):
                continue
            local = self._local(city, hour)
            calls, days = seen[local]
            seen[local] = (
                calls * fade + city.rates.count(f"{NAME}:{family}", start, end),
                days * fade + 1,
            )
        until = max(level.learnt_until, due)
        surges = tuple(span for span in level.surges if span[1] >= until * HOUR_MS)
        return replace(level, learnt_until=until, seen=tuple(seen), surges=surges)

    def _is_moved(self, level: Level, start: int, end: int) -> bool:
        """Whether a surge touches the hour."""
        if level.situation_id is not None and end > level.began - self._window_ms:
            return True
        return any(low <= end and start <= high for low, high in level.surges)

    def _local(self, city: City, hour: int) -> int:
        return datetime.fromtimestamp(hour * HOUR_MS / 1000, city.zone).hour

    def _usual(self, city: City, family: str, level: Level) -> tuple[float, float]:
        """How many calls are usual in the window that ends now, and from how many days that is known."""
        said = self._numbers.families[family]
        by_hour = said.by_hour or self._numbers.by_hour
        start, usual, known = city.now_ms - self._window_ms, 0.0, math.inf
        while start < city.now_ms:
            hour = start // HOUR_MS
            end = min((hour + 1) * HOUR_MS, city.now_ms)
            local = self._local(city, hour)
            calls, days = level.seen[local]
            weight = self._numbers.file_days + days
            mean = (said.per_hour * by_hour[local] * self._numbers.file_days + calls) / weight
            usual += mean * (end - start) / HOUR_MS
            known = min(known, weight)
            start = end
        return usual, known

    def rate(self, city: City, family: str, level: Level) -> Rate:
        count = city.rates.count(f"{NAME}:{family}", city.now_ms - self._window_ms, city.now_ms)
        usual, days = self._usual(city, family, level)
        return Rate(count, usual, deviations(count, usual, days, self._numbers.families[family].spread))

    def otherwise(self, city: City, situation: Situation) -> str | None:
        """How many calls would have been no surge, or would have kept it going."""
        for family, said in self._numbers.families.items():
            memory = city.memories.get(f"{NAME}:{family}")
            if memory is None or said.kinds[0] != situation.view.kind:
                continue
            usual, days = self._usual(city, family, convert(memory.body, Level))
            bar = self._numbers.over_at if situation.is_closed else self._numbers.raise_at
            least = 0 if situation.is_closed else said.floor or self._numbers.floor
            enough = (n for n in range(least, CALLS_MAX) if deviations(n, usual, days, said.spread) >= bar)
            count = next(enough, CALLS_MAX)
            end = "would have kept it going" if situation.is_closed else "begin one, fewer do not"
            return f"{count} calls in {self._numbers.window_min:g} min {end}"
        return None

    # -- the surge -------------------------------------------------------------------------------------------

    def _judged(self, city: City, family: str, level: Level) -> Step:
        rate, numbers = self.rate(city, family, level), self._numbers
        if level.situation_id is None:
            floor = numbers.families[family].floor or numbers.floor
            is_surge = rate.count >= floor and rate.deviations >= numbers.raise_at
            return self._raised(city, family, level, rate) if is_surge else self._kept(city, family, level)
        if rate.deviations >= numbers.over_at:
            level = replace(level, calm_since=None)
        elif level.calm_since is None:
            level = replace(level, calm_since=city.now_ms)
        if (
            level.calm_since is not None
            and city.now_ms - level.calm_since >= numbers.over_after_min * MINUTE_MS
        ):
            return self._over(city, family, level, rate)
        return self._grown(city, family, level, rate)

    def _kept(self, city: City, family: str, level: Level, *drafts: Draft) -> Step:
        return Step(drafts, [self._memory(family, level, city)])

    def _raised(self, city: City, family: str, level: Level, rate: Rate) -> Step:
        calls = self._calls(city, family, city.now_ms - self._window_ms)
        anchor = calls[-1].incident_id
        its_id = derived_id(NAME, family, anchor, city.now_ms)
        view = self._drawn(city, family, calls, rate, opened_at=calls[0].event_time)
        situation = Situation(
            its_id, anchor, city.sequence, 1, f"far more than usual: {rate}", view, rule=NAME
        )
        level = replace(level, situation_id=its_id, began=city.now_ms, told_count=rate.count, calm_since=None)
        return self._kept(city, family, level, Draft(situation, {}))

    def _grown(self, city: City, family: str, level: Level, rate: Rate) -> Step:
        """Told again when it has grown; its list is brought up to date whenever somebody looks."""
        before = city.situations.get(level.situation_id or "")
        if before is None or before.is_closed:  # an operator closed it: over until the rate has been back
            return self._kept(city, family, level)
        is_grown = rate.count >= self._numbers.grow * level.told_count
        planned = self._planned(city, family)
        if not is_grown and planned is not None and planned > city.now_ms:
            return self._kept(city, family, level)
        view = before.view
        if is_grown:
            calls = self._calls(city, family, city.now_ms - self._window_ms)
            view = self._drawn(city, family, calls, rate, opened_at=view.opened_at)
            level = replace(level, told_count=rate.count)
        view = replace(view, beneath=self._beneath(city, family, level))
        if view == before.view:
            return self._kept(city, family, level)
        reason = f"it has grown: {rate}" if is_grown else f"other situations are beneath it: {rate}"
        after = replace(before, revision=before.revision + 1, reason=reason, view=view)
        return self._kept(city, family, level, Draft(after, {}))

    def _over(self, city: City, family: str, level: Level, rate: Rate) -> Step:
        before = city.situations.get(level.situation_id or "")
        if (
            before is not None and before.handled.hold == "open"
        ):  # an operator's word: it goes on until they close it
            return self._grown(city, family, level, rate)
        span = (level.began - self._window_ms, city.now_ms)
        level = replace(level, situation_id=None, calm_since=None, surges=(*level.surges, span))
        if before is None or before.is_closed:
            return self._kept(city, family, level)
        view = replace(
            before.view, status="closed", closed_at=city.now_ms, words=self._said("over", family, rate)
        )
        reason = f"the rate has been back for {self._numbers.over_after_min:g} min: {rate}"
        after = replace(before, revision=before.revision + 1, reason=reason, view=view)
        return self._kept(city, family, level, Draft(after, {}))

    # -- what is told ----------------------------------------------------------------------------------------

    def _calls(self, city: City, family: str, after_ms: int) -> list[Incident]:
        those = city.rates.those(f"{NAME}:{family}", after_ms, city.now_ms)
        return [city.index.incidents[one] for one in those]

    def _drawn(
        self, city: City, family: str, calls: Sequence[Incident], rate: Rate, *, opened_at: int
    ) -> View:
        numbers = self._numbers
        centre, radius_m = area_of(calls, share=numbers.area_share, radius_min_m=numbers.area_radius_min_m)
        newest = calls[-numbers.evidence_max :] if numbers.evidence_max else ()
        return View(
            kind=numbers.families[family].kinds[0],
            status="open",
            opened_at=opened_at,
            closed_at=None,
            position=centre,
            agencies=tuple(sorted({one.agency for one in calls})),
            incidents=(),
            severity=numbers.families[family].severity or numbers.severity,
            urgency=numbers.urgency,
            certainty="observed",
            cameras=(),
            observed=tuple(_observed(one, centre, opened_at) for one in newest),
            radius_m=radius_m,
            words=self._said("surge", family, rate),
            beneath=_owners(city, calls, numbers.listed_max),
        )

    def _beneath(self, city: City, family: str, level: Level) -> tuple[str, ...]:
        calls = self._calls(city, family, level.began - self._window_ms)
        return _owners(city, calls, self._numbers.listed_max)

    def _said(self, template: str, family: str, rate: Rate) -> str:
        kind = self._numbers.families[family].kinds[0]
        text: str = getattr(self._words, template)
        return text.format(
            kind=self._names.get(kind, kind),
            count=rate.count,
            minutes=f"{self._numbers.window_min:g}",
            usual=rate.told_usual,
        )


def build(config: RulesConfig, numbers: Mapping[str, Any]) -> Surge:
    return Surge(config, Numbers.model_validate(numbers))


def area_of(
    calls: Sequence[Incident], *, share: float, radius_min_m: float
) -> tuple[Position | None, float | None]:
    """The middle of the placed calls, and a radius, *radius_min_m* or more, within which *share* of them lie."""
    places = [one.position for one in calls if one.position is not None]
    if not places:
        return None, None
    centre = Position(
        round(math.fsum(at.lat for at in places) / len(places), 6),
        round(math.fsum(at.lon for at in places) / len(places), 6),
    )
    away = sorted(distance_m(centre.lat, centre.lon, at.lat, at.lon) for at in places)
    return centre, max(radius_min_m, away[math.ceil(share * len(away)) - 1])


def _observed(one: Incident, centre: Position | None, opened_at: int) -> Observed:
    away_m = None
    if centre is not None and one.position is not None:
        away_m = distance_m(centre.lat, centre.lon, one.position.lat, one.position.lon)
    return Observed(
        one.event_id, one.topic, one.partition, one.offset, away_m, (one.event_time - opened_at) / 1000
    )


def _owners(city: City, calls: Sequence[Incident], limit: int) -> tuple[str, ...]:
    """The situations of *calls*, the newest last, at most *limit*."""
    ids = dict.fromkeys(city.owners[one.incident_id] for one in calls if one.incident_id in city.owners)
    return tuple(ids)[-limit:] if limit else ()


def _together(steps: Sequence[Step]) -> Step:
    return Step(
        [draft for step in steps for draft in step.drafts],
        [memory for step in steps for memory in step.memories],
    )
