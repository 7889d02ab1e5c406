"""The level of a family of calls: how many are usual at an hour, and how far a count lies above it. Pure.

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
from dataclasses import dataclass
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from streams.situations.memory import name_of
from streams.situations.reports.rates import ALL, HOUR_MS
from streams.situations.rule import City
from streams.situations.rules.surge.config import HOURS, NAME, Numbers

MINUTE_MS = 60_000


class Level(Struct, frozen=True, gc=False):
    """The memory of one family.

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
    """The distance of *count* above *usual*, a mean known from *days* days, in standard deviations (see above)."""
    return 2 * (math.sqrt(count + 0.375) - math.sqrt(usual + 0.375)) / math.sqrt(spread * (1 + 1 / days))


class Levels:
    """The usual level of each family, as the file says it and as it was seen."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.window_ms = round(numbers.window_min * MINUTE_MS)

    def begin(self, city: City) -> Level:
        return Level(since=city.now_ms, learnt_until=city.now_ms // HOUR_MS + 1)

    def learn(self, city: City, family: str, level: Level) -> Level:
        """*level* with every hour that is now old enough. One in which nothing at all was reported says nothing."""
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
                calls * fade + city.rates.count(name_of(NAME, family), start, end),
                days * fade + 1,
            )
        until = max(level.learnt_until, due)
        surges = tuple(span for span in level.surges if span[1] >= until * HOUR_MS)
        return replace(level, learnt_until=until, seen=tuple(seen), surges=surges)

    def _is_moved(self, level: Level, start: int, end: int) -> bool:
        """Whether a surge touches the hour."""
        if level.situation_id is not None and end > level.began - self.window_ms:
            return True
        return any(low <= end and start <= high for low, high in level.surges)

    def _local(self, city: City, hour: int) -> int:
        return datetime.fromtimestamp(hour * HOUR_MS / 1000, city.zone).hour

    def usual(self, city: City, family: str, level: Level) -> tuple[float, float]:
        """The number of calls that are usual in the window that ends now, and from how many days that is known."""
        said = self._numbers.families[family]
        by_hour = said.by_hour or self._numbers.by_hour
        start, usual, known = city.now_ms - self.window_ms, 0.0, math.inf
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
        count = city.rates.count(name_of(NAME, family), city.now_ms - self.window_ms, city.now_ms)
        usual, days = self.usual(city, family, level)
        return Rate(count, usual, deviations(count, usual, days, self._numbers.families[family].spread))
