"""Rides on demand as GTFS-Flex publishes them, a static zip: where they are had, at which hours, and how one books.

- The form adopted in 2024 (``location_id``, ``location_group_id``) and the draft of 2022 (zones in ``stop_id``, groups of
  them in ``stop_areas.txt``).
- A location that is served is a zone; the stops of a group are one zone of points. A location of several periods of service
  is a zone for each: ``ID@first-last``, with the location's id as ``parent_id``.
- ``hours`` are to the minute: windows to the second are widened. ``rules`` has the windows as they are, the days on which
  they do not hold, and the booking rules, with the agency's own public contact.
- A zip holds all zones: one that it no longer has is ended, at the place of one of its corners. Nothing is ended by a zip
  without zones, or one of which something could not be read.
- A schedule of another time zone than the city's is set aside. The same zip again gives no event.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.empty_body import Nothing
from connectors.formats.json_parts import Unreadable
from connectors.formats.records import a_number, an_id, read_each, set_aside, text_or_none
from connectors.sources._flex_hours import end_ms, is_same_time, midnight_ms
from connectors.sources._flex_services import (
    FlexService,
    booking_rule,
    by_period,
    hours,
    rules_of,
    services_of,
)
from connectors.sources._flex_tables import FlexTables, flex_tables
from connectors.sources.zones_geojson import since_ms
from connectors.subjects.plausible import known_id
from connectors.subjects.zones import geometry_of, zone
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from schemas.errors import Invalid
from schemas.event import Event
from schemas.names import AgencyName

KIND = "on-demand"
ZONES_MAX = 2_000
"""Zones remembered, so that they can be ended: more than a country's feed of rides on demand has."""
UNSERVED, NO_PLACE = "location without service", "window at no place that the schedule has"
MORE = "more zones than are remembered: one will not be ended"
LEFT = '{"status":"left its agency\'s schedule"}'


class Config(PageOrFileSettings):
    """Settings of a source of type ``gtfs_flex``."""

    kind: str = Field(KIND, min_length=1, description="what the zones are, for rules and maps")
    operator: AgencyName | None = Field(None, description="who runs the rides; none: the schedule's agency")
    as_of: date | None = Field(
        None, description="since when they hold, where nobody says when the file was heard"
    )


class GtfsFlex:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._asked = PageOrFile(context.source, config)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if place.get("digest") == digest:
            return Reading((), place)
        try:
            at_ms = since_ms(self._config.as_of, heard.at_ms)
            tables = flex_tables(heard.body)
            self._check_time(tables, at_ms)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        hearing = _Hearing(self._context, self._config, tables, at_ms, heard.at_ms or at_ms)
        hearing.take()
        if not hearing.zones and not hearing.aside:
            raise Nothing("a schedule without rides on demand")
        is_whole = not hearing.aside and not heard.missing
        events, told = hearing.told(place.get("told", {}), is_whole=is_whole)
        return Reading(
            events,
            {"digest": digest, "told": told},
            aside=hearing.aside,
            skipped=hearing.skipped,
            noted=hearing.noted,
        )

    def _check_time(self, tables: FlexTables, at_ms: int) -> None:
        year = datetime.fromtimestamp(at_ms / 1000, UTC).year
        for name in {row.get("agency_timezone", "") for row in tables.agencies.values()}:
            try:
                stated = ZoneInfo(name)
            except (ValueError, OSError, KeyError):
                raise Invalid(
                    "agency_timezone is no time zone", field="agency_timezone", expected="America/Denver"
                ) from None
            if not is_same_time(stated, self._context.timezone, year):
                raise Invalid(
                    f"the schedule's times are of {name}",
                    field="agency_timezone",
                    expected=f"{self._context.timezone.key}, the city's",
                )


