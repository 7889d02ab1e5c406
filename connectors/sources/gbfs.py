"""GBFS, the standard of shared bicycles, scooters and cars: 1.x as many still publish it, 2.3 and 3.0.

Asked by its discovery file (``gbfs.json``), a poll reads the feeds of hubs and vehicles and keeps
them together as ``{"station_status": {…}, …}``. A feed that fails is noted and tried again later; the others
are read. A single feed is read too, from its own URL, a file, or pushed: the
status of stations then takes names and places from the last ``station_information`` that was read, and
``station_information`` alone gives hubs without their number of vehicles.

A feed that is read again unchanged gives no event. A record is stale if it is older than its feed's ``ttl`` when read
(of a ttl of 0: than 5 minutes, the most that the standard allows), or if its vehicle or station reported more than
``silent_after_s`` before the feed was made.

A vehicle at a station has the station's id, and only a place of its own. Fields beside the standard are left alone
(the first bikes of a feed have a ``fusion_lat`` 60 km from their ``lat``), but for ``type`` and
``num_ebikes_available``, ``num_scooters_available`` of feeds that have no types.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import BOM, originals
from connectors.formats.records import an_id, id_or_none, plausible_time, read_each, set_aside, text_or_none
from connectors.sources._gbfs import (
    INFORMATION,
    STATUS,
    SYSTEM,
    TYPES,
    VEHICLES,
    WANTED,
    Feed,
    a_count,
    addresses,
    feed_time,
    feed_value,
    feeds_in,
    yes_or_no,
)
from connectors.sources._gbfs_system import (
    REAL_TIME_S,
    System,
    available,
    docks,
    metres,
    percent,
    system_of,
)
from connectors.subjects.plausible import id_if_known, known_id, time_if_known
from connectors.subjects.vehicles import HUB, POSITION, Telemetry
from connectors.transport.feeds import Feeds
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from connectors.transport.web_page import WebPage
from schemas.errors import Invalid
from schemas.names import AgencyName

BODIES_MAX = 4
"""Bodies remembered of each feed: caches on the way give an older one now and then."""
SWITCHES = ("is_installed", "is_renting", "is_returning")


class Config(PageOrFileSettings):
    """Settings of a source of type ``gbfs``. Without url and path it is only played or pushed."""

    url: str | None = Field(None, pattern="^https?://", description="gbfs.json, or one feed alone")
    operator: AgencyName | None = Field(
        None, min_length=1, description="who runs it; none: as system_information says, or the source's name"
    )
    language: str | None = Field(None, description="of texts, where there are several; none: the first")
    silent_after_s: float = Field(
        REAL_TIME_S, gt=0, description="seconds without a report after which a station or vehicle is stale"
    )
    headers: dict[str, str] = Field(
        {}, description="HTTP headers to send, an API key say; only to the host of url"
    )


class Gbfs:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._asked = PageOrFile(context.source, config)
        self._feeds = Feeds(self._page)

    # -- the rim ---------------------------------------------------------------------------------------------

    async def poll(self, place: Place) -> Heard:
        first = await self._asked.ask()
        found = addresses(first.body, self._config.language)
        if not found:
            return first
        bodies, missing = await self._feeds.ask(found)
        parts = [orjson.dumps(name) + b":" + _as_json(body) for name, body in bodies.items() if body.strip()]
        whole = b"{" + b",".join(parts) + b"}" if parts else b""  # 204 of each: nothing was said
        return Heard(whole, first.at_ms, missing=missing)

    def _page(self, url: str) -> WebPage:
        """Secrets are sent only to the host that the city's file names."""
        try:
            is_theirs = urlsplit(url).netloc == urlsplit(self._config.url or "").netloc
        except ValueError:
            is_theirs = False
        headers = self._config.headers if is_theirs else {}
        return WebPage(url, timeout_s=self._config.timeout_s, headers=headers)

    async def close(self) -> None:
        await self._asked.close()
        await self._feeds.close()

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self, heard: Heard, place: Place) -> Reading:
        try:
            feeds, others, broken = feeds_in(heard.body)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        told = Telemetry(self._context, heard.at_ms)
        told.skipped.update(f"feed without vehicles or hubs: {name[:40]}" for name in others)
        told.aside += [set_aside(original, error) for original, error in broken]
        said: dict[str, list[str]] = dict(place.get("said", {}))
        system = system_of(place)
        for feed in sorted(feeds.values(), key=lambda one: WANTED.index(one.name)):
            is_stale = told.is_older_than(feed.updated_ms, feed.ttl_s or REAL_TIME_S)
            mark = feed.digest + ("-stale" if is_stale else "")
            if mark in said.get(feed.name, ()):
                told.skipped["feed said before"] += 1
                continue
            part = Telemetry(self._context, heard.at_ms)
            is_alone = feed.name == INFORMATION and STATUS not in feeds
            try:
                self._hear(feed, is_stale, is_alone, system, part, heard.body)
            except Invalid as error:  # it cannot be taken apart into its records
                told.aside.append(set_aside(heard.body, error))
                continue
            said[feed.name] = [*said.get(feed.name, ()), mark][-BODIES_MAX:]
            told.add(part)
        return told.reading({**system.kept(), "said": said})

    def _hear(
        self, feed: Feed, is_stale: bool, is_alone: bool, system: System, told: Telemetry, body: bytes
    ) -> None:
        """Every record of *feed* by itself; its fields of the system are kept in *system*."""
        if feed.name == SYSTEM:
            system.hear_operator(feed.data, self._config.language)
            return
        seen: set[str] = set()

        def one(record: Any) -> None:
            if not isinstance(record, dict):
                raise Invalid("a record is no object", field="", expected="an object")
            if feed.name == TYPES:
                system.hear_type(record)
            elif feed.name == INFORMATION:
                system.hear_station(record, self._config.language, told)
            if feed.name in VEHICLES:
                self._vehicle(record, feed, is_stale, system, told, seen)
            elif feed.name == STATUS or is_alone:
                self._hub(record, feed, is_stale, system, told, seen)

        told.aside += read_each(feed.records, one, originals(body, feed.list_path), feed.around)[1]

    def _vehicle(
        self,
        record: Mapping[str, Any],
        feed: Feed,
        is_stale: bool,
        system: System,
        told: Telemetry,
        seen: set[str],
    ) -> None:
        field = "bike_id" if feed.name == "free_bike_status" else "vehicle_id"
        vehicle_id = known_id(an_id(record.get(field), field), field)
        event_ms, is_old = self._when(record, feed, told)
        stated = id_or_none(record.get("vehicle_type_id", record.get("type")), "vehicle_type_id")
        type_id = id_if_known(stated, "vehicle_type_id", told.noted)
        said = {
            "vehicle_id": vehicle_id,
            "vehicle_type": system.word(type_id, told),
            "vehicle_type_id": type_id,
            "operator": self._operator(system),
            "is_stale": is_stale or is_old,
            "is_reserved": yes_or_no(record.get("is_reserved"), "is_reserved"),
            "is_disabled": yes_or_no(record.get("is_disabled"), "is_disabled"),
            "battery_percent": percent(record.get("current_fuel_percent"), told),
            "range_m": metres(record.get("current_range_meters"), told),
            "hub_id": id_if_known(
                id_or_none(record.get("station_id"), "station_id"), "station_id", told.noted
            ),
        }
        where = told.position(record.get("lat"), record.get("lon"))
        if _is_new(vehicle_id, seen, told):
            told.tell(
                POSITION, _identity(feed, event_ms, is_stale), event_ms=event_ms, position=where, said=said
            )

    def _hub(
        self,
        record: Mapping[str, Any],
        feed: Feed,
        is_stale: bool,
        system: System,
        told: Telemetry,
        seen: set[str],
    ) -> None:
        hub_id = known_id(an_id(record.get("station_id"), "station_id"), "station_id")
        event_ms, is_old = self._when(record, feed, told)
        if hub_id not in system.stations:
            told.noted["station without information"] += 1
        station: Mapping[str, Any] = system.stations.get(hub_id, {})
        said = {
            "hub_id": hub_id,
            "kind": "dock_station",
            "operator": self._operator(system),
            **{name: station.get(name) for name in ("name", "address", "region_id")},
            "available": available(record, system, told),
            "docks": docks(record, station.get("capacity"), told),
            "vehicles_disabled": a_count(
                record.get("num_vehicles_disabled", record.get("num_bikes_disabled")),
                "num_vehicles_disabled",
                told.noted,
            ),
            "is_stale": is_stale or is_old,
            "status_text": text_or_none(record.get("station_status"), "station_status"),
            **{name: yes_or_no(record.get(name), name) for name in SWITCHES},
        }
        if _is_new(hub_id, seen, told):
            where, identity = station.get("position"), _identity(feed, event_ms, is_stale)
            told.tell(HUB, identity, event_ms=event_ms, position=where, said=said)

    def _when(self, record: Mapping[str, Any], feed: Feed, told: Telemetry) -> tuple[int, bool]:
        """The time at which *record* was reported, and whether that was too long before its feed was made.

        Where nobody knows it (0, −1), the feed's.
        """
        stated = record.get("last_reported")
        if isinstance(stated, int) and not isinstance(stated, bool):
            stated = time_if_known(stated, "last_reported", told.noted)
        event_ms = feed.updated_ms if stated is None else feed_time(stated, "last_reported")
        is_old = feed.updated_ms - event_ms > self._config.silent_after_s * 1000
        return plausible_time(event_ms, told.at_ms, "last_reported"), is_old

    def _operator(self, system: System) -> str:
        return self._config.operator or system.operator or self._context.source


def _as_json(body: bytes) -> bytes:
    """*body* as it is, or as a text where it is no JSON: then it is set aside, and its neighbours are read."""
    plain = body.removeprefix(BOM)
    try:
        feed_value(plain)
    except Invalid:
        return orjson.dumps(body.decode("utf-8", "backslashreplace"))
    return plain


def _identity(feed: Feed, event_ms: int, is_stale: bool) -> tuple[object, ...]:
    return feed.name, feed.updated_ms, event_ms, is_stale


def _is_new(name: str, seen: set[str], told: Telemetry) -> bool:
    if name in seen:
        told.skipped["said twice in one feed"] += 1
        return False
    seen.add(name)
    return True


SOURCE = Gbfs
