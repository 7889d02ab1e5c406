"""The sightings that one case may see, of many at once: the judge's ``may_see`` over columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streams.cases.case_law import CaseLaw
from streams.cases.judge import Allowed, Case, seen_from_ms
from streams.deliver.polygon import Corner, holds
from streams.persons.analytic_table import ATTRIBUTES, USUAL
from streams.persons.looks import UNSAID
from streams.persons.sightings_held import Seen, on_foot
from streams.sightings.sighting_columns import ANALYTIC, CAMERA, CASE, EVENT, SCORE, TIME, SightingColumns
from streams.sightings.sighting_kernel import text_number

Longs = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PlacedCamera:
    """A camera as ``place.camera`` lists it."""

    camera_id: str
    lat: float
    lon: float


@dataclass(slots=True)
class CaseView:
    """The part of a city that *case* may look at. *analytics*: those with columns of their own."""

    case: Case
    law: CaseLaw
    cameras: Sequence[PlacedCamera]
    analytics: Sequence[str]
    _codes: Longs = field(init=False)
    _rows: Longs = field(init=False)
    _clothing: Longs = field(init=False)
    _own: Mapping[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.cameras = self.cameras_of(self.cameras)
        codes = np.array([text_number(one.camera_id) for one in self.cameras], np.int64)
        self._rows = np.argsort(codes, kind="stable")
        self._codes = codes[self._rows]
        clothing = [one for one, kind in self.law.analytics.items() if kind == "clothing"]
        self._clothing = np.array([text_number(one) for one in clothing], np.int64)
        self._own = {text_number(one): at for at, one in enumerate(self.analytics) if one != USUAL}

    def cameras_of(self, cameras: Iterable[PlacedCamera]) -> list[PlacedCamera]:
        """The cameras inside the area, in the order of their ids."""
        inside = [one for one in cameras if holds(self.case.area, one.lat, one.lon)]
        return sorted(inside, key=lambda one: one.camera_id)

    def allowed(self, many: SightingColumns, verdict: Allowed, now_ms: int) -> tuple[Longs, Longs]:
        """The rows that the case may see at *now_ms*, and their cameras. A sighting without a place is at its camera."""
        if now_ms >= verdict.until_ms or not len(self._codes):
            return np.empty(0, np.int64), np.empty(0, np.int64)
        time = many.numbers[:, TIME]
        can = (time >= seen_from_ms(self.case, self.law, now_ms)) & (time < verdict.until_ms)
        its_case = many.numbers[:, CASE]
        can &= (its_case == 0) | (its_case == text_number(self.case.case_id))
        if verdict.biometric_ground is None:
            can &= np.isin(many.numbers[:, ANALYTIC], self._clothing) & (many.numbers[:, SCORE] == 0)
        rows = np.flatnonzero(can)
        code = many.numbers[rows, CAMERA]
        place = np.minimum(np.searchsorted(self._codes, code), len(self._codes) - 1)
        known = self._codes[place] == code
        rows, camera = rows[known], self._rows[place[known]]
        at = many.at[rows]
        inside = np.isnan(at[:, 0]) | are_inside(self.case.area, at[:, 0], at[:, 1])
        return rows[inside], camera[inside]

    def seen(self, many: SightingColumns, rows: Longs, camera: Longs) -> Seen:
        """Give the chosen rows the form in which the search takes them."""
        width = len(ATTRIBUTES)
        words = np.full((len(rows), width * len(self.analytics)), UNSAID, np.int64)
        said, analytic = many.words[rows], many.numbers[rows, ANALYTIC]
        usual = np.ones(len(rows), np.bool_)
        for code, block in self._own.items():
            its = analytic == code
            words[its, block * width : (block + 1) * width] = said[its]
            usual &= ~its
        words[usual, :width] = said[usual]
        numbers = many.numbers
        return Seen(numbers[rows, EVENT], camera, numbers[rows, TIME] / 1000, words, on_foot(len(rows)))


def are_inside(area: Sequence[Corner], lat: Any, lon: Any) -> Bools:
    """Whether each point lies in *area*: ``polygon.holds`` over columns."""
    found = np.zeros(len(lat), np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        for (lat_a, lon_a), (lat_b, lon_b) in pairwise([*area, area[0]]):
            crosses = (lat_a > lat) != (lat_b > lat)
            edge = lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a) if lat_a != lat_b else lon_a
            found ^= crosses & (lon < edge)
    return found
