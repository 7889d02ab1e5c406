"""The health of a city for its operators: what each source and each stage does, and what of it is a fault. Pure.

A fault is a code and what it is about; who shows it has the words (``connectors.gateway.health_documents.FAULTS``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from schemas.iso_time import EPOCH
from streams.ingest.breaker import HEARING, STOPPED, TRIAL
from streams.ingest.report import FAILING, REFUSED, shares
from streams.runtime.replica import source_of

BROKEN, LOOK, NOT_HEARD, WELL = "broken", "look", "not-heard", "well"
LEVELS = (BROKEN, LOOK, NOT_HEARD, WELL)
"""The worst first."""
SILENT_S, SILENT_EVENTS = 900.0, 10.0
"""A source is silent after so long, if so many events were to be expected by its usual rate: the alarm's bounds."""
AGED_MIN = 10
SKEW_S = 30.0
LAG_S = 10.0
PULSE_S = 15.0

_SOURCE_LEVELS = {STOPPED: BROKEN, REFUSED: BROKEN, FAILING: BROKEN, TRIAL: LOOK}
PULSE = "ingest"
"""The stage whose lag is the age of the city's newest tick: it reads no topic."""
DELIVER = "deliver"


@dataclass(frozen=True, slots=True)
class Expected:
    """A source as the city's file has it."""

    name: str
    is_pushed: bool = False
    age_objective_s: float = 300.0


@dataclass(frozen=True, slots=True)
class StageLook:
    """A stage as the log shows it. *lag_s*: the age of its first unread record, 0 without one; ``None``: it has read nothing
    yet. *workers*: the members of its group; ``None`` where it has no group."""

    stage: str
    lag_s: float | None = None
    unread: int | None = None
    workers: int | None = None


@dataclass(frozen=True, slots=True)
class AsideLook:
    """A DLQ. *records*: how many its topic holds at most; *reasons*: of the newest of them, not fed again since."""

    topic: str
    records: int
    newest_ms: int | None = None
    reasons: Sequence[tuple[str, int]] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """A look at Kafka at one moment. *trouble*: why it showed nothing."""

    at_ms: int
    stages: Sequence[StageLook] = ()
    asides: Sequence[AsideLook] = ()
    trouble: str | None = None


def fault(level: str, code: str, **about: Any) -> dict[str, Any]:
    return {"level": level, "code": code, "about": about}


def silent_after_s(rate_per_min: float) -> float | None:
    """The seconds without a word after which a source of that usual rate is silent; ``None``: no rate to judge it by."""
    return max(SILENT_S, SILENT_EVENTS * 60 / rate_per_min) if rate_per_min > 0 else None


def source_faults(told: Mapping[str, Any], expected: Expected, *, now_ms: int) -> list[dict[str, Any]]:
    """The faults of a source that was heard, from its ``core.source``."""
    found = []
    state, reason = told["state"], told["state_reason"]
    if state in _SOURCE_LEVELS:
        since_s = (now_ms - told["state_since_at"]) / 1000
        found.append(fault(_SOURCE_LEVELS[state], state, since_s=round(since_s), reason=reason or ""))
    elif reason:
        found.append(fault(LOOK, "part-missing", reason=reason))
    after_s = silent_after_s(told["rate_per_min"])
    for_s = None if told["heard_at"] is None else (now_ms - told["heard_at"]) / 1000
    if state == HEARING and for_s is not None and after_s is not None and for_s > after_s:
        found.append(fault(BROKEN, "silent", for_s=round(for_s), rate_per_min=told["rate_per_min"]))
    age_s, objective_s = told["age_p99_s"], expected.age_objective_s
    if age_s is not None and age_s > objective_s and told["timed"] >= AGED_MIN:
        found.append(fault(LOOK, "old", age_s=age_s, objective_s=objective_s))
    skew_s = told["clock_skew_s"]
    if skew_s is not None and abs(skew_s) > SKEW_S:
        found.append(fault(LOOK, "clock-ahead" if skew_s > 0 else "clock-behind", skew_s=abs(skew_s)))
    if told["set_aside"]:
        most = told["reasons"][0]["what"] if told["reasons"] else ""
        share = shares(told)["set_aside"]
        level = BROKEN if share > 0.5 else LOOK
        found.append(fault(level, "set-aside", count=told["set_aside"], share=share, reason=most))
    if unknown := _unknown(told):
        words = [one["word"] for one in told["words"]]
        found.append(fault(LOOK, "unknown-words", count=unknown, word=words[0] if words else ""))
    return found


def _unknown(told: Mapping[str, Any]) -> int:
    return sum(one["count"] for one in told.get("kinds", ()) if one["kind_source"] == "unknown")


