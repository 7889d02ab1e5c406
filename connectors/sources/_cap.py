"""Parts of ``cap_alerts``: one alert of CAP 1.0, 1.1 or 1.2, and where alerts stand in feeds and envelopes. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from lxml import etree

from connectors.base import Bounds
from connectors.formats.areas import Within, a_circle, a_polygon, in_circle, in_polygon
from connectors.formats.records import a_text, note_unknown
from connectors.formats.times import iso_ms
from connectors.formats.xml import Element
from schemas.errors import Invalid

NAMESPACES = (
    "http://www.incident.com/cap/1.0",
    "urn:oasis:names:tc:emergency:cap:1.1",
    "urn:oasis:names:tc:emergency:cap:1.2",
)
ALERTS = tuple(f"{{{one}}}alert" for one in NAMESPACES)
STATUSES = ("Actual", "Exercise", "System", "Test", "Draft")
TYPES = ("Alert", "Update", "Cancel", "Ack", "Error")
LEVELS = {
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": ("Extreme", "Severe", "Moderate", "Minor", "Unknown"),
    "certainty": ("Observed", "Likely", "Very Likely", "Possible", "Unlikely", "Unknown"),
}
"""The words of all three versions: "Very Likely" is of 1.0."""
INFOS_MAX, AREAS_MAX, REFERENCES_MAX = 100, 1_000, 200
WARNING_CORNERS_MAX = 2_000
"""Of all polygons of one alert together, as they are told on."""


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """The name of a message: identifier, sender and the time of sending make it one, in whatever feed it stands."""

    sent_ms: int
    sender: str
    identifier: str

    @property
    def key(self) -> str:
        says = "\x1f".join((self.identifier, self.sender, str(self.sent_ms)))
        return hashlib.blake2b(says.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Area:
    """One area as it is told: its name, shapes as text, and geocodes (name of the list, code)."""

    name: str
    polygons: tuple[str, ...]
    circles: tuple[str, ...]
    geocodes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Info:
    """One block of what an alert says, in one language."""

    language: str
    event: str
    categories: tuple[str, ...]
    codes: tuple[tuple[str, str], ...]
    responses: tuple[str, ...]
    levels: tuple[str, str, str]
    expires_ms: int | None
    areas: tuple[Area, ...]


@dataclass(frozen=True, slots=True)
class Alert:
    """One message."""

    name: Name
    status: str
    type: str
    references: tuple[Name, ...]
    infos: tuple[Info, ...] = field(default=())


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(element).localname)


def alerts_in(root: Element) -> list[Element]:
    """All alerts at or below *root*, wherever they stand: alone, in an Atom entry, in an EDXL-DE envelope."""
    return list(root.iter(*ALERTS))


def links_in(root: Element) -> dict[str, str]:
    """The alerts to which the entries of an Atom or RSS feed only link: address → when the entry was updated."""
    found: dict[str, str] = {}
    for entry in root.iter("{*}entry", "{*}item"):
        if next(entry.iter(*ALERTS), None) is None and (link := _link(entry)):
            found.setdefault(link, _text(entry, "updated") or _text(entry, "pubDate") or "")
    return found


def entries_in(root: Element) -> int | None:
    """The number of entries of a feed; ``None`` for what is no feed."""
    if local(root) not in ("feed", "rss", "RDF"):
        return None
    return sum(1 for _ in root.iter("{*}entry", "{*}item"))


def has_more(root: Element) -> bool:
    """Whether a feed says that it goes on on another page (RFC 5005)."""
    return any(local(one) == "link" and one.get("rel") == "next" for one in root)


def exercises(root: Element) -> str | None:
    """The status of an EDXL-DE envelope that is not of what really happens; ``None`` for any other body."""
    if local(root) != "EDXLDistribution":
        return None
    status = _text(root, "distributionStatus") or "Actual"
    return None if status.casefold() == "actual" else status


def read_alert(element: Element, noted: Counter[str]) -> Alert:
    """The message in *element*. ``Invalid`` names the first thing that it lacks."""
    name = Name(
        iso_ms(_needed(element, "sent"), "sent", noted=noted),
        _needed(element, "sender"),
        _needed(element, "identifier"),
    )
    status = _word(_needed(element, "status"), STATUSES, "status")
    kind = _word(_needed(element, "msgType"), TYPES, "msgType")
    _needed(element, "scope")
    if status != "Actual" or kind in ("Ack", "Error"):
        return Alert(name, status, kind, ())  # nothing more of it is used
    references = _references(_text(element, "references") or "", noted)
    infos = list(element.iterchildren("{*}info"))
    if len(infos) > INFOS_MAX:
        raise Invalid("the alert has too many info blocks", field="info", expected=f"at most {INFOS_MAX}")
    if kind == "Cancel":
        return Alert(name, status, kind, references)
    if not infos:
        raise Invalid("the alert has no info", field="info", expected="an info block")
    return Alert(name, status, kind, references, tuple(_info(one, noted) for one in infos))


def chosen(infos: Sequence[Info], language: str) -> list[Info]:
    """The blocks of the city's language; where there are none the English ones, else those of the first's language."""
    for wanted in (language, "en", infos[0].language):
        if found := [one for one in infos if _is_spoken(one.language, wanted)]:
            return found
    return list(infos)


def place_in(areas: Sequence[Area], bounds: Bounds) -> tuple[Within | None, bool]:
    """A point of the first shape that reaches into *bounds*, and whether there was a shape. ``Invalid`` for a broken one."""
    has_shape, found = False, None
    for area in areas:
        for text in area.polygons:
            has_shape = True
            found = found or in_polygon(a_polygon(text), bounds)
        for text in area.circles:
            has_shape = True
            found = found or in_circle(*a_circle(text), bounds)
    return found, has_shape


def warning_of(info: Info, noted: Counter[str]) -> dict[str, Any] | None:
    """``warning`` of an incident: the words of *info* and its polygons; ``None`` without polygons: it closes nothing.

    More corners than may be are noted, and left out.
    """
    severity, urgency, certainty = info.levels
    polygons = [a_polygon(text) for area in info.areas for text in area.polygons]
    if sum(map(len, polygons)) > WARNING_CORNERS_MAX:
        noted["an area has more corners than are told on"] += 1
        polygons = []
    rings = [[[lon, lat] for lat, lon in (*one, one[0])] for one in polygons]
    if not rings:
        return None
    shape = {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}
    return {
        "severity": severity,
        "urgency": urgency,
        "certainty": certainty,
        "ends_at": info.expires_ms,
        "geometry": orjson.dumps(shape).decode(),
    }


def _info(element: Element, noted: Counter[str]) -> Info:
    expires = _text(element, "expires")
    areas = list(element.iterchildren("{*}area"))
    if len(areas) > AREAS_MAX:
        raise Invalid("the alert has too many areas", field="area", expected=f"at most {AREAS_MAX}")
    return Info(
        language=_text(element, "language") or "en-US",  # so CAP says
        event=_needed(element, "event"),
        categories=tuple(_texts(element, "category")),
        codes=tuple(_pairs(element, "eventCode")),
        responses=tuple(_texts(element, "responseType")),
        levels=(
            _level(element, "severity", noted),
            _level(element, "urgency", noted),
            _level(element, "certainty", noted),
        ),
        expires_ms=None if expires is None else iso_ms(expires, "expires", noted=noted),
        areas=tuple(_area(one) for one in areas),
    )


def _area(element: Element) -> Area:
    return Area(
        name=_text(element, "areaDesc") or "",
        polygons=tuple(_texts(element, "polygon")),
        circles=tuple(_texts(element, "circle")),
        geocodes=tuple(_pairs(element, "geocode")),
    )


def _references(text: str, noted: Counter[str]) -> tuple[Name, ...]:
    """The messages that *text* names, earliest first. One that is no ``sender,identifier,sent`` is noted."""
    found = set()
    for word in text.split()[:REFERENCES_MAX]:
        parts = word.split(",")
        try:
            if len(parts) != 3 or not parts[0] or not parts[1]:
                raise Invalid("no reference", field="references", expected="sender,identifier,sent")
            found.add(Name(iso_ms(parts[2], "references"), parts[0], parts[1]))
        except Invalid:
            noted["a reference is no sender,identifier,sent"] += 1
    return tuple(sorted(found))


def _level(element: Element, name: str, noted: Counter[str]) -> str:
    said = _needed(element, name)
    known = next((one for one in LEVELS[name] if one.casefold() == said.casefold()), None)
    if known is None:
        note_unknown(noted, name, said)
    return known or "Unknown"


def _word(said: str, words: Sequence[str], name: str) -> str:
    """*said* as one of *words*, whatever its case: what an alert is must not be guessed."""
    for word in words:
        if word.casefold() == said.casefold():
            return word
    raise Invalid(f"{name} is none that CAP has", field=name, expected=", ".join(words))


def _is_spoken(language: str, wanted: str) -> bool:
    one, other = language.casefold().replace("_", "-"), wanted.casefold()
    return one == other or one.startswith(other + "-")


def _texts(element: Element, name: str) -> Iterator[str]:
    for child in element.iterchildren(f"{{*}}{name}"):
        if text := "".join(child.itertext()).strip():
            yield text


def _text(element: Element, name: str) -> str | None:
    return next(_texts(element, name), None)


def _needed(element: Element, name: str) -> str:
    return a_text(_text(element, name), name)


def _pairs(element: Element, name: str) -> Iterator[tuple[str, str]]:
    """Names and values: in elements as of 1.1, or as 1.0 has them in one text ``name=value``."""
    for child in element.iterchildren(f"{{*}}{name}"):
        value = _text(child, "value")
        of_old = (child.text or "").strip()
        if value is not None:
            yield _text(child, "valueName") or "", value
        elif len(child) == 0 and of_old:
            before, _, after = of_old.rpartition("=")
            yield before.strip(), after.strip()


def _link(entry: Element) -> str | None:
    """The address of an entry's alert: the link typed as CAP, else the first that is the entry itself."""
    links = [one for one in entry if local(one) == "link"]
    typed = [one for one in links if "cap+xml" in (one.get("type") or "")]
    plain = [one for one in links if (one.get("rel") or "alternate") == "alternate"]
    for one in (*typed, *plain):
        if address := (one.get("href") or (one.text or "")).strip():
            return str(address)
    return None
