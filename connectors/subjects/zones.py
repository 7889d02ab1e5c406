"""Areas as GeoJSON (RFC 7946) brings them, for every source of zones. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from geojson_pydantic.geometries import parse_geometry_obj
from pydantic import ValidationError

from connectors.base import SourceContext
from connectors.subjects.outlines import simplified
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.validation import faults_of

ZONE = "place.zone"
AREAS = ("Polygon", "MultiPolygon", "Point", "MultiPoint", "LineString", "MultiLineString")
POSITIONS_MAX = 20_000
"""Of points and lines; an area of more corners is simplified."""
UNLIMITED: Mapping[str, Any] = {
    "sense": "none",
    "floor_m": None,
    "floor_reference": None,
    "ceiling_m": None,
    "ceiling_reference": None,
    "hours": [],
    "allowed_ids": [],
    "allowed_classes": [],
    "applies_to": [],
    "priority": 0,
    "simplified_error_m": None,
}
"""The limits of a zone whose source lays down none."""


class Outside(Invalid):
    """The zone lies wholly outside the city."""


def geometry_of(context: SourceContext, said: object) -> dict[str, Any]:
    """The fields ``geometry`` and ``simplified_error_m`` of *said*, simplified outwards where it has too many corners.

    ``Invalid`` where it is no geometry, ``Outside`` where it lies wholly outside the city.
    """
    if not isinstance(said, dict) or said.get("type") not in AREAS:
        raise Invalid("the geometry is none", field="geometry", expected=" or ".join(AREAS))
    is_area = said["type"] in ("Polygon", "MultiPolygon")
    if not is_area and sum(1 for _ in _positions(said.get("coordinates"))) > POSITIONS_MAX:
        raise Invalid(
            "the geometry has too many corners", field="geometry", expected=f"at most {POSITIONS_MAX}"
        )
    try:
        parse_geometry_obj(said)
    except (ValidationError, ValueError) as error:
        raise Invalid(
            f"the geometry is wrong: {_why(error)}", field="geometry", expected="RFC 7946"
        ) from None
    points = list(_positions(said["coordinates"]))
    if any(not (-180 <= lon <= 180 and -90 <= lat <= 90) for lon, lat in points):
        raise Invalid("the geometry is not on earth", field="geometry", expected="longitude, then latitude")
    if not _meets(context, points):
        raise Outside("the zone lies outside the city", field="geometry", expected=f"in {context.bounds}")
    geometry, error_m = simplified({"type": said["type"], "coordinates": said["coordinates"]})
    return {"geometry": orjson.dumps(geometry).decode(), "simplified_error_m": error_m}


def _positions(said: Any) -> Iterator[tuple[float, float]]:
    """The corners within nested lists, however deep. ``Invalid`` for what is neither a list nor two numbers."""
    stack = [said]
    while stack:
        one = stack.pop()
        if not isinstance(one, list) or not one:
            raise Invalid("a corner is no two numbers", field="geometry", expected="longitude, latitude")
        if isinstance(one[0], list):
            stack.extend(one)
        elif len(one) >= 2 and all(type(number) in (int, float) for number in one):
            yield float(one[0]), float(one[1])
        else:
            raise Invalid("a corner is no two numbers", field="geometry", expected="longitude, latitude")


def _meets(context: SourceContext, points: list[tuple[float, float]]) -> bool:
    """Whether the box around *points* and the city's have something in common."""
    lons, lats = [lon for lon, _ in points], [lat for _, lat in points]
    box = context.bounds
    reaches_lat = min(lats) <= box.north and max(lats) >= box.south
    return reaches_lat and min(lons) <= box.east and max(lons) >= box.west


def _why(error: Exception) -> str:
    """The first thing that is wrong, without what stood there."""
    if isinstance(error, ValidationError):
        first = faults_of(error)[0]
        return f"{'.'.join(map(str, first.where[:3]))}: {first.what}"
    return "no such type"


def zone(context: SourceContext, *, at_ms: int, received_ms: int, said: Mapping[str, Any]) -> Event:
    """The ``place.zone`` with the fields *said*; its id is a hash of them."""
    about = {
        "name": None,
        "operator": None,
        "rules": None,
        "starts_at": None,
        "ends_at": None,
        "parent_id": None,
        **UNLIMITED,
        **said,
    }
    says = orjson.dumps(about, option=orjson.OPT_SORT_KEYS)
    common = event_fields(
        context.city,
        context.source,
        event_id=derived_id(context.city, context.source, says),
        event_time_ms=at_ms,
        received_ms=received_ms,
        position=None,
    )
    return Event(ZONE, str(said["zone_id"]), {**common, **about})
