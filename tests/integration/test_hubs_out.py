"""Boards of hubs out of the real gateway on the real bus: by REST, in the stream, and as GBFS to a reader of others'."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from deploy.settings import Endpoints
from schemas.event import Event
from streams.runtime.transaction import transaction
from tests.a_gateway import PushedCity
from tests.integration.test_events import stream
from tests.living_city import LivingCity, wait_until
from tests.unit.gateway.a_hub_city import a_board, a_row

pytestmark = pytest.mark.cluster

CITY = "hubbed"
READER = Path(__file__).with_name("gbfs_reader")
WAIT_S = 20.0
BIKES = 40


@pytest.fixture(scope="module")
def gateway(
    cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PushedCity, str, Producer]]:
    made = PushedCity(LivingCity(CITY, tmp_path_factory.mktemp(CITY), cluster))
    key = made.key("--subscribe")
    made.start()
    producer = Producer(
        {"bootstrap.servers": cluster.kafka, "transactional.id": "hubbed", "partitioner": "murmur2_random"}
    )
    producer.init_transactions()
    yield made, key, producer
    made.stop()
    made.city.remove()


def write(gateway: PushedCity, producer: Producer, contract: str, rows: Mapping[str, Any]) -> None:
    with transaction(producer, gateway.city.wire, CITY) as outbox:
        for key, value in rows.items():
            outbox.put(Event(contract, key, None if value is None else {**value, "city": CITY}))
        outbox.flush()


def get(gateway: PushedCity, key: str, path: str) -> tuple[int, dict[str, Any]]:
    status, body = gateway.ask("GET", f"/v1/{CITY}/{path}", authorization=f"Bearer {key}")
    found: dict[str, Any] = json.loads(body)
    return status, found


def a_day(gateway: PushedCity, producer: Producer) -> int:
    """Write boards and vehicles as of now; two of the vehicles are ridden. The time."""
    now = int(time.time() * 1000)
    boards = {name: a_board(name, at_ms=now) for name in ("H-1", "H-2")}
    boards["H-3"] = a_board("H-3", at_ms=now - 400_000)
    write(gateway, producer, "core.hub", boards)
    bikes = {
        f"bike-{number}": a_row(
            f"bike-{number}",
            at_ms=now,
            position={"lat": 33.5 + number / 1000, "lon": 126.5, "accuracy_m": None},
            state="on_trip" if number < 2 else "available",
            vehicle_type="bicycle" if number % 2 else "electric_scooter",
            range_m=12_345.0,
            battery_percent=50.0,
        )
        for number in range(BIKES)
    }
    write(gateway, producer, "mobility.position", bikes)
    return now


def test_boards_and_vehicles_of_the_log_are_read_and_a_restart_keeps_the_names(
    gateway: tuple[PushedCity, str, Producer],
) -> None:
    city, key, producer = gateway
    with stream(city, key, contract="core.hub") as events:
        a_day(city, producer)
        told = [next(events) for _ in range(3)]
    assert {one.event for one in told} == {"core.hub"}
    assert sorted(one.json()["data"]["hub_id"] for one in told) == ["H-1", "H-2", "H-3"]
    wait_until(lambda: len(get(city, key, "hubs")[1].get("hubs", [])) == 3, WAIT_S)
    stale = get(city, key, "hubs?stale=true")[1]["hubs"]
    assert [one["hub"]["hub_id"] for one in stale] == ["H-3"], (
        "its times are old, though its flags say otherwise"
    )
    vehicles = vehicles_of(city, key)
    assert len(vehicles) == BIKES - 2
    assert not any("bike" in one for one in vehicles)
    city.stop()
    city.start()
    assert vehicles_of(city, key) == vehicles, "the names follow from the log"
    write(city, producer, "core.hub", {"H-2": None})
    wait_until(lambda: get(city, key, "hubs/H-2")[0] == 404, WAIT_S)
    log = (city.city.folder / "gateway.log").read_text(encoding="utf-8")
    _, metrics = city.ask("GET", "/metrics", authorization=f"Bearer {key}")
    assert b"bongsu_gateway_reads_total" in metrics
    assert "bike-" not in log and b"bike-" not in metrics


def vehicles_of(city: PushedCity, key: str) -> dict[str, dict[str, Any]]:
    """The vehicles by their names, once all is read; until then the answer is 503."""
    wait_until(lambda: get(city, key, "gbfs/vehicle_status.json")[0] == 200, WAIT_S)
    _, told = get(city, key, "gbfs/vehicle_status.json")
    return {one["vehicle_id"]: one for one in told["data"]["vehicles"]}


@pytest.mark.long
def test_a_reader_of_others_gets_every_station_vehicle_and_type(
    gateway: tuple[PushedCity, str, Producer], tmp_path: Path
) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("needs mvn")
    city, key, producer = gateway
    a_day(city, producer)
    wait_until(lambda: get(city, key, "hubs/H-2")[0] == 200, WAIT_S)
    folder = shutil.copytree(READER, tmp_path / "reader")
    run(folder, "mvn", "-B", "-q", "process-classes")
    address = f"http://127.0.0.1:{city.port}/v1/{CITY}/gbfs/gbfs.json"
    classes = f"{folder}/target/classes:{folder}/target/lib/*"
    read = json.loads(run(folder, "java", "-cp", classes, "ReadGbfs", address, key))
    status = {one["station_id"]: one for one in read["GBFSStationStatus"]["data"]["stations"]}
    boards = {one["hub"]["hub_id"]: one["hub"] for one in get(city, key, "hubs")[1]["hubs"]}
    assert list(status) == sorted(boards) == ["H-1", "H-2", "H-3"]
    for name, board in boards.items():
        counts = {one["vehicle_type_id"]: one["count"] for one in status[name]["vehicle_types_available"]}
        assert counts == {one["vehicle_type"]: one["available"] for one in board["vehicles"]["types"]}
        assert status[name]["num_vehicles_available"] == sum(counts.values())
        assert status[name]["num_docks_available"] == board["docks"]["free"]
        assert status[name]["is_renting"] is not board["vehicles"]["is_stale"]
    places = {
        one["station_id"]: (one["lat"], one["lon"])
        for one in read["GBFSStationInformation"]["data"]["stations"]
    }
    assert places == {name: (one["position"]["lat"], one["position"]["lon"]) for name, one in boards.items()}
    ours = vehicles_of(city, key)
    theirs = {one["vehicle_id"]: one for one in read["GBFSVehicleStatus"]["data"]["vehicles"]}
    assert len(ours) == BIKES - 2 and theirs.keys() == ours.keys()
    for name, one in ours.items():
        assert {field: theirs[name][field] for field in one if field != "last_reported"} == {
            field: value for field, value in one.items() if field != "last_reported"
        }
    types = {one["vehicle_type_id"] for one in read["GBFSVehicleTypes"]["data"]["vehicle_types"]}
    assert types == {"bicycle", "electric_bicycle", "electric_scooter"}
    assert len(read["GBFSSystemAlerts"]["data"]["alerts"]) == 1


def run(folder: Path, *words: str) -> str:
    done = subprocess.run([*words], cwd=folder, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
