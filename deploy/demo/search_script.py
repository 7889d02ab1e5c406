"""Messages of the simulated Bucheon: cameras, how people look whom they see, and reports of 112. Pure; all of it is made.

When the demo begins, the child has been gone for half an hour: the cameras' recorders hand over what they have. The child
walks on for ``LIVE_S`` and then stands where it is found. The crowd goes on as long as the demo does.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from connectors.simulation.human_metadata import stream_of
from connectors.simulation.lost_child import BEFORE_S, LostChild, TownSettings
from connectors.simulation.street_sightings import SeenPerson
from deploy.demo.field import ROUND_S, Said
from deploy.demo.island_rides import iso

CORNER = (37.492, 126.766)
LIVE_S = 75.0
TOLD_EVERY_S = 2.0
CAMERAS_A_BODY = 12
STREETS = {"stroke": "#9aa5b1", "stroke-width": 1, "stroke-opacity": 0.6}
PURPOSES = ["crime-prevention", "traffic"]


@lru_cache(4)
def town_of(seed: int) -> LostChild:
    """The town of a seed."""
    return LostChild(seed, CORNER, TownSettings())


def origin_ms(seed: int, now_ms: int) -> int:
    """The moment at which the child left, of a demo that begins at *now_ms*."""
    return now_ms - round((town_of(seed).end_s - LIVE_S) * 1000)


def list_of_cameras(seed: int) -> str:
    """The cameras as the source of people has them (``camera_list``): place, and how far a clock may be off."""
    town = town_of(seed)
    rows = [
        f"{one.camera_id},{lat},{lon},{one.clock_error_s}"
        for one in town.cameras.values()
        for lat, lon in (town.grid.at(one.crossing),)
    ]
    return "\n".join(("camera_id,lat,lon,clock_error_s", *rows, ""))


def placed(text: str, folder: Path, seed: int) -> str:
    """The city's file with its list of cameras, written into *folder*. ``ValueError`` where it has no such source."""
    path, line = folder / "cameras.csv", "people = true\n"
    if text.count(line) != 1:
        raise ValueError("the city's file has no one source of people")
    path.write_text(list_of_cameras(seed), encoding="utf-8")
    return text.replace(line, f'{line}camera_list = "{path}"\n')


def streets(seed: int) -> dict[str, Any]:
    """The streets as GeoJSON."""
    grid = town_of(seed).grid
    east, north = grid.columns - 1, grid.rows - 1
    ends = [((column, 0), (column, north)) for column in range(grid.columns)]
    ends += [((0, row), (east, row)) for row in range(grid.rows)]
    features = [
        {
            "type": "Feature",
            "properties": STREETS,
            "geometry": {
                "type": "LineString",
                "coordinates": [[lon, lat] for lat, lon in map(grid.at, both)],
            },
        }
        for both in ends
    ]
    return {"type": "FeatureCollection", "features": features}


def ground_text(folder: Path, seed: int) -> str:
    """Write the streets into *folder*; the part of the city's file that names them."""
    (folder / "streets.geojson").write_bytes(orjson.dumps(streets(seed)))
    return '[map]\nlayers = ["streets.geojson"]\n'


