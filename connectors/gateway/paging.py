"""Pages of a list: the rows that a subscriber may read and that pass the filters, the newest changed first. Pure.

A cursor says after which row the next page begins. A row that changes meanwhile moves to the front, so no other row is left
out or comes twice; ``since`` finds it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.gateway.parameters import AREAS, wrong
from connectors.gateway.shelf import ShelfRow, Value
from connectors.subscribers import Subscriber
from schemas.iso_time import iso_time
from schemas.kinds import load_kinds

READ_MAX = 5_000
"""The rows whose whole value one page may read. A page with fewer rows than asked for, and ``next``, has reached it."""
DIGEST_BYTES = 9


@dataclass(frozen=True, slots=True)
class Page:
    """*after*: where the next page begins; ``None`` on the last one."""

    rows: Sequence[dict[str, Any]]
    after: tuple[float, str] | None
    newest_ms: int | None


def page_of(
    contract: str,
    rows: Sequence[ShelfRow],
    subscriber: Subscriber,
    wanted: Mapping[str, Any],
    *,
    after: tuple[float, str] | None,
    now_ms: int,
) -> Page:
    """The page of at most ``wanted["limit"]`` rows after *after*."""
    found: list[dict[str, Any]] = []
    newest_ms, last, read = None, None, 0
    for row in _chosen(contract, rows, subscriber, wanted, after, now_ms):
        if len(found) == wanted["limit"] or read == READ_MAX:
            return Page(found, last, newest_ms)
        last, read = (row.place, row.key), read + 1
        shown = subscriber.shown(contract, row.value())
        if _says(shown, wanted.get("text")):
            found.append(shown)
            newest_ms = max(newest_ms or 0, row.changed_ms)
    return Page(found, None, newest_ms)


def _chosen(
    contract: str,
    rows: Sequence[ShelfRow],
    subscriber: Subscriber,
    wanted: Mapping[str, Any],
    after: tuple[float, str] | None,
    now_ms: int,
) -> Iterator[ShelfRow]:
    """The rows whose heads pass. What the subscriber may not see of a head is not compared: a filter would tell it."""
    for row in rows:
        is_later = after is None or (row.place, row.key) < after
        if not is_later or row.changed_ms < (wanted.get("since") or 0):
            continue
        if not subscriber.may_read(contract, row.head):
            continue
        if _passes(subscriber.shown(contract, row.head), wanted, now_ms):
            yield row


def _passes(head: Value, wanted: Mapping[str, Any], now_ms: int) -> bool:
    kinds, status = wanted.get("kind"), wanted.get("status")
    if kinds and not any(load_kinds().is_a(head["kind"], one) for one in kinds):
        return False
    if status and head["status"] not in status:
        return False
    for name in ("situation_id", "audience", "camera_id"):
        if wanted.get(name) is not None and head[name] != wanted[name]:
            return False
    if wanted.get("is_current") is not None and wanted["is_current"] != _is_current(head, now_ms):
        return False
    areas = [wanted[name] for name in AREAS if wanted.get(name) is not None]
    at = head.get("area") or head.get("position")
    return not areas or (at is not None and all(holds(at["lat"], at["lon"]) for holds in areas))


def _is_current(head: Value, now_ms: int) -> bool:
    return head["revoked_at"] is None and iso_time(head["expires_at"]).utc_ms() > now_ms


def _says(shown: Value, words: Sequence[str] | None) -> bool:
    """Whether each of *words* stands in a text of *shown*, or in a name of one of its kinds."""
    if not words:
        return True
    text = "\n".join(_texts(shown, "")).casefold()
    return all(word in text for word in words)


def _texts(shown: Any, name: str) -> Iterator[str]:
    if isinstance(shown, str):
        yield shown
        if name == "kind":
            yield from load_kinds().names.get(shown, {}).values()
    elif isinstance(shown, Mapping):
        for inner, value in shown.items():
            yield from _texts(value, inner)
    elif isinstance(shown, list):
        for value in shown:
            yield from _texts(value, name)


# -- cursors ---------------------------------------------------------------------------------------------------------


def digest_of(given: Sequence[tuple[str, str]]) -> str:
    """A short hash of a list's filters: a cursor of other filters is refused."""
    filters = sorted(one for one in given if one[0] not in {"cursor", "limit"})
    return base64.urlsafe_b64encode(hashlib.sha256(orjson.dumps(filters)).digest()[:DIGEST_BYTES]).decode()


def cursor_of(after: tuple[float, str], digest: str) -> str:
    text = orjson.dumps([digest, *after])
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def after_of(cursor: str | None, digest: str) -> tuple[float, str] | None:
    """The place that *cursor* stands for. ``Problem`` 422 for one that is none, or of other filters."""
    if cursor is None:
        return None
    try:
        found = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True))
        its_digest, place, key = found
        if isinstance(place, bool) or not isinstance(place, int | float) or not isinstance(key, str):
            raise TypeError
    except (ValueError, TypeError, binascii.Error):
        raise wrong("cursor", "it is no cursor of this list", "`next` of the page before, as it is") from None
    if its_digest != digest:
        raise wrong("cursor", "it belongs to other filters", "the filters of the page before, or no cursor")
    return float(place) if isinstance(place, float) else place, key
