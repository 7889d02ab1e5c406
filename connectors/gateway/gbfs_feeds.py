"""The documents of GBFS 3.0, made of the boards of hubs and of the vehicles that stand. Pure.

A station whose vehicles are stale does not rent, one whose docks are stale takes nothing back, whatever the counts are;
``last_reported`` is the time of the older. A stale vehicle or notice is left out. Chargers and arrivals have no place. In a
closure a station neither rents nor takes back, and a vehicle is disabled: its counts stay, as GBFS defines them.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from connectors.gateway.hub_boards import Board
from connectors.gateway.shared_fleet import ParkedVehicle
from schemas.iso_time import EPOCH

VERSION = "3.0"
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Z]{2})?")
TTL_S = {
    "gbfs": 300,
    "system_information": 3600,
    "vehicle_types": 300,
    "station_information": 300,
    "station_status": 30,
    "vehicle_status": 30,
    "system_alerts": 60,
}
"""Feed → the seconds for which a client may keep it. Boards of which only the times change are told each 30 s."""
ALERT_TYPES = {"no_service": "station_closure", "stop_moved": "station_move"}
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class GbfsSystem:
    """The city as a system of GBFS. *since_ms*: dates what has not changed since the gateway began."""

    system_id: str
    name: str
    language: str
    timezone: str
    contact: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class HubWord:
    """The newest word of an operator on a hub, beside its counts; ``None``: not said."""

    is_installed: bool | None
    is_renting: bool | None
    is_returning: bool | None


UNSAID = HubWord(None, None, None)


@dataclass(frozen=True, slots=True)
class ClosedNow:
    """The ids of *hubs* and the names of *vehicles* that are closed, and when that changed last."""

    hubs: frozenset[str] = frozenset()
    vehicles: frozenset[str] = frozenset()
    changed_ms: int = 0


@lru_cache(1)
def gbfs_types() -> dict[str, dict[str, Any]]:
    """Return our word of a type → what GBFS says of it."""
    text = Path(__file__).with_name("gbfs_types.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def feeds_of(
    system: GbfsSystem,
    boards: Sequence[Board],
    vehicles: Sequence[ParkedVehicle],
    words: Mapping[str, HubWord],
    closed: ClosedNow,
) -> dict[str, Document]:
    """Return the feeds by name, without ``gbfs``. *boards*: as ``aged``. *words*: hub → its operators' word."""
    stations = [one for one in boards if _is_station(one)]
    told_ms = max((int(one["event_time"]) for one in boards), default=system.since_ms)
    seen_ms = max((one.reported_ms for one in vehicles), default=system.since_ms)
    status_ms, vehicles_ms = max(told_ms, closed.changed_ms), max(seen_ms, closed.changed_ms)
    known = {str(one["hub_id"]) for one in stations}
    status = [
        _status(one, words.get(one["hub_id"], UNSAID), is_closed=one["hub_id"] in closed.hubs)
        for one in stations
    ]
    alerts = _alerts(stations, system.language)
    listed = [found for one in vehicles if (found := _vehicle(one, known, closed.vehicles)) is not None]
    types = _types(status, vehicles, system.language)
    return {
        "system_information": _document("system_information", system.since_ms, _system(system)),
        "vehicle_types": _document("vehicle_types", max(told_ms, seen_ms), {"vehicle_types": types}),
        "station_information": _document(
            "station_information",
            told_ms,
            {"stations": [_information(one, system.language) for one in stations]},
        ),
        "station_status": _document("station_status", status_ms, {"stations": status}),
        "vehicle_status": _document("vehicle_status", vehicles_ms, {"vehicles": listed}),
        "system_alerts": _document("system_alerts", told_ms, {"alerts": alerts}),
    }


def discovery(system: GbfsSystem, feeds: Mapping[str, Document], address: str) -> Document:
    """Return ``gbfs.json``: the feeds under *address*; alerts where there is one."""
    names = ["gbfs", *(one for one in feeds if one != "system_alerts" or feeds[one]["data"]["alerts"])]
    listed = [{"name": one, "url": f"{address}/{one}.json"} for one in names]
    return _document("gbfs", system.since_ms, {"feeds": listed})


def _document(name: str, updated_ms: int, data: Document) -> Document:
    return {"last_updated": rfc3339(updated_ms), "ttl": TTL_S[name], "version": VERSION, "data": data}


