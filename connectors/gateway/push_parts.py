"""The parts of a push: its messages, the marks by which a repeat is known, and its counts."""

from __future__ import annotations

from collections.abc import Sequence

import orjson
from fastapi import Request

from connectors.formats.json import BOM
from connectors.gateway import metrics
from connectors.gateway.accounts import Account
from connectors.gateway.cloud_events import BadEvent, PushedMessage, is_cloud_event, unwrap
from connectors.gateway.examination import Examined, PushedSource
from connectors.gateway.problems import Problem
from schemas.errors import Invalid

OBJECT, METHOD = "object", "method"


def messages_of(
    request: Request, media_type: str, body: bytes, *, takes_objects: bool = False
) -> Sequence[PushedMessage | BadEvent]:
    """The messages of *body*: its CloudEvents, or itself; with the object's address of the query, where that names one."""
    address = request.query_params.getlist(OBJECT)
    is_wrapped = is_cloud_event(request.headers, media_type)
    if address and (is_wrapped or not takes_objects or len(address) > 1):
        raise Problem(
            422,
            "this push can name no object",
            more={
                "field": OBJECT,
                "expected": "one object, to a source that takes objects, in no CloudEvent",
            },
        )
    if address:
        return [PushedMessage(_about(address[0], request.query_params.get(METHOD, "PUT"), body))]
    if not is_wrapped:
        return [PushedMessage(body)]
    try:
        return unwrap(request.headers.items(), media_type, body)
    except Invalid as error:
        more = {"field": error.field, "expected": error.expected}
        raise Problem(422, error.what, more=more) from error


def _about(address: str, method: str, body: bytes) -> bytes:
    """*body* as it came, within the object that it is about. ``Problem`` where it is not one JSON value, whole by itself."""
    try:
        orjson.loads(body.removeprefix(BOM))
    except orjson.JSONDecodeError:
        raise Problem(
            422, "the body is no JSON", more={"field": "", "expected": "one object as JSON"}
        ) from None
    head = orjson.dumps({OBJECT: address, METHOD: method})[:-1]
    return head + b',"body":' + body.removeprefix(BOM) + b"}"


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
