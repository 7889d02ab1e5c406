"""Measures of what the platform did, computed from the log: the number of alerts, and the time until help came. Pure.

The measures of alarm load are those of ANSI/ISA-18.2-2016 and IEC 62682:2022 for one operator:

- alerts in each 10 minutes (one or two are good);
- a flood begins in an interval of more than 10 alerts and ends in one of fewer than 5; it should last less than
  1 % of the time;
- an alert chatters if it demands attention three times in a minute;
- an alert is stale once it stood for a day.

Only what demands attention counts as an alert; an update that only corrects a list does not.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Value = Mapping[str, Any]
INTERVAL_MS = 10 * 60_000
FLOOD_ABOVE, FLOOD_UNTIL_BELOW = 10, 5
CHATTER_COUNT, CHATTER_MS = 3, 60_000
STALE_MS = 24 * 3_600_000
GOAL_MS = 7 * 60_000
"""Help within seven minutes: the measure that Korean cities publish."""


@dataclass(frozen=True, slots=True)
class Load:
    """One audience's alerts over a period of *minutes*."""

    alerts: int
    minutes: float
    most_in_10_min: int
    floods: int
    flood_minutes: float
    chattering: int
    stale: int

    @property
    def per_10_min(self) -> float:
        return 10 * self.alerts / self.minutes if self.minutes else 0.0

    @property
    def flood_share(self) -> float:
        """The share of the time in flood, 0 to 1."""
        return self.flood_minutes / self.minutes if self.minutes else 0.0


def load_of(alerts: Iterable[Value], audience: str, *, from_ms: int, to_ms: int) -> Load:
    """Return the load of *audience* from the events of ``core.alert``, in order, within [from_ms, to_ms)."""
    times: list[int] = []
    of_alert: dict[str, list[int]] = defaultdict(list)
    standing: dict[str, int] = {}
    stale: set[str] = set()
    for one in alerts:
        at, its_id = one["event_time"], one["alert_id"]
        if one["audience"] != audience or at >= to_ms:
            continue
        since = standing.setdefault(its_id, at)
        if one["message_type"] == "cancel":
            standing.pop(its_id)
            if at - since >= STALE_MS and at >= from_ms:
                stale.add(its_id)
        if one["demands_attention"] and at >= from_ms:
            times.append(at)
            of_alert[its_id].append(at)
    stale.update(its_id for its_id, since in standing.items() if to_ms - since >= STALE_MS)
    chattering = sum(_chatters(sorted(moments)) for moments in of_alert.values())
    return load_of_times(times, from_ms=from_ms, to_ms=to_ms, chattering=chattering, stale=len(stale))


