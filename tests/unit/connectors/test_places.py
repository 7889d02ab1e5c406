"""Reference data: zones, hubs and cameras as cities, operators and states publish them."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.base import Reading
from connectors.discovery import BadConfig
from connectors.recordings import read_recording
from deploy.city.city import load_city
from schemas.catalogue import load_catalogue
from schemas.rows import RowCodec
from tests.unit.connectors.seen import NOON, read, source, values

SQUARE = {"type": "Polygon", "coordinates": [[[-95.4, 29.7], [-95.3, 29.7], [-95.3, 29.8], [-95.4, 29.7]]]}


def play(city: str, name: str, path: Path) -> list[Reading]:
    """Every reading of a file through that city's own source."""
    reader, place, readings = load_city(city).load(name), dict[str, Any](), list[Reading]()
    for heard in read_recording(path):
        readings.append(reader.read(heard, place))
        place = dict(readings[-1].place)
    return readings


def survives(readings: list[Reading]) -> None:
    """Check that every event is unchanged after encoding and decoding."""
    for reading in readings:
        for event in reading.events:
            codec = RowCodec(
                load_catalogue()[event.topic].newest, max_bytes=load_catalogue()[event.topic].max_bytes
            )
            assert codec.decode(codec.encode(dict(event.value or {}))) == event.value


# -- real files ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("area", ["daejeon"])
def test_every_dong_is_a_zone_with_its_own_borders(data_dir: Path, area: str) -> None:
    path = data_dir / "korea" / "geo" / f"hangjeongdong_{area}_2021-04.geojson"
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    (reading,) = readings = play("daejeon", "dong", path)
    assert not reading.aside
    assert len(reading.events) == len(features) == 79
    told = {value["zone_id"]: value for value in values(reading)}
    for feature in features:
        value = told[feature["properties"]["adm_cd"]]
        assert value["name"] == feature["properties"]["adm_nm"]
        assert json.loads(value["geometry"]) == feature["geometry"]
    survives(readings)


def test_dongs_of_other_cities_are_set_aside(data_dir: Path) -> None:
    (reading,) = play("daejeon", "dong", data_dir / "korea" / "geo" / "hangjeongdong_jeju_2021-04.geojson")
    assert not reading.events
    assert {aside.field for aside in reading.aside} == {"geometry"}


def test_charging_stations_of_the_city_are_taken_and_the_others_left(data_dir: Path) -> None:
    path = data_dir / "korea" / "kr_ev_station_standard_2018_cp949.csv"
    with path.open(encoding="cp949", newline="") as file:
        rows = list(csv.DictReader(file))
    ours = [row for row in rows if row["설치시도명"] == "대전광역시"]
    (reading,) = readings = play("daejeon", "charging-stations", path)
    assert not reading.aside
    assert (len(reading.events), reading.skipped) == (len(ours), {"left to others": len(rows) - len(ours)})
    fast = sum(int(row["급속충전기대수"] or 0) for row in ours)
    told = [one for value in values(reading) for one in value["chargers"] if one["kind"] == "fast"]
    assert sum(one["count"] for one in told) == fast > 0
    assert {value["name"] for value in values(reading)} == {row["충전소명"] for row in ours}
    survives(readings)


def test_every_zone_of_louisville_is_told_by_what_its_file_says_it_is(data_dir: Path) -> None:
    found: Counter[str] = Counter()
    for path in sorted((data_dir / "mobility" / "mds_2.0" / "geography").glob("*.geojson")):
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        (reading,) = readings = play("demo", "mds-zones", path)
        assert (len(reading.events), len(reading.aside)) == (len(features), 0)
        assert [json.loads(value["geometry"]) for value in values(reading)] == [
            one["geometry"] for one in features
        ]
        found.update(value["kind"] for value in values(reading))
        survives(readings)
    assert found == {"municipal-boundary": 1, "no-ride-zone": 4, "slow-ride-zone": 6, "stop": 9}


def test_ocpis_own_examples_are_hubs_unless_their_owner_minds(data_dir: Path) -> None:
    folder = data_dir / "charging" / "ocpi_examples"
    hubs, left_out = 0, 0
    for path in sorted(folder.glob("location_example*.json")):
        said = json.loads(path.read_text(encoding="utf-8"))
        (reading,) = readings = play("demo", "ocpi", path)
        assert not reading.aside, path.name
        topics = [event.topic for event in reading.events]
        if said["publish"]:
            assert topics == ["place.hub", "mobility.hub"]
            states = Counter(evse["status"].lower() for evse in said.get("evses", []))
            assert {one["state"]: one["count"] for one in values(reading)[1]["chargers"]} == states
            hubs += 1
        else:
            assert (topics, reading.skipped) == ([], {"not to be published": 1})
            left_out += 1
        survives(readings)
    assert (hubs, left_out) == (3, 2)


