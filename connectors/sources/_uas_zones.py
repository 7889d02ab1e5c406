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
from datetime import UTC, date, datetime
from typing import Any, Literal

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import around_record, json_records, json_value, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import a_number, a_text, an_id, read_each, set_aside
from connectors.formats.times import row_time
from connectors.sources.zones_geojson import since_ms
from connectors.subjects.outlines import stated
from connectors.subjects.plausible import known_id
from connectors.subjects.zones import Outside, geometry_of, zone
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.event import Event
from schemas.heights import ABOVE_GROUND, ABOVE_SEA, ABOVE_WGS84, NO_LIMIT
from schemas.names import AgencyName
from schemas.weekly import DAY_MIN, WEEKDAYS, clock_of

LISTS = ("UASZoneList", "features")
OUTSIDE = "outside the city"
FOOT_M = 0.3048
REFERENCES = {"AGL": ABOVE_GROUND, "AMSL": ABOVE_SEA, "WGS84": ABOVE_WGS84, "W84": ABOVE_WGS84}
SIDES = 64
DEGREE_M_MIN, DEGREE_M_MAX = 110_540.0, 111_700.0
RADIUS_M_MAX = 500_000.0
PARTS_MAX = 200
CLOCK = re.compile(
    r"([01]\d|2[0-4]):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?", re.ASCII
)
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
        said = _object(record, "zone")
        about = _object(said["properties"], "properties") if said.get("type") == "Feature" else said
        identifier = known_id(an_id(about.get("identifier"), "identifier"), "identifier")
        parts = _geometries(said.get("geometry"))
        common = {**self._fields(about), **_times(self._context, about, at_ms)}
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
        shape = _object(part.get("horizontalProjection", part), "geometry")
        said = shape.get("extent")
        extent = said if isinstance(said, dict) else {}
        radius = shape.get("radius", extent.get("radius"))
        if shape.get("type") not in ("Circle", "Point") or radius is None:
            return geometry_of(self._context, shape)
        metres = a_number(radius, "radius") * (_metres(part) if "horizontalProjection" in part else 1.0)
        centre = shape.get("center") or shape.get("coordinates")
        polygon, error_m = _around(centre, metres)
        return {**geometry_of(self._context, polygon), "simplified_error_m": error_m}


def _object(said: object, what: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise Invalid(f"the {what} is no object", field=what, expected="an object")
    return said


def _spelt(restriction: str) -> str:
    """ED-318 spells with a Z what ED-269 spells with an S."""
    return restriction.upper().replace("AUTHORIZATION", "AUTHORISATION")


def _geometries(said: object) -> list[Mapping[str, Any]]:
    if isinstance(said, dict) and said.get("type") == "GeometryCollection":
        said = said.get("geometries")
    parts = said if isinstance(said, list) else [said]
    if not 1 <= len(parts) <= PARTS_MAX:
        raise Invalid("the zone has no geometry, or too many", field="geometry", expected=f"1 to {PARTS_MAX}")
    return [_object(one, "geometry") for one in parts]


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


def _times(context: SourceContext, about: Mapping[str, Any], at_ms: int) -> dict[str, Any]:
    periods = about.get("applicability", about.get("limitedApplicability")) or []
    periods = [_object(one, "applicability") for one in (periods if isinstance(periods, list) else [periods])]
    begins, ends, hours = [], [], []
    for one in periods:
        bounded = one.get("permanent") not in ("YES", True)
        begin, end = (_time(context, one.get(name), bounded) for name in ("startDateTime", "endDateTime"))
        begins.append(begin)
        ends.append(end)
        daily = one.get("dailyPeriod", one.get("schedule")) or [{}]
        if not isinstance(daily, list):
            raise Invalid("the daily periods are no list", field="dailyPeriod", expected="a list")
        for period in daily:
            hours += _hours(context, _object(period, "dailyPeriod"), begin, at_ms)
    always = any(not one["days"] and (one["from"], one["until"]) == ("00:00", "24:00") for one in hours)
    return {
        "starts_at": None
        if None in begins
        else min((one for one in begins if one is not None), default=None),
        "ends_at": None if None in ends else max((one for one in ends if one is not None), default=None),
        "hours": [] if always else hours,
    }


def _time(context: SourceContext, said: object, bounded: bool) -> int | None:
    return row_time(a_text(said, "time"), "iso", context.timezone).ms if bounded and said else None


def _hours(
    context: SourceContext, period: Mapping[str, Any], begin_ms: int | None, at_ms: int
) -> list[dict[str, Any]]:
    days = _days(period.get("day"))
    begin, from_offset = _minute(period.get("startTime"), is_end=False)
    end, until_offset = _minute(period.get("endTime"), is_end=True)
    if (begin, end) == (0, DAY_MIN):  # the whole day, wherever the days begin
        from_offset = until_offset = None
    spans = []
    for ours in _offsets(context, begin_ms, at_ms):
        first = begin if from_offset is None else begin - from_offset + ours
        last = end if until_offset is None else end - until_offset + ours
        moved = [WEEKDAYS[(WEEKDAYS.index(day) + first // DAY_MIN) % 7] for day in days]
        until = last % DAY_MIN or DAY_MIN
        span = {"days": moved, "from": clock_of(first % DAY_MIN), "until": clock_of(until)}
        if span not in spans:
            spans.append(span)
    return spans


def _offsets(context: SourceContext, begin_ms: int | None, at_ms: int) -> list[int]:
    """Minutes by which the city is ahead of UTC: at *begin_ms*, or in the winter and the summer of that year."""
    year = datetime.fromtimestamp(at_ms / 1000, UTC).year
    ats = [datetime(year, month, 15, tzinfo=UTC) for month in (1, 7)]
    if begin_ms is not None:
        ats = [datetime.fromtimestamp(begin_ms / 1000, UTC)]
    offsets = [at.astimezone(context.timezone).utcoffset() for at in ats]
    return sorted({int(one.total_seconds()) // 60 for one in offsets if one is not None})


def _days(said: object) -> list[str]:
    """Our words; none for every day, which a word that is no weekday (ANY) means too."""
    words = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    found = [day for day in WEEKDAYS if day[:3].upper() in [str(one).upper()[:3] for one in words]]
    return found if len(found) == len(words) and len(found) < 7 else []


def _minute(said: object, *, is_end: bool) -> tuple[int, int | None]:
    """Minutes from midnight, and how many the clock is ahead of UTC; ``None`` where it does not say."""
    if said in (None, ""):
        return (DAY_MIN if is_end else 0), None
    found = CLOCK.fullmatch(a_text(said, "time"))
    if found is None or (found[1] == "24" and found[2] != "00"):
        raise Invalid("it is no time of day", field="dailyPeriod", expected="HH:MM[:SS] with Z or an offset")
    minute = min(DAY_MIN, int(found[1]) * 60 + int(found[2]) + (1 if is_end and int(found[3] or 0) else 0))
    if found[4] is None:
        return minute, None
    if found[4] == "Z":
        return minute, 0
    ahead = int(found[4][1:3]) * 60 + int(found[4][-2:])
    return minute, -ahead if found[4][0] == "-" else ahead
