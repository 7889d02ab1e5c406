"""CloudEvents over HTTP: binary (attributes in ``ce-`` headers), structured, and batches. Pure.

An event's ``data`` is the agency's message. Its ``source``, ``id`` and data together identify a repeat. The data count too,
so an agency that gives all its events one id loses none.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from cloudevents.core.base import BaseCloudEvent
from cloudevents.core.bindings.http import HTTPMessage, from_binary
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.formats.json import JSONFormat

from schemas.errors import Invalid

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
_FORM = JSONFormat()
_FAULTS = (
    BaseCloudEventException,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
)
"""The errors that the library raises for a malformed event: its own, and Python's that it does not catch."""


@dataclass(frozen=True, slots=True)
class PushedMessage:
    """One message of an agency. *mark* identifies it, where the message has an id; ``None``: it has none."""

    body: bytes
    mark: bytes | None = None


def is_cloud_event(headers: Mapping[str, str], media_type: str) -> bool:
    return media_type in (STRUCTURED, BATCH) or "ce-specversion" in headers


def unwrap(headers: Mapping[str, str], media_type: str, body: bytes) -> list[PushedMessage]:
    """The messages of a request's events, in order. ``Invalid`` names the event and what it lacks."""
    if media_type == STRUCTURED:
        return [_of_structured(_json(body), "the event")]
    if media_type == BATCH:
        events = _json(body)
        if not isinstance(events, list) or not events:
            raise Invalid("the batch is no list of events", expected="a JSON list that holds something")
        return [_of_structured(event, f"event {number}") for number, event in enumerate(events)]
    if "ce-id" not in headers:
        raise Invalid("the event has no id", field="ce-id", expected="a text that names it")
    event = _checked(lambda: from_binary(HTTPMessage(dict(headers), b""), _FORM), "the event")
    return [_message_of(event, body)]


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"the body is no JSON: {error}", expected="a CloudEvent as JSON") from None


def _of_structured(value: Any, name: str) -> PushedMessage:
    if isinstance(value, dict) and "id" not in value:  # the library would invent one
        raise Invalid(f"{name} has no id", field="id", expected="a text that names it")
    if isinstance(value, dict) and "data_base64" in value:
        _check_base64(value["data_base64"], name)
    event = _checked(lambda: _FORM.read(None, orjson.dumps(value)), name)
    data = event.get_data()
    if data is None:
        raise Invalid(f"{name} brings no data", field="data", expected="data or data_base64")
    if isinstance(data, str) and not _is_json(event):
        data = data.encode()
    body = data if isinstance(data, bytes) else orjson.dumps(data)
    if not body.strip():
        raise Invalid(
            f"{name} brings no data", field="data", expected="data or data_base64 that holds something"
        )
    return _message_of(event, body)


def _check_base64(text: object, name: str) -> None:
    """Raise ``Invalid`` unless every letter of *text* is base64: the library would skip the others silently."""
    try:
        base64.b64decode(text if isinstance(text, str) else "-", validate=True)
    except ValueError:
        raise Invalid(
            f"{name} is no CloudEvent: its data_base64 is no base64",
            field="data_base64",
            expected="base64 of RFC 4648",
        ) from None


def _is_json(event: BaseCloudEvent) -> bool:
    kind = event.get_datacontenttype()
    return kind is None or JSONFormat.JSON_CONTENT_TYPE_PATTERN.match(kind) is not None


def _message_of(event: BaseCloudEvent, body: bytes) -> PushedMessage:
    name = orjson.dumps(["cloudevent", event.get_source(), event.get_id()])
    return PushedMessage(body, hashlib.sha256(hashlib.sha256(name).digest() + body).digest())


def _checked(read: Any, name: str) -> BaseCloudEvent:
    try:
        event: BaseCloudEvent = read()
    except _FAULTS as error:
        raise Invalid(
            f"{name} is no CloudEvent: {_why(error)}",
            field="",
            expected="id, source, type and specversion 1.0",
        ) from None
    return event


def _why(error: Exception) -> str:
    """The names of the wrong attributes, never their values."""
    wrong = getattr(error, "errors", None)
    return (
        f"wrong or missing: {', '.join(sorted(wrong))}" if isinstance(wrong, dict) else type(error).__name__
    )