def test_daejeons_devices_come_to_what_was_counted(data_dir: Path) -> None:
    """5,624 rows, of which 4,102 are of camera class; 2,328 have no place, five are outside the city."""
    path = data_dir / "korea" / "daejeon_cctv_cp949.csv"
    with path.open(encoding="cp949", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5_624
    assert sum(float(row["경도"]) == 0 == float(row["위도"]) for row in rows) == 2_328
    (reading,) = play("daejeon", "cameras", path)
    assert len(reading.aside) == 5
    cameras = sum(1 for value in values(reading))
    assert (
        cameras
        + sum(aside.original.decode("cp949").split(",")[0].find("CTV") >= 0 for aside in reading.aside)
        == 4_102
    )
    assert cameras + sum(reading.skipped.values()) + 5 == 5_624


# -- faults --------------------------------------------------------------------------------------------------


def feature(**changed: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": 7, "properties": {"name": "Elm"}, "geometry": SQUARE, **changed}


def zones(*features: Any, at_ms: int | None = NOON, **config: Any) -> Reading:
    body = orjson.dumps({"type": "FeatureCollection", "features": list(features)})
    return read(source("zones_geojson", kind="park", name_property="name", **config), body, at_ms)


def test_a_zone_is_what_it_says_and_said_again_is_the_same() -> None:
    (value,) = values(zones(feature()))
    assert (value["zone_id"], value["name"], value["kind"], value["position"]) == ("7", "Elm", "park", None)
    assert value["event_id"] == values(zones(feature(), feature(id=8)))[0]["event_id"]
    assert value["event_id"] != values(zones(feature(properties={"name": "Oak"})))[0]["event_id"]


RING = [[0, 0], [1, 0], [1, 1]]
BAD = {
    "no geometry": feature(geometry=None),
    "an open ring": feature(geometry={"type": "Polygon", "coordinates": [RING]}),
    "a ring that does not close": feature(geometry={"type": "Polygon", "coordinates": [[*RING, [2, 2]]]}),
    "text for a number": feature(geometry={"type": "Point", "coordinates": ["-95.4", 29.7]}),
    "latitude first": feature(geometry={"type": "Point", "coordinates": [29.7, -95.4]}),
    "another city's": feature(geometry={"type": "Point", "coordinates": [127.4, 36.3]}),
    "a type of its own": feature(geometry={"type": "Circle", "coordinates": [-95.4, 29.7]}),
    "no id": feature(id=None),
    "a feature that is none": 7,
    "too many corners": feature(geometry={"type": "LineString", "coordinates": [[-95.4, 29.7]] * 20_001}),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_zone_is_set_aside_alone(case: str) -> None:
    reading = zones(feature(), BAD[case])
    assert len(reading.events) == 1
    (aside,) = reading.aside
    assert orjson.loads(aside.original) == BAD[case]
    again = read(
        source("zones_geojson", kind="park"), aside.before + orjson.dumps(feature()) + aside.after, NOON
    )
    assert len(again.events) == 1


def test_a_file_that_nobody_dates_is_set_aside_whole() -> None:
    reading = zones(feature(), at_ms=None)
    assert (len(reading.events), [aside.field for aside in reading.aside]) == (0, ["as_of"])
    assert len(zones(feature(), at_ms=None, as_of="2026-01-01").events) == 1


def test_a_policys_rules_are_told_with_their_zone_from_its_next_hearing_on() -> None:
    mds = source("mds_zones")
    geographies = orjson.dumps(
        {
            "geographies": [
                {"geography_id": "g1", "name": "Mall", "published_date": NOON, "geography_json": feature()}
            ]
        }
    )
    rule = {"rule_id": "r", "rule_type": "speed", "maximum": 15, "geographies": ["g1"]}
    policies = orjson.dumps({"policies": [{"policy_id": "p", "rules": [rule]}, {"policy_id": "q"}]})
    first = read(mds, geographies, NOON)
    assert values(first)[0]["rules"] is None
    then = read(mds, policies, NOON + 1, first.place)
    assert (len(then.events), len(then.aside)) == (0, 1)
    (told,) = values(read(mds, geographies, NOON + 2, then.place))
    assert json.loads(told["rules"]) == [
        {"policy_id": "p", "rule_id": "r", "rule_type": "speed", "maximum": 15}
    ]


def location(**changed: Any) -> dict[str, Any]:
    return {
        "country_code": "US",
        "party_id": "ELM",
        "id": "1",
        "publish": True,
        "coordinates": {"latitude": "29.75", "longitude": "-95.4"},
        "evses": [{"uid": "1", "status": "AVAILABLE"}, {"uid": "2", "status": "REMOVED"}],
        "last_updated": "2026-03-08T11:00:00",
        **changed,
    }


def ocpi(
    *locations: Any, place: Any = None, at_ms: int = NOON, stamp: str = "2026-03-08T12:00:00Z"
) -> Reading:
    body = orjson.dumps({"data": list(locations), "status_code": 1000, "timestamp": stamp})
    return read(source("ocpi_locations"), body, at_ms, place)


def test_a_removed_charger_is_none_and_a_time_without_a_zone_is_utc() -> None:
    _, hub = values(ocpi(location()))
    assert hub["chargers"] == [{"state": "available", "count": 1}]
    assert (hub["event_time"], hub["operator"], hub["is_stale"]) == (NOON - 3_600_000, "US*ELM", False)


def test_a_location_that_did_not_change_is_told_once_and_an_old_answer_is_stale() -> None:
    first = ocpi(location())
    again = ocpi(location(), location(id="2"), place=first.place)
    assert ({value["hub_id"] for value in values(again)}, again.skipped) == ({"US*ELM*2"}, {"said before": 1})
    assert values(ocpi(location(), stamp="2026-03-08T11:00:00Z"))[1]["is_stale"]


WRONG_LOCATIONS = {
    "without an id": location(id=None),
    "in another city": location(coordinates={"latitude": "51", "longitude": "4"}),
    "without a time": location(last_updated=None),
    "a number": 7,
}


@pytest.mark.parametrize("case", WRONG_LOCATIONS)
def test_a_wrong_location_is_set_aside_alone(case: str) -> None:
    reading = ocpi(location(), WRONG_LOCATIONS[case])
    assert (len(reading.events), len(reading.aside)) == (2, 1)
    assert orjson.loads(reading.aside[0].original) == WRONG_LOCATIONS[case]


COLUMNS = {"id": "id", "lat": "lat", "lon": "lon", "name": "name", "purpose": "use", "status": "state"}
CAMERAS: dict[str, Any] = {
    "becomes": "camera",
    "owner": "elm",
    "columns": COLUMNS,
    "purpose_words": {"Street Crime": ["crime-prevention"]},
    "statuses": {"up": "ok", "down": "faulty"},
}


def cameras(text: str, *, encoding: str = "utf-8", **changed: Any) -> Reading:
    body = ("id,lat,lon,name,use,state\n" + text).encode(encoding)
    return read(source("mapped_places", **{**CAMERAS, "encoding": encoding, **changed}), body, NOON)


@pytest.mark.parametrize(
    ("encoding", "name"), [("cp949", "가상로"), ("iso-8859-1", "Straße"), ("utf-8", "가 é")]
)
def test_a_camera_list_is_read_in_its_own_characters(encoding: str, name: str) -> None:
    (value,) = values(cameras(f"C-1,29.75,-95.4,{name},street  crime,UP\n", encoding=encoding))
    assert (value["name"], value["purposes"], value["status"]) == (name, ["crime-prevention"], "ok")


def test_zero_zero_is_no_place_and_is_noted() -> None:
    reading = cameras("C-1,0,0,x,street crime,down\n")
    assert values(reading)[0]["position"] is None
    assert sum(reading.noted.values()) == 1


@pytest.mark.parametrize(
    "row",
    [
        ",29.75,-95.4,x,street crime,up",
        "C-1,51,4,x,street crime,up",
        "C-1,29",
    ],
)
def test_a_row_that_cannot_be_a_camera_is_set_aside_alone(row: str) -> None:
    reading = cameras(f"{row}\nC-2,29.75,-95.4,x,street crime,up\n")
    assert ([value["camera_id"] for value in values(reading)], len(reading.aside)) == (["C-2"], 1)
    assert reading.aside[0].original == row.encode()


def test_words_that_nobody_mapped_cost_a_camera_nothing_but_a_note() -> None:
    reading = cameras("C-1,29.75,-95.4,x,art,up\nC-2,29.75,-95.4,x,street crime,dim\n")
    art, dim = values(reading)
    assert (art["purposes"], art["status"]) == ([], "ok"), "of no known use: nobody is granted it"
    assert (dim["purposes"], dim["status"]) == (["crime-prevention"], "ok"), "as where a list says none"
    assert (list(reading.aside), reading.noted) == ([], {"purpose unknown: art": 1, "status unknown: dim": 1})


def test_hubs_of_a_json_list_are_mapped_by_paths() -> None:
    body = orjson.dumps(
        {"list": [{"no": 1, "at": {"coordinates": [-95.4, 29.75]}, "dc": 2, "ac": "0", "where": "Elm"}]}
    )
    config: dict[str, Any] = {
        "becomes": "hub",
        "kind": "charging",
        "format": "json",
        "records": "list",
        "columns": {"id": "no", "lat": "at.coordinates.1", "lon": "at.coordinates.0", "address": ["where"]},
        "chargers": {"fast": "dc", "slow": "ac"},
    }
    (value,) = values(read(source("mapped_places", **config), body, NOON))
    assert (value["hub_id"], value["address"], value["capacity"]) == ("1", "Elm", 2)
    assert value["chargers"] == [{"kind": "fast", "count": 2}]
    assert value["position"] == {"lat": 29.75, "lon": -95.4, "accuracy_m": None}


def test_a_camera_without_an_owner_is_a_wrong_setting() -> None:
    with pytest.raises(BadConfig, match="owner"):
        source("mapped_places", **{**CAMERAS, "owner": None})


SITE_COLUMNS = {
    "id": ["road", "no"],
    "lat": "lat",
    "lon": "lon",
    "name": "name",
    "kind": "what",
    "owner": "who",
    "address": ["road"],
    "detail": ["what", "load"],
    "starts": "from",
    "ends": "to",
}
SITES = {
    "becomes": "site",
    "columns": SITE_COLUMNS,
    "kind_words": {"Filling Station": "fuel-station", "closed": "road-closed"},
    "time_format": "%d.%m.%Y %H:%M",
}


def sites(text: str, **changed: Any) -> Reading:
    body = ("road,no,lat,lon,name,what,who,load,from,to\n" + text).encode()
    return read(source("mapped_places", **{**SITES, **changed}), body, NOON)


def test_a_site_is_told_with_what_crews_must_know() -> None:
    closed = "Elm,3,29.75,-95.4,Elm below 5th,Closed,city works,,08.03.2026 06:00,09.03.2026 18:00\n"
    reading = sites("Oak,1,29.76,-95.41,Oak Fuel,filling  station,Fuelco,40 t petrol,,\n" + closed)
    oak, elm = values(reading)
    assert {event.topic for event in reading.events} == {"place.site"}
    assert (oak["kind"], oak["detail"], oak["operator"]) == (
        "fuel-station",
        "filling  station / 40 t petrol",
        "Fuelco",
    )
    assert (oak["name"], oak["address"], oak["starts_at"], oak["ends_at"]) == ("Oak Fuel", "Oak", None, None)
    assert (elm["kind"], elm["detail"]) == ("road-closed", "Closed")
    assert (elm["starts_at"], elm["ends_at"]) == (NOON - 6 * 3_600_000, NOON + 30 * 3_600_000)
    assert oak["site_id"] != elm["site_id"]
    survives([reading])


@pytest.mark.parametrize(
    "row",
    [
        "Elm,3,29.75,-95.4,x,,,,,",
        "Elm,3,29.75,-95.4,x,closed,,,09.03.2026 18:00,08.03.2026 06:00",
        "Elm,3,29.75,-95.4,x,closed,,,soon,",
        "Elm,,29.75,-95.4,x,closed,,,,",
    ],
    ids=["no kind", "ends before it starts", "no time", "half an id"],
)
def test_a_site_nobody_can_place_or_name_is_set_aside_alone(row: str) -> None:
    reading = sites(f"{row}\nOak,1,29.76,-95.41,x,closed,,,,\n")
    assert ([value["address"] for value in values(reading)], len(reading.aside)) == (["Oak"], 1)
    assert reading.aside[0].original == row.encode()


def test_a_list_of_one_kind_of_site_needs_no_column_of_kinds() -> None:
    columns = {"id": "id", "lat": "pos.lat", "lon": "pos.lng", "ends": "until"}
    config: dict[str, Any] = {"becomes": "site", "kind": "works", "format": "json", "columns": columns}
    body = orjson.dumps([{"id": "W1", "pos": {"lat": 29.75, "lng": -95.4}, "until": "2026-03-09T00:00:00Z"}])
    (value,) = values(read(source("mapped_places", **config), body, NOON))
    assert (value["site_id"], value["kind"], value["ends_at"]) == ("W1", "works", NOON + 12 * 3_600_000)
    with pytest.raises(BadConfig, match="a site has a kind"):
        source("mapped_places", **{**config, "kind": None})


def test_a_site_of_an_unknown_kind_is_what_its_list_calls_it() -> None:
    reading = sites("Elm,3,29.75,-95.4,x,Tea house,,,,\n")
    assert [value["kind"] for value in values(reading)] == ["Tea house"]
    assert (list(reading.aside), reading.noted) == ([], {"kind of site unknown: Tea house": 1})


def test_a_status_of_a_later_version_is_unknown_and_noted() -> None:
    reading = ocpi(location(evses=[{"status": "BROKEN"}]))
    assert (list(reading.aside), reading.noted) == ([], {"status unknown: BROKEN": 1})
    hub = next(event.value for event in reading.events if event.topic == "mobility.hub" and event.value)
    assert hub["chargers"] == [{"state": "unknown", "count": 1}]
