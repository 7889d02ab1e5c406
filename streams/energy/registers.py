"""Energy between the readings of a meter's register: decimals, never floats, and never guessed. Pure.

A register that rises by what a charger can give in that time is energy. One that falls was reset, exchanged or rolled over:
only with the meter's modulus, and where the charger can give that much, is it a roll-over. Else the amount is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal
from itertools import pairwise

EXACT = Context(prec=200)
"""No sum or product of the contract's decimals is rounded in it."""
HOUR_MS = Decimal(3_600_000)
FALL, JUMP, NO_START, NO_END, MISSING = "fall", "jump", "no_start", "no_end", "missing"
"""Reasons for which an amount is unknown, in the words of ``energy.reward``."""
Span = tuple[int, int]
"""From, until; epoch ms; until is not included."""


@dataclass(frozen=True, slots=True)
class MeterLimits:
    """The limits of a type of charger. *modulus_wh*: the first value that the register cannot show; ``None``: not known.
    *slack_wh*: the register may be ahead by so much, as it is rounded."""

    power_max_w: Decimal = Decimal(400_000)
    slack_wh: Decimal = Decimal(1_000)
    modulus_wh: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A reading. *is_timed* is false where the charger's clock was wrong. *at_start*, *at_end*: of a session's ends."""

    at_ms: int
    wh: Decimal
    seq_no: int | None = None
    is_timed: bool = True
    at_start: bool = False
    at_end: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """An amount between two readings; ``None``: unknown, for the *reason*. A time is ``None`` when unknown."""

    begins_ms: int | None
    ends_ms: int | None
    wh: Decimal | None
    reason: str | None = None

    def touches(self, span: Span) -> bool:
        """Whether some of it may lie within *span*."""
        if self.is_within(span):
            return True
        is_early = self.ends_ms is not None and self.ends_ms <= span[0]
        return not is_early and not (self.begins_ms is not None and self.begins_ms >= span[1])

    def is_within(self, span: Span) -> bool:
        """Whether all of it certainly lies within *span*."""
        if self.begins_ms is None or self.ends_ms is None:
            return False
        return span[0] <= self.begins_ms < span[1] and self.ends_ms <= span[1]


def in_order(points: Iterable[Point]) -> list[Point]:
    """From the session's begin to its end; between them by the numbers of their messages, else by time; of
    one time, the lower first. A message of the end may repeat the register of the begin."""
    every = list(points)
    is_numbered = all(one.seq_no is not None for one in every)

    def place(one: Point) -> tuple[int, int, int, Decimal]:
        rank = 0 if one.at_start else 2 if one.at_end else 1
        return rank, one.seq_no or 0 if is_numbered and rank == 1 else 0, one.at_ms, one.wh

    return sorted(every, key=place)


def between(points: Sequence[Point], limits: MeterLimits) -> Iterator[Segment]:
    """The amounts between *points*, which are in order. Readings whose time is unknown give amounts, and no times."""
    held: Segment | None = None
    for before, after in pairwise(points):
        wh, reason = _risen(before, after, limits)
        times = sorted((before.at_ms, after.at_ms))
        one = Segment(times[0] if before.is_timed else None, times[1] if after.is_timed else None, wh, reason)
        if held is not None:
            one = _joined(held, one)
        held = one if one.ends_ms is None and wh is not None else None
        if held is None:
            yield one
    if held is not None:
        yield held


def _joined(before: Segment, after: Segment) -> Segment:
    """Both as one amount; where *after* is unknown, what was before it is unknown with it."""
    if before.wh is None or after.wh is None:
        return replace(after, begins_ms=before.begins_ms, wh=None)
    return Segment(before.begins_ms, after.ends_ms, EXACT.add(before.wh, after.wh))


def _risen(before: Point, after: Point, limits: MeterLimits) -> tuple[Decimal | None, str | None]:
    """The energy between two readings; ``None`` and the reason where it is unknown."""
    rise = EXACT.subtract(after.wh, before.wh)
    is_timed = before.is_timed and after.is_timed
    if rise >= 0:
        return (None, JUMP) if is_timed and rise > _most(before, after, limits) else (rise, None)
    if limits.modulus_wh is None or not is_timed or not 0 <= after.wh <= before.wh < limits.modulus_wh:
        return None, FALL
    rolled = EXACT.add(rise, limits.modulus_wh)
    return (rolled, None) if rolled <= _most(before, after, limits) else (None, FALL)


def _most(before: Point, after: Point, limits: MeterLimits) -> Decimal:
    hours = EXACT.divide(Decimal(abs(after.at_ms - before.at_ms)), HOUR_MS)
    return EXACT.add(EXACT.multiply(limits.power_max_w, hours), limits.slack_wh)


def summed(amounts: Iterable[Decimal | None]) -> Decimal:
    """The sum of those that are known."""
    total = Decimal(0)
    for one in amounts:
        if one is not None:
            total = EXACT.add(total, one)
    return total


def within(segments: Iterable[Segment], spans: Sequence[Span]) -> tuple[Decimal, Decimal | None]:
    """The least and the most energy within *spans*, which do not overlap; no most where an amount is unknown."""
    least, most, is_known = Decimal(0), Decimal(0), True
    for one in segments:
        if not any(one.touches(span) for span in spans):
            continue
        if one.wh is None:
            is_known = False
            continue
        most = EXACT.add(most, one.wh)
        if any(one.is_within(span) for span in spans):
            least = EXACT.add(least, one.wh)
    return least, most if is_known else None
