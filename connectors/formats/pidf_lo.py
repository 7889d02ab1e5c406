"""Where something is, as emergency networks write it: PIDF-LO (RFC 4119) with GML shapes (RFC 5491) and civic
addresses (RFC 5139). Without DTDs, entities, or anything fetched.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from connectors.formats.records import a_number
from schemas.errors import Invalid

BYTES_MAX = 64 * 1024
WGS84 = re.compile(r"urn:ogc:def:crs:EPSG::?(4326|4979)", re.IGNORECASE)
"""Two and three dimensions; latitude comes first in both."""
METRES = ("urn:ogc:def:uom:EPSG::9001", None)
STREET = ("HNO", "HNS", "PRD", "RD", "STS", "POD")
"""House number and suffix, direction before, street, its kind, direction after."""
CITY = ("A3", "A1")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A location as read: a point in degrees with its radius, and an address, each where it is given."""

    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    address: str | None = None


def read_pidf_lo(text: str) -> Whereabouts:
    """The first point or circle in *text*, and the first civic address. ``Invalid`` for what is no such XML.

    Shapes without a centre of their own (polygons, arcs) give no point.
    """
    if len(text) > BYTES_MAX:
        raise Invalid(
            "the location is too long", field="location", expected=f"at most {BYTES_MAX} characters"
        )
    try:
        root = fromstring(text.strip(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        raise Invalid("the location is no XML of ours", field="location", expected="PIDF-LO") from None
    address: str | None = None
    point = Whereabouts()
    for element in root.iter():
        name = _name(element)
        if name in ("Point", "Circle") and point.lat is None:
            point = _point(element)
        elif name == "civicAddress" and address is None:
            address = _address(element)
    return Whereabouts(point.lat, point.lon, point.accuracy_m, address)


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _texts(element: Element) -> dict[str, str]:
    return {_name(child): " ".join((child.text or "").split()) for child in element}


def _point(shape: Element) -> Whereabouts:
    system = shape.get("srsName")
    if system is not None and not WGS84.fullmatch(system):
        return Whereabouts()
    numbers = _texts(shape).get("pos", "").split()
    if len(numbers) not in (2, 3):
        raise Invalid("the point is no pair of numbers", field="location.pos", expected="latitude longitude")
    lat, lon = (a_number(number, "location.pos") for number in numbers[:2])
    return Whereabouts(lat, lon, _radius_m(shape))


def _radius_m(shape: Element) -> float | None:
    for child in shape:
        if _name(child) == "radius" and child.get("uom") in METRES:
            return a_number((child.text or "").strip(), "location.radius")
    return None


def _address(civic: Element) -> str | None:
    parts = _texts(civic)
    street = " ".join(parts[name] for name in STREET if parts.get(name))
    return ", ".join(filter(None, (street, *(parts.get(name) for name in CITY)))) or None
