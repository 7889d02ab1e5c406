"""The parts of a push: its messages, the marks by which a repeat is known, and its counts."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Request

from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.cloud_events import BadEvent, PushedMessage, is_cloud_event, unwrap
from connectors.gateway.examination import Examined, PushedSource
from connectors.gateway.problems import Problem
from schemas.errors import Invalid


def messages_of(request: Request, media_type: str, body: bytes) -> Sequence[PushedMessage | BadEvent]:
    """The messages of *body*: its CloudEvents, or itself."""
    if not is_cloud_event(request.headers, media_type):
        return [PushedMessage(body)]
    try:
        return unwrap(request.headers.items(), media_type, body)
    except Invalid as error:
        more = {"field": error.field, "expected": error.expected}
        raise Problem(422, error.what, more=more) from error


def marks_of(account: Account, idempotency_key: str | None, examined: Examined) -> list[bytes | None]:
    """A mark for each message by which a repeat is known: from the Idempotency-Key, if the request has one."""
    if idempotency_key is None:
        return examined.marks
    name = f"{account.account_id}\x1f{idempotency_key}"
    return [f"{name}\x1f{number}".encode() for number in range(len(examined.marks))]


def count(pushed: PushedSource, examined: Examined) -> None:
    """Count the records of a push in the metrics."""
    metrics.records.labels(pushed.name, "accepted").inc(0 if examined.is_all_bad else examined.events)
    metrics.records.labels(pushed.name, "refused").inc(examined.bad)
