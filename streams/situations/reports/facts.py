"""Events as the rules take them: checked, and cut down to what they need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from schemas.errors import Invalid
from schemas.kinds import OTHER
from streams.situations.entry import Entry
from streams.situations.model import Camera, Incident, Position
from streams.situations.terms import STATUSES

UNSTATED = "unstated"
UNKNOWN_LETTERS_MAX = 200


def time_of(entry: Entry) -> int:
    """The time that *entry* brings: when it was heard, or what the tick tells."""
    name = "event_time" if entry.kind == "tick" else "received_time"
    time_ms = entry.value.get(name)
    if not isinstance(time_ms, int):
        raise Invalid(f"{entry.topic}: no {name}", field=name, expected="epoch milliseconds")
    return time_ms


def incident_of(entry: Entry) -> Incident:
    """When it was heard is left 0. ``Invalid`` names the field that is missing or cannot be."""
    value = entry.value
    try:
        incident = Incident(
            incident_id=value["incident_id"],
            domain=domain_of(entry.topic),
            agency=value["agency"],
            agency_case_no=value["agency_case_no"],
            kind=value["kind"],
            status=value["status"],
            event_time=value["event_time"],
            position=position_of(value["position"]),
            revision=value["revision"],
            event_id=value["event_id"],
            topic=entry.topic,
            partition=entry.partition,
            offset=entry.offset,
            heard_at=0,
            units=tuple(value["units"]),
            unknown_word=_unknown_word(value),
            source=source_of(entry),
            address=value.get("address"),
        )
    except KeyError as error:
        raise _missing(entry, error) from None
    if incident.status not in STATUSES:
        raise Invalid(f"{entry.topic}: unknown status", field="status", expected=" or ".join(STATUSES))
    time_of(entry)
    return incident


def _unknown_word(value: Mapping[str, Any]) -> str:
    is_unknown = value["kind"] == OTHER and value.get("kind_source") is not None
    return str(value.get("kind_text") or UNSTATED)[:UNKNOWN_LETTERS_MAX] if is_unknown else ""


def next_of(known: Incident, incident: Incident) -> Incident:
    """*incident*, the revision after *known*, with what the rules know of it beside its agency's words."""
    is_turn = _turns(known) != _turns(incident)
    return replace(
        incident,
        anchored=known.anchored,
        bound=known.bound,
        parted=known.parted,
        first_heard_at=known.first_heard_at or known.heard_at,
        turned_at=incident.heard_at if is_turn else known.turned_at or known.heard_at,
    )


def _turns(incident: Incident) -> tuple[object, ...]:
    """The fields that change when something happens to an incident: units sent, a correction, closing, reopening."""
    return incident.kind, incident.status, incident.units, incident.position, incident.event_time


def camera_of(entry: Entry) -> Camera:
    value = entry.value
    try:
        return Camera(
            camera_id=value["camera_id"],
            position=position_of(value["position"]),
            purposes=tuple(sorted(set(value["purposes"]))),
            status=value["status"],
            source=source_of(entry),
        )
    except KeyError as error:
        raise _missing(entry, error) from None


def source_of(entry: Entry) -> str:
    """Who said so, by its name in the city's file; empty where nothing says."""
    return str(entry.value.get("source") or "")


def domain_of(topic: str) -> str:
    """``houston.fire.incident`` is of the domain fire."""
    parts = topic.split(".")
    if len(parts) < 2:
        raise Invalid(f"topic {topic!r} names no domain", field="topic", expected="<city>.<domain>.<noun>")
    return parts[-2]


def position_of(value: Mapping[str, Any] | None) -> Position | None:
    if value is None:
        return None
    lat, lon = value["lat"], value["lon"]
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise Invalid(
            "a position outside the earth", field="position", expected="degrees, -90..90 and -180..180"
        )
    return Position(lat, lon, value.get("accuracy_m"))


def _missing(entry: Entry, error: KeyError) -> Invalid:
    field = str(error.args[0])
    return Invalid(f"{entry.topic}: no {field}", field=field, expected="a value")
