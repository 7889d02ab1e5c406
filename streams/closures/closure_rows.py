"""Rows of ``core.closure``: what is said of a closure when it opens, changes and ends. Pure."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from schemas.event import Event, derived_id, event_fields
from streams.closures.closure_table import CONTRACT, OVER, Closure


def ended(closure: Closure, by: str, *, account_id: str | None = None) -> Closure:
    """*closure*, over by the action, alert or word *by*."""
    return replace(closure, state=OVER, ended_by=by, account_id=account_id, revision=closure.revision + 1)


def closure_event(city: str, source: str, closure: Closure, *, now_ms: int) -> Event:
    """*closure* as an event of ``core.closure``. Saying the same of it again gives the same id."""
    by = closure.ended_by or closure.opened_by
    value = event_fields(
        city,
        source,
        event_id=derived_id("closure-row", city, closure.closure_id, closure.revision, closure.state, by),
        event_time_ms=now_ms,
        received_ms=now_ms,
    )
    return Event(CONTRACT, closure.closure_id, value | asdict(closure))
