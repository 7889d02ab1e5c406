"""Geographical zones for drones as ED-269 and ED-318 publish them: what both forms share.

- A zone of several geometries becomes as many zones, ``ID#1`` and on, whose parent is ``ID``.
- A circle becomes a polygon of 64 sides around it.
- Of an authority the name alone is taken. Contacts reach no field; in the texts that are taken, what looks like an
  address of mail, an URL or a telephone number is left out.
- A zone that lies wholly outside the city is counted: the file is a country's.
- Several periods are told as the time from the first to the last, with the hours of all: never too short.
- Hours in UTC or with an offset become the city's at the zone's start. Where it has none and the city has summer time,
  both the winter's and the summer's hours are told: never too short. Hours without either are the city's. Sunrise and
  sunset are not known: such a span begins or ends with the day.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import around_record, json_records, json_value, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import a_number, a_text, an_id, read_each, set_aside
from connectors.sources._uas_hours import an_object, times_of
from connectors.sources.zones_geojson import since_ms
from connectors.subjects.outlines import stated
from connectors.subjects.plausible import known_id
from connectors.subjects.zone_limits import REFERENCES
from connectors.subjects.zones import Outside, geometry_of, zone
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.event import Event
from schemas.heights import NO_LIMIT
from schemas.names import AgencyName

LISTS = ("UASZoneList", "features")
OUTSIDE = "outside the city"
FOOT_M = 0.3048
SIDES = 64
DEGREE_M_MIN, DEGREE_M_MAX = 110_540.0, 111_700.0
RADIUS_M_MAX = 500_000.0
PARTS_MAX = 200
CONTACT = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+|\+?\d[\d ()/.-]{6,}\d")
Sense = Literal["exclusion", "inclusion", "none"]


class UasZoneSettings(PagedSettings):
    """Settings of a source of geographical zones for drones."""

    operator: AgencyName | None = Field(None, description="who says so")
    senses: dict[str, Sense] = Field(
        {"PROHIBITED": "exclusion", "REQ_AUTHORISATION": "exclusion"},
        description="restriction → exclusion, inclusion or none; one that is not named: none",
    )
    applies_to: tuple[str, ...] = Field(("drone",), description="the classes of thing that they are about")
    as_of: date | None = Field(
        None, description="since when they hold, where the file does not say when it was heard"
    )


class UasZones:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: UasZoneSettings) -> None:
        self._context, self._config = context, config
        self._asked = PageOrFile(context.source, config, ListForm("list", LISTS))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if place.get("digest") == digest:
            return Reading((), place)
        try:
            value = json_value(heard.body, *LISTS)
            path = LISTS[0] if isinstance(value, dict) and LISTS[0] in value else LISTS[1]
            records = json_records(heard.body, path)
            at_ms = since_ms(self._config.as_of, heard.at_ms)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        skipped: Counter[str] = Counter()
        found, aside, _ = read_each(
            records,
            lambda record: self._zones(record, at_ms, heard.at_ms or at_ms, skipped),
            originals(heard.body, path),
            around_record(path),
        )
        events = [event for some in found for event in some]
        return Reading(events, {"digest": digest}, aside=aside, skipped=skipped)

    def _zones(self, record: object, at_ms: int, received_ms: int, skipped: Counter[str]) -> list[Event]:
        said = an_object(record, "zone")
        about = an_object(said["properties"], "properties") if said.get("type") == "Feature" else said
        identifier = known_id(an_id(about.get("identifier"), "identifier"), "identifier")
        parts = _geometries(said.get("geometry"))
        common = {**self._fields(about), **times_of(self._context, about, at_ms)}
        events = []
        for number, part in enumerate(parts, 1):
            try:
                geometry = self._outline(part)
            except Outside:
                skipped[OUTSIDE] += 1
                continue
            several = len(parts) > 1
            where = {
                "zone_id": f"{identifier}#{number}" if several else identifier,
                "parent_id": identifier if several else None,
                **geometry,
                **_limits(part),
            }
            events.append(zone(self._context, at_ms=at_ms, received_ms=received_ms, said={**common, **where}))
        return events

    def _fields(self, about: Mapping[str, Any]) -> dict[str, Any]:
        is_318 = "variant" in about
        restriction = a_text(about.get("type" if is_318 else "restriction"), "restriction")
        name = self._text(about.get("name"))
        reasons = about.get("reason") or []
        authorities = about.get("zoneAuthority") or []
        rules = {
            "country": self._text(about.get("country")),
            "variant": self._text(about.get("variant" if is_318 else "type")),
            "restriction": self._text(restriction),
            "restrictionConditions": self._text(about.get("restrictionConditions")),
            "reason": [self._text(one) for one in reasons] if isinstance(reasons, list) else [],
            "zoneAuthority": [self._text(one.get("name")) for one in authorities if isinstance(one, dict)]
            if isinstance(authorities, list)
            else [],
        }
        senses = {_spelt(word): sense for word, sense in self._config.senses.items()}
        return {
            "name": name,
            "kind": restriction,
            "operator": self._config.operator,
            "rules": orjson.dumps(rules, option=orjson.OPT_SORT_KEYS).decode(),
            "sense": senses.get(_spelt(restriction), "none"),
            "applies_to": list(self._config.applies_to),
        }

    def _text(self, said: object) -> str | None:
        """A text, or the one of several languages that is the city's, without what looks like a contact."""
        if isinstance(said, list):
            texts = [one for one in said if isinstance(one, dict) and isinstance(one.get("text"), str)]
            texts.sort(key=lambda one: not str(one.get("lang", "")).startswith(self._context.language))
            said = texts[0]["text"] if texts else " ".join(one for one in said if isinstance(one, str))
        return CONTACT.sub("…", said).strip() or None if isinstance(said, str) else None

    def _outline(self, part: Mapping[str, Any]) -> dict[str, Any]:
        shape = an_object(part.get("horizontalProjection", part), "geometry")
        said = shape.get("extent")
        extent = said if isinstance(said, dict) else {}
        radius = shape.get("radius", extent.get("radius"))
        if shape.get("type") not in ("Circle", "Point") or radius is None:
            return geometry_of(self._context, shape)
        metres = a_number(radius, "radius") * (_metres(part) if "horizontalProjection" in part else 1.0)
        centre = shape.get("center") or shape.get("coordinates")
        polygon, error_m = _around(centre, metres)
        return {**geometry_of(self._context, polygon), "simplified_error_m": error_m}


