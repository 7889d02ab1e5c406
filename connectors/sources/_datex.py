"""Parts of ``datex_situations``: a situation of DATEX II 2 or 3 and its records, by the names of elements alone. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lxml import etree

from connectors.base import Bounds
from connectors.formats.areas import Point
from connectors.formats.records import a_number, a_text
from connectors.formats.times import iso_ms
from connectors.formats.xml import Element
from schemas.errors import Invalid

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
PUBLICATION = "SituationPublication"
PART = "part"
"""The root of a body that holds one situation, to be read again: what it lacks has not ended."""
PLANNED = frozenset(
    (
        *("MaintenanceWorks", "ConstructionWorks", "RoadOrCarriagewayOrLaneManagement", "SpeedManagement"),
        *("GeneralNetworkManagement", "NetworkManagement", "ReroutingManagement", "WinterDrivingManagement"),
        *("RoadsideAssistance", "SignSetting", "GeneralInstructionOrMessageToRoadUsers"),
        *("GeneralInstructionToRoadUsers", "RoadsideServiceDisruption", "ServiceDisruption"),
        *("RoadOperatorServiceDisruption", "TransitInformation", "CarParks", "PublicEvent"),
    )
)
"""Types of records that tell what an operator plans, does or offers: no happening of their own."""
BEST = ({"pointByCoordinates"}, {"locationForDisplay", "coordinatesForDisplay"})
"""The elements whose coordinates are taken before any others of a place."""
RECORDS_MAX, POINTS_MAX = 200, 20_000


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a situation: what is the matter, where and until when."""

    type: str
    words: tuple[str, ...]
    severity: str | None
    start_ms: int
    end_ms: int | None
    written_ms: int
    validity: str
    over: str | None
    points: tuple[Point, ...]
    has_tmc: bool
    roads: tuple[str, ...]

    @property
    def is_planned(self) -> bool:
        return self.type in PLANNED


@dataclass(frozen=True, slots=True)
class Situation:
    """One situation: its records are of one happening and its effects (DATEX II: linked by cause)."""

    id: str
    information: str
    severity: str | None
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Publication:
    """The situations of one body, the supplier that numbers them, and whether it holds all that it publishes."""

    supplier: str
    situations: tuple[Element, ...]
    time: str
    is_part: bool

    def around(self) -> tuple[bytes, bytes]:
        """Bytes that make a body of its own of one situation."""
        root = etree.Element(PART)
        for name, text in (("supplier", self.supplier), ("publicationTime", self.time)):
            etree.SubElement(root, name).text = text
        return bytes(etree.tostring(root)).removesuffix(b"</part>"), b"</part>"


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(element).localname)


def publication_in(root: Element) -> Publication | None:
    """The situations of a body; ``None`` for a message that only keeps its exchange alive. ``Invalid`` for anything else."""
    if local(root) == PART:
        return _publication(root, is_part=True)
    found = [one for one in root.iter("{*}payloadPublication", "{*}payload") if _type(one) == PUBLICATION]
    if found:
        return _publication(found[0], is_part=len(found) > 1)
    if any(True for _ in root.iter("{*}keepAlive", "{*}deliveryBreak")):
        return None
    raise Invalid("there is no publication of situations", field="payloadPublication", expected=PUBLICATION)


def _publication(element: Element, *, is_part: bool) -> Publication:
    supplier = _text(element, "supplier")
    creator = _child(element, "publicationCreator")
    if supplier is None and creator is not None:
        parts = (_text(creator, name) or "" for name in ("country", "nationalIdentifier"))
        supplier = "-".join(parts).casefold()
    situations = tuple(one for one in element if local(one) == "situation")
    return Publication(supplier or "", situations, _text(element, "publicationTime") or "", is_part)


def read_situation(element: Element, published: str, noted: Counter[str]) -> Situation:
    """The situation in *element*. ``Invalid`` names the first thing that it lacks."""
    records = [one for one in element if local(one) == "situationRecord"]
    if not records:
        raise Invalid("the situation has no record", field="situationRecord", expected="one or more")
    if len(records) > RECORDS_MAX:
        raise Invalid(
            "the situation has too many records", field="situationRecord", expected=f"at most {RECORDS_MAX}"
        )
    header = _child(element, "headerInformation")
    return Situation(
        id=a_text(element.get("id"), "situation.id"),
        information=(None if header is None else _text(header, "informationStatus")) or "real",
        severity=_text(element, "overallSeverity"),
        records=tuple(_record(one, published, noted) for one in records),
    )


