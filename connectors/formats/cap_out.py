"""Alerts of the city as messages of the Common Alerting Protocol 1.2 (OASIS): a ``core.alert`` in, XML out. Pure.

- ``identifier`` is ``<alert_id>-<revision>``. ``sent`` has whole seconds, the offset of the city's zone, and UTC as
  ``-00:00``: the standard forbids ``Z``. No revision is sent before an earlier one of its alert.
- ``msgType``: Update and Cancel name in ``references`` all earlier messages of their alert that are in force, earliest
  first: those since its last Cancel that have not expired. Where none is, an update goes out as a new Alert, since what was
  cancelled or has expired cannot be updated; a Cancel then names the last one.
- ``scope``: Public for the audiences that ``Publisher.public`` names, Restricted for those with a text of restriction, else
  Private; all but the public ones have ``addresses``.
- ``info``: one block a language, the city's first, each with the alert's headline in it; a language in which the alert
  has none has the name of the kind.
- ``area``: the circle of the alert's area, under the city's title. An alert without an area has none.

Of a ``core.alert`` nothing else is written: no position, evidence, references to persons or rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from lxml import etree

from connectors.formats.cap_words import KIND_CODES, LEVELS, NAME, PUBLIC, category, is_sender, level
from connectors.formats.xml import Element, document
from connectors.headlines import headline_in
from schemas.errors import Fatal, Invalid
from schemas.kinds import load_kinds

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
HOUR_MS = 3_600_000
REFERENCES_MAX = 200
"""The newest earlier messages that are named: more in one message is more than a receiver reads."""
TEXT_LETTERS_MAX = 1_000
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

MessageType = Literal["Alert", "Update", "Cancel"]
Scope = Literal["Public", "Restricted", "Private"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    """A city as a sender of CAP.

    *sender*: its name, unique in the world: an address such as ``alerts@city.example``. *title*: its name for people.
    *language*: the one in which its alerts are told; *languages*: further ones. *lasts_ms*: the time after which a message
    that nothing followed expires. *public*: audiences whose alerts anybody may read; *restrictions*: audience → who may.
    *status*: ``Exercise`` or ``Test`` for a city that is simulated.
    """

    city: str
    title: str
    sender: str
    timezone: ZoneInfo
    language: str = "en"
    languages: tuple[str, ...] = ()
    lasts_ms: int = 24 * HOUR_MS
    public: frozenset[str] = frozenset({PUBLIC})
    restrictions: Mapping[str, str] = field(default_factory=dict)
    status: Literal["Actual", "Exercise", "Test"] = "Actual"

    def __post_init__(self) -> None:
        if not is_sender(self.sender):
            raise Fatal(
                f"city {self.city}: {self.sender!r} is no sender of CAP",
                hint="write an address without space, comma, < and &, such as alerts@city.example",
            )
        if self.lasts_ms < 1_000:
            raise Fatal(
                f"city {self.city}: a CAP message of {self.lasts_ms} ms expires when it is sent",
                hint="let it last a second or more",
            )

    @property
    def further(self) -> tuple[str, ...]:
        """The further languages, each once: tags differ by more than their letters' case."""
        known = {self.language.casefold(): self.language}
        for one in self.languages:
            known.setdefault(one.casefold(), one)
        return tuple(known.values())[1:]

    def scope(self, audience: str) -> Scope:
        """The scope of a message to *audience*; never Public for one that is not named as such."""
        if audience in self.public:
            return "Public"
        return "Restricted" if audience in self.restrictions else "Private"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapMessage:
    """One message: its XML in *body*, and what a feed says of it. *alert_id* and *revision*: of the ``core.alert``."""

    alert_id: str
    revision: int
    identifier: str
    sent_ms: int
    expires_ms: int
    type: MessageType
    scope: Scope
    language: str
    headline: str
    body: bytes


@dataclass(frozen=True, slots=True)
class _Sent:
    """One revision as it was sent."""

    identifier: str
    at_s: int
    is_cancel: bool


def cap_message(
    value: Mapping[str, Any],
    earlier: Sequence[Mapping[str, Any]],
    publisher: Publisher,
) -> CapMessage:
    """The CAP message of a ``core.alert`` *value*. *earlier*: the revisions before it, all of them, in any order.

    The same arguments give the same bytes. ``Invalid`` for ids that CAP cannot carry and for *earlier* revisions of another
    alert.
    """
    before = _before(value, earlier)
    sent = _sent(value, before[-1].at_s if before else None)
    named = _in_force(before, sent, publisher.lasts_ms)
    kind: MessageType = "Cancel" if sent.is_cancel else "Update" if named else "Alert"
    if sent.is_cancel and not named:
        named = before[-1:]
    scope = publisher.scope(value["audience"])
    expires_s = sent.at_s + publisher.lasts_ms // 1000
    root = etree.Element(f"{{{NAMESPACE}}}alert", nsmap={None: NAMESPACE})
    _add(root, "identifier", sent.identifier)
    _add(root, "sender", publisher.sender)
    _add(root, "sent", cap_time(sent.at_s, publisher.timezone))
    _add(root, "status", publisher.status)
    _add(root, "msgType", kind)
    _add(root, "scope", scope)
    if scope == "Restricted":
        _add(root, "restriction", text(publisher.restrictions[value["audience"]]))
    if scope != "Public":
        _add(root, "addresses", _address(f"{publisher.city}.{value['audience']}"))
    if named:
        refs = (f"{publisher.sender},{n.identifier},{cap_time(n.at_s, publisher.timezone)}" for n in named)
        _add(root, "references", " ".join(refs))
    _add(root, "incidents", _address(value["situation_id"]))
    expires = cap_time(expires_s, publisher.timezone)
    _info(root, value, publisher.language, value["headline"], expires, publisher)
    for language in publisher.further:
        _info(root, value, language, headline_in(language, value), expires, publisher)
    return CapMessage(
        alert_id=value["alert_id"],
        revision=value["revision"],
        identifier=sent.identifier,
        sent_ms=sent.at_s * 1000,
        expires_ms=expires_s * 1000,
        type=kind,
        scope=scope,
        language=publisher.language,
        headline=text(value["headline"]),
        body=document(root),
    )