def source_row(told: Mapping[str, Any] | None, expected: Expected, *, now_ms: int) -> dict[str, Any]:
    """A source as it is shown, with its faults. *told*: its ``core.source``; ``None`` when it has said nothing yet."""
    row: dict[str, Any] = {"source": expected.name, "replica": None, "is_pushed": expected.is_pushed}
    if told is None:
        return (
            row
            | dict.fromkeys(FIGURES)
            | {"reasons": [], "words": [], "agencies": [], "level": NOT_HEARD, "faults": []}
        )
    figures = {
        name: _iso(told[name]) if name.endswith("_at") else told[name] for name in FIGURES if name in told
    }
    faults = source_faults(told, expected, now_ms=now_ms)
    is_heard = told["heard_at"] is not None
    kinds = sum(one["count"] for one in told.get("kinds", ()))
    return (
        row
        | figures
        | {
            "replica": told["source"].partition("@")[2] or None,
            "age_objective_s": expected.age_objective_s,
            "set_aside_share": shares(told)["set_aside"],
            "unknown_share": _unknown(told) / kinds if kinds else 0.0,
            "reasons": [dict(one) for one in told["reasons"]],
            "words": [dict(one) for one in told.get("words", ())],
            "agencies": sorted({one["agency"] for one in told.get("kinds", ())}),
            "level": _worst(faults, WELL if is_heard else NOT_HEARD),
            "faults": faults,
        }
    )


FIGURES = (
    "state",
    "state_since_at",
    "heard_at",
    "counted_since_at",
    "events",
    "rate_per_min",
    "age_p50_s",
    "age_p99_s",
    "age_objective_s",
    "clock_skew_s",
    "set_aside",
    "set_aside_share",
    "unknown_share",
)


def stage_row(look: StageLook, more: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """A stage as it is shown, with its faults and *more* of them."""
    faults = [*more]
    lag_s = None if look.lag_s is None else round(look.lag_s, 1)
    if look.workers == 0:
        faults.append(fault(BROKEN, "no-worker"))
    if lag_s is not None and look.stage == PULSE and lag_s > PULSE_S:
        faults.append(fault(BROKEN, "no-tick", lag_s=lag_s))
    elif lag_s is not None and look.stage not in (PULSE, DELIVER) and lag_s > LAG_S:
        faults.append(fault(BROKEN, "lag", lag_s=lag_s, unread=look.unread))
    return {
        "stage": look.stage,
        "lag_s": lag_s,
        "unread": look.unread,
        "workers": look.workers,
        "level": _worst(faults, NOT_HEARD if lag_s is None else WELL),
        "faults": faults,
    }


@dataclass(slots=True)
class Receivers:
    """The rows of ``core.delivery`` by receiver, as ``deliver`` writes them."""

    rows: dict[str, Mapping[str, Any]] = field(
        default_factory=dict
    )  # bounded by its topic, which is compacted

    def look(self, *, now_ms: int) -> tuple[StageLook, list[dict[str, Any]]]:
        """The stage ``deliver``: its lag is the time for which its worst receiver has been failing; and its faults."""
        states = Counter(one["state"] for one in self.rows.values())
        waits = [
            one["failing_since"]
            for one in self.rows.values()
            if one["failing_since"] and one["state"] == "waiting"
        ]
        lag_s = (now_ms - min(waits)) / 1000 if waits else 0.0
        faults = [
            fault(level, code, count=states[state])
            for state, code, level in (
                ("dead", "receivers-dead", BROKEN),
                ("waiting", "receivers-wait", LOOK),
            )
            if states[state]
        ]
        return StageLook(DELIVER, lag_s if self.rows else None), faults


def _iso(ms: int | None) -> str | None:
    return None if ms is None else (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")


def _worst(faults: Iterable[Mapping[str, Any]], without: str) -> str:
    return min((one["level"] for one in faults), key=LEVELS.index, default=without)


def health(
    expected: Sequence[Expected],
    told: Mapping[str, Mapping[str, Any]],
    receivers: Receivers,
    look: Look,
    *,
    now_ms: int,
) -> dict[str, Any]:
    """The document of the city's health: the worst first, then by name. *told*: the rows of ``core.source`` by their key."""
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for row in told.values():
        by_name.setdefault(source_of(row["source"]), []).append(row)
    sources = [
        source_row(row, one, now_ms=now_ms)
        for one in expected
        for row in by_name.get(one.name, [None])  # none: not heard
    ]
    stages = [*map(stage_row, look.stages), stage_row(*receivers.look(now_ms=now_ms))]
    return {
        "as_of": _iso(now_ms),
        "looked_at": _iso(look.at_ms),
        "trouble": look.trouble,
        "sources": sorted(
            sources, key=lambda one: (LEVELS.index(one["level"]), one["source"], one["replica"] or "")
        ),
        "stages": sorted(stages, key=lambda one: LEVELS.index(one["level"])),
        "set_aside": [
            {
                "topic": one.topic,
                "records": one.records,
                "newest_at": _iso(one.newest_ms),
                "reasons": [{"what": what, "count": count} for what, count in one.reasons],
            }
            for one in sorted(look.asides, key=lambda it: (-(it.newest_ms or 0), it.topic))
        ],
    }