def point_in(points: Sequence[Point], bounds: Bounds) -> Point | None:
    """The first of *points* that lies in *bounds*."""
    return next((one for one in points if bounds.holds(*one)), None)


def _record(element: Element, published: str, noted: Counter[str]) -> Record:
    kind = _type(element)
    if not kind:
        raise Invalid("a record has no type", field="xsi:type", expected="a type such as Accident")
    created = _text(element, "situationRecordCreationTime")
    validity = _child(element, "validity")
    times = None if validity is None else _child(validity, "validityTimeSpecification")
    start = (None if times is None else _text(times, "overallStartTime")) or created
    end = None if times is None else _text(times, "overallEndTime")
    written = _text(element, "situationRecordVersionTime") or created or published
    places = [one for one in element if local(one) in ("locationReference", "groupOfLocations")]
    return Record(
        type=kind,
        words=tuple(_words(element)),
        severity=_text(element, "severity"),
        start_ms=iso_ms(a_text(start, "overallStartTime"), "overallStartTime", noted=noted),
        end_ms=None if end is None else iso_ms(end, "overallEndTime", noted=noted),
        written_ms=iso_ms(written, "situationRecordVersionTime", noted=noted),
        validity=(None if validity is None else _text(validity, "validityStatus")) or "",
        over=_over(element),
        points=tuple(point for one in places for point in _points(one)),
        has_tmc=any(local(one).startswith("alertC") for place in places for one in place.iter("{*}*")),
        roads=tuple(dict.fromkeys(road for one in places for road in _roads(one))),
    )


def _over(element: Element) -> str | None:
    """The way in which the operator says that the record is over: end or cancel."""
    said = {
        local(one)
        for cycle in element.iter("{*}lifeCycleManagement")
        for one in cycle
        if (one.text or "").strip() in ("true", "1")
    }
    return next((name for name in ("cancel", "end") if name in said), None)


def _words(element: Element) -> Iterator[str]:
    """Words by which a record says what it is, beside its type: accidentType, vehicleObstructionType …"""
    for child in element:
        if local(child).endswith("Type") and (text := (child.text or "").strip()):
            yield text


def _points(place: Element) -> Iterator[Point]:
    """The coordinates of a place: a point's own, those to show on a map, then any others in their order."""
    found: list[tuple[int, Point]] = []
    for one in place.iter("{*}latitude"):
        holder = one.getparent()
        lon = None if holder is None else _text(holder, "longitude")
        if lon is not None:
            names = {local(up) for up in one.iterancestors()}
            rank = next((rank for rank, best in enumerate(BEST) if names & best), len(BEST))
            found.append((rank, _point((one.text or "").strip(), lon)))
    for one in place.iter("{*}posList"):
        numbers = (one.text or "").split()[: 2 * POINTS_MAX]
        pairs = [_point(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=False)]
        half = len(pairs) // 2
        found += [(len(BEST), pair) for pair in (*pairs[half:], *reversed(pairs[:half]))]  # the middle first
    return (point for _, point in sorted(found, key=lambda one: one[0]))


def _point(lat: str, lon: str) -> Point:
    north, east = a_number(lat, "latitude"), a_number(lon, "longitude")
    if abs(north) > 90 or abs(east) > 180:
        raise Invalid(
            "the coordinates are no place on earth", field="latitude", expected="-90 to 90, -180 to 180"
        )
    return north, east


def _roads(place: Element) -> Iterator[str]:
    for name in ("roadNumber", "roadName"):
        for one in place.iter(f"{{*}}{name}"):
            if text := " ".join("".join(one.itertext()).split()):
                yield text


def _type(element: Element) -> str:
    return str(element.get(XSI_TYPE) or "").rpartition(":")[2]


def _child(element: Element, name: str) -> Element | None:
    return next((one for one in element if local(one) == name), None)


def _text(element: Element, name: str) -> str | None:
    child = _child(element, name)
    return None if child is None else ("".join(child.itertext()).strip() or None)