def identifier_of(value: Mapping[str, Any]) -> str | None:
    """The identifier of the message of a ``core.alert``; ``None`` where its id is none that CAP can carry."""
    identifier = f"{value['alert_id']}-{value['revision']}"
    return None if NAME.fullmatch(identifier) is None else identifier


def cap_time(at_s: int, zone: ZoneInfo) -> str:
    """That second with the offset of *zone*; UTC as ``-00:00``, as CAP 1.2 section 3.3.2 says."""
    written = datetime.fromtimestamp(at_s, zone).isoformat(timespec="seconds")
    return written[:-6] + "-00:00" if written.endswith("+00:00") else written


def text(said: str) -> str:
    """*said* on one line, cut at a length, without characters that XML cannot carry."""
    return " ".join(_NOT_XML.sub("\N{REPLACEMENT CHARACTER}", said).split())[:TEXT_LETTERS_MAX]


def _before(value: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> list[_Sent]:
    """The *earlier* revisions as they were sent, in order."""
    found: dict[int, _Sent] = {}
    last_s = None
    for one in sorted(earlier, key=lambda one: one["revision"]):
        if one["alert_id"] != value["alert_id"]:
            raise Invalid("an earlier revision is of another alert", field="alert_id", expected="the same")
        if one["revision"] < value["revision"]:
            found[one["revision"]] = _sent(one, last_s)
            last_s = found[one["revision"]].at_s
    return list(found.values())


def _sent(value: Mapping[str, Any], last_s: int | None) -> _Sent:
    """*value* as it is sent: never before the revision sent at *last_s*, whatever its clock said."""
    identifier = identifier_of(value)
    if identifier is None:
        raise Invalid(
            "the alert's id is none that CAP can carry", field="alert_id", expected="no space, comma, <, &"
        )
    at_s = value["event_time"] // 1000
    return _Sent(identifier, max(at_s, last_s or at_s), value["message_type"] == "cancel")


def _in_force(before: Sequence[_Sent], sent: _Sent, lasts_ms: int) -> list[_Sent]:
    """The messages *before* that a receiver still holds when *sent* comes: none of them cancelled, none expired."""
    since = next((n + 1 for n in range(len(before) - 1, -1, -1) if before[n].is_cancel), 0)
    standing = [one for one in before[since:] if one.at_s + lasts_ms // 1000 > sent.at_s]
    return standing[-REFERENCES_MAX:]


def _info(
    root: Element,
    value: Mapping[str, Any],
    language: str,
    headline: str | None,
    expires: str,
    publisher: Publisher,
) -> None:
    """Add the block in *language*, unless there is no word in it: a block must not name a language that it has not."""
    kind = value["kind"]
    called = load_kinds().names.get(kind, {})
    if language != publisher.language and headline is None and language not in called:
        return
    info = _add(root, "info")
    _add(info, "language", language)
    _add(info, "category", category(kind))
    _add(info, "event", text(called.get(language) or called.get("en") or kind))
    for name in LEVELS:
        _add(info, name, level(name, value[name]))
    _pair(info, "eventCode", KIND_CODES, text(kind))
    _add(info, "expires", expires)
    _add(info, "senderName", text(publisher.title))
    if headline is not None:
        _add(info, "headline", text(headline))
    _pair(info, "parameter", "bongsu:alert_id", value["alert_id"])
    _pair(info, "parameter", "bongsu:revision", str(value["revision"]))
    _pair(info, "parameter", "bongsu:situation_id", text(value["situation_id"]))
    if (disc := value["area"]) is not None:
        area = _add(info, "area")
        _add(area, "areaDesc", text(publisher.title))
        centre = f"{_number(disc['lat'], 6)},{_number(disc['lon'], 6)}"
        _add(area, "circle", f"{centre} {_number(disc['radius_m'] / 1000, 3)}")


def _number(value: float, places: int) -> str:
    """*value* in plain decimals: CAP knows no exponent."""
    written = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def _address(said: str) -> str:
    """*said* as one word of a list: in double quotes where it holds a space."""
    word = text(said).replace('"', "'")
    return f'"{word}"' if " " in word else word


def _pair(parent: Element, name: str, of: str, value: str) -> None:
    pair = _add(parent, name)
    _add(pair, "valueName", of)
    _add(pair, "value", value)


def _add(parent: Element, name: str, said: str | None = None) -> Element:
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    if said is not None:
        child.text = said
    return child
