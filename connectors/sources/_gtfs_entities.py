"""Entities of GTFS-realtime in our words. Pure.

What a field holds when nobody set it is no claim: only what is there is taken, but for the relationship, which by the
standard is *scheduled* where it is not said. A value of a later version of the standard is null and noted; where a
word must stand, it is *unknown*.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet
from google.transit import gtfs_realtime_pb2 as gtfs

from connectors.formats.records import note_unknown
from connectors.subjects.plausible import EARLIEST_MS, LATEST_MS, id_if_known, plausible, time_if_known
from connectors.subjects.schedules import Schedule, Trip
from connectors.subjects.vehicles import Telemetry
from schemas.errors import Invalid

LATEST_S = 4_102_444_800
"""The year 2100: what is later is milliseconds."""
DAY = re.compile(r"[0-9]{8}")
CLOCK = re.compile(r"[0-9]{1,2}:[0-5][0-9]:[0-5][0-9]")
OTHER_TIMES = "schedule of other times"
UNKNOWN = "unknown"


def moment_ms(seconds: int, field: str) -> int:
    """``Invalid`` for what is no time of ours in seconds."""
    if not EARLIEST_MS // 1000 <= seconds <= LATEST_S:
        raise Invalid(f"{field} is no time of ours", field=field, expected="seconds since 1970")
    return seconds * 1000


def word(message: Any, field: str, noted: Counter[str]) -> str | None:
    """The name of an enumeration's value, lower case; ``None`` where it is missing, or, noted, where it is a later value."""
    about = message.DESCRIPTOR.fields_by_name[field]
    if message.HasField(field):
        name: str = about.enum_type.values_by_number[getattr(message, field)].name
        return name.lower()
    number = _later_value(message, about.number)
    if number is not None:
        note_unknown(noted, field, str(number))
    return None


def relationship(message: Any, noted: Counter[str]) -> str:
    """The relationship of *message* to the schedule: *scheduled* where none is given, *unknown* for a later value."""
    field = "schedule_relationship"
    found = word(message, field, noted)
    if found is None and _later_value(message, message.DESCRIPTOR.fields_by_name[field].number) is None:
        return "scheduled"
    return found or UNKNOWN


def _later_value(message: Any, field_number: int) -> int | None:
    """The number that an enumeration's field holds and that this version does not know: protobuf sets it apart."""
    values = [one.data for one in UnknownFieldSet(message) if one.field_number == field_number]
    return values[-1] if values else None


def said(message: Any, field: str) -> Any:
    """The value of *field*; ``None`` where it is missing or an empty text."""
    if not message.HasField(field):
        return None
    value = getattr(message, field)
    return None if value == "" else value


def measured(message: Any, field: str, quantity: str, noted: Counter[str]) -> Any:
    """As ``said``, within the bounds of *quantity*: −1, which an unsigned field holds as all bits set, is null and noted."""
    return plausible(said(message, field), quantity, noted, field)


def said_id(message: Any, field: str, noted: Counter[str]) -> str | None:
    """As ``said``; a maker's "unknown" is null, and noted."""
    return id_if_known(said(message, field), field, noted)


def check_texts(message: Any) -> None:
    """``Invalid`` where a text of *message* holds bytes of no character: the library gives them as they came."""
    for field, value in message.ListFields():
        if isinstance(value, bytes):
            raise Invalid(f"{field.name} holds bytes of no character", field=field.name, expected="text")
        if field.message_type is not None:
            for one in (value,) if isinstance(value, Message) else value:
                check_texts(one)


def scheduled(trip: Any, schedule: Schedule, told: Telemetry) -> tuple[str | None, Trip | None]:
    """The id of *trip* and its trip in the schedule: by its id, else by route, day and start."""
    trip_id = said_id(trip, "trip_id", told.noted)
    if trip_id is None and trip.route_id and trip.start_date and trip.start_time:
        trip_id = schedule.trip_starting(
            trip.route_id, said(trip, "direction_id"), trip.start_date, trip.start_time
        )
    found = None if trip_id is None else schedule.trips.get(trip_id)
    if trip_id is not None and found is None and schedule.trips:
        told.noted["trip not in the schedule"] += 1
    return trip_id, found


def trip_fields(trip: Any, trip_id: str | None, known: Trip | None, noted: Counter[str]) -> dict[str, Any]:
    """Fields of a trip in events of vehicles and of trips."""
    direction = measured(trip, "direction_id", "direction_id", noted)
    return {
        "trip_id": trip_id,
        "route_id": said_id(trip, "route_id", noted) or (known.route_id if known else None),
        "direction_id": known.direction_id if direction is None and known else direction,
        "headsign": known.headsign if known else None,
        "trip_start_date": _start_date(said(trip, "start_date")),
        "trip_start_clock": _start_clock(said(trip, "start_time")),
    }


def _start_date(text: str | None) -> str | None:
    """*text* itself: YYYYMMDD of the calendar. ``Invalid`` for anything else."""
    if text is None:
        return None
    try:
        if DAY.fullmatch(text) is None:
            raise ValueError
        date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        raise Invalid("the trip's date is none", field="trip.start_date", expected="20260601") from None
    return text


