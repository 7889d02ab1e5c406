"""Zones as a GeoJSON file: administrative areas, parks, school zones. A feature is a zone.

- Id and name are properties that the settings name; without an id the feature's own ``id`` is taken.
- Sense, limits of height, hours, who may be there, and priority are properties, too: ``zone_limits``. A wrong one costs its
  feature alone.
- Since when they hold: ``as_of``, or when the file was asked for. A file that says neither is set aside whole.
- A feature that has no id or no geometry, or lies wholly outside the city, is set aside by itself.
- The same file again gives no event.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from pydantic import Field, model_validator

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import around_record, in_utf8, json_records, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import an_id, id_or_none, read_each, set_aside
from connectors.subjects.plausible import known_id
from connectors.subjects.zone_limits import LimitProperties, limits_of
from connectors.subjects.zones import geometry_of, zone
from connectors.transport.page_or_file import Charset, PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.event import Event
from schemas.names import AgencyName

FEATURES = "features"


class Config(PagedSettings, LimitProperties):
    """Settings of a source of type ``zones_geojson``."""

    kind: str | None = Field(None, min_length=1, description="what the zones are: dong, park, school-zone")
    kind_property: str | None = Field(
        None, description="the property that says what a zone is; where it says nothing: kind"
    )
    id_property: str | None = Field(
        None, description="the property that is a zone's id; none: the feature's id"
    )
    name_property: str | None = Field(None, description="the property that is its name")
    parent_property: str | None = Field(None, description="the property that names the zone around it")
    operator: AgencyName | None = Field(None, description="who says so")
    as_of: date | None = Field(
        None, description="since when they hold, where the file does not say when it was heard"
    )
    encoding: Charset = Field("utf-8", description="the file's character set")

    @model_validator(mode="after")
    def _named(self) -> Config:
        if self.kind is None and self.kind_property is None:
            raise ValueError("kind or kind_property is needed: a zone is of some kind")
        return self


class ZonesGeojson:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("list", (FEATURES,), config.encoding))

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
            body = in_utf8(heard.body, self._config.encoding)
            found = json_records(body, FEATURES)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        events, aside, _ = read_each(
            found,
            lambda feature: self._zone(feature, at_ms, heard.at_ms or at_ms),
            originals(body, FEATURES, self._config.encoding),
            around_record(FEATURES, self._config.encoding),
        )
        return Reading(events, {"digest": digest}, aside=aside)

    def _zone(self, feature: object, at_ms: int, received_ms: int) -> Event:
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise Invalid("it is no feature", field="type", expected="Feature")
        config, properties = self._config, feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise Invalid("the properties are none", field="properties", expected="an object")
        zone_id = properties.get(config.id_property) if config.id_property else feature.get("id")
        return zone(
            self._context,
            at_ms=at_ms,
            received_ms=received_ms,
            said={
                "zone_id": known_id(an_id(zone_id, config.id_property or "id"), config.id_property or "id"),
                "name": _text(properties, config.name_property),
                "parent_id": _text(properties, config.parent_property),
                "kind": _kind(properties, config),
                "operator": config.operator,
                **limits_of(properties, config),
                **geometry_of(self._context, feature.get("geometry")),
            },
        )


def _kind(properties: Mapping[str, Any], config: Config) -> str:
    said = _text(properties, config.kind_property) or config.kind
    if said is None:
        raise Invalid(
            "the zone says no kind",
            field=config.kind_property or "kind",
            expected="text, or kind in the city's file",
        )
    return said


def _text(properties: Mapping[str, Any], name: str | None) -> str | None:
    if name is None or properties.get(name) is None:
        return None
    value = properties[name]
    return id_or_none(value, name)


def since_ms(as_of: date | None, heard_ms: int | None) -> int:
    """The beginning of that day in UTC, or the time of arrival. ``Invalid`` where neither is known."""
    if as_of is not None:
        return round(datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC).timestamp() * 1000)
    if heard_ms is None:
        raise Invalid(
            "the time since which it holds is not known", field="as_of", expected="as_of in the city's file"
        )
    return heard_ms


SOURCE = ZonesGeojson
