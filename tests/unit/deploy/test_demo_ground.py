"""The ground of the demo's city: the same for a seed, inside the city, along the places where things happen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.assembly.gateway_console import LAYER_BYTES_MAX, console_of
from deploy.city.city import load_city
from deploy.cli.demo import seeded, shipped_demo
from deploy.demo.devices import Devices
from deploy.demo.ground import layers
from deploy.demo.lanes import lanes
from streams.geo import distance_m

EDGE = 0.0005


def points(coordinates: Any) -> Iterator[tuple[float, float]]:
    """(longitude, latitude) of each point."""
    if isinstance(coordinates[0], (int, float)):
        yield coordinates[0], coordinates[1]
        return
    for one in coordinates:
        yield from points(one)


def test_a_seed_draws_the_same_ground_and_another_seed_another() -> None:
    assert layers(3) == layers(3)
    assert layers(3) != layers(4)


@pytest.mark.parametrize("seed", [1, 2024])
def test_the_ground_lies_in_the_city(seed: int) -> None:
    bounds = load_city(str(shipped_demo())).file.bounds
    for features in layers(seed).values():
        for feature in features:
            for lon, lat in points(feature["geometry"]["coordinates"]):
                assert bounds.west - EDGE < lon < bounds.east + EDGE
                assert bounds.south - EDGE < lat < bounds.north + EDGE


def test_the_districts_and_the_river_reach_to_the_city_s_edges() -> None:
    bounds = load_city(str(shipped_demo())).file.bounds
    found = [at for one in layers(1)["districts.geojson"] for at in points(one["geometry"]["coordinates"])]
    for index, edges in enumerate(((bounds.west, bounds.east), (bounds.south, bounds.north))):
        reached = [at[index] for at in found]
        assert (min(reached), max(reached)) == pytest.approx(edges, abs=EDGE)
    flows = [lat for _, lat in points(layers(1)["river.geojson"][0]["geometry"]["coordinates"])]
    assert (min(flows), max(flows)) == pytest.approx((bounds.south, bounds.north), abs=EDGE)


def test_areas_are_closed_and_an_avenue_leads_past_each_place_of_a_lane() -> None:
    found = layers(1)
    for feature in (*found["districts.geojson"], *found["river.geojson"]):
        (ring,) = feature["geometry"]["coordinates"]
        assert ring[0] == ring[-1]
    on_streets = [at for one in found["streets.geojson"] for at in points(one["geometry"]["coordinates"])]
    for lane in lanes(1):
        for lat, lon in (lane.crash, lane.fire, lane.underpass, lane.school, lane.fall, lane.lines):
            assert min(distance_m(lat, lon, its_lat, its_lon) for its_lon, its_lat in on_streets) < 1


def test_the_demo_s_file_names_its_ground_and_its_video_system(tmp_path: Path) -> None:
    city = seeded(load_city(str(shipped_demo())), 5, tmp_path, Devices(5, None), 8123)
    assert city.file.map.layers == tuple(layers(5))
    assert all((tmp_path / name).stat().st_size < LAYER_BYTES_MAX / 100 for name in city.file.map.layers)
    assert city.file.console.video == "http://127.0.0.1:8123/video/{camera}/index.m3u8?ticket={ticket}"
    console_of(city)  # each layer is read as the gateway reads it