def load_of_times(
    times: Iterable[int], *, from_ms: int, to_ms: int, chattering: int = 0, stale: int = 0
) -> Load:
    """Return the load of alerts that demanded attention at *times* (ms); times outside [from_ms, to_ms) are ignored."""
    within = [at for at in times if from_ms <= at < to_ms]
    counts = Counter((at - from_ms) // INTERVAL_MS for at in within)
    floods, flooded, is_flood = 0, 0, False
    for number in range(-(-(to_ms - from_ms) // INTERVAL_MS)):
        count = counts[number]
        if not is_flood and count > FLOOD_ABOVE:
            floods, is_flood = floods + 1, True
        elif is_flood and count < FLOOD_UNTIL_BELOW:
            is_flood = False
        flooded += is_flood
    minutes = (to_ms - from_ms) / 60_000
    most = max(counts.values(), default=0)
    return Load(
        len(within), minutes, most, floods, min(flooded * INTERVAL_MS / 60_000, minutes), chattering, stale
    )


def _chatters(times: Sequence[int]) -> bool:
    spans = zip(times, times[CHATTER_COUNT - 1 :], strict=False)
    return any(last - first <= CHATTER_MS for first, last in spans)


@dataclass(frozen=True, slots=True)
class Help:
    """Medians of the time from report to help, in minutes. ``None``: the city does not report it, which is not 0.

    *camera_minutes*: until the first camera was granted. *video_minutes*: until the first grant was used, from
    the first uses of tickets in ``core.access``.
    """

    situations: int
    joined_share: float | None
    dispatch_minutes: float | None
    arrival_minutes: float | None
    camera_minutes: float | None
    video_minutes: float | None
    arrived_within_7_min: float | None


def help_of(
    situations: Iterable[Value],
    *,
    from_ms: int,
    to_ms: int,
    grants: Iterable[Value] = (),
    uses: Iterable[Value] = (),
) -> Help:
    """Return the medians for situations that began within [from_ms, to_ms), from the events of ``core.situation``, in
    order.

    A status counts from the first revision that has it. If the first revision of a situation already has the
    status, it is not counted, as the time of the change is unknown. *grants*: events of ``core.grant``.
    *uses*: the first uses (``situation_id``, ``event_time``).
    """
    first: dict[str, dict[str, int]] = defaultdict(dict)
    agencies: Counter[str] = Counter()
    reporting: set[str] = set()
    opened: dict[str, int] = {}
    for one in situations:
        its_id = one["situation_id"]
        if one["incidents"] and from_ms <= one["opened_at"] < to_ms:
            reporting.update(one["agencies"])
            opened.setdefault(its_id, one["opened_at"])
            agencies[its_id] = max(agencies[its_id], len(one["agencies"]))
            if one["revision"] > 1:
                first[one["status"]].setdefault(its_id, one["event_time"])
            else:
                # -1 marks a status of unknown time; setdefault then keeps later revisions from counting
                first[one["status"]].setdefault(its_id, -1)
        if one["merged_into"] is not None:
            opened.pop(its_id, None)
    dispatch = _waits(first["dispatched"], opened)
    arrival = _waits(first["arrived"], opened)
    cameras = _waits(_earliest(grants, "opened_at"), opened)
    videos = _waits(_earliest(uses, "event_time"), opened)
    joined = sum(agencies[its_id] > 1 for its_id in opened)
    return Help(
        situations=len(opened),
        joined_share=joined / len(opened) if opened and len(reporting) > 1 else None,
        dispatch_minutes=_minutes(dispatch),
        arrival_minutes=_minutes(arrival),
        camera_minutes=_minutes(cameras),
        video_minutes=_minutes(videos),
        arrived_within_7_min=sum(one <= GOAL_MS for one in arrival) / len(arrival) if arrival else None,
    )


def _minutes(waits: Sequence[int]) -> float | None:
    return median(waits) / 60_000 if waits else None


def _earliest(rows: Iterable[Value], field: str) -> dict[str, int]:
    """Map each situation id to the earliest time of its rows."""
    found: dict[str, int] = {}
    for one in rows:
        found[one["situation_id"]] = min(found.get(one["situation_id"], one[field]), one[field])
    return found


def _waits(reached: Mapping[str, int], opened: Mapping[str, int]) -> list[int]:
    return [at - opened[its_id] for its_id, at in reached.items() if at >= 0 and its_id in opened]


def first_heard(situations: Iterable[Value]) -> dict[str, int]:
    """Map each incident id to the time when it first was part of a situation: one alert each would have come then."""
    heard: dict[str, int] = {}
    for one in situations:
        if one["status"] != "closed":  # an incident that was over before it was reported alerts nobody
            for incident in one["incidents"]:
                heard.setdefault(incident["incident_id"], one["event_time"])
    return heard


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure of a period, and of its control period. *unit*: ``min``, ``share``, ``count`` or ``1/10min``."""

    name: str
    unit: str
    value: float | None
    control: float | None = None

    @property
    def change(self) -> float | None:
        """*value* minus *control*; ``None`` where either is not reported."""
        return None if self.value is None or self.control is None else self.value - self.control


LOADS = (("alerts_per_10_min", "per_10_min", "1/10min"), ("flood_share", "flood_share", "share"))
COUNTS = (("alerts", "count"), ("chattering", "count"), ("stale", "count"))
HELPS = (
    ("joined_share", "share"),
    ("dispatch_minutes", "min"),
    ("arrival_minutes", "min"),
    ("camera_minutes", "min"),
    ("video_minutes", "min"),
    ("arrived_within_7_min", "share"),
)


@dataclass(frozen=True, slots=True)
class CoreEvents:
    """The events of ``core.alert``, ``core.situation`` and ``core.grant`` of a log, each in order.

    *since*: when the log begins. A period before it is unknown, not empty. *uses*: the first uses in ``core.access``.
    """

    alerts: Sequence[Value]
    situations: Sequence[Value]
    grants: Sequence[Value]
    since: int
    uses: Sequence[Value] = ()

    def audiences(self) -> list[str]:
        return sorted({one["audience"] for one in self.alerts})

    def help(self, from_ms: int, to_ms: int) -> Help:
        return help_of(self.situations, grants=self.grants, uses=self.uses, from_ms=from_ms, to_ms=to_ms)


def measures_of(told: CoreEvents, *, from_ms: int, to_ms: int) -> list[Measure]:
    """Return every measure of the period [from_ms, to_ms)."""
    found = told.help(from_ms, to_ms)
    measures = [Measure(name, unit, getattr(found, name)) for name, unit in HELPS]
    for audience in told.audiences():
        load = load_of(told.alerts, audience, from_ms=from_ms, to_ms=to_ms)
        measures += [
            Measure(f"{name}:{audience}", unit, float(getattr(load, field))) for name, field, unit in LOADS
        ]
        measures += [Measure(f"{name}:{audience}", unit, float(getattr(load, name))) for name, unit in COUNTS]
    return measures


def compared(
    told: CoreEvents, *, from_ms: int, to_ms: int, control_from: int, control_to: int
) -> list[Measure]:
    """Return every measure of a period and of its control. Without control if the log begins later than that."""
    ours = measures_of(told, from_ms=from_ms, to_ms=to_ms)
    if told.since > control_from:
        return ours
    before = {one.name: one.value for one in measures_of(told, from_ms=control_from, to_ms=control_to)}
    return [Measure(one.name, one.unit, one.value, before.get(one.name)) for one in ours]
