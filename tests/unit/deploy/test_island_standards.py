"""The simulated Jeju held against what is real: the standards of its feeds, the island's areas, its charging stations."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from connectors.base import Heard
from deploy.city.city import load_city
from deploy.demo import island_scooters
from deploy.demo.field import ROUND_S
from deploy.demo.island import COAST
from deploy.demo.island_chargers import locations
from deploy.demo.island_fleet import BIKES, MOTORS, gbfs_body
from deploy.demo.island_places import HUBS, Spot
from streams.geo import distance_m
from streams.situations.rules.zone.areas import ZoneArea, holds

NOW_MS = 1_772_938_800_000
JOINED_M = 50
STATIONS_2018 = 338
"""Rows of the country's list of charging stations that name this island."""
MDS = {
    "vehicle": {"device_id", "provider_id", "vehicle_id", "vehicle_type", "propulsion_types"},
    "event": {"device_id", "provider_id", "event_id", "vehicle_state", "event_types", "timestamp"},
    "telemetry": {
        "device_id",
        "provider_id",
        "telemetry_id",
        "timestamp",
        "trip_ids",
        "journey_id",
        "location",
    },
    "location": {"lat", "lng"},
}
"""The fields that MDS 2.0 requires of its objects (data-types.md of the specification)."""
GBFS_2_3 = {
    "system_information": {"system_id", "language", "name", "timezone"},
    "vehicle_types": {"vehicle_type_id", "form_factor", "propulsion_type", "max_range_meters"},
    "station_information": {"station_id", "name", "lat", "lon"},
    "station_status": {
        "station_id",
        "num_bikes_available",
        "is_installed",
        "is_renting",
        "is_returning",
        "last_reported",
        "vehicle_types_available",
    },
    "free_bike_status": {
        "bike_id",
        "is_reserved",
        "is_disabled",
        "vehicle_type_id",
        "current_range_meters",
        "lat",
        "lon",
    },
}
"""The fields that GBFS 2.3 requires of records: of vehicles with a motor, of stations with types (gbfs.md, v2.3)."""


def areas(data_dir: Path) -> dict[str, tuple[ZoneArea, ...]]:
    """The dongs of the island by name."""
    path = data_dir / "korea" / "geo" / "hangjeongdong_jeju_2021-04.geojson"
    found = {}
    for feature in json.loads(path.read_text(encoding="utf-8"))["features"]:
        shape = feature["geometry"]
        polygons = [shape["coordinates"]] if shape["type"] == "Polygon" else shape["coordinates"]
        rings = [[tuple((lat, lon) for lon, lat in ring) for ring in rings] for rings in polygons]
        found[feature["properties"]["adm_nm"]] = tuple(ZoneArea(one[0], tuple(one[1:])) for one in rings)
    return found


def dong_of(dongs: dict[str, tuple[ZoneArea, ...]], at: Spot) -> list[str]:
    return [name for name, area in dongs.items() if holds(area, *at)]


@pytest.fixture(scope="module")
def dongs(data_dir: Path) -> dict[str, tuple[ZoneArea, ...]]:
    return areas(data_dir)


def schemas(data_dir: Path) -> Iterator[tuple[str, Draft7Validator]]:
    for path in (data_dir / "mobility" / "gbfs_schema" / "v3.0").glob("*.json"):
        yield path.stem, Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("second", [0, 45, ROUND_S - 1])
def test_bicycles_are_told_as_the_schemas_of_gbfs_3_have_it(data_dir: Path, second: int) -> None:
    known = dict(schemas(data_dir))
    feeds = json.loads(gbfs_body(BIKES, 1, 0, second, NOW_MS))
    assert {"station_status", "vehicle_status", "vehicle_types"} < set(feeds) <= set(known)
    for name, feed in feeds.items():
        known[name].validate(feed)


def test_the_schemas_refuse_the_form_of_2_3(data_dir: Path) -> None:
    known = dict(schemas(data_dir))
    with pytest.raises(ValidationError):
        known["station_status"].validate(json.loads(gbfs_body(MOTORS, 1, 0, 0, NOW_MS))["station_status"])


def test_motorcycles_and_cars_say_all_that_gbfs_2_3_requires() -> None:
    feeds = json.loads(gbfs_body(MOTORS, 1, 0, 45, NOW_MS))
    assert set(feeds) == set(GBFS_2_3)
    for name, feed in feeds.items():
        assert feed["version"] == "2.3" and isinstance(feed["last_updated"], int) and feed["ttl"] >= 0
        data = feed["data"]
        (records,) = ([data],) if name == "system_information" else data.values()
        assert records and all(GBFS_2_3[name] <= set(one) for one in records)


def test_kickboards_say_all_that_mds_2_requires() -> None:
    told = json.loads(island_scooters.vehicles_body(1, NOW_MS))
    assert set(told) == {"version", "last_updated", "ttl", "vehicles"}
    assert all(MDS["vehicle"] <= set(one) for one in told["vehicles"])
    statuses = json.loads(island_scooters.status_body(1, 45, NOW_MS))["vehicles_status"]
    assert {one["device_id"] for one in statuses} == {one["device_id"] for one in told["vehicles"]}
    for one in statuses:
        assert MDS["event"] <= set(one["last_event"]) and MDS["telemetry"] <= set(one["last_telemetry"])
        assert MDS["location"] <= set(one["last_telemetry"]["location"])


def test_every_made_hub_lies_in_a_dong_and_in_the_towns_where_it_says_so(
    dongs: dict[str, tuple[ZoneArea, ...]],
) -> None:
    assert len(dongs) == 43
    for hub in HUBS:
        (dong,) = dong_of(dongs, hub.at)
        assert hub.region != "city" or dong.endswith("동"), (hub.name, dong)
    assert not dong_of(dongs, (33.60, 126.50)), "the sea"


def test_nearly_every_made_charger_stands_on_land(dongs: dict[str, tuple[ZoneArea, ...]]) -> None:
    sample = locations(1)[::20]
    dry = sum(bool(dong_of(dongs, one.at)) for one in sample)
    assert len(sample) > 100 and dry == len(sample)


def test_the_drawn_shore_holds_nearly_every_hub() -> None:
    assert sum(holds((ZoneArea(COAST),), *hub.at) for hub in HUBS) >= 17


def test_the_real_charging_stations_join_the_hubs_beside_them(data_dir: Path) -> None:
    source: Any = load_city("jeju").load("charging-stations")
    body = (data_dir / "korea" / "kr_ev_station_standard_2018_cp949.csv").read_bytes()
    reading = source.read(Heard(body, NOW_MS), {})
    told = [one.value for one in reading.events if one.value is not None]
    assert (len(told), list(reading.aside)) == (STATIONS_2018, [])
    places = [(one["position"]["lat"], one["position"]["lon"]) for one in told if one["position"]]
    joined = {
        hub.hub_id: near
        for hub in HUBS
        if (near := sum(distance_m(*hub.at, *place) <= JOINED_M for place in places))
    }
    assert len(joined) == len(HUBS), sorted({one.hub_id for one in HUBS} - set(joined))
