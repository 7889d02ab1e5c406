"""A session at a charger, row by row of ``mobility.charge``, and the energy that its registers tell. Pure.

Rows may come late, twice and in any order: the session is the same. Registers of different phases are series of their own.
Of several series the one that knows most gives the total; within a window each gives bounds, and the tightest hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from streams.energy.registers import (
    EXACT,
    MISSING,
    NO_END,
    NO_START,
    MeterLimits,
    Point,
    Segment,
    Span,
    between,
    in_order,
    summed,
    within,
)

POINTS_MAX = 2_000
"""Readings kept of a series. Beyond, every other one that only rose goes: no energy is lost, only its times."""
RANGES_MAX = 64
IMPORT, EXPORT, INTERVAL, EXPORT_INTERVAL = "import", "export", "interval", "export_interval"
_VALUES = {
    IMPORT: "register_wh",
    EXPORT: "export_register_wh",
    INTERVAL: "interval_wh",
    EXPORT_INTERVAL: "export_interval_wh",
}
SeriesKey = tuple[str, tuple[str, ...]]
"""The value that it is of, and the phases that were added up for it."""


@dataclass(frozen=True, slots=True)
class Amount:
    """The energy of a session. *unknown*: amounts of which nothing is known, beside *wh*."""

    wh: Decimal
    unknown: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Session:
    """A session as far as it is known. A time is ``None`` when not told, or when the charger's clock was wrong.

    *numbers*: those of its messages that came, as ranges; holes between them are gaps.
    """

    charger_id: str
    transaction_id: str
    evse_id: int | None = None
    connector_id: int | None = None
    position: Mapping[str, Any] | None = None
    started_id: str | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    has_ended: bool = False
    first_ms: int = 0
    last_ms: int = 0
    heard_ms: int = 0
    numbers: tuple[Span, ...] = ()
    series: Mapping[SeriesKey, tuple[Point, ...]] = field(default_factory=dict)

    @property
    def gaps(self) -> int:
        """The holes in the numbers of its messages."""
        return max(0, len(self.numbers) - 1)


def begun(row: Mapping[str, Any]) -> Session:
    """A session of which *row* is the first that is known."""
    at = row["event_time"]
    empty = Session(row["charger_id"], row["transaction_id"], first_ms=at, last_ms=at)
    return heard(empty, row)


def is_another(session: Session, row: Mapping[str, Any]) -> bool:
    """Whether *row* begins another session under the number of one that has ended."""
    if row["kind"] != "started" or session.started_id in (None, row["event_id"]):
        return False
    return session.has_ended and row["event_time"] > session.last_ms


def heard(session: Session, row: Mapping[str, Any]) -> Session:
    """*session* after *row*."""
    at, kind, is_timed = row["event_time"], row["kind"], not row["is_clock_wrong"]
    changes: dict[str, Any] = {
        name: row[name]
        for name in ("evse_id", "connector_id", "position")
        if getattr(session, name) is None and row[name] is not None
    }
    if kind == "started":
        changes |= {"started_id": row["event_id"], "started_ms": at if is_timed else None}
    if kind == "ended":
        changes |= {"has_ended": True, "ended_ms": at if is_timed else None}
    series = dict(session.series)
    for key, point in _points(row):
        known = series.get(key, ())
        if point not in known:
            series[key] = thinned((*known, point))
    return replace(
        session,
        **changes,
        first_ms=min(session.first_ms, at),
        last_ms=max(session.last_ms, at),
        heard_ms=max(session.heard_ms, row["received_time"]),
        numbers=_numbered(session.numbers, row["seq_no"]),
        series=series,
    )


def _points(row: Mapping[str, Any]) -> list[tuple[SeriesKey, Point]]:
    context = row["context"]
    at_start = row["kind"] == "started" or context == "Transaction.Begin"
    at_end = row["kind"] == "ended" or context == "Transaction.End"
    found: list[tuple[SeriesKey, Point]] = []
    for value, named in _VALUES.items():
        if row[named] is None:
            continue
        phases = tuple(row["phases"]) if value == IMPORT else ()
        point = Point(
            row["event_time"], Decimal(row[named]), row["seq_no"], not row["is_clock_wrong"], at_start, at_end
        )
        found.append(((value, phases), point))
    return found


def thinned(points: tuple[Point, ...], points_max: int = POINTS_MAX) -> tuple[Point, ...]:
    """*points* without every other one that lies between a lower and a higher, where there are too many."""
    if len(points) <= points_max:
        return points
    order = in_order(points)
    return tuple(
        one
        for number, one in enumerate(order)
        if number % 2 == 0
        or number == len(order) - 1
        or not order[number - 1].wh <= one.wh <= order[number + 1].wh
    )


def _numbered(ranges: tuple[Span, ...], number: int | None) -> tuple[Span, ...]:
    """*ranges* (first, last) with *number* in them; of too many, the oldest are joined."""
    if number is None or any(first <= number <= last for first, last in ranges):
        return ranges
    joined: list[Span] = []
    for first, last in sorted((*ranges, (number, number))):
        if joined and joined[-1][1] + 1 == first:
            joined[-1] = (joined[-1][0], last)
        else:
            joined.append((first, last))
    while len(joined) > RANGES_MAX:
        joined[:2] = [(joined[0][0], joined[1][1])]
    return tuple(joined)


# -- its energy ------------------------------------------------------------------------------------------------


def series_of(session: Session, limits: MeterLimits, value: str = IMPORT) -> dict[SeriesKey, list[Segment]]:
    """The amounts that each register tells of *value*; those of intervals only where no register is told."""
    found = {
        key: _of_register(session, points, limits)
        for key, points in session.series.items()
        if key[0] == value
    }
    interval = INTERVAL if value == IMPORT else EXPORT_INTERVAL
    if not found and (points := session.series.get((interval, ()))):
        found = {(interval, ()): _of_intervals(session, points)}
    return found


def _of_register(session: Session, points: Sequence[Point], limits: MeterLimits) -> list[Segment]:
    order = in_order(points)
    return [*_before(session, order[0]), *between(order, limits), *_after(session, order[-1])]


def _before(session: Session, first: Point) -> list[Segment]:
    if first.at_start or (
        first.is_timed and session.started_ms is not None and first.at_ms <= session.started_ms
    ):
        return []
    return [Segment(session.started_ms, first.at_ms if first.is_timed else None, None, NO_START)]


def _after(session: Session, last: Point) -> list[Segment]:
    if last.at_end or (last.is_timed and session.ended_ms is not None and last.at_ms >= session.ended_ms):
        return []
    return [Segment(last.at_ms if last.is_timed else None, session.ended_ms, None, NO_END)]


def _of_intervals(session: Session, points: Sequence[Point]) -> list[Segment]:
    """Each interval reaches back to the one before, at most; with a message lost between them an amount is unknown."""
    order = in_order(points)
    found: list[Segment] = []
    if session.started_id is None:
        found.append(Segment(None, order[0].at_ms if order[0].is_timed else None, None, NO_START))
    before_ms, before_no = session.started_ms, None
    if session.started_id is not None and session.numbers:
        before_no = session.numbers[0][0]
    for one in order:
        ends = one.at_ms if one.is_timed else None
        found.append(Segment(before_ms, ends, one.wh))
        if before_no is not None and one.seq_no is not None and _has_hole(session, before_no, one.seq_no):
            found.append(Segment(before_ms, ends, None, MISSING))
        before_ms, before_no = ends, one.seq_no
    return [*found, *_after(session, order[-1])]


def _has_hole(session: Session, first: int, last: int) -> bool:
    return not any(begin <= first and last <= end for begin, end in session.numbers)


def total(session: Session, limits: MeterLimits) -> Amount:
    """The energy of the whole session, by the series that knows most; of equals, by the one with fewer unknown amounts."""
    amounts = [
        (summed(one.wh for one in segments), segments) for segments in series_of(session, limits).values()
    ]
    if not amounts:
        return Amount(Decimal(0), (Segment(session.started_ms, session.ended_ms, None, NO_START),))
    wh, segments = max(amounts, key=lambda one: (one[0], -sum(part.wh is None for part in one[1])))
    return Amount(wh, tuple(one for one in segments if one.wh is None))


def in_spans(session: Session, limits: MeterLimits, spans: Sequence[Span]) -> tuple[Decimal, Decimal | None]:
    """The least and the most that the session took within *spans*; what the vehicle gave back meanwhile is taken off."""
    least, most = _bounds(series_of(session, limits), spans)
    given = series_of(session, limits, EXPORT)
    if not given:
        return least, most
    given_least, given_most = _bounds(given, spans)
    least = Decimal(0) if given_most is None else max(Decimal(0), EXACT.subtract(least, given_most))
    return least, None if most is None else max(least, EXACT.subtract(most, given_least))


def _bounds(
    series: Mapping[SeriesKey, Sequence[Segment]], spans: Sequence[Span]
) -> tuple[Decimal, Decimal | None]:
    """The tightest bounds that any of *series* gives."""
    pairs = [within(segments, spans) for segments in series.values()]
    least = max((low for low, _ in pairs), default=Decimal(0))
    return least, min((high for _, high in pairs if high is not None), default=None)