def _start_clock(text: str | None) -> str | None:
    """*text* itself: a clock as schedules write it, beyond 24 hours after midnight. ``Invalid`` for anything else."""
    if text is not None and CLOCK.fullmatch(text) is None:
        raise Invalid("the trip's clock is none", field="trip.start_time", expected="05:00:00 or 25:30:00")
    return text


def delays(updates: Sequence[Any], known: Trip | None, noted: Counter[str]) -> list[dict[str, Any]]:
    """The expected times stop by stop; the schedule names stops and their order where the feed does not."""
    return [_delay(one, known, noted) for one in updates]


def _delay(update: Any, known: Trip | None, noted: Counter[str]) -> dict[str, Any]:
    sequence = measured(update, "stop_sequence", "stop_sequence", noted)
    stop_id = said_id(update, "stop_id", noted)
    if known is not None and sequence is None and stop_id is not None:
        sequence = known.sequence_of(stop_id)
    elif known is not None and stop_id is None and sequence is not None:
        stop_id = known.stop_at(sequence)
    delay: dict[str, Any] = {"stop_id": stop_id, "stop_sequence": sequence}
    for name in ("arrival", "departure"):
        event = getattr(update, name)
        time_s = time_if_known(said(event, "time"), f"{name}.time", noted)
        delay[f"{name}_delay_s"] = measured(event, "delay", "delay", noted)
        delay[f"{name}_time"] = None if time_s is None else moment_ms(time_s, f"{name}.time")
        delay[f"{name}_uncertainty_s"] = measured(event, "uncertainty", "uncertainty", noted)
    delay["relationship"] = relationship(update, noted)
    return delay


def contradicts(updates: Sequence[Any], known: Trip) -> bool:
    """Whether the feed names another stop than the schedule at some place: then that schedule is of other times."""
    return any(
        known.stop_at(one.stop_sequence) != one.stop_id
        for one in updates
        if one.HasField("stop_sequence")
        and one.stop_id
        and relationship(one, Counter()) not in ("unscheduled", UNKNOWN)
    )


def text_in(translated: Any, language: str | None) -> tuple[str | None, str | None]:
    """(text, its language): the one in *language*, else the first."""
    texts = [one for one in translated.translation if one.text.strip()]
    chosen = [one for one in texts if said(one, "language") == language] or texts
    return (chosen[0].text.strip(), said(chosen[0], "language")) if chosen else (None, None)


def alert_fields(alert: Any, alert_id: str, language: str | None, noted: Counter[str]) -> dict[str, Any]:
    """Fields of an alert; one that is about no single trip has its own id as ``trip_id``."""
    trips = {one.trip.trip_id for one in alert.informed_entity}
    routes = {one.route_id or one.trip.route_id for one in alert.informed_entity}
    header, spoken = text_in(alert.header_text, language)
    description, other = text_in(alert.description_text, language)
    return {
        "trip_id": f"alert:{alert_id}" if len(trips) != 1 or "" in trips else min(trips),
        "route_id": min(routes) if len(routes) == 1 and "" not in routes else None,
        "relationship": "alert",
        "alert_id": alert_id,
        "header_text": header,
        "description_text": description,
        "language": spoken or other,
        "url": text_in(alert.url, language)[0],
        "cause": word(alert, "cause", noted),
        "effect": word(alert, "effect", noted),
        "severity": _severity(alert, noted),
        "active": [_period(one, noted) for one in alert.active_period],
        "affected": [_affected(one, noted) for one in alert.informed_entity],
    }


def _severity(alert: Any, noted: Counter[str]) -> str | None:
    level = word(alert, "severity_level", noted)
    return None if level == "unknown_severity" else level


def _period(period: Any, noted: Counter[str]) -> dict[str, Any]:
    """0 is how some feeds write nothing; all bits set, or an end beyond 2100, is how others do."""
    start = time_if_known(period.start, "active_period.start", noted)
    end = time_if_known(period.end, "active_period.end", noted)
    if end is not None and LATEST_S < end <= LATEST_MS // 1000:
        noted["active_period.end beyond 2100 means none"] += 1
        end = None
    return {
        "starts_at": None if start is None else moment_ms(start, "active_period.start"),
        "ends_at": None if end is None else moment_ms(end, "active_period.end"),
    }


def _affected(one: gtfs.EntitySelector, noted: Counter[str]) -> dict[str, Any]:
    direction = measured(one, "direction_id", "direction_id", noted)
    return {
        "agency_id": said(one, "agency_id"),
        "route_type": said(one, "route_type"),
        "route_id": said(one, "route_id") or said(one.trip, "route_id"),
        "direction_id": measured(one.trip, "direction_id", "direction_id", noted)
        if direction is None
        else direction,
        "trip_id": said(one.trip, "trip_id"),
        "stop_id": said(one, "stop_id"),
    }