def rfc3339(ms: int) -> str:
    """Return that time in UTC, to the second: it never lies after the time itself."""
    return (EPOCH + timedelta(seconds=ms // 1000)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _words(text: str, language: str) -> list[dict[str, str]]:
    return [{"text": text, "language": language}]


def _system(system: GbfsSystem) -> Document:
    return {
        "system_id": system.system_id,
        "languages": [system.language],
        "name": _words(system.name, system.language),
        "opening_hours": "24/7",
        "feed_contact_email": system.contact,
        "timezone": system.timezone,
    }


# -- stations --------------------------------------------------------------------------------------------------------


def _is_station(board: Board) -> bool:
    """Whether it has a place, and docks or vehicles of a type that GBFS knows."""
    vehicles = board["vehicles"]
    types = [] if vehicles is None else vehicles["types"]
    has_vehicles = vehicles is not None and (not types or any(_is_type(one) for one in types))
    return board["position"] is not None and (board["docks"] is not None or has_vehicles)


def _is_type(count: Mapping[str, Any]) -> bool:
    return count["vehicle_type"] in gbfs_types()


def _information(board: Board, language: str) -> Document:
    at, docks = board["position"], board["docks"]
    found = {
        "station_id": board["hub_id"],
        "name": _words(board["name"] or board["hub_id"], language),
        "lat": at["lat"],
        "lon": at["lon"],
    }
    has_total = docks is not None and docks["total"] is not None
    return {**found, "capacity": docks["total"]} if has_total else found


def _status(board: Board, word: HubWord, *, is_closed: bool) -> Document:
    vehicles, docks = board["vehicles"], board["docks"]
    counted = [] if vehicles is None else [one for one in vehicles["types"] if _is_type(one)]
    available = [one for one in counted if one["available"] is not None]
    is_live, takes_back = _is_live(vehicles), _is_live(vehicles if docks is None else docks)
    found: Document = {
        "station_id": board["hub_id"],
        "num_vehicles_available": sum(one["available"] for one in available),
        "vehicle_types_available": [
            {"vehicle_type_id": one["vehicle_type"], "count": one["available"]} for one in available
        ],
        "is_installed": word.is_installed is not False,
        "is_renting": not is_closed and is_live and word.is_renting is not False,
        "is_returning": not is_closed and takes_back and word.is_returning is not False,
        "last_reported": rfc3339(min(int(one["as_of"]) for one in (vehicles, docks) if one is not None)),
    }
    if vehicles is not None and (broken := _disabled(vehicles["disabled"], counted)) is not None:
        found["num_vehicles_disabled"] = broken
    if docks is not None and docks["free"] is not None:
        found["num_docks_available"] = docks["free"]
    return found


def _is_live(part: Mapping[str, Any] | None) -> bool:
    return part is not None and not part["is_stale"]


def _disabled(of_hub: int | None, counted: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the hub's own count; without one that of its single vehicles, which would else be counted twice."""
    known = [int(one["disabled"]) for one in counted if one["disabled"] is not None]
    return of_hub if of_hub is not None else sum(known) if known else None


# -- vehicles --------------------------------------------------------------------------------------------------------


def _vehicle(one: ParkedVehicle, stations: set[str], closed: frozenset[str]) -> Document | None:
    """Return a vehicle at its station, else at its place; ``None`` for one that has neither."""
    if one.hub_id in stations:
        where: Document = {"station_id": one.hub_id}
    elif one.lat is not None and one.lon is not None:
        where = {"lat": round(one.lat, 6), "lon": round(one.lon, 6)}
    else:
        return None
    found = {
        "vehicle_id": one.name,
        **where,
        "is_reserved": one.is_reserved,
        "is_disabled": one.is_disabled or one.name in closed,
        "vehicle_type_id": one.vehicle_type,
        "last_reported": rfc3339(one.reported_ms),
    }
    if one.range_m is not None and one.range_m >= 0:
        found["current_range_meters"] = round(one.range_m)
    if one.battery_percent is not None and 0 <= one.battery_percent <= 100:
        found["current_fuel_percent"] = round(one.battery_percent / 100, 2)
    return found


def _types(status: Sequence[Document], vehicles: Sequence[ParkedVehicle], language: str) -> list[Document]:
    """Return the types that a station or a vehicle is told with, in the order of their ids."""
    ranges: dict[str, float] = {}
    for one in vehicles:
        ranges[one.vehicle_type] = max(ranges.get(one.vehicle_type, 0.0), one.range_m or 0.0)
    used = {count["vehicle_type_id"] for one in status for count in one["vehicle_types_available"]}
    found = []
    for type_id in sorted(used | ranges.keys()):
        said = dict(gbfs_types()[type_id])
        if "max_range_meters" in said:
            said["max_range_meters"] = max(said["max_range_meters"], round(ranges.get(type_id, 0.0)))
        name = type_id.replace("_", " ").capitalize()
        found.append({"vehicle_type_id": type_id, **said, "name": _words(name, "en")})
    return found


# -- alerts ----------------------------------------------------------------------------------------------------------


def _alerts(stations: Sequence[Board], language: str) -> list[Document]:
    """Return the live notices that have a headline, each once, with all stations that it is about."""
    found: dict[str, Document] = {}
    for board in stations:
        for one in [] if board["notices"] is None else board["notices"]["texts"]:
            if one["is_stale"] or one["header_text"] is None:
                continue
            known = found.setdefault(one["alert_id"], _alert(one, language))
            known["station_ids"].append(board["hub_id"])
    return [found[name] for name in sorted(found)]


def _alert(notice: Mapping[str, Any], language: str) -> Document:
    told: Document = {
        "alert_id": notice["alert_id"],
        "type": ALERT_TYPES.get(notice["effect"] or "", "other"),
        "station_ids": [],
        "summary": _words(notice["header_text"], language),
        "last_updated": rfc3339(int(notice["as_of"])),
    }
    is_address = (notice["url"] or "").startswith(("https://", "http://"))
    return {**told, "url": _words(notice["url"], language)} if is_address else told
