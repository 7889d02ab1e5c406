"""Cases for tests; each spells out only what matters."""

from __future__ import annotations

from typing import Any

from schemas.event import Event, event_fields
from streams.cases.judge import Case, Sighting

HOUR = 3_600_000
NOON = 1_780_000_000_000
SQUARE = ((37.49, 126.75), (37.49, 126.80), (37.53, 126.80), (37.53, 126.75))
"""Corners in Bucheon, latitude first."""


def a_case(ground: str | None = "dementia", **said: Any) -> Case:
    """A case opened at noon, about the two hours before and the two days after."""
    about: dict[str, Any] = {
        "case_id": "case-1",
        "opened_at_ms": NOON,
        "requester": "unit-3",
        "ground": ground,
        "area": SQUARE,
        "from_ms": NOON - 2 * HOUR,
        "until_ms": NOON + 48 * HOUR,
    }
    return Case(**{**about, **said})


def a_sighting(**said: Any) -> Sighting:
    """A sighting inside the area an hour before noon, by clothes."""
    about: dict[str, Any] = {"seen_at_ms": NOON - HOUR, "analytic": "onvif", "lat": 37.51, "lon": 126.77}
    return Sighting(**{**about, **said})


def an_event(topic: str, event_id: str = "e-1", /, **said: Any) -> Event:
    """An event of *topic* with the fields that every event has, and those of *said*."""
    fields = event_fields("bucheon", "test", event_id=event_id, event_time_ms=NOON, received_ms=NOON)
    return Event(topic, "case-1", {**fields, "case_id": "case-1", **said})


def a_missing(**said: Any) -> Event:
    """A case's event with a note, photo and attributes that can be looked for in bytes."""
    about: dict[str, Any] = {
        "revision": 0,
        "agency": "112",
        "agency_case_no": "canary-number-17",
        "state": "open",
        "state_reason": None,
        "ground": "dementia",
        "other_ground": None,
        "requester": "canary-unit-3",
        "authorisation_id": None,
        "is_urgent": False,
        "filing_id": None,
        "category": "canary-category",
        "area": '{"type":"Polygon","coordinates":[[[126.75,37.49],[126.8,37.49],[126.8,37.53],[126.75,37.49]]]}',
        "from_time": NOON - 2 * HOUR,
        "until_time": NOON + 48 * HOUR,
        "last_seen": {"seen_at": NOON - 2 * HOUR, "position": None},
        "attributes": [{"name": "upper_colour", "word": "canary-red", "confidence": 0.5}],
        "photo_ref": "canary-photo-1",
        "sealed": None,
    }
    return an_event("police.missing", **{**about, **said})


def an_answer(**said: Any) -> Event:
    """An operator's answer to a candidate, with a note."""
    about: dict[str, Any] = {
        "action_id": "a-1",
        "situation_id": "case-1",
        "action": "confirm",
        "account_id": "acc-7",
        "role": "operator",
        "reason": "canary-note: the same red coat",
        "other_situation_id": None,
        "incident_ids": [],
        "ground": None,
        "to_domain": None,
        "candidate_id": "candidate-1",
    }
    return an_event("core.action", **{**about, **said})
