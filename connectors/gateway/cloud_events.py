"""CloudEvents over HTTP: binary (attributes in ``ce-`` headers), structured, and batches. Pure.

An event's ``data`` is the agency's message, byte for byte as it came. Its ``source``, ``id`` and data together identify a
repeat. The data count too, so an agency that gives all its events one id loses none.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson
from cloudevents.core.exceptions import BaseCloudEventException
from cloudevents.core.v1.event import CloudEvent

from connectors.formats.json import BOM, json_value
from connectors.formats.json_parts import is_whole, parts
from connectors.formats.times import iso_ms
from connectors.gateway.cloud_event_headers import PREFIX, header_attributes
from connectors.gateway.media_types import BATCH, STRUCTURED
from schemas.errors import Invalid

NO_EVENTS = b"[]"
"""The message of an empty batch: a body without a record, which every source counts and takes nothing of."""
_NULL = b"null"
_DATA = ("data", "data_base64")
_REQUIRED = "id, source, type and specversion 1.0"
_FAULTS = (BaseCloudEventException, ValueError, TypeError, KeyError, AttributeError)
"""The errors that the library raises for a malformed event: its own, and Python's that it does not catch."""


@dataclass(frozen=True, slots=True)
class PushedMessage:
    """One message of an agency. *mark* identifies it, where the message has an id; ``None``: it has none."""

    body: bytes
    mark: bytes | None = None


@dataclass(frozen=True, slots=True)
class BadEvent:
    """An event of a batch that is no CloudEvent: its bytes, and why. The others of the batch are taken."""

    original: bytes
    error: Invalid


def is_cloud_event(headers: Mapping[str, str], media_type: str) -> bool:
    return media_type in (STRUCTURED, BATCH) or "ce-specversion" in headers


def unwrap(
    headers: Iterable[tuple[str, str]], media_type: str, body: bytes
) -> Sequence[PushedMessage | BadEvent]:
    """The messages of a request's events, in order, and the bad events of a batch in their places.

    ``Invalid`` where nothing of the request is an event: it says what is missing or wrong.
    """
    if media_type == STRUCTURED:
        return [_of_structured(body.removeprefix(BOM), "the event")]
    if media_type == BATCH:
        return _of_batch(body.removeprefix(BOM))
    attributes = header_attributes(headers)
    return [_message_of(_checked(attributes, "the event", PREFIX), body)]


def _of_batch(body: bytes) -> list[PushedMessage | BadEvent]:
    found: list[PushedMessage | BadEvent] = []
    for number, event in enumerate(_events(body)):
        try:
            found.append(_of_structured(event, f"event {number}"))
        except Invalid as error:
            found.append(BadEvent(event, error))
    return found or [PushedMessage(NO_EVENTS)]


def _events(body: bytes) -> Sequence[bytes]:
    """The bytes of each event of a batch."""
    try:
        return [bytes(one) for one in msgspec.json.decode(body, type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, ValueError, RecursionError):
        pass
    batch = body.strip()
    try:  # slower, and past NaN, half a letter and a wrong byte in one event
        if batch.startswith(b"[") and is_whole(batch):
            return [one.of(batch) for one in parts(batch, 0)]
    except ValueError:
        pass
    raise Invalid("the batch is no list of events", expected="a JSON list of CloudEvents")


def _of_structured(event: bytes, name: str) -> PushedMessage:
    said = {key: raw for key, raw in _members(event, name).items() if raw != _NULL}  # null: unset (JSON 2.2)
    attributes = {key: _value(raw, key, name) for key, raw in said.items() if key not in _DATA}
    checked = _checked(attributes, name)
    body = _data(said, checked, name)
    if not body.strip():
        raise Invalid(
            f"{name} brings no data", field="data", expected="data or data_base64 that holds something"
        )
    return _message_of(checked, body)


def _members(event: bytes, name: str) -> dict[str, bytes]:
    try:
        members = msgspec.json.decode(event, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        event = event.strip()
        if event.startswith(b"{") and is_whole(event):  # data with a bad record: its source takes the others
            return {part.name or "": part.of(event) for part in parts(event, 0)}
        raise Invalid(
            f"{name} is no CloudEvent: no JSON object ({type(error).__name__})",
            expected="a CloudEvent as JSON",
        ) from None
    return {key: bytes(raw) for key, raw in members.items()}


def _value(raw: bytes, key: str, name: str) -> Any:
    try:
        return json_value(raw)
    except Invalid:
        raise Invalid(
            f"{name} is no CloudEvent: wrong or missing: {key[:60]}", field=key[:60], expected="JSON"
        ) from None


def _data(said: Mapping[str, bytes], event: CloudEvent, name: str) -> bytes:
    """The data of a structured event: the bytes of its JSON, its text, or its base64 decoded."""
    if all(one in said for one in _DATA):
        raise Invalid(f"{name} brings data twice", field="data_base64", expected="data or data_base64")
    if "data_base64" in said:
        return _from_base64(_value(said["data_base64"], "data_base64", name), name)
    if "data" not in said:
        raise Invalid(f"{name} brings no data", field="data", expected="data or data_base64")
    data = said["data"]
    return _value(data, "data", name).encode() if data[:1] == b'"' and not _is_json(event) else data


def _from_base64(text: object, name: str) -> bytes:
    """*text* decoded. ``Invalid`` unless every letter of it is base64."""
    try:
        return base64.b64decode(text if isinstance(text, str) else "-", validate=True)
    except ValueError:
        raise Invalid(
            f"{name} is no CloudEvent: its data_base64 is no base64",
            field="data_base64",
            expected="base64 of RFC 4648",
        ) from None


def _is_json(event: CloudEvent) -> bool:
    kind = (event.get_datacontenttype() or "application/json").partition(";")[0].strip().lower()
    return kind.endswith(("/json", "+json"))


def _message_of(event: CloudEvent, body: bytes) -> PushedMessage:
    name = orjson.dumps(["cloudevent", event.get_source(), event.get_id()])
    return PushedMessage(body, hashlib.sha256(hashlib.sha256(name).digest() + body).digest())


def _checked(attributes: Mapping[str, Any], name: str, prefix: str = "") -> CloudEvent:
    """The event of *attributes*. ``Invalid`` names those that are wrong or missing, never their values.

    *prefix* stands before an attribute's name where the sender wrote it.
    """
    for one in ("id", "specversion"):  # the library would invent them
        if one not in attributes:
            expected = "a text that names it" if one == "id" else "1.0"
            raise Invalid(f"{name} has no {one}", field=prefix + one, expected=expected)
    try:
        if "time" in attributes:  # read as every time is: the library refuses a leap second
            iso_ms(attributes["time"], "time")
        return CloudEvent({key: value for key, value in attributes.items() if key != "time"})
    except (*_FAULTS, Invalid) as error:
        found = [error.field] if isinstance(error, Invalid) else getattr(error, "errors", ())
        wrong = sorted(prefix + one for one in found)
        raise Invalid(
            f"{name} is no CloudEvent: "
            + (f"wrong or missing: {', '.join(wrong)[:200]}" if wrong else type(error).__name__),
            field=wrong[0][:60] if wrong else "",
            expected=_REQUIRED,
        ) from None
