"""A made town for the load of missing persons: cameras, cases, and sightings as columns of bytes that the codec wrote once.

A frame is a copy of one of some thousands that the codec encoded, with an id and times of its own written over the bytes
where the codec put them; so a million cost a second. What each case may be shown is searched plainly (``wanted``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from schemas.event import Event
from schemas.wire import Wire
from streams.persons.analytic_table import usual_table
from streams.runtime.records import headers_of
from tests.hub_bus import whole
from tests.person_town import a_person

Longs = NDArray[np.int64]
CAMERAS, KINDS = 5_000, 20_000
SOUTH, WEST, NORTH, EAST = 37.40, 126.70, 37.58, 126.926
"""About 20 km by 20 km."""
WANTED = ("sex", "age_band", "hair", "upper_colour", "lower_colour", "hat")
CLOCK_S, WITHIN_M, ACCURACY_M, FOOT_MPS = 5.0, 20.0, 20.0, 2.5
EARTH_RADIUS_M = 6_371_008.8
MADE_MS = 1_780_000_000_000
ID, DIGITS, PARTITIONS = 6, 16, 4
"""Where an event's id begins in a frame, and how many of its digits are the row's number."""


@dataclass(frozen=True, slots=True)
class MadeCase:
    """A case of the town. *corners*: (south, west, north, east) of its area."""

    case_id: str
    looks: Mapping[str, str]
    at: tuple[float, float]
    seen_ms: int
    from_ms: int
    corners: tuple[float, float, float, float] = (SOUTH, WEST, NORTH, EAST)

    @property
    def area(self) -> str:
        south, west, north, east = self.corners
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return json.dumps({"type": "Polygon", "coordinates": [ring]})

    def holds(self, lat: float, lon: float) -> bool:
        south, west, north, east = self.corners
        return south <= lat <= north and west <= lon <= east


def cameras_of(random: Random) -> dict[str, tuple[float, float]]:
    """The town's cameras, by ids of one length."""
    return {
        f"cam-{number:04}": (random.uniform(SOUTH, NORTH), random.uniform(WEST, EAST))
        for number in range(CAMERAS)
    }


def looks_of(random: Random) -> dict[str, str]:
    """The words of a passer-by, each attribute drawn for itself."""
    prior = usual_table()["prior"]
    return {name: random.choices([*words], [*words.values()])[0] for name, words in prior.items()}


@dataclass(slots=True)
class Sightings:
    """So many sightings as columns: of each its number, time and kind."""

    number: Longs
    at_ms: Longs
    kind: Longs


