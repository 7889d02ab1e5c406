"""The ground of the demo's city: districts, a river and streets, drawn by the seed. Pure, but for ``ground_text``."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from connectors.simulation.chance import moved
from deploy.demo.lanes import Spot, lanes

CENTRE = (36.35, 127.38)
NORTH_M, EAST_M = 7_780, 7_170
"""The middle of the city's bounds, and from there to its edges."""
RIVER_EAST_M, RIVER_M = -900.0, 130.0
"""The river's bed and half its width."""
BLOCK_M, BEND_M, STEP_M = 648, 60.0, 500
BRIDGE_EVERY = 3
DISTRICTS_ACROSS, DISTRICTS_UP = 3, 3
WATER = {"stroke": "#4d8fc4", "stroke-width": 1, "fill": "#4d8fc4", "fill-opacity": 0.35}
BORDER = {"stroke": "#8a7fb0", "stroke-width": 1.5, "stroke-opacity": 0.7, "fill-opacity": 0}
TINTS = ("#b8a77a", "#7aa88f", "#8f9fb8")
AVENUE = {"stroke": "#9aa5b1", "stroke-width": 3.5, "stroke-opacity": 0.75}
STREET = {"stroke": "#9aa5b1", "stroke-width": 1, "stroke-opacity": 0.55}
Metres = tuple[float, float]
"""East and north of the centre."""
Feature = dict[str, Any]


def ground_text(folder: Path, seed: int) -> str:
    """Write the layers into *folder*; the part of the city's file that names them."""
    found = layers(seed)
    for name, features in found.items():
        (folder / name).write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
    names = ", ".join(f'"{name}"' for name in found)
    return f"[map]\nlayers = [{names}]\n"


def layers(seed: int) -> dict[str, list[Feature]]:
    """File → its features, from the lowest layer to the highest."""
    return {
        "districts.geojson": list(_districts(seed)),
        "river.geojson": [_river(seed)],
        "streets.geojson": [*_streets(seed), *_avenues(seed)],
    }


def _chance(seed: int, what: str) -> random.Random:
    return random.Random(f"{seed}:{what}")  # noqa: S311 - repeatable on purpose


def _bed(seed: int) -> list[Metres]:
    """The middle of the river, from south to north."""
    chance = _chance(seed, "river")
    east, found = RIVER_EAST_M, []
    for north in range(-NORTH_M, NORTH_M + 1, 1_111):
        found.append((east, float(north)))
        east += chance.uniform(-450, 450) + (RIVER_EAST_M - east) * 0.3
    return _smooth(found)


def _river(seed: int) -> Feature:
    bed = _bed(seed)
    bank = [(east - RIVER_M, north) for east, north in bed]
    other = [(east + RIVER_M, north) for east, north in reversed(bed)]
    return _feature("Polygon", [_line([*bank, *other, bank[0]])], {**WATER, "name": "River"})


def _districts(seed: int) -> Iterator[Feature]:
    """Areas that touch: the corners of a grid, each moved a little, and each border bent the same from both sides."""
    chance = _chance(seed, "districts")
    wide, high = 2 * EAST_M / DISTRICTS_ACROSS, 2 * NORTH_M / DISTRICTS_UP
    corners = {
        (x, y): (
            x * wide - EAST_M + (chance.uniform(-900, 900) if 0 < x < DISTRICTS_ACROSS else 0),
            y * high - NORTH_M + (chance.uniform(-900, 900) if 0 < y < DISTRICTS_UP else 0),
        )
        for x in range(DISTRICTS_ACROSS + 1)
        for y in range(DISTRICTS_UP + 1)
    }
    for x in range(DISTRICTS_ACROSS):
        for y in range(DISTRICTS_UP):
            ring = [corners[at] for at in ((x, y), (x + 1, y), (x + 1, y + 1), (x, y + 1), (x, y))]
            tint = TINTS[(x + y) % len(TINTS)]
            about = {
                **BORDER,
                "fill": tint,
                "fill-opacity": 0.1,
                "name": f"District {x * DISTRICTS_UP + y + 1}",
            }
            yield _feature("Polygon", [_line(ring)], about)


