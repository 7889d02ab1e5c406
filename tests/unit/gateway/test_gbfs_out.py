"""GBFS 3.0 out: valid by MobilityData's schemas, with the boards' numbers; nothing stale is told as live."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator
from prometheus_client import generate_latest

from connectors.gateway.gbfs_feeds import TTL_S, HubWord
from connectors.gateway.gbfs_paths import VISITS_PER_S, GbfsPart
from connectors.gateway.metrics import REGISTRY
from streams.closures.closure_rows import ended
from tests.closed_places import a_closure
from tests.unit.gateway.a_hub_city import OPERATORS_ID, MemoryHubs, a_board, a_hub_city, a_row
from tests.unit.gateway.a_reading_city import Reader
from tests.unit.gateway.an_app import NOON_MS

City = tuple[Reader, MemoryHubs, GbfsPart]
PLACE = {"lat": 33.5, "lon": 126.5, "accuracy_m": None}


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with a_hub_city(tmp_path) as found:
        yield found


def feed(city: City, name: str, **about: Any) -> dict[str, Any]:
    city[2]._kept = None
    answer = city[0].get(f"gbfs/{name}.json", **about)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def filled(city: City) -> None:
    hubs = city[1]
    hubs.put(
        a_board("H-1"),
        a_board("H-2", docks=None, notices=None),
        a_board("H-3", at_ms=NOON_MS - 400_000, name=None),
        a_board("nowhere", position=None),
        a_board("stop", vehicles=None, docks=None),
    )
    hubs.fleet.take(a_row(at_ms=NOON_MS, range_m=70_000.4, battery_percent=55.5))
    hubs.fleet.take(a_row("docked", at_ms=NOON_MS, hub_id="H-1", vehicle_type="bicycle"))
    hubs.fleet.take(a_row("off", at_ms=NOON_MS, is_disabled=True, is_reserved=True, hub_id="nowhere"))


@pytest.mark.parametrize("is_full", [True, False])
def test_each_feed_is_valid_by_the_schema_of_its_version(city: City, is_full: bool, data_dir: Path) -> None:
    if is_full:
        filled(city)
    for name in TTL_S:
        schema = orjson.loads((data_dir / "mobility" / "gbfs_schema" / "v3.0" / f"{name}.json").read_bytes())
        told = feed(city, name)
        validator = Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
        assert [one.message for one in validator.iter_errors(told)] == [], name
        assert list(validator.iter_errors({**told, "version": "2.3"})), "the check can fail"


def test_stations_have_the_numbers_of_their_boards(city: City) -> None:
    filled(city)
    status = {one["station_id"]: one for one in feed(city, "station_status")["data"]["stations"]}
    about = {one["station_id"]: one for one in feed(city, "station_information")["data"]["stations"]}
    assert list(status) == list(about) == ["H-1", "H-2", "H-3"], (
        "a stop without either is none, nor one without place"
    )
    assert status["H-1"] == {
        "station_id": "H-1",
        "num_vehicles_available": 6,
        "vehicle_types_available": [
            {"vehicle_type_id": "electric_bicycle", "count": 4},
            {"vehicle_type_id": "electric_scooter", "count": 2},
        ],
        "num_vehicles_disabled": 1,
        "num_docks_available": 3,
        "is_installed": True,
        "is_renting": True,
        "is_returning": True,
        "last_reported": "2026-05-28T20:26:40Z",
    }
    assert (about["H-1"]["capacity"], about["H-3"]["name"][0]["text"]) == (12, "H-3")
    assert about["H-1"]["name"] == [{"text": "시청 허브", "language": "ko"}]
    assert "num_docks_available" not in status["H-2"]


def test_a_stale_station_neither_rents_nor_takes_back_and_says_since_when(city: City) -> None:
    filled(city)
    stale = feed(city, "station_status")["data"]["stations"][2]
    assert (stale["is_renting"], stale["is_returning"]) == (False, False)
    assert stale["last_reported"] == "2026-05-28T20:20:00Z"
    board = a_board("H-1")
    board["docks"] = {**board["docks"], "is_stale": True}
    city[1].put(board)
    half = feed(city, "station_status")["data"]["stations"][0]
    assert (half["is_renting"], half["is_returning"]) == (True, False)


def test_an_operator_s_word_that_a_hub_does_not_rent_is_told(city: City) -> None:
    filled(city)
    city[1].said["H-1"] = HubWord(is_installed=True, is_renting=False, is_returning=None)
    told = feed(city, "station_status")["data"]["stations"][0]
    assert (told["is_installed"], told["is_renting"], told["is_returning"]) == (True, False, True)


SQUARE = {
    "type": "Polygon",
    "coordinates": [[[126.49, 33.49], [126.51, 33.49], [126.51, 33.51], [126.49, 33.51], [126.49, 33.49]]],
}
AWAY = {"lat": 33.6, "lon": 126.5, "accuracy_m": None}


def test_a_closure_in_force_disables_the_vehicles_and_stations_in_it_until_it_is_over(
    city: City, data_dir: Path
) -> None:
    hubs = city[1]
    hubs.put(a_board("H-1", position=PLACE), a_board("H-2", position=AWAY))
    hubs.fleet.take(a_row("inside", range_m=1_000.0))
    hubs.fleet.take(a_row("outside", position=AWAY, range_m=2_000.0))
    hubs.fleet.take(a_row("docked", position=None, hub_id="H-1", range_m=3_000.0))
    hubs.fleet.take(a_row("docked away", position=None, hub_id="H-2", range_m=4_000.0))

    def told() -> tuple[dict[int, bool], dict[str, tuple[bool, bool]]]:
        vehicles = feed(city, "vehicle_status")["data"]["vehicles"]
        stations = feed(city, "station_status")["data"]["stations"]
        return (
            {one["current_range_meters"]: one["is_disabled"] for one in vehicles},
            {one["station_id"]: (one["is_renting"], one["is_returning"]) for one in stations},
        )

    is_open = (
        {1000: False, 2000: False, 3000: False, 4000: False},
        dict.fromkeys(("H-1", "H-2"), (True, True)),
    )
    assert told() == is_open
    before = feed(city, "vehicle_status")["last_updated"]
    closure = a_closure(SQUARE, starts_at=NOON_MS + 60_000, ends_at=NOON_MS + 120_000)
    hubs.closures.tell(closure)
    assert told() == is_open, "it is not in force yet"
    city[0].here.gateway.now_ms = lambda: NOON_MS + 60_000
    is_closed = (
        {1000: True, 2000: False, 3000: True, 4000: False},
        {"H-1": (False, False), "H-2": (True, True)},
    )
    assert told() == is_closed
    assert feed(city, "vehicle_status")["last_updated"] > before
    for name in ("vehicle_status", "station_status"):
        schema = orjson.loads((data_dir / "mobility" / "gbfs_schema" / "v3.0" / f"{name}.json").read_bytes())
        assert list(Draft7Validator(schema).iter_errors(feed(city, name))) == []
    city[0].here.gateway.now_ms = lambda: NOON_MS + 120_000
    assert told() == is_open, "its time is over"
    again = a_closure(SQUARE, "c-2")
    hubs.closures.tell(again)
    assert told() == is_closed
    hubs.closures.tell(ended(again, "action-2"))
    assert told() == is_open, "it was ended"


def test_vehicles_come_at_their_station_or_place_and_their_types_are_listed(city: City) -> None:
    filled(city)
    vehicles = feed(city, "vehicle_status")["data"]["vehicles"]
    assert len(vehicles) == 3
    (docked,) = [one for one in vehicles if "station_id" in one]
    assert (docked["station_id"], docked["vehicle_type_id"]) == ("H-1", "bicycle")
    (free,) = [one for one in vehicles if "current_range_meters" in one]
    assert (free["lat"], free["lon"], free["current_range_meters"]) == (33.5, 126.5, 70_000)
    assert (free["current_fuel_percent"], free["is_disabled"], free["is_reserved"]) == (0.56, False, False)
    types = {one["vehicle_type_id"]: one for one in feed(city, "vehicle_types")["data"]["vehicle_types"]}
    assert list(types) == ["bicycle", "electric_bicycle", "electric_scooter"]
    assert types["electric_bicycle"]["max_range_meters"] == 70_000, "no vehicle has more than its type"
    assert "max_range_meters" not in types["bicycle"]


def test_the_feed_of_alerts_is_named_where_there_is_one(city: City) -> None:
    filled(city)
    (alert,) = feed(city, "system_alerts")["data"]["alerts"]
    assert (alert["type"], alert["station_ids"]) == ("station_move", ["H-1", "H-3"])
    named = {one["name"]: one["url"] for one in feed(city, "gbfs")["data"]["feeds"]}
    assert list(named) == list(TTL_S)
    assert named["vehicle_status"] == "http://gateway/v1/springfield/gbfs/vehicle_status.json"
    city[1].put(*(a_board(name, at_ms=NOON_MS - 700_000) for name in ("H-1", "H-3")))
    assert feed(city, "system_alerts")["data"]["alerts"] == []
    assert "system_alerts" not in [one["name"] for one in feed(city, "gbfs")["data"]["feeds"]]


def test_the_operator_s_own_id_is_in_no_body_log_or_metric(
    city: City, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        filled(city)
        bodies = [orjson.dumps(feed(city, name)).decode() for name in TTL_S]
    assert len(feed(city, "vehicle_status")["data"]["vehicles"]) == 3
    printed = capsys.readouterr()
    told = "".join([*bodies, caplog.text, printed.out, printed.err, generate_latest(REGISTRY).decode()])
    assert OPERATORS_ID not in told and "docked" not in told
    assert 'bongsu_gateway_reads_total{route="gbfs",status="200"}' in told


def test_it_is_read_by_key_unless_the_city_makes_it_public(tmp_path: Path) -> None:
    with a_hub_city(tmp_path / "keyed") as keyed:
        assert keyed[0].get("gbfs/gbfs.json", role=None).status_code == 401
        assert keyed[0].get("gbfs/gbfs.json", role="publisher").status_code == 403
        answer = keyed[0].get("gbfs/gbfs.json", role="public")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-cache")
    with a_hub_city(tmp_path / "open", is_public=True) as public:
        answer = public[0].get("gbfs/gbfs.json", role=None)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=10")
        again = public[0].get("gbfs/gbfs.json", role=None, if_none_match=answer.headers["etag"])
        assert again.status_code == 304
        assert public[0].get("gbfs/gbfs.json?x=1", role=None).status_code == 422
        codes = [public[0].get("gbfs/gbfs.json", role=None).status_code for _ in range(int(VISITS_PER_S) * 3)]
        assert set(codes) == {200, 429}, "visitors are bounded"
        security = public[0].here.app.openapi()["paths"]["/v1/{city}/gbfs/gbfs.json"]["get"]["security"]
        assert {} in security
