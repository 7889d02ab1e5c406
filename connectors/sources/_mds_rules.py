"""Limits that the rules of MDS policies lay down for a zone, where one zone can say them. Pure.

A rule forbids where it lets no vehicle ride: its highest speed is 0, its highest count of vehicles in every state is 0, or
it informs riders (``user``) and is named "no riding". Such rules make the zone an exclusion, at their hours, for their
types of vehicle. They do not where one zone cannot say it, and ``rules`` has them as they came:

- They differ both in hours and in types of vehicle.
- A rule of the same policy and type stands before them and forbids nothing: it is the exception.
- They hold for some providers or propulsions, or for a state other than that of a trip.
- They forbid parking alone: who rides through does nothing wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.subjects.plausible import EARLIEST_MS
from schemas.errors import Invalid
from schemas.weekly import DAY_MIN, WEEKDAYS, clock_of

CLASSES: Mapping[str, tuple[str, ...]] = {
    "bicycle": ("bicycle", "electric_bicycle"),
    "cargo_bicycle": ("cargo_bicycle", "electric_cargo_bicycle"),
    "scooter": ("scooter", "electric_scooter"),
    "scooter_standing": ("scooter", "electric_scooter"),
    "scooter_seated": ("scooter", "electric_scooter"),
    "moped": ("moped",),
    "car": ("car",),
    "other": ("other",),
}
"""Classes of ``mobility.position`` for the types of vehicle; a type that is not here is its own class."""
CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?", re.ASCII)
NO_RIDING = re.compile(r"\bno[ _-]?rid(?:e|ing)\b", re.ASCII | re.IGNORECASE)
TRIP = ("on_trip", "trip")
POLICY = ("start_date", "end_date", "provider_ids")
"""Fields of a policy that bound its rules."""


def limits_of(rules: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``sense``, ``hours``, ``applies_to``, ``starts_at`` and ``ends_at`` of a zone with such *rules*, which are in order.

    Nothing where they make it no exclusion.
    """
    forbidding = [rule for rule in rules if _forbids(rule)]
    narrow = any(rule.get("provider_ids") or rule.get("propulsion_types") for rule in forbidding)
    if not forbidding or narrow or _has_exceptions(rules):
        return {}
    try:
        hours = [_hours(rule) for rule in forbidding]
        classes = [_classes(rule.get("vehicle_types")) for rule in forbidding]
        dates = [(_ms(rule.get("start_date")), _ms(rule.get("end_date"))) for rule in forbidding]
    except Invalid:  # the rules stay readable as they came
        return {}
    same_hours, same_classes = (
        all(one == hours[0] for one in hours),
        all(one == classes[0] for one in classes),
    )
    if any(one != dates[0] for one in dates) or not (same_hours or same_classes):
        return {}
    always = any(not one["days"] and (one["from"], one["until"]) == ("00:00", "24:00") for one in hours)
    return {
        "sense": "exclusion",
        "hours": [] if always else [one for n, one in enumerate(hours) if one not in hours[:n]],
        "applies_to": sorted(frozenset().union(*classes)),
        "starts_at": dates[0][0],
        "ends_at": dates[0][1],
    }


def _has_exceptions(rules: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a rule that forbids stands behind one of its policy and type that does not."""
    allowing = set[tuple[str, str]]()
    for rule in rules:
        of = str(rule.get("policy_id")), str(rule.get("rule_type"))
        if not _forbids(rule):
            allowing.add(of)
        elif of in allowing:
            return True
    return False


def _forbids(rule: Mapping[str, Any]) -> bool:
    kind, states = rule.get("rule_type"), rule.get("states", rule.get("statuses")) or {}
    if not isinstance(states, dict) or (states and not any(states.get(one, 0) in ([], None) for one in TRIP)):
        return False
    if kind == "user":
        return NO_RIDING.search(str(rule.get("name"))) is not None and not rule.get("maximum")
    highest = rule.get("maximum")
    is_nothing = highest == 0 and not isinstance(highest, bool) and rule.get("inclusive_maximum") is not False
    return is_nothing and not rule.get("minimum") and (kind == "speed" or (kind == "count" and not states))


def _hours(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The span in which *rule* holds, in the city's time. ``Invalid`` where it is none."""
    said = rule.get("days") or []
    shorts = [day[:3] for day in WEEKDAYS]
    if not isinstance(said, list) or any(day not in shorts for day in said):
        raise Invalid("a day is none", field="days", expected=", ".join(shorts))
    begin, end = _minute(rule.get("start_time"), 0), _minute(rule.get("end_time"), DAY_MIN)
    days = [day for day in WEEKDAYS if day[:3] in said]
    return {"days": days if len(days) < 7 else [], "from": clock_of(begin), "until": clock_of(end or DAY_MIN)}


def _minute(said: object, unsaid: int) -> int:
    """Minutes from midnight; seconds of an end are the minute after (23:59:59 is the end of the day)."""
    if said is None:
        return unsaid
    found = CLOCK.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise Invalid("it is no time of day", field="start_time", expected="HH:MM:SS")
    return int(found[1]) * 60 + int(found[2]) + (1 if unsaid and int(found[3] or 0) else 0)


def _classes(said: object) -> frozenset[str]:
    """Classes of the types of vehicle; of none named all that MDS knows: never drones or people."""
    if said in (None, []):
        said = list(CLASSES)
    if not isinstance(said, list) or not all(isinstance(one, str) and one for one in said):
        raise Invalid("the types of vehicle are none", field="vehicle_types", expected="a list of words")
    return frozenset(name for one in said for name in CLASSES.get(one, (one,)))


def _ms(said: object) -> int | None:
    """A policy's date. ``Invalid`` where it is no time."""
    if said is not None and (type(said) is not int or not EARLIEST_MS <= said < 1 << 52):
        raise Invalid("it is no time", field="start_date", expected="milliseconds since 1970")
    return said