class SearchScript:
    """A ``Script``. Its rounds follow one another: each tells what was seen since the one before."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        """Set with the first round: all of before has been sent."""
        self.origin_ms = 0
        self._told_s = 0.0

    def setup(self, seed: int, now_ms: int) -> list[Said]:
        """Messages before anything happens: the cameras, and what they saw since some minutes before the child left."""
        self.origin_ms = origin_ms(seed, now_ms)
        self._told_s = (now_ms - self.origin_ms) / 1000
        seen = town_of(seed).seen(-BEFORE_S, self._told_s)
        return [
            Said(0, "cameras", orjson.dumps([*_cameras(seed, now_ms)])),
            Said(0, "stops", orjson.dumps([*_stops(seed, now_ms)])),
            *_kept(seen, self.origin_ms),
        ]

    def a_round(self, seed: int, number: int, start_ms: int) -> list[Said]:
        """All messages of one round, in order of time."""
        begin_s = (start_ms - self.origin_ms) / 1000
        told_s, self._told_s = self._told_s, begin_s + ROUND_S
        seen = town_of(seed).seen(told_s, self._told_s)
        said = [*_live(seen, self.origin_ms, begin_s), *_reports(seed, number, start_ms)]
        self.begun.set()
        return sorted(said, key=lambda one: one.after_s)


def _cameras(seed: int, now_ms: int) -> Iterator[dict[str, Any]]:
    town = town_of(seed)
    for one in town.cameras.values():
        lat, lon = town.grid.at(one.crossing)
        yield {
            "event_time": iso(now_ms),
            "camera_id": one.camera_id,
            "name": f"Made camera {one.camera_id}",
            "owner": "city",
            "purposes": PURPOSES,
            "azimuth_deg": None,
            "status": "ok",
            "generated": True,
            "position": {"lat": lat, "lon": lon},
        }


def _stops(seed: int, now_ms: int) -> Iterator[dict[str, Any]]:
    town = town_of(seed)
    for number, crossing in enumerate(town.line.stops(), start=1):
        lat, lon = town.grid.at(crossing)
        yield {
            "event_time": iso(now_ms),
            "hub_id": f"stop-{number}",
            "kind": "hub",
            "name": f"정류장 {number} (가상)",
            "operator": "city-bus",
            "is_public": True,
            "position": {"lat": lat, "lon": lon},
        }


def _kept(seen: Iterable[SeenPerson], start_ms: int) -> Iterator[Said]:
    """Messages of what recorders kept: a stream of each camera, some cameras a body."""
    lines = [*_envelopes(seen, start_ms)]
    for first in range(0, len(lines), CAMERAS_A_BODY):
        yield Said(0, "people", b"\n".join(lines[first : first + CAMERAS_A_BODY]))


def _live(seen: Iterable[SeenPerson], start_ms: int, begin_s: float) -> Iterator[Said]:
    """Messages of what is seen from *begin_s* on, every two seconds; all from before it comes at once."""
    by_time: dict[float, list[SeenPerson]] = defaultdict(list)
    for one in seen:
        turn = max(0.0, one.true_s - begin_s) // TOLD_EVERY_S + 1
        by_time[min(turn * TOLD_EVERY_S, ROUND_S - 0.5)].append(one)
    for after_s, some in by_time.items():
        yield Said(after_s, "people", b"\n".join(_envelopes(some, start_ms)))


def _envelopes(seen: Iterable[SeenPerson], start_ms: int) -> Iterator[bytes]:
    """Lines as a bridge of recorders writes them: the camera, and its stream of metadata as XML."""
    by_camera: dict[str, list[SeenPerson]] = defaultdict(list)
    for one in seen:
        by_camera[one.camera.camera_id].append(one)
    for camera, its in by_camera.items():
        yield orjson.dumps({"topic": camera, "payload": stream_of(its, start_ms)})


def _reports(seed: int, number: int, start_ms: int) -> Iterator[Said]:
    """112 is called for the child when the demo begins, and for something else in each round."""
    town = town_of(seed)
    other = (3 + 5 * number % 13, 2 + 7 * number % 11)
    told = [("crime.larceny", "절도", 30.0, other)]
    if number == 0:
        told.insert(0, ("missing", "실종 아동", 1.0, town.playground))
    for kind, words, first_s, crossing in told:
        lat, lon = town.grid.at(crossing)
        for revision, (after_s, status) in enumerate(
            ((0.0, "open"), (6.0, "dispatched"), (85.0, "closed")), 1
        ):
            record = {
                "event_time": iso(start_ms + round(first_s * 1000)),
                "agency": "112",
                "agency_case_no": f"112-{start_ms // 1000}-{kind.partition('.')[0]}",
                "kind": kind,
                "kind_text": words,
                "status": status,
                "units": ["순찰 3"] if status == "dispatched" else [],
                "revision": revision,
                "position": {"lat": lat, "lon": lon},
            }
            yield Said(first_s + after_s, "reports-112", orjson.dumps(record))
