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

Calls are heard late, so a window that ends now is not yet full. The share *c* of its calls that has been heard is learnt
(``delays.py``). With *n* calls heard, (1 − c)(n + (1 − c) m) more are expected: a mixture, by *c*, of what the usual mean
and what the calls heard say of them (G. Benktander, "An approach to credibility in calculating IBNR for casualty excess
reinsurance", The Actuarial Review, 1976). Of these only as many are added as a Poisson count with that mean reaches at
``SURE`` standard deviations below it, by Anscombe's transformation again: few early calls add none. The sum is held against
the same bar. Of windows of which less than ``HEARD_MIN`` is heard nothing is said. Windows that ended up to ``lag_min`` ago
are held against it too, so that a rise which comes to light later is told as well.

The level of an hour is the file's, weighing ``file_days``, together with the calls of the same local hour on each day
seen, fading over ``memory_days``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from streams.situations.memory import name_of
from streams.situations.model import Incident
from streams.situations.reports.rates import ALL, HOUR_MS
from streams.situations.rule import City
from streams.situations.rules.surge.config import HOURS, NAME, Numbers
from streams.situations.rules.surge.delays import MINUTE_MS, Delays, spans_of, with_more

STEP_MIN = 5
HEARD_MIN = 0.5
"""Of a window of which less is heard, the delays decide and not the calls."""
SURE = 0.84
"""Four times in five at least so many more calls come."""


class Level(Struct, frozen=True, gc=False):
    """The memory of one family.

    *seen* is (calls, days) for each local hour of the day; hours of the epoch before *learnt_until* have been learnt or
    passed over. *surges* are spans of time (ms) that are never learnt. *situation_id* is the surge going on, raised at
    *began*, last told with *told_count* calls; *calm_since* is since when the rate has been back. *delays* are
    learnt where calls not heard yet count.
    """

    since: int
    learnt_until: int
    seen: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * HOURS
    surges: tuple[tuple[int, int], ...] = ()
    situation_id: str | None = None
    began: int = 0
    told_count: int = 0
    calm_since: int | None = None
    delays: Delays | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Rate:
    """*count* calls heard of the window until *until_ms*, *to_come* more that are sure to be heard of it, and *usual* ones,
    a mean known from *days* days; how many standard deviations the former are above the latter; the share *heard*."""

    count: int
    usual: float
    deviations: float
    until_ms: int
    days: float
    to_come: int = 0
    heard: float = 1.0

    def __str__(self) -> str:
        more = f" and {self.to_come} not heard yet" if self.to_come else ""
        return (
            f"{self.count} calls{more}, usually {self.told_usual}: {self.deviations:.1f} standard deviations"
        )

    @property
    def told_usual(self) -> str:
        return f"{self.usual:.0f}" if self.usual >= 10 else f"{self.usual:.1f}"

    def is_surge(self, floor: int, bar: float) -> bool:
        return self.heard >= HEARD_MIN and self.count + self.to_come >= floor and self.deviations >= bar


def sure_to_come(count: int, usual: float, heard: float) -> int:
    """The calls not heard yet on which one can count, where the share *heard* is known (see above)."""
    mean = (1 - heard) * (count + (1 - heard) * usual)
    root = max(0.0, math.sqrt(mean + 0.375) - SURE / 2)
    return math.floor(max(0.0, root * root - 0.375))


def deviations(count: int, usual: float, days: float, spread: float = 1) -> float:
    """The distance of *count* above *usual*, a mean known from *days* days, in standard deviations (see above)."""
    return 2 * (math.sqrt(count + 0.375) - math.sqrt(usual + 0.375)) / math.sqrt(spread * (1 + 1 / days))


class Levels:
    """The usual level of each family, as the file says it and as it was seen."""

    def __init__(self, numbers: Numbers) -> None:
        self._numbers = numbers
        self.window_ms = round(numbers.window_min * MINUTE_MS)
        self.lag_ms = round((numbers.lag_min or 0) * MINUTE_MS)
        self.is_corrected = numbers.lag_min is not None

    def begin(self, city: City) -> Level:
        return Level(since=city.now_ms, learnt_until=city.now_ms // HOUR_MS + 1)

    def learn(self, city: City, family: str, level: Level) -> Level:
        """*level* with every hour that is now old enough. One in which nothing at all was reported says nothing."""
        now, numbers, seen = city.now_ms, self._numbers, list(level.seen)
        due = (now - round(numbers.guard_h * HOUR_MS)) // HOUR_MS
        fade = 1 - 1 / numbers.memory_days
        for hour in range(level.learnt_until, due):
            level = self._with_delays(city, family, level, hour)
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
        kept_ms = min(until * HOUR_MS, now - self.lag_ms) if self.is_corrected else until * HOUR_MS
        surges = tuple(span for span in level.surges if span[1] >= kept_ms)
        return replace(level, learnt_until=until, seen=tuple(seen), surges=surges)

    def _with_delays(self, city: City, family: str, level: Level, hour: int) -> Level:
        """*level* with the delays of the hour's calls, a surge's too."""
        if not self.is_corrected:
            return level
        start, end = hour * HOUR_MS - 1, (hour + 1) * HOUR_MS - 1
        fade = 1 - 1 / (self._numbers.memory_days * HOURS)
        around = [*_calls(city, ALL, start - HOUR_MS, city.now_ms)]
        its, every = (spans_of(_calls(city, one, start, end), around) for one in (name_of(NAME, family), ALL))
        before = level.delays or Delays()
        after = Delays(with_more(before.own, its, fade), with_more(before.city, every, fade))
        return replace(level, delays=after)

    def _is_moved(self, level: Level, start: int, end: int) -> bool:
        """Whether a surge touches the hour."""
        if level.situation_id is not None and end > level.began - self.window_ms:
            return True
        return any(low <= end and start <= high for low, high in level.surges)

    def _local(self, city: City, hour: int) -> int:
        return datetime.fromtimestamp(hour * HOUR_MS / 1000, city.zone).hour

    def usual(self, city: City, family: str, level: Level, start: int, until: int) -> tuple[float, float]:
        """The number of calls that are usual between two moments (ms), and from how many days that is known."""
        said = self._numbers.families[family]
        by_hour = said.by_hour or self._numbers.by_hour
        usual, known = 0.0, math.inf
        while start < until:
            hour = start // HOUR_MS
            end = min((hour + 1) * HOUR_MS, until)
            local = self._local(city, hour)
            calls, days = level.seen[local]
            weight = self._numbers.file_days + days
            mean = (said.per_hour * by_hour[local] * self._numbers.file_days + calls) / weight
            usual += mean * (end - start) / HOUR_MS
            known = min(known, weight)
            start = end
        return usual, known

    def rate(self, city: City, family: str, level: Level) -> Rate:
        """The rate in the window that ends now."""
        return next(self._rates(city, family, level, 0))

    def rates(self, city: City, family: str, level: Level, *, back: bool) -> Iterator[Rate]:
        """The rates in the windows that ended now and, going *back*, up to ``lag_min`` ago, newest first; none that the last
        surge saw the end of."""
        over = max((high for _, high in level.surges), default=0)
        for rate in self._rates(city, family, level, self.lag_ms if back else 0):
            if rate.until_ms < city.now_ms and rate.until_ms <= over:
                return
            yield rate

    def _rates(self, city: City, family: str, level: Level, lag_ms: int) -> Iterator[Rate]:
        now, name, spread = city.now_ms, name_of(NAME, family), self._numbers.families[family].spread
        if not self.is_corrected:
            count = city.rates.count(name, now - self.window_ms, now)
            usual, days = self.usual(city, family, level, now - self.window_ms, now)
            yield Rate(count, usual, deviations(count, usual, days, spread), now, days)
            return
        each = math.ceil(self._numbers.window_min / STEP_MIN)
        step_ms = self.window_ms // each
        delays = level.delays or Delays()
        steps: list[tuple[float, float, float]] = []
        for lag in range(1 + lag_ms // step_ms):
            until = now - lag * step_ms
            while len(steps) < lag + each:
                end = now - len(steps) * step_ms
                age_min = (now - end + step_ms / 2) / MINUTE_MS
                usual, days = self.usual(city, family, level, end - step_ms, end)
                steps.append((usual, usual * delays.share_heard(age_min), days))
            its = steps[lag:]
            usual, expected = sum(one[0] for one in its), sum(one[1] for one in its)
            days = min(one[2] for one in its)
            count = city.rates.count(name, until - self.window_ms, until)
            heard = min(1.0, expected / usual) if usual else 1.0
            more = sure_to_come(count, usual, heard)
            above = deviations(count + more, usual, days, spread)
            yield Rate(count, usual, above, until, days, more, heard)


def _calls(city: City, family: str, after_ms: int, until_ms: int) -> Iterator[Incident]:
    return (city.index.incidents[one] for one in city.rates.those(family, after_ms, until_ms))