class _Hearing:
    """One zip as it is being read."""

    def __init__(
        self, context: SourceContext, config: Config, tables: FlexTables, at_ms: int, heard_ms: int
    ) -> None:
        self._context, self._config, self._tables = context, config, tables
        self._at_ms, self._heard_ms = at_ms, heard_ms
        self.zones: dict[str, Event] = {}
        self._places: set[str] = set()
        self.aside: list[SetAside] = []
        self.skipped, self.noted = Counter[str](), Counter[str]()

    def take(self) -> None:
        tables = self._tables
        found, aside, _ = read_each(
            tables.windows,
            lambda row: list(services_of(tables, row, self.skipped)),
            lambda _, row: _bytes(row),
        )
        self.aside += aside
        rules, aside, _ = read_each(tables.booking_rules, booking_rule, lambda _, row: _bytes(row))
        self.aside += aside
        self._booking = {one["booking_rule_id"]: one for one in rules}
        self._served: dict[str, list[FlexService]] = defaultdict(list)
        for place_id, service in (pair for pairs in found for pair in pairs):
            self._served[place_id].append(service)
        _, aside, _ = read_each(tables.locations, self._location, _original)
        self.aside += aside
        stops = [one for one in tables.members if one in self._served]
        _, aside, _ = read_each(stops, self._stops, lambda _, group: group.encode())
        self.aside += aside
        if unknown := self._served.keys() - self._places:
            self.noted[NO_PLACE] += len(unknown)

    def told(self, before: Mapping[str, Any], *, is_whole: bool) -> tuple[list[Event], dict[str, Any]]:
        """The zones that are new or changed, the ends of those that left, and what is remembered of all."""
        known: dict[str, Any] = dict(before)
        events = []
        for zone_id, event in self.zones.items():
            value = event.value or {}
            about = [value["event_id"], value["kind"], _corner(value["geometry"])]
            if known.pop(zone_id, None) != about:
                events.append(event)
            known[zone_id] = about
        for zone_id in [one for one in known if is_whole and one not in self.zones]:
            _, kind, corner = known.pop(zone_id)
            events.append(self._ended(zone_id, kind, corner))
        if len(known) > ZONES_MAX:
            self.noted[MORE] += 1
        return events, dict(list(known.items())[-ZONES_MAX:])

    def _ended(self, zone_id: str, kind: str, corner: list[float]) -> Event:
        said = {
            "zone_id": zone_id,
            "kind": kind,
            "operator": self._config.operator,
            "rules": LEFT,
            "geometry": orjson.dumps({"type": "Point", "coordinates": corner}).decode(),
            "ends_at": self._heard_ms,
        }
        return zone(self._context, at_ms=self._heard_ms, received_ms=self._heard_ms, said=said)

    def _location(self, feature: Any) -> None:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise Invalid("it is no feature", field="type", expected="Feature")
        location_id = known_id(an_id(feature.get("id"), "id"), "id")
        self._places.add(location_id)
        if location_id not in self._served:
            self.skipped[UNSERVED] += 1
            return
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise Invalid("the properties are none", field="properties", expected="an object")
        name = text_or_none(properties.get("stop_name"), "stop_name")
        self._zones(location_id, name, geometry_of(self._context, feature.get("geometry")))

    def _stops(self, group_id: str) -> None:
        """The stops of a group, as one zone of points."""
        self._places.add(group_id)
        stops = [
            self._tables.stops[one] for one in self._tables.members[group_id] if one in self._tables.stops
        ]
        points = [[a_number(row.get(name), name) for name in ("stop_lon", "stop_lat")] for row in stops]
        geometry = geometry_of(self._context, {"type": "MultiPoint", "coordinates": points})
        name = self._tables.group_names.get(group_id) or None
        self._zones(known_id(an_id(group_id, "location_group_id"), "location_group_id"), name, geometry)

    def _zones(self, zone_id: str, name: str | None, geometry: Mapping[str, Any]) -> None:
        periods = by_period(self._served[zone_id])
        made = {}
        for (first, last), services in periods.items():
            own_id = zone_id if len(periods) == 1 else f"{zone_id}@{first:%Y%m%d}-{last:%Y%m%d}"
            said = {
                "zone_id": own_id,
                "name": name,
                "kind": self._config.kind,
                "operator": self._config.operator or self._agency(services),
                **geometry,
                "rules": orjson.dumps(
                    rules_of(services, self._booking), option=orjson.OPT_SORT_KEYS
                ).decode(),
                "starts_at": midnight_ms(first, self._context.timezone),
                "ends_at": end_ms(last, max(one.closes_s for one in services), self._context.timezone),
                "parent_id": zone_id if len(periods) > 1 else None,
                "hours": hours(services),
            }
            made[own_id] = zone(self._context, at_ms=self._at_ms, received_ms=self._heard_ms, said=said)
        self.zones.update(made)

    def _agency(self, services: list[FlexService]) -> str | None:
        """The name of the agency that runs them; ``None`` where several do, or none is named."""
        agencies, routes = self._tables.agencies, self._tables.routes
        ids = {routes.get(one.route_id, {}).get("agency_id", "") for one in services}
        if len(agencies) == 1:
            ids = set(agencies)
        names = {agencies.get(one, {}).get("agency_name", "") for one in ids}
        return names.pop() or None if len(names) == 1 else None


def _corner(geometry: str) -> list[float]:
    """The first corner of a geometry's outline."""
    said = orjson.loads(geometry)["coordinates"]
    while isinstance(said[0], list):
        said = said[0]
    return [float(said[0]), float(said[1])]


def _bytes(row: Mapping[str, str]) -> bytes:
    return orjson.dumps(dict(row))


def _original(_: int, feature: Any) -> bytes:
    return feature.original if isinstance(feature, Unreadable) else orjson.dumps(feature)


SOURCE = GtfsFlex
