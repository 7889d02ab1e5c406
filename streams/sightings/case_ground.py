"""The ground, the looks and the start of one case's search, from its row and the city's places. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from streams.cases.judge import Case
from streams.deliver.polygon import holds
from streams.geo import distance_m
from streams.persons.analytic_table import AnalyticTable
from streams.persons.anchors import Anchor
from streams.persons.persons_numbers import PersonsNumbers
from streams.persons.route_search import RouteSearch
from streams.persons.sightings_held import CameraColumns, Ground
from streams.sightings.case_view import PlacedCamera

Place = tuple[float, float]


def search_of(
    case: Case,
    row: Mapping[str, Any],
    cameras: Sequence[PlacedCamera],
    stops: Mapping[str, Place],
    numbers: PersonsNumbers,
    table: AnalyticTable,
) -> RouteSearch:
    """A new search for *case*, whose opened row is *row*. *cameras*: those inside its area; *stops*: id → place, as
    ``stops_of`` gives them."""
    clocks = [numbers.clocks_s.get(one.camera_id, numbers.clock_s) for one in cameras]
    columns = CameraColumns(
        np.array([one.lat for one in cameras]),
        np.array([one.lon for one in cameras]),
        np.array(clocks),
        np.full(len(cameras), numbers.within_m),
    )
    stop_lat, stop_lon = (np.array([one[at] for one in stops.values()], np.float64) for at in (0, 1))
    ground = Ground(columns, stop_lat, stop_lon, numbers.route)
    wanted = {one["name"]: one["word"] for one in row["attributes"]}
    return RouteSearch(ground, table.looks(wanted), start_of(case, row))


def stops_of(case: Case, stops: Mapping[str, Place], stops_max: int) -> dict[str, Place]:
    """The stops inside the area of *case*, in the order of their places; at most *stops_max*."""
    near = sorted((place, name) for name, place in stops.items() if holds(case.area, *place))
    return {name: place for place, name in near[:stops_max]}


def start_of(case: Case, row: Mapping[str, Any]) -> Anchor:
    """The place and time from which the search goes out: where the person was last seen, else anywhere in the area."""
    last = row["last_seen"] or {}
    at_ms, position = last.get("seen_at"), last.get("position")
    time_s = (case.from_ms if at_ms is None else at_ms) or 0
    if position is not None:
        return Anchor(
            position["lat"], position["lon"], time_s / 1000, 0.0, float(position["accuracy_m"] or 0.0)
        )
    lats, lons = [lat for lat, _ in case.area], [lon for _, lon in case.area]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    far_m = max(distance_m(lat, lon, *corner) for corner in case.area)
    return Anchor(lat, lon, time_s / 1000, 0.0, far_m)
