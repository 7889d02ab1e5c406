"""The board: figures of a span of local days, whole, by day and by kind. ``None`` is *not reported*, which is not 0. Pure.

The measures are those that Daejeon publishes (report → dispatch → arrival, the share within seven minutes, cases that were
joined) with the first video beside them, and for each audience the load of alerts by IEC 62682 (``streams.effects``).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from datetime import time as day_time
from itertools import pairwise
from math import ceil
from statistics import median
from typing import Any

from streams.effects import GOAL_MS, INTERVAL_MS, Load, load_of
from streams.figures.known import Alert, Facts, Life

ACCEPTABLE, MANAGEABLE = 1.0, 2.0
"""Alerts in 10 minutes that one operator can bear over a long time, and at the most (IEC 62682)."""

Wait = Callable[[str, Life], int | None]


@dataclass(frozen=True, slots=True)
class Period:
    """The part of a period, [from_ms, to_ms), that the log tells of."""

    from_ms: int
    to_ms: int

    def holds(self, at: int) -> bool:
        return self.from_ms <= at < self.to_ms


def board_of(facts: Facts, *, first: date, last: date, zone: tzinfo, now_ms: int) -> dict[str, Any]:
    """The figures of the local days *first* to *last*, both included. What came at or after *now_ms* is left out."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    began = [_midnight(day, zone) for day in [*days, last + timedelta(days=1)]]
    whole = _told(facts, began[0], began[-1], now_ms)
    lives = {} if whole is None else _lives(facts, whole)
    reporting = set[str]().union(*(life.reporting for life in lives.values()))
    lives = {its_id: life for its_id, life in lives.items() if not life.is_merged}
    attention = [] if whole is None else _attention(facts, whole)

    def figures(span: Period | None, kinds: Collection[str] | None = None) -> dict[str, Any]:
        if span is None:
            return _figures({}, facts, is_joint=False, is_told=False, alerts=None)
        chosen = {
            its_id: life
            for its_id, life in lives.items()
            if span.holds(life.opened_at) and (kinds is None or life.kind in kinds)
        }
        rung = sum(span.holds(one.event_time) and (kinds is None or one.kind in kinds) for one in attention)
        alerts = rung if facts.alerts else None
        return _figures(chosen, facts, is_joint=len(reporting) > 1, is_told=bool(facts.lives), alerts=alerts)

    spans = [_told(facts, start, end, now_ms) for start, end in pairwise(began)]
    found = {life.kind for life in lives.values()} | {one.kind for one in attention}
    kinds = [{"kind": kind, **figures(whole, (kind,))} for kind in sorted(found)]
    return {
        "from": first.isoformat(),
        "to": last.isoformat(),
        "goal_s": GOAL_MS // 1000,
        "whole": {**figures(whole), "loads": _loads(facts, whole)},
        "days": [
            {"date": day.isoformat(), **figures(span), "loads": _loads(facts, span)}
            for day, span in zip(days, spans, strict=True)
        ],
        "kinds": sorted(kinds, key=lambda one: (-(one["situations"] or 0), one["kind"])),
    }


def _midnight(day: date, zone: tzinfo) -> int:
    """When the local *day* begins, in ms; where midnight is skipped, the first moment after it."""
    return round(datetime.combine(day, day_time(), zone).timestamp() * 1000)


def _told(facts: Facts, from_ms: int, to_ms: int, now_ms: int) -> Period | None:
    """The part of a period between the log's beginning, by whole intervals of ten minutes, and now."""
    if facts.since is None:
        return None
    if facts.since > from_ms:
        from_ms += (facts.since - from_ms) // INTERVAL_MS * INTERVAL_MS
    span = Period(from_ms, min(to_ms, now_ms))
    return span if span.from_ms < span.to_ms else None


def _lives(facts: Facts, span: Period) -> dict[str, Life]:
    return {its_id: life for its_id, life in facts.lives.items() if span.holds(life.opened_at)}


def _attention(facts: Facts, span: Period) -> list[Alert]:
    return [
        one
        for found in facts.alerts.values()
        for one in found
        if one.demands_attention and span.holds(one.event_time)
    ]


def _figures(
    lives: Mapping[str, Life], facts: Facts, *, is_joint: bool, is_told: bool, alerts: int | None
) -> dict[str, Any]:
    waits: dict[str, Wait] = {
        "dispatch": lambda _its_id, life: life.reached.get("dispatched"),
        "arrival": lambda _its_id, life: life.reached.get("arrived"),
        "video": lambda its_id, _life: facts.uses.get(its_id),
    }
    found = {name: sorted(_waits(lives, reached)) for name, reached in waits.items()}
    arrivals = found["arrival"]
    joined = sum(life.agencies > 1 for life in lives.values())
    return {
        "situations": len(lives) if is_told else None,
        "joined_share": joined / len(lives) if lives and is_joint else None,
        **{name: _summary(ms) for name, ms in found.items()},
        "within_goal_share": sum(ms <= GOAL_MS for ms in arrivals) / len(arrivals) if arrivals else None,
        "alerts": alerts,
    }


def _waits(lives: Mapping[str, Life], reached: Wait) -> Iterable[int]:
    """The times from the report. A time before the report is of a clock that is wrong, or unknown, and tells no wait."""
    for its_id, life in lives.items():
        at = reached(its_id, life)
        if at is not None and at >= life.opened_at:
            yield at - life.opened_at


def _summary(waits: Sequence[int]) -> dict[str, Any] | None:
    """Count, median and the 90th percentile by nearest rank of sorted *waits*, in seconds."""
    if not waits:
        return None
    return {
        "count": len(waits),
        "median_s": median(waits) / 1000,
        "p90_s": waits[ceil(0.9 * len(waits)) - 1] / 1000,
    }


def _loads(facts: Facts, span: Period | None) -> list[dict[str, Any]]:
    """The load of each audience, the one with the most alerts first; nothing where the log tells of no alert."""
    if span is None:
        return []
    loads = [(name, _load(name, found, span)) for name, found in facts.alerts.items()]
    return [
        {
            "audience": name,
            "alerts": load.alerts,
            "per_10_min": load.per_10_min,
            "most_in_10_min": load.most_in_10_min,
            "flood_share": load.flood_share,
            "floods": load.floods,
            "chattering": load.chattering,
            "stale": load.stale,
            "level": level_of(load),
        }
        for name, load in sorted(loads, key=lambda one: (-one[1].alerts, one[0]))
    ]


def _load(audience: str, alerts: Iterable[Alert], span: Period) -> Load:
    values = (
        {
            "audience": audience,
            "event_time": one.event_time,
            "alert_id": one.alert_id,
            "message_type": "cancel" if one.is_cancel else "alert",
            "demands_attention": one.demands_attention,
        }
        for one in alerts
    )
    return load_of(values, audience, from_ms=span.from_ms, to_ms=span.to_ms)


def level_of(load: Load) -> str:
    """The words of IEC 62682 for a load: flood, too_many, manageable or acceptable."""
    if load.floods:
        return "flood"
    if load.per_10_min > MANAGEABLE:
        return "too_many"
    return "manageable" if load.per_10_min > ACCEPTABLE else "acceptable"
