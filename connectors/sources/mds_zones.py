"""Zones of the Mobility Data Specification 2: geographies, and the rules that policies lay down for them.

- ``/geographies``: each is one zone, its geometry the one of its features, several joined to one; ``effective_date`` and
  ``retire_date`` bound it, ``prev_geographies`` names what it takes the place of.
- ``/policies``: their rules are remembered by geography and told with a zone from its next hearing on; those of a policy
  that another takes the place of are forgotten. Where they let nothing ride the zone is an exclusion: ``_mds_rules``.
- A bare GeoJSON collection, as agencies publish geographies before they have an API: each feature is a zone of its
  collection's name; its time is when it was heard, or ``as_of``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.json import around_record, json_records, json_value, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import a_text, id_or_none, read_each, set_aside, text_or_none
from connectors.sources._mds_rules import POLICY, limits_of
from connectors.sources.zones_geojson import since_ms
from connectors.subjects.plausible import EARLIEST_MS, known_id
from connectors.subjects.zones import geometry_of, zone
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.event import Event, derived_id
from schemas.names import AgencyName

GEOGRAPHIES, POLICIES, FEATURES = "geographies", "policies", "features"
RULES_MAX, RULE_BYTES_MAX = 500, 20_000
"""Geographies whose rules are remembered, and bytes of those of one."""
LISTS = tuple(f"{above}{name}" for name in (POLICIES, GEOGRAPHIES, FEATURES) for above in ("data.", ""))
"""Where a list may stand in a page."""
KIND = "geography"


class Config(PagedSettings):
    """Settings of a source of type ``mds_zones``."""

    operator: AgencyName | None = Field(None, description="the agency")
    kind: str | None = Field(None, min_length=1, description="what zones are whose type nobody names")
    as_of: date | None = Field(
        None, description="since when bare features hold, where nobody says when they were heard"
    )
    headers: dict[str, str] = Field(
        {}, description="HTTP headers to send: an authorization, the version wanted"
    )


class MdsZones:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("list", LISTS))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if digest in place.get("heard", ()):
            return Reading((), place)
        rules = dict(place.get("rules", {}))
        try:
            events, aside = self._read(heard, rules)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        known = [*place.get("heard", ()), digest][-8:] if rules == place.get("rules", {}) else [digest]
        return Reading(events, {"heard": known, "rules": rules}, aside=aside)

    def _read(self, heard: Heard, rules: dict[str, Any]) -> tuple[list[Event], list[SetAside]]:
        names = (POLICIES, GEOGRAPHIES, FEATURES)
        value = json_value(heard.body, *names, *(f"data.{name}" for name in names))
        body = value.get("data", value) if isinstance(value, dict) else value
        if isinstance(body, dict) and POLICIES in body:
            _, aside, _ = read_each(
                json_records(heard.body, _path(value, POLICIES)),
                lambda policy: _remember(policy, rules),
                originals(heard.body, _path(value, POLICIES)),
                around_record(_path(value, POLICIES)),
            )
            return [], aside
        name = GEOGRAPHIES if isinstance(body, dict) and GEOGRAPHIES in body else FEATURES
        path = _path(value, name)
        read_one = self._geography if name == GEOGRAPHIES else self._feature
        collection = body.get("name") if isinstance(body, dict) else None
        events, aside, _ = read_each(
            json_records(heard.body, path),
            lambda record: read_one(record, heard.at_ms, rules, collection),
            originals(heard.body, path),
            around_record(path),
        )
        return events, aside

    def _geography(self, said: object, at_ms: int | None, rules: Mapping[str, Any], _: object) -> Event:
        if not isinstance(said, dict):
            raise Invalid("the geography is no object", field="", expected="an object")
        geography_id = known_id(a_text(said.get("geography_id"), "geography_id"), "geography_id")
        starts_ms, ends_ms = _time(said, "effective_date"), _time(said, "retire_date")
        published_ms = _time(said, "published_date") or starts_ms
        if published_ms is None:
            raise Invalid(
                "the published_date is missing", field="published_date", expected="milliseconds since 1970"
            )
        before = said.get("prev_geographies") or []
        return zone(
            self._context,
            at_ms=published_ms,
            received_ms=at_ms or published_ms,
            said={
                "zone_id": geography_id,
                "name": text_or_none(said.get("name"), "name"),
                "kind": text_or_none(said.get("geography_type"), "geography_type")
                or self._config.kind
                or KIND,
                "operator": self._config.operator,
                **geometry_of(self._context, _joined(said.get("geography_json"))),
                **_ruled(rules.get(geography_id), starts_ms, ends_ms),
                "parent_id": before[0]
                if isinstance(before, list) and before and isinstance(before[0], str)
                else None,
            },
        )

    def _feature(
        self, said: object, at_ms: int | None, rules: Mapping[str, Any], collection: object
    ) -> Event:
        if not isinstance(said, dict) or said.get("type") != "Feature":
            raise Invalid("it is no feature", field="type", expected="Feature")
        geometry = geometry_of(self._context, said.get("geometry"))
        kind = self._config.kind or (collection if isinstance(collection, str) and collection else KIND)
        since = since_ms(self._config.as_of, at_ms)
        own = said.get("id")
        zone_id = id_or_none(own, "id") or derived_id("zone", kind, geometry["geometry"])
        return zone(
            self._context,
            at_ms=since,
            received_ms=at_ms or since,
            said={
                "zone_id": zone_id,
                "kind": kind,
                "operator": self._config.operator,
                **geometry,
                **_ruled(rules.get(zone_id), None, None),
            },
        )


def _path(value: Any, name: str) -> str:
    """Where the list stands: MDS 2 puts it at the top, some agencies below ``data``."""
    return f"data.{name}" if isinstance(value, dict) and isinstance(value.get("data"), dict) else name


def _remember(policy: object, rules: dict[str, Any]) -> None:
    if not isinstance(policy, dict) or not isinstance(policy.get("rules"), list):
        raise Invalid("the policy has no rules", field="rules", expected="a list")
    _forget(policy.get("prev_policies"), rules)
    for rule in policy["rules"]:
        for geography_id in (rule.get("geographies") or ()) if isinstance(rule, dict) else ():
            told = {
                "policy_id": policy.get("policy_id"),
                **{name: policy[name] for name in POLICY if policy.get(name)},
                **{k: v for k, v in rule.items() if k != "geographies"},
            }
            kept = [
                one for one in rules.get(str(geography_id), []) if one.get("rule_id") != told.get("rule_id")
            ]
            if len(orjson.dumps([*kept, told])) > RULE_BYTES_MAX or len(rules) >= RULES_MAX:
                raise Invalid(
                    "more rules than are remembered", field="rules", expected=f"{RULES_MAX} geographies"
                )
            rules[str(geography_id)] = [*kept, told]


def _forget(policy_ids: object, rules: dict[str, Any]) -> None:
    """Forget the rules of policies that another takes the place of."""
    if not isinstance(policy_ids, list) or not policy_ids:
        return
    for geography_id, known in list(rules.items()):
        kept = [one for one in known if one.get("policy_id") is None or one["policy_id"] not in policy_ids]
        if kept:
            rules[geography_id] = kept
        else:
            del rules[geography_id]


def _ruled(rules: Any, starts_ms: int | None, ends_ms: int | None) -> dict[str, Any]:
    """The fields of a zone with such *rules* that stands from *starts_ms* to *ends_ms*."""
    limits = limits_of(rules or ())
    starts = [at for at in (starts_ms, limits.get("starts_at")) if at is not None]
    ends = [at for at in (ends_ms, limits.get("ends_at")) if at is not None]
    return {
        **limits,
        "rules": orjson.dumps(rules).decode() if rules else None,
        "starts_at": max(starts, default=None),
        "ends_at": min(ends, default=None),
    }


def _time(said: Mapping[str, Any], name: str) -> int | None:
    value = said.get(name)
    if value is None:
        return None
    if type(value) is not int or not EARLIEST_MS <= value < 1 << 52:
        raise Invalid(f"{name} is no time", field=name, expected="milliseconds since 1970")
    return value


def _joined(said: object) -> object:
    """The one geometry of a feature collection: several areas are one of several parts."""
    features = said.get(FEATURES) if isinstance(said, dict) else None
    if not isinstance(features, list):
        return said.get("geometry") if isinstance(said, dict) and said.get("type") == "Feature" else said
    found = [one.get("geometry") for one in features if isinstance(one, dict)]
    if len(found) == 1:
        return found[0]
    parts: list[Any] = []
    for one in found:
        if not isinstance(one, dict) or one.get("type") not in ("Polygon", "MultiPolygon"):
            raise Invalid("its features are not all areas", field="geography_json", expected="polygons")
        coordinates = one.get("coordinates")
        parts += (
            [coordinates]
            if one["type"] == "Polygon"
            else coordinates
            if isinstance(coordinates, list)
            else []
        )
    return {"type": "MultiPolygon", "coordinates": parts}


SOURCE = MdsZones
