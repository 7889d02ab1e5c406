"""Buses, bicycles and trains over the real bus: in order of time, all of them, once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.settings import Endpoints
from tests.living_city import LivingCity

pytestmark = pytest.mark.cluster

NewCity = Callable[[str, str], LivingCity]
POSITION, HUB, TRIP = "mobility.position", "mobility.hub", "mobility.trip"


@pytest.fixture(scope="module")
def new_city(cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewCity]:
    made: list[LivingCity] = []

    def make(name: str, of: str) -> LivingCity:
        made.append(LivingCity(name, tmp_path_factory.mktemp(name), cluster, of))
        return made[-1]

    yield make
    for one in made:
        one.remove()


def backwards(told: Sequence[Mapping[str, Any]]) -> int:
    """The number of positions that are older than the one before of the same vehicle, in the order of the partition."""
    newest: dict[str, int] = {}
    count = 0
    for value in told:
        vehicle, at_ms = value["vehicle_id"], value["event_time"]
        count += at_ms < newest.get(vehicle, at_ms)
        newest[vehicle] = max(at_ms, newest.get(vehicle, at_ms))
    return count


def test_a_day_of_buses_is_in_its_topic_once_and_no_bus_goes_backwards(
    new_city: NewCity, data_dir: Path
) -> None:
    city = new_city("a-day-of-buses", "austin")
    day = data_dir / "mobility" / "austin_capmetro" / "vehicle_positions_2016-11-25.csv.gz"
    words = ("play", str(city.file), "--source", "bus-positions", str(day), "--ingest-only")
    city.bongsu(*words)
    told = city.values(POSITION)
    assert (len(told), len({value["vehicle_id"] for value in told})) == (32_038, 181)
    assert len({value["event_id"] for value in told}) == 32_038
    assert backwards(told) == 0
    assert "played 0 events" in city.bongsu(*words).stderr, "played again there is nothing new"


def test_a_bus_that_went_backwards_would_be_seen() -> None:
    told = [("a", 2), ("b", 1), ("a", 1), ("a", 2), ("b", 1)]
    assert backwards([{"vehicle_id": bus, "event_time": at_ms} for bus, at_ms in told]) == 1


def test_several_files_of_one_source_go_on_from_one_another_and_are_heard_once(
    new_city: NewCity, data_dir: Path
) -> None:
    city = new_city("bicycles-and-trains", "demo")
    bicycles = data_dir / "mobility" / "gbfs_baywheels_2022-09-16"
    trains = data_dir / "mobility" / "gtfs_rt_caltrain_2023-11-08"
    words = [
        *("play", str(city.file), "--ingest-only", "--source", "gbfs"),
        *(
            str(bicycles / f"{name}.json")
            for name in ("station_information", "station_status", "free_bike_status")
        ),
        *(
            "--source",
            "gtfs-realtime",
            str(trains / "ct-vehicle-positions.pb"),
            str(trains / "ct-trip-updates.pb"),
        ),
    ]
    city.bongsu(*words)
    hubs, positions = city.values(HUB), city.values(POSITION)
    assert len({hub["hub_id"] for hub in hubs}) == 496
    assert all(hub["position"] for hub in hubs), "the state of a station knew its place from the file before"
    assert (len(positions), len(city.values(TRIP))) == (720 + 14, 19)
    assert "played 0 events" in city.bongsu(*words).stderr
