"""The rules of CAP 1.2 that its XSD cannot say, as a check of what was sent, apart from the code that writes it.

It reads with the standard library alone and knows nothing of how our identifiers are made: an earlier message is found by
the three parts of a reference only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

SPACE = "{urn:oasis:names:tc:emergency:cap:1.2}"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?!\+00:00)[+-]\d\d:\d\d")
"""UTC is written ``-00:00``, and nothing is written ``Z``."""


@dataclass(frozen=True)
class Message:
    name: str
    """As a reference to it is written: ``sender,identifier,sent``."""
    identifier: str
    type: str
    sent: datetime
    ends: datetime
    references: tuple[str, ...]
    number: int
    """Its place among all that were sent."""


def faults(documents: Iterable[bytes]) -> list[str]:
    """The faults of *documents*, in the order in which they were sent; each fault begins with its identifier."""
    known: dict[str, Message] = {}
    cancelled, used = set[str](), set[str]()
    found: list[str] = []
    for body in documents:
        root = ET.fromstring(body)  # noqa: S314 - our own bytes
        wrong = [*_alone(root)]
        if not wrong:
            message = _message(root, len(known))
            if message.identifier in used:
                wrong.append("identifier was used before")
            used.add(message.identifier)
            wrong += _beside(message, known, cancelled)
            known[message.name] = message
            if message.type == "Cancel":
                cancelled |= {*message.references, message.name}
        found += [f"{_said(root, 'identifier')}: {one}" for one in wrong]
    return found


def _alone(root: ET.Element) -> Iterable[str]:
    """The faults of a message by itself."""
    sent = _said(root, "sent") or ""
    if not TIME.fullmatch(sent):
        yield f"sent is {sent}"
        return
    scope = _said(root, "scope")
    has = {name for name in ("addresses", "restriction") if _said(root, name)}
    if scope == "Public" and has:
        yield "a Public message has addresses or a restriction"
    if scope == "Private" and "addresses" not in has:
        yield "a Private message has no addresses"
    if scope == "Restricted" and "restriction" not in has:
        yield "a Restricted message has no restriction"
    infos = root.findall(f"{SPACE}info")
    if _said(root, "msgType") != "Cancel" and not infos:
        yield "there is no info"
    languages = [(_said(one, "language") or "en-US").casefold() for one in infos]
    if len(set(languages)) < len(languages):
        yield "two info blocks have one language"
    for info in infos:
        ends = _said(info, "expires") or ""
        if not TIME.fullmatch(ends):
            yield f"expires is {ends}"
        elif datetime.fromisoformat(ends) <= datetime.fromisoformat(sent):
            yield "expires is not after sent"


def _message(root: ET.Element, number: int) -> Message:
    sent = datetime.fromisoformat(_said(root, "sent") or "")
    ends = [datetime.fromisoformat(_said(one, "expires") or "") for one in root.findall(f"{SPACE}info")]
    parts = [_said(root, name) or "" for name in ("sender", "identifier", "sent")]
    return Message(
        ",".join(parts),
        parts[1],
        _said(root, "msgType") or "",
        sent,
        max(ends, default=sent),
        tuple((_said(root, "references") or "").split()),
        number,
    )


def _beside(message: Message, known: dict[str, Message], cancelled: set[str]) -> Iterable[str]:
    """The faults of a message beside those before it."""
    references = message.references
    if (message.type == "Alert") == bool(references):
        yield f"{message.type} with {len(references)} references"
    if unknown := [one for one in references if one not in known]:
        yield f"{unknown[0]} was never sent"
        return
    named = [known[one] for one in references]
    if len(set(references)) < len(references):
        yield "a message is referenced twice"
    if any(one.sent > message.sent for one in named):
        yield "sent is before a referenced message"
    if [one.number for one in named] != sorted(one.number for one in named):
        yield "references are not earliest first"
    if cancelled & set(references):
        yield "a cancelled message is referenced"
    expired = [one for one in named if one.ends <= message.sent]
    if expired and not (message.type == "Cancel" and len(named) == 1):
        yield "an expired message is referenced"
    behind = {name for one in named for name in one.references}
    standing = {name for name in behind if known[name].ends > message.sent} - cancelled
    if not expired and standing - set(references):
        yield "an earlier message in force is not referenced"


def _said(element: ET.Element, name: str) -> str | None:
    return element.findtext(f"{SPACE}{name}")
