"""Rows of ``core.delivery``: a receiver's progress, and back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.event import Event, derived_id, event_fields
from streams.deliver.receivers import Counts, Receiver
from streams.deliver.topic_place import TopicPlace, place_at

CONTRACT = "core.delivery"
WHY_MAX = 300


def event_of(city: str, name: str, receiver: Receiver, *, begun_at: int, now_ms: int) -> Event:
    """The row that says how far the receiver *name* is."""
    common = event_fields(
        city,
        "deliver",
        event_id=derived_id("delivery", city, name, now_ms, receiver.changes),
        event_time_ms=now_ms,
        received_ms=now_ms,
    )
    wake_at = receiver.wake_at() if receiver.attempts else None
    state = "waiting" if receiver.state == "active" and receiver.attempts else receiver.state
    return Event(
        CONTRACT,
        name,
        common
        | {
            "receiver": name,
            "begun_at": begun_at,
            "state": state,
            "places": [
                {"topic": topic, "next_offset": place.next_offset, "done_above": place.done_above}
                for topic, place in receiver.places.items()
            ],
            "delivered": receiver.counts.delivered,
            "set_aside": receiver.counts.set_aside,
            "attempts": receiver.attempts,
            "failing_since": receiver.failing_since,
            "next_at": wake_at,
            "last_error": _short(receiver.last_error),
            "last_set_aside": _short(receiver.last_set_aside),
        },
    )


def places_of(row: Mapping[str, Any]) -> dict[str, TopicPlace]:
    """The places by topic that *row* holds."""
    return {one["topic"]: place_at(one["next_offset"], one["done_above"]) for one in row["places"]}


def restore(receiver: Receiver, row: Mapping[str, Any]) -> None:
    """Give *receiver* the state in *row*, but for its places. A failing one is tried at once, and its day goes on."""
    receiver.state = row["state"] if row["state"] in ("paused", "dead") else "active"
    receiver.counts = Counts(row["delivered"], row["set_aside"])
    receiver.attempts, receiver.failing_since = row["attempts"], row["failing_since"]
    receiver.last_error, receiver.last_set_aside = row["last_error"], row["last_set_aside"]


def lag_of(row: Mapping[str, Any], ends: Mapping[str, int]) -> int:
    """The count of offsets between the places of *row* and the topics' *ends*."""
    return sum(max(0, ends.get(one["topic"], 0) - one["next_offset"]) for one in row["places"])


def _short(why: str | None) -> str | None:
    return None if why is None else why[:WHY_MAX]
