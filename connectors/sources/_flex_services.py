"""Service on demand by place: the rows of GTFS-Flex that say when rides are had there, and how booked. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from connectors.sources._flex_hours import a_day, hours_of, weekdays, window_s
from connectors.sources._flex_tables import CLOSES, OPENS, FlexTables, Row
from schemas.errors import Invalid
from schemas.weekly import WEEKDAYS

NEVER, ADDED = "1", "1"
"""pickup_type and drop_off_type: not here; exception_type: the service runs on this day beside."""
SERVICES_MAX = 500
"""Told of one zone."""
SINGLE_DAYS, SINGLE_STOP, NO_TRIP = (
    "service on single days alone",
    "window at a single stop",
    "window of no trip",
)
TEXTS = ("message", "pickup_message", "drop_off_message", "phone_number", "info_url", "booking_url")
NUMBERS = (
    "prior_notice_duration_min",
    "prior_notice_duration_max",
    "prior_notice_start_day",
    "prior_notice_last_day",
)
CLOCKS = ("prior_notice_start_time", "prior_notice_last_time")
BOOKING_TYPES = ("0", "1", "2")

Period = tuple[date, date]


@dataclass(frozen=True, slots=True)
class FlexService:
    """One window of rides at one place, on the weekdays of a period."""

    period: Period
    days: tuple[int, ...]
    opens_s: int
    closes_s: int
    route_id: str
    said: tuple[tuple[str, Any], ...]
    """The rest that ``rules`` says of it, as pairs."""

    def to_rules(self) -> dict[str, Any]:
        return {
            **dict(self.said),
            "days": [WEEKDAYS[day] for day in self.days],
            "from": _clock(self.opens_s),
            "until": _clock(self.closes_s),
        }


def services_of(tables: FlexTables, row: Row, counted: Counter[str]) -> Iterator[tuple[str, FlexService]]:
    """Place → its service, of a *row* of stop_times with a window: a location's, or of each location and stop of its group.

    The key is the location's id, or the group's for all its stops. ``Invalid`` where the row is wrong.
    """
    place_id = row.get("location_id") or row.get("location_group_id") or row.get("stop_id") or ""
    opens_s, closes_s = window_s(row[OPENS], OPENS), window_s(row.get(CLOSES, ""), CLOSES)
    if closes_s <= opens_s:
        raise Invalid("the window closes before it opens", field=CLOSES, expected=f"later than {OPENS}")
    trip = tables.trips.get(row.get("trip_id", ""))
    if trip is None:
        counted[NO_TRIP] += 1
        return
    week = tables.calendar.get(trip.get("service_id", ""), {})
    if not (days := weekdays(week)):
        counted[SINGLE_DAYS] += 1
        return
    group = tables.members.get(place_id)
    service = FlexService(
        (a_day(week.get("start_date", ""), "start_date"), a_day(week.get("end_date", ""), "end_date")),
        days,
        opens_s,
        closes_s,
        trip.get("route_id", ""),
        tuple(_said(tables, row, trip, place_id if group is not None else None).items()),
    )
    if group is None and place_id in tables.stops:
        counted[SINGLE_STOP] += 1
        return
    for member in dict.fromkeys([place_id] if group is None else group):
        yield (place_id if member in tables.stops else member), service


def _said(tables: FlexTables, row: Row, trip: Row, group: str | None) -> dict[str, Any]:
    route = tables.routes.get(trip.get("route_id", ""), {})
    dates = tables.dates.get(trip.get("service_id", ""), ())
    said = {
        "route_id": trip.get("route_id"),
        "route_name": route.get("route_long_name") or route.get("route_short_name"),
        "group_id": group,
        "group_name": None if group is None else tables.group_names.get(group),
        "has_pickup": None if row.get("pickup_type") == NEVER else True,
        "has_drop_off": None if row.get("drop_off_type") == NEVER else True,
        "pickup_booking_rule_id": row.get("pickup_booking_rule_id"),
        "drop_off_booking_rule_id": row.get("drop_off_booking_rule_id"),
        "not_on": _days(one.get("date", "") for one in dates if one.get("exception_type") != ADDED),
        "also_on": _days(one.get("date", "") for one in dates if one.get("exception_type") == ADDED),
    }
    return {name: value for name, value in said.items() if value}


def _days(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(a_day(text, "date").isoformat() for text in texts))


def by_period(services: Iterable[FlexService]) -> dict[Period, list[FlexService]]:
    """*services* by their first and last day; what differs only in taking up and setting down is one."""
    ways = ("has_pickup", "has_drop_off")
    merged: dict[tuple[object, ...], FlexService] = {}
    for one in services:
        plain = tuple(pair for pair in one.said if pair[0] not in ways)
        key = (one.period, one.days, one.opens_s, one.closes_s, one.route_id, plain)
        before = merged.get(key)
        if before is not None:
            said = dict(before.said) | {name: True for name, _ in one.said if name in ways}
            merged[key] = FlexService(*key[:4], one.route_id, tuple(said.items()))
        else:
            merged[key] = one
    found: dict[Period, list[FlexService]] = defaultdict(list)
    for one in sorted(merged.values(), key=_order):
        found[one.period].append(one)
    return dict(found)


def _order(one: FlexService) -> tuple[object, ...]:
    return one.period, one.days, one.opens_s, one.closes_s, one.route_id, repr(one.said)


def rules_of(services: list[FlexService], booking: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The services of a zone and the rules by which rides of them are booked. ``Invalid`` for too many."""
    if len(services) > SERVICES_MAX:
        raise Invalid("the zone has too many windows", field=OPENS, expected=f"at most {SERVICES_MAX}")
    named = ("pickup_booking_rule_id", "drop_off_booking_rule_id")
    ids = {value for one in services for name, value in one.said if name in named}
    return {
        "services": [one.to_rules() for one in services],
        "booking_rules": [booking[one] for one in sorted(ids) if one in booking],
    }


def hours(services: Iterable[FlexService]) -> list[dict[str, Any]]:
    return hours_of((one.days, one.opens_s, one.closes_s) for one in services)


def booking_rule(row: Row) -> dict[str, Any]:
    """A row of booking_rules.txt: ``booking_type`` 0 in real time, 1 on the same day, 2 up to earlier days. ``Invalid``
    where it is wrong."""
    if not row.get("booking_rule_id"):
        raise Invalid("the booking rule has no id", field="booking_rule_id", expected="an id")
    if row.get("booking_type") not in BOOKING_TYPES:
        raise Invalid("booking_type is none", field="booking_type", expected=", ".join(BOOKING_TYPES))
    said: dict[str, Any] = {
        "booking_rule_id": row["booking_rule_id"],
        "booking_type": int(row["booking_type"]),
        **{name: _count(row[name], name) for name in NUMBERS if row.get(name)},
        **{name: _clock(window_s(row[name], name)) for name in CLOCKS if row.get(name)},
        "prior_notice_service_id": row.get("prior_notice_service_id"),
        **{name: row.get(name) for name in TEXTS},
    }
    return {name: value for name, value in said.items() if value not in (None, "")}


def _count(text: str, name: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise Invalid(f"{name} is no whole number", field=name, expected="minutes or days")
    return int(text)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