def _avenues(seed: int) -> Iterator[Feature]:
    """The wide ones: through each lane's places from west to east, and across the lanes from south to north."""
    its_lanes = lanes(seed)
    for lane in its_lanes:
        spots: Sequence[Spot] = (
            lane.crash,
            lane.fire,
            lane.underpass,
            lane.school,
            lane.fall,
            *lane.plates,
            lane.lines,
        )
        ends = [
            moved(*spots[0], north_m=0, east_m=-1_700),
            *spots,
            moved(*spots[-1], north_m=0, east_m=1_700),
        ]
        yield _feature("LineString", _degrees(ends), {**AVENUE, "name": f"Avenue {lane.number + 1}"})
    for number, name in enumerate(("crash", "fire", "school", "fall", "lines"), start=1):
        through: list[Spot] = [getattr(lane, name) for lane in its_lanes]
        ends = [
            moved(CENTRE[0], through[0][1], north_m=-NORTH_M, east_m=0),
            *through,
            moved(CENTRE[0], through[-1][1], north_m=NORTH_M, east_m=0),
        ]
        yield _feature("LineString", _degrees(ends), {**AVENUE, "name": f"Ring {number}"})


def _streets(seed: int) -> Iterator[Feature]:
    """The narrow ones: a bent grid; only every third crosses the river."""
    chance = _chance(seed, "streets")
    bed = _bed(seed)
    bends = {
        (x, y): (chance.uniform(-BEND_M, BEND_M), chance.uniform(-BEND_M, BEND_M))
        for x in range(-EAST_M, EAST_M + 1, BLOCK_M)
        for y in range(-NORTH_M, NORTH_M + 1, BLOCK_M)
    }
    for y in range(-NORTH_M, NORTH_M + 1, BLOCK_M):
        row = [(x + bends[x, y][0], y + bends[x, y][1]) for x in range(-EAST_M, EAST_M + 1, BLOCK_M)]
        if (y + NORTH_M) // BLOCK_M % BRIDGE_EVERY == 0:
            yield _street(row)
            continue
        river = min(bed, key=lambda at: abs(at[1] - y))[0]
        for side in ([at for at in row if at[0] < river - 250], [at for at in row if at[0] > river + 250]):
            yield _street(side)
    for x in range(-EAST_M, EAST_M + 1, BLOCK_M):
        column = [(x + bends[x, y][0], y + bends[x, y][1]) for y in range(-NORTH_M, NORTH_M + 1, BLOCK_M)]
        run: list[Metres] = []
        for at in column:  # where the river runs there is no street along it
            if abs(at[0] - min(bed, key=lambda one: abs(one[1] - at[1]))[0]) > RIVER_M + 60:
                run.append(at)
                continue
            if len(run) > 1:
                yield _street(run)
            run = []
        if len(run) > 1:
            yield _street(run)


def _street(way: Sequence[Metres]) -> Feature:
    return _feature("LineString", _line(way), STREET)


def _smooth(line: Sequence[Metres]) -> list[Metres]:
    """*line* with its corners cut (Chaikin), twice."""
    found = list(line)
    for _ in range(2):
        cut = [found[0]]
        for (a, b), (c, d) in pairwise(found):
            cut += [(a * 0.75 + c * 0.25, b * 0.75 + d * 0.25), (a * 0.25 + c * 0.75, b * 0.25 + d * 0.75)]
        found = [*cut, found[-1]]
    return found


def _line(way: Sequence[Metres]) -> list[list[float]]:
    return _degrees([moved(*CENTRE, north_m=north, east_m=east) for east, north in way])


def _degrees(spots: Sequence[Spot]) -> list[list[float]]:
    """GeoJSON has the longitude first. Nothing lies outside the city."""
    south, west = moved(*CENTRE, north_m=-NORTH_M, east_m=-EAST_M)
    north, east = moved(*CENTRE, north_m=NORTH_M, east_m=EAST_M)
    return [[min(max(lon, west), east), min(max(lat, south), north)] for lat, lon in spots]


def _feature(kind: str, coordinates: Any, about: dict[str, Any]) -> Feature:
    return {"type": "Feature", "properties": about, "geometry": {"type": kind, "coordinates": coordinates}}
