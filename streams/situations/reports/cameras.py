"""The cameras near a place."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field

from msgspec.structs import replace

from streams.geo import Grid
from streams.situations.model import Camera, CameraAt, Position
from streams.situations.reports.drones import Forbids, away_m

CELL_DEG = 0.004
"""Some 440 m of latitude: a search of 500 m touches about nine cells."""
DRONES_MAX = 5
"""Drones beside the fixed cameras of a place, the nearest first."""


@dataclass(slots=True)
class CameraIndex:
    """A city's cameras, by id and by place."""

    cameras: dict[str, Camera] = field(default_factory=dict)
    grid: Grid[str] = field(default_factory=lambda: Grid(CELL_DEG))
    moving: dict[str, Camera] = field(default_factory=dict)
    forbids: Forbids = lambda _drone, _start, _end: False

    def get(self, camera_id: str) -> Camera | None:
        return self.cameras.get(camera_id)

    def put(self, camera: Camera) -> None:
        self.remove(camera.camera_id)
        self.cameras[camera.camera_id] = camera
        if camera.moving is not None:
            self.moving[camera.camera_id] = camera
        elif camera.position is not None:
            self.grid.add(camera.camera_id, camera.position.lat, camera.position.lon)

    def remove(self, camera_id: str) -> None:
        camera = self.cameras.pop(camera_id, None)
        if self.moving.pop(camera_id, None) is None and camera is not None and camera.position is not None:
            self.grid.remove(camera_id, camera.position.lat, camera.position.lon)


def nearest_cameras(
    index: CameraIndex,
    place: Position,
    *,
    count: int,
    radius_m: float,
    usable: Callable[[Camera], bool] = lambda camera: True,
) -> list[CameraAt]:
    """The *count* usable cameras closest to *place*, nearest first, none farther than *radius_m* metres.

    A camera that is out of order, retired or without a place, or that *usable* refuses, is skipped, not
    counted. Ties, to the millimetre, break by camera id, so two workers choose the same set. Drones that serve the place
    come beside them, however far, and take nobody's room.
    """
    found = (
        (away, camera_id)
        for camera_id, away in index.grid.near(place.lat, place.lon, radius_m)
        if index.cameras[camera_id].is_usable and usable(index.cameras[camera_id])
    )
    nearest = heapq.nsmallest(max(count, 0), found)
    if index.moving:
        drones = (one for one in index.moving.values() if one.is_usable and usable(one))
        reached = ((away_m(one, place, index.forbids), one.camera_id) for one in drones)
        served = sorted((away, camera_id) for away, camera_id in reached if away is not None)
        nearest = sorted([*nearest, *served[:DRONES_MAX]])
    return [CameraAt(camera_id, rank, away) for rank, (away, camera_id) in enumerate(nearest, 1)]


def cameras_for(
    index: CameraIndex,
    place: Position | None,
    purpose: str,
    *,
    count: int,
    radius_m: float,
    override: str | None = None,
) -> tuple[CameraAt, ...]:
    """The nearest cameras whose own purposes hold *purpose*; with *override*, the others too, each bearing it."""
    if place is None:
        return ()

    def holds(camera: Camera) -> bool:
        return purpose in camera.purposes

    def usable(camera: Camera) -> bool:
        return override is not None or holds(camera)

    nearest = nearest_cameras(index, place, count=count, radius_m=radius_m, usable=usable)
    if override is None:
        return tuple(nearest)
    return tuple(
        at if holds(index.cameras[at.camera_id]) else replace(at, override=override) for at in nearest
    )


def ranked_together(*sets: tuple[CameraAt, ...]) -> tuple[CameraAt, ...]:
    """All cameras of *sets*, each once, ranked by distance."""
    distances = {at.camera_id: at.distance_m for cameras in sets for at in cameras}
    in_order = sorted(distances, key=lambda camera_id: (distances[camera_id], camera_id))
    return tuple(
        CameraAt(camera_id, rank, distances[camera_id]) for rank, camera_id in enumerate(in_order, 1)
    )
