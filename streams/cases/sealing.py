"""Events of a case under the case's own key: once that is destroyed, nobody reads them again. Pure.

AES-SIV (RFC 5297) gives the same bytes for the same event and key, so that a replay is the same byte for byte while the key
lives. A sealed text is bound to its topic, field and event: moved to another place it does not open.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from schemas.catalogue import topic_name
from schemas.errors import Fatal, Invalid
from schemas.event import Event
from streams.cases.sealed_fields import BOX, SealedFields, sealed_fields

PREFIX = "sealed:"
SEALED = re.compile(PREFIX + r"[A-Za-z0-9_-]{22,}")
"""A sealed text: 16 bytes of tag, and at least one more, in base64."""
KEY_BYTES = 64
"""Two keys of AES-256: one for the tag, one for the text."""


def is_of_case(event: Event) -> bool:
    """Whether *event* is one that is written only under a case's key."""
    table = sealed_fields().get(event.topic)
    if table is None or event.value is None:
        return False
    return table.only_with is None or event.value.get(table.only_with) is not None


def is_sealed(event: Event) -> bool:
    """Whether nothing that belongs under the case's key stands readable in *event*."""
    if event.value is None or not is_of_case(event):
        return True
    table, value = sealed_fields()[event.topic], event.value
    return all(_is_empty(value.get(name)) for name in table.fields) and all(
        value.get(name) is None or SEALED.fullmatch(str(value[name])) for name in table.in_place
    )


def sealed(event: Event, key: bytes) -> Event:
    """*event* with the fields of the table under *key*; one that is of no case as it is.

    ``Invalid`` for one that has a sealed field already: it may be another case's.
    """
    if event.value is None or not is_of_case(event):
        return event
    table, value = sealed_fields()[event.topic], dict(event.value)
    if value.get(BOX) is not None:
        raise Invalid(f"{event.topic}: it is sealed already", field=BOX, expected="null")
    said = {name: value[name] for name in table.fields if not _is_empty(value.get(name))}
    if said:
        value |= {name: _empty(one) for name, one in said.items()}
        value[BOX] = _sealed_text(said, key, _place(event, BOX))
    # a text that looks sealed is sealed all the same: somebody may have written it so
    for name in table.in_place:
        if value.get(name) is not None:
            value[name] = _sealed_text(value[name], key, _place(event, name))
    return replace(event, value=value)


def opened(event: Event, key: bytes | None) -> Event | None:
    """*event* as it was before it was sealed; ``None`` where it is sealed and its *key* is destroyed.

    ``Fatal``, with no part of it, where *key* is another case's or the text was changed.
    """
    if event.value is None or not is_of_case(event):  # its text may begin as a sealed one does
        return event
    value = dict(event.value)
    boxes = _sealed_names(sealed_fields()[event.topic], value)
    if not boxes:
        return event
    if key is None:
        return None
    for name in boxes:
        said = _opened_text(value[name], key, _place(event, name))
        value |= {BOX: None, **said} if name == BOX else {name: said}
    return replace(event, value=value)


def _sealed_names(table: SealedFields, value: Mapping[str, Any]) -> list[str]:
    names = [BOX, *table.in_place] if table.fields else table.in_place
    return [name for name in names if str(value.get(name)).startswith(PREFIX)]


def _is_empty(value: Any) -> bool:
    """Whether a field says nothing. The number 0 says something."""
    return value is None or (isinstance(value, list | str) and not value)


def _empty(value: Any) -> Any:
    """The empty form of a field: lists and texts have one, all others are null."""
    return type(value)() if isinstance(value, list | str) else None


def _place(event: Event, name: str) -> list[bytes]:
    value = event.value or {}
    return [topic_name(value["city"], event.topic).encode(), name.encode(), str(value["event_id"]).encode()]


def _sealed_text(said: Any, key: bytes, place: list[bytes]) -> str:
    box = AESSIV(key).encrypt(orjson.dumps(said, option=orjson.OPT_SORT_KEYS), place)
    return PREFIX + urlsafe_b64encode(box).decode().rstrip("=")


def _opened_text(text: str, key: bytes, place: list[bytes]) -> Any:
    try:
        raw = text.removeprefix(PREFIX)
        return orjson.loads(AESSIV(key).decrypt(urlsafe_b64decode(raw + "=" * (-len(raw) % 4)), place))
    except (InvalidTag, ValueError) as error:
        raise Fatal(
            f"{place[0].decode()}: a sealed field does not open with its case's key",
            hint="the key is another case's, or the event was changed: look for who wrote it",
        ) from error
