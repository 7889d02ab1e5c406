"""Houston's generated cameras and the city's real lists: whoever is sent to a crash, a fire or a rescue gets a camera.

A second reading of the same cameras, by the distance to each of them in turn, says which stand near.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deploy.city.city import load_city
from schemas.event import Event
from tests.scenario.test_derecho_joins import RECORDING, cameras, live, lived_once, situations

LEGACY = "houston/houston_active_incidents_legacy_2022-01-01.jsonl.gz"
NEAREST, RADIUS_M = 5, 500
GRAVE = ("crash", "fire", "rescue")
Camera = tuple[str, float, float]


@pytest.fixture(scope="module")
def standing() -> list[Camera]:
    """The cameras in order: id, latitude, longitude."""
    found = [event.value for event in cameras(load_city("houston")) if event.value is not None]
    assert len(found) <= 6_000
    return [
        (one["camera_id"], one["position"]["lat"], one["position"]["lon"])
        for one in found
        if one["status"] == "ok"
    ]


def metres(lat: float, lon: float, camera: Camera) -> float:
    """The haversine on a sphere of 6,371 km."""
    a, b = math.radians(lat), math.radians(camera[1])
    half = (
        math.sin((b - a) / 2) ** 2
        + math.cos(a) * math.cos(b) * math.sin(math.radians(camera[2] - lon) / 2) ** 2
    )
    return 2 * 6_371_000 * math.asin(math.sqrt(half))


def near(place: Mapping[str, Any] | None, standing: list[Camera]) -> list[str]:
    if place is None:
        return []
    lat, lon = place["lat"], place["lon"]
    box = [one for one in standing if abs(one[1] - lat) < 0.01 and abs(one[2] - lon) < 0.01]
    away = sorted((metres(lat, lon, one), one[0]) for one in box)
    return [camera_id for distance_m, camera_id in away if distance_m <= RADIUS_M][:NEAREST]


def grave(said: Sequence[Event]) -> list[Mapping[str, Any]]:
    found = [one for one in live(situations(said)) if one["rule"] == "joint-incident"]
    return [one for one in found if one["kind"].split(".")[0] in GRAVE]


@pytest.mark.parametrize(
    ("recording", "count", "granted", "late"), [(RECORDING, 1_168, 1_140, 0), (LEGACY, 183, 177, 1)]
)
def test_nearly_every_crash_fire_and_rescue_has_a_camera_and_it_is_the_nearest(
    data_dir: Path, standing: list[Camera], recording: str, count: int, granted: int, late: int
) -> None:
    said = lived_once(data_dir / recording)
    found = grave(said)
    seen = {event.value["situation_id"] for event in said if event.topic == "core.grant" and event.value}
    assert len(found) == count
    assert len([one for one in found if one["situation_id"] in seen]) == granted
    assert granted / count >= 0.95
    unseen = 0
    for one in found:
        nearest = near(one["position"], standing)
        assert [camera["camera_id"] for camera in one["cameras"]] == nearest
        assert nearest or one["situation_id"] not in seen
        unseen += bool(nearest) and one["situation_id"] not in seen
    assert unseen == late  # heard more than twelve hours after the call