@dataclass(slots=True)
class MadeTown:
    """*kinds*: camera and words of each kind of sighting; the first ``KINDS`` are passers-by, then each case's person."""

    city: str
    cases: Sequence[MadeCase]
    cameras: Mapping[str, tuple[float, float]]
    kinds: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
    first_of: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Case → the kinds of its person: first, and behind the last."""
    keys: list[bytes] = field(default_factory=list)
    headers: list[list[tuple[str, bytes]]] = field(default_factory=list)
    partition: list[int] = field(default_factory=list)
    _frames: Any = None
    _sizes: Any = None
    _time_at: int = 0

    def fill(self, wire: Wire, random: Random, *, near_m: float) -> None:
        """Encode each kind once. A case's person is seen by its cameras not farther than *near_m* from where they were."""
        names = list(self.cameras)
        self.kinds = [(random.choice(names), self._others_looks(random)) for _ in range(KINDS)]
        for case in self.cases:
            first = len(self.kinds)
            near = [n for n, at in self.cameras.items() if away_m(at, case.at) <= near_m and case.holds(*at)]
            self.kinds += [(name, {**looks_of(random), **case.looks}) for name in near]
            self.first_of[case.case_id] = first, len(self.kinds)
        events = [
            Event(topic, key, {**(row or {}), "city": self.city, "event_id": f"{number:032x}"})
            for number, (topic, key, row) in enumerate(
                whole(
                    a_person(number, name, MADE_MS, looks) for number, (name, looks) in enumerate(self.kinds)
                )
            )
        ]
        frames = [wire.encode(self.city, one)[2] or b"" for one in events]
        topic = f"{self.city}.cctv.person"
        self.keys = [name.encode() for name, _ in self.kinds]
        self.headers = [headers_of(one, topic=topic) for one in events]
        self.partition = [int(name[4:]) % PARTITIONS for name, _ in self.kinds]
        self._sizes = np.array([len(one) for one in frames])
        self._frames = np.zeros((len(frames), int(self._sizes.max())), np.uint8)
        for row, one in enumerate(frames):
            self._frames[row, : len(one)] = np.frombuffer(one, np.uint8)
        source = str((events[0].value or {})["source"])
        self._time_at = ID + 32 + 1 + len(self.city) + 1 + len(source)

    def _others_looks(self, random: Random) -> dict[str, str]:
        """Words of a passer-by; not all of a case's: a kind is one camera's, and the search keeps ten of each camera."""
        while True:
            drawn = looks_of(random)
            if not any(case.looks.items() <= drawn.items() for case in self.cases):
                return drawn

    def frames(self, many: Sightings) -> list[bytes]:
        """The records' values, in that order."""
        rows = self._frames[many.kind]
        digits = (many.number[:, None] >> (4 * np.arange(DIGITS - 1, -1, -1))) & 15
        rows[:, ID + 32 - DIGITS : ID + 32] = np.frombuffer(b"0123456789abcdef", np.uint8)[digits]
        for place in (self._time_at, self._time_at + 7):  # the time, a null, and the time of receipt
            rows[:, place : place + 6] = _varint(many.at_ms)
        data, width, sizes = rows.tobytes(), rows.shape[1], self._sizes[many.kind].tolist()
        return [data[at * width : at * width + size] for at, size in enumerate(sizes)]

    def crowd(self, random: np.random.Generator, first: int, at_ms: Longs) -> Sightings:
        """Passers-by at these times, numbered from *first*."""
        count = len(at_ms)
        return Sightings(np.arange(first, first + count), at_ms, random.integers(0, KINDS, count))

    def plant(self, random: np.random.Generator, many: Sightings, case: MadeCase, rows: Longs) -> None:
        """Make these rows sightings of the case's person, or of somebody who looks the same."""
        many.kind[rows] = random.integers(*self.first_of[case.case_id], len(rows))

    def wanted(self, case: MadeCase, many: Sightings) -> set[int]:
        """The numbers of the sightings whose words are all the case's and where the person can have been: one by one."""
        alike = [
            kind
            for kind, (name, looks) in enumerate(self.kinds)
            if case.holds(*self.cameras[name]) and all(looks[one] == word for one, word in case.looks.items())
        ]
        rows = np.flatnonzero(np.isin(many.kind, alike))
        found = set()
        for number, at_ms, kind in zip(
            many.number[rows].tolist(), many.at_ms[rows].tolist(), many.kind[rows].tolist(), strict=True
        ):
            most_s = (at_ms - case.seen_ms) / 1000 + CLOCK_S
            way_m = away_m(self.cameras[self.kinds[kind][0]], case.at) - ACCURACY_M - WITHIN_M
            if at_ms >= case.from_ms and most_s > 0 and way_m <= FOOT_MPS * most_s:
                found.add(number)
        return found


def _varint(at_ms: Longs) -> NDArray[np.uint8]:
    """Avro's six bytes of each time of this age."""
    found = np.empty((len(at_ms), 6), np.uint8)
    rest = at_ms * 2
    for place in range(6):
        found[:, place] = (rest & 127) | (128 if place < 5 else 0)
        rest = rest >> 7
    return found


def away_m(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two places, by the haversine."""
    (lat_a, lon_a), (lat_b, lon_b) = ((math.radians(lat), math.radians(lon)) for lat, lon in (one, other))
    half = math.sin((lat_b - lat_a) / 2) ** 2
    half += math.cos(lat_a) * math.cos(lat_b) * math.sin((lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(math.sqrt(half))


def a_town(cases: Sequence[MadeCase], wire: Wire, *, near_m: float, seed: int = 7) -> MadeTown:
    """A town of a new name with these cases."""
    random = Random(seed)
    made = MadeTown(f"bench-{uuid4().hex[:8]}", cases, cameras_of(random))
    made.fill(wire, random, near_m=near_m)
    return made
