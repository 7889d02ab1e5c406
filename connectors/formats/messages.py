"""JSON messages as cameras and recorders send them: one, a list, or one a line; alone or as MQTT brought them.

What came by MQTT stands in a line ``{"topic", "payload" | "payload_base64"}``, payload as text or as JSON: the form that
``mosquitto_sub -F %j`` (or ``%J``) writes, so its captures can be read as they are. Lines that begin with ``#`` are
comments, and counted as skipped. A large file is one body: it is read line by line, but all its events are held at once.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson

from connectors.base import SetAside
from connectors.formats.empty_body import NOTHING
from connectors.formats.json import BOM, json_value, originals, value_bytes
from connectors.formats.json_parts import is_whole
from connectors.formats.records import ALONE, readable, set_aside
from connectors.subjects.detections import Told
from schemas.errors import Invalid

_COMMENTS = re.compile(rb"(?:#[^\n]*+(?:\n\s*+|\Z))*+")
Masked = Callable[[bytes], bytes]


@dataclass(slots=True)
class Message:
    """One message. *value*: its JSON; ``bytes`` where it is none by its first letter (XML); ``None``: an empty payload.

    *original* gives its bytes as they came, *around* what makes a body of its own of them.
    """

    value: Any
    topic: str | None
    original: Callable[[], bytes]
    around: tuple[bytes, bytes] = ALONE


def enveloped(topic: str, payload: bytes, *, is_retained: bool = False) -> bytes:
    """A message of MQTT as one line, without its newline. *is_retained*: the broker kept it from before we subscribed."""
    more = {"retain": True} if is_retained else {}
    try:
        return orjson.dumps({"topic": topic, "payload": payload.decode(), **more})
    except UnicodeDecodeError:
        return orjson.dumps({"topic": topic, "payload_base64": base64.b64encode(payload).decode(), **more})


def read_messages(
    body: bytes,
    told: Told,
    read_one: Callable[[Message, Told], None],
    masked: Masked = lambda original: original,
    lists: Sequence[str] = (),
) -> None:
    """Each message of *body* by itself; one for which *read_one* raises ``Invalid`` is set aside with its bytes.

    *masked* takes out of what is set aside what may not be kept. *lists*: dotted paths, within a message, of the lists of
    which *read_one* reads each record by itself; there ``Unreadable`` may stand for one.
    """
    try:
        for message in messages_in(body, told, masked, lists):
            if message.value == []:  # a batch of nothing
                told.skipped[NOTHING] += 1
                continue
            try:
                readable(message.value)
                read_one(message, told)
            except Invalid as error:
                told.aside.append(set_aside(masked(message.original()), error, message.around))
    except Invalid as error:
        told.aside.append(set_aside(masked(body), error))


def messages_in(body: bytes, told: Told, masked: Masked, lists: Sequence[str] = ()) -> Iterator[Message]:
    """The messages of *body*. ``Invalid`` when there is none in it."""
    body = body.removeprefix(BOM)
    if _is_lines(body):
        yield from _lines(body, told, masked, lists)
        return
    value = json_value(body, None, *_wrapped(lists))
    if isinstance(value, dict):
        yield _message_of(value, lambda: body, lists)
    elif isinstance(value, list) and value:
        original = originals(body, None)
        for index, one in enumerate(value):
            yield _message_of(one, partial(original, index, one), lists)
    else:
        raise Invalid(f"the body is a JSON {type(value).__name__}", expected="an object, or objects")


def _is_lines(body: bytes) -> bool:
    """Whether the first or the last of several lines is an object by itself. A truncated document is neither."""
    text = body.strip()
    comments = _COMMENTS.match(text)
    begin = comments.end() if comments else 0
    end = text.find(b"\n", begin)
    if end < 0:
        return begin > 0  # comments, and at most one message
    return _is_object(text[begin:end]) or _is_object(text[text.rfind(b"\n") + 1 :])


def _is_object(line: bytes) -> bool:
    """Whether *line* is an object by its brackets; a value in it may be none of JSON, which spoils this line alone."""
    line = line.strip()
    return line.startswith(b"{") and is_whole(line)


def _wrapped(lists: Sequence[str]) -> list[str]:
    """*lists* of a message as it is, and of one in an envelope."""
    return [*lists, *(f"payload.{path}" for path in lists)]


def _lines(body: bytes, told: Told, masked: Masked, lists: Sequence[str]) -> Iterator[Message]:
    paths = _wrapped(lists)
    for raw in io.BytesIO(body):
        line = raw.strip()
        if not line:
            continue
        if line.startswith(b"#"):
            told.skipped["comment"] += 1
            continue
        try:
            message = _message_of(json_value(line, *paths), partial(bytes, line), lists)
        except Invalid as error:
            told.aside.append(_aside(masked(line), error))
            continue
        yield message


def _aside(original: bytes, error: Invalid) -> SetAside:
    return set_aside(original, error)


def _message_of(value: Any, original: Callable[[], bytes], lists: Sequence[str]) -> Message:
    """*value* itself, or what it brings if it is an envelope. ``Invalid`` where that cannot be read."""
    if (
        type(value) is not dict
        or "topic" not in value
        or not ("payload" in value or "payload_base64" in value)
    ):
        return Message(value, None, original)
    topic = value["topic"]
    if not isinstance(topic, str):
        raise Invalid("the topic is no text", field="topic", expected="text")
    payload = _payload(value)
    if isinstance(payload, bytes):
        return _from_bytes(payload, topic, original, lists)
    around = (b'{"topic":' + orjson.dumps(topic) + b',"payload":', b"}")
    return Message(payload, topic, lambda: value_bytes(original(), "payload"), around)


def _payload(envelope: Mapping[str, Any]) -> Any:
    payload = envelope.get("payload")
    if isinstance(payload, str):
        return payload.encode("utf-8", "surrogatepass")
    if payload is not None:
        return payload
    try:
        return base64.b64decode(envelope.get("payload_base64") or b"", validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Invalid("payload_base64 is no base64", field="payload_base64", expected="base64") from None


def _from_bytes(payload: bytes, topic: str, original: Callable[[], bytes], lists: Sequence[str]) -> Message:
    text = payload.removeprefix(BOM).strip()
    if not text:
        return Message(None, topic, original)
    if text.startswith(b"<"):
        return Message(text, topic, original)
    value = json_value(text, *lists)
    around = (b'{"topic":' + orjson.dumps(topic) + b',"payload":', b"}")
    return Message(value, topic, lambda: text, around)
