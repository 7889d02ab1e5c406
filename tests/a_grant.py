"""A grant, planted in a city's log as its situations stage would write it."""

from __future__ import annotations

import time
from typing import Any

from schemas.event import Event, derived_id, event_fields
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import transaction
from tests.living_city import LivingCity


def plant_grant(
    city: LivingCity,
    grant_id: str,
    *,
    camera: str = "C-1",
    for_s: float = 600,
    revision: int = 1,
    **about: Any,
) -> None:
    """Write the revision of a grant to see *camera*; *about*: other values of its fields."""
    now_ms = int(time.time() * 1000)
    value = {
        **event_fields(
            city.name,
            "situations",
            event_id=derived_id("grant", grant_id, revision),
            event_time_ms=now_ms,
            received_ms=now_ms,
        ),
        "grant_id": grant_id,
        "revision": revision,
        "situation_id": "s-1",
        "camera_id": camera,
        "rank": 1,
        "distance_m": 10.0,
        "granted_to": "119",
        "purpose": "fire-safety",
        "legal_ground": "danger-to-life",
        "opened_at": now_ms,
        "expires_at": now_ms + round(for_s * 1000),
        "revoked_at": None,
        "reason": None,
        "override": None,
        "rule": "joint-incident",
        "rule_version": "1",
        **about,
    }
    producer = transactional_producer(city.places.kafka, f"{city.name}.planted")
    with transaction(producer, city.wire, city.name) as outbox:
        outbox.put(Event("core.grant", "s-1", value))
