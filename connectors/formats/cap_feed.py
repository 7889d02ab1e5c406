"""A feed of CAP messages in Atom (RFC 4287), each with a link to its document and the message itself within. Pure.

An entry's id is derived from its message's own id, so it stays when the addresses change. A signature is of a whole
document: it is checked on the linked one, and a message stands in the feed without it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote

from lxml import etree

from connectors.formats.cap_out import CapMessage, Publisher, text
from connectors.formats.xml import Element, document, parsed
from schemas.errors import Invalid

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"
SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
ENTRIES_MAX = 1_000
"""The newest messages of a feed; a client that asks seldom has the rest by their references."""
ENTRIES_KEPT = 2_000
KEPT_MS = 3_600_000
"""The time for which a Cancel stays in the feed: so long may a reader be away and still hear of it."""


def current(
    messages: Iterable[CapMessage], *, now_ms: int, entries_max: int | None = ENTRIES_MAX
) -> list[CapMessage]:
    """The newest message of each alert that tells a reader something now, newest first: none that has expired, and a
    Cancel for `KEPT_MS`. *entries_max*: ``None`` for all of them, which a feed of several pages needs."""
    newest: dict[str, CapMessage] = {}
    for one in messages:
        if one.alert_id not in newest or newest[one.alert_id].revision < one.revision:
            newest[one.alert_id] = one
    return sorted(
        (one for one in newest.values() if now_ms < _until_ms(one)),
        key=lambda one: (-one.sent_ms, one.identifier),
    )[:entries_max]


def atom_feed(
    messages: Sequence[CapMessage],
    publisher: Publisher,
    *,
    address: str,
    now_ms: int,
    with_content: bool = True,
    public: bool = True,
    own_address: str | None = None,
    next_address: str | None = None,
) -> bytes:
    """The feed at *address* of *messages*, in their order; a message's document is ``<address>/<identifier>.xml``.

    *own_address*: of this page, where it is not *address*; *next_address*: of the page with older messages (RFC 5005).

    ``Invalid`` for a message that is not public, unless *public* is false. *now_ms* dates a feed without entries.
    """
    if public and any(one.scope != "Public" for one in messages):
        raise Invalid("a public feed holds a message that is not public", field="scope", expected="Public")
    root = etree.Element(f"{{{ATOM}}}feed", nsmap={None: ATOM})
    _add(root, "id", address)
    _add(root, "title", text(publisher.title))
    _add(root, "updated", _time(max((one.sent_ms for one in messages), default=now_ms)))
    _add(_add(root, "author"), "name", text(publisher.title))
    _add(root, "link", rel="self", type="application/atom+xml", href=own_address or address)
    if next_address is not None:
        _add(root, "link", rel="next", type="application/atom+xml", href=next_address)
    feed = document(root)
    end = feed.rindex(b"</")
    entries = (
        _entry(one, f"{address}/{quote(one.identifier, safe='')}.xml", with_content)
        for one in messages[:ENTRIES_MAX]
    )
    return b"".join((feed[:end], *entries, feed[end:]))


@lru_cache(ENTRIES_KEPT)
def _entry(message: CapMessage, address: str, with_content: bool) -> bytes:
    """The entry of *message*. Kept: a page that changed has mostly the same ones."""
    entry = etree.Element(f"{{{ATOM}}}entry", nsmap={None: ATOM})
    _add(entry, "id", _urn(message.identifier))
    _add(entry, "title", message.headline or message.identifier)
    _add(entry, "updated", _time(message.sent_ms))
    _add(entry, "link", rel="alternate", type=CAP_TYPE, href=address)
    if with_content:
        alert = parsed(message.body)
        for signature in alert.findall(SIGNATURE):
            alert.remove(signature)
        _add(entry, "content", type=CAP_TYPE).append(alert)
    else:
        _add(entry, "summary", message.headline)
    return bytes(etree.tostring(entry))


def _until_ms(message: CapMessage) -> int:
    if message.type == "Cancel":
        return min(message.expires_ms, message.sent_ms + KEPT_MS)
    return message.expires_ms


def _urn(identifier: str) -> str:
    """A UUID of version 8 (RFC 9562) that is derived from *identifier*."""
    number = int.from_bytes(hashlib.blake2b(identifier.encode(), digest_size=16).digest(), "big")
    number = number & ~(0xF << 76) & ~(0b11 << 62) | 8 << 76 | 0b10 << 62
    digits = f"{number:032x}"
    return "urn:uuid:" + "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _add(parent: Element, name: str, said: str | None = None, **attributes: str) -> Element:
    child = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    if said is not None:
        child.text = said
    return child