def _spelt(restriction: str) -> str:
    """ED-318 spells with a Z what ED-269 spells with an S."""
    return restriction.upper().replace("AUTHORIZATION", "AUTHORISATION")


def _geometries(said: object) -> list[Mapping[str, Any]]:
    if isinstance(said, dict) and said.get("type") == "GeometryCollection":
        said = said.get("geometries")
    parts = said if isinstance(said, list) else [said]
    if not 1 <= len(parts) <= PARTS_MAX:
        raise Invalid("the zone has no geometry, or too many", field="geometry", expected=f"1 to {PARTS_MAX}")
    return [an_object(one, "geometry") for one in parts]


def _around(centre: object, radius_m: float) -> tuple[dict[str, Any], float]:
    """A polygon around the circle, and by how many metres it is wider at most."""
    if not isinstance(centre, list) or len(centre) < 2:
        raise Invalid("the circle has no centre", field="center", expected="longitude, latitude")
    lon, lat = a_number(centre[0], "center"), a_number(centre[1], "center")
    tall = radius_m / DEGREE_M_MIN
    if not 0 < radius_m <= RADIUS_M_MAX or abs(lat) + tall > 85:
        raise Invalid("the circle is no zone", field="radius", expected=f"up to {RADIUS_M_MAX:.0f} m")
    narrowest = math.cos(math.radians(abs(lat) + tall))
    out = 1 / math.cos(math.pi / SIDES)
    corners = [
        [
            lon + out * tall / narrowest * math.cos(2 * math.pi * n / SIDES),
            lat + out * tall * math.sin(2 * math.pi * n / SIDES),
        ]
        for n in range(SIDES)
    ]
    widest = math.cos(math.radians(max(0.0, abs(lat) - tall))) / narrowest
    error_m = radius_m * (out * widest * DEGREE_M_MAX / DEGREE_M_MIN - 1)
    return {"type": "Polygon", "coordinates": [[*corners, corners[0]]]}, stated(error_m)


def _metres(part: Mapping[str, Any]) -> float:
    """Metres of one unit of a geometry's dimensions."""
    said = part.get("layer")
    layer = said if isinstance(said, dict) else part
    unit = str(layer.get("uomDimensions") or layer.get("uom") or "M").upper()
    if unit not in ("M", "FT"):
        raise Invalid("the unit is none", field="uom", expected="M or FT")
    return FOOT_M if unit == "FT" else 1.0


def _limits(part: Mapping[str, Any]) -> dict[str, Any]:
    layer = part["layer"] if isinstance(part.get("layer"), dict) else part
    found: dict[str, Any] = {}
    for ours, end in (("floor", "lower"), ("ceiling", "upper")):
        value = layer.get(f"{end}Limit", layer.get(end))
        metres = None if value in (None, "") else a_number(value, f"{end}Limit")
        if metres is not None and abs(metres) >= NO_LIMIT:
            metres = None
        word = layer.get(f"{end}VerticalReference", layer.get(f"{end}Reference"))
        found[f"{ours}_m"] = None if metres is None else round(metres * _metres(part), 4)
        found[f"{ours}_reference"] = None if metres is None else REFERENCES.get(str(word).upper())
    return found
