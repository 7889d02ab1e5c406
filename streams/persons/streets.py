"""The street graph of a city, from lines of GeoJSON; where there is none, the straight line and a detour."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import numpy as np
import rustworkx

from schemas.errors import Fatal
from streams.geo import distance_m
from streams.persons.feasible import Floats, Ints, straight_m

ROWS_MAX = 4_096
DIGITS = 6
"""Ends of lines that agree to 0.1 m are one crossing."""


class Streets:
    """Distances from crossings. Holds those from ``ROWS_MAX`` crossings, the last used."""

    def __init__(self, lines: Mapping[str, Any]) -> None:
        """Read a FeatureCollection; lines meet where their points do. ``Fatal`` where it has no line."""
        self._graph: rustworkx.PyGraph[tuple[float, float], float] = rustworkx.PyGraph(multigraph=False)
        known: dict[tuple[float, float], int] = {}
        for feature in lines["features"]:
            self._add(feature["geometry"], known)
        if not known:
            raise Fatal("the streets have no line", hint="give a FeatureCollection of LineString")
        self.lon, self.lat = (np.array(part, dtype=float) for part in zip(*known, strict=True))
        self._rows: OrderedDict[int, Floats] = OrderedDict()

    def _add(self, geometry: Mapping[str, Any], known: dict[tuple[float, float], int]) -> None:
        kinds = {"LineString": [geometry["coordinates"]], "MultiLineString": geometry["coordinates"]}
        for line in kinds.get(geometry["type"], []):
            nodes = []
            for lon, lat, *_ in line:
                place = (round(lon, DIGITS), round(lat, DIGITS))
                if place not in known:
                    known[place] = self._graph.add_node(place)
                nodes.append((known[place], place))
            for (one, (lon_a, lat_a)), (other, (lon_b, lat_b)) in itertools.pairwise(nodes):
                self._graph.add_edge(one, other, distance_m(lat_a, lon_a, lat_b, lon_b))

    def nearest(self, lat: Floats, lon: Floats) -> Ints:
        """The crossing closest to each place."""
        return np.array(
            [int(straight_m(self.lat, self.lon, a, o).argmin()) for a, o in zip(lat, lon, strict=True)],
            dtype=np.int64,
        )

    def row(self, crossing: int) -> Floats:
        """Metres from *crossing* to each crossing; infinite where no street leads."""
        if crossing in self._rows:
            self._rows.move_to_end(crossing)
            return self._rows[crossing]
        found = np.full(self._graph.num_nodes(), np.inf)
        lengths = rustworkx.dijkstra_shortest_path_lengths(self._graph, crossing, float)
        found[list(lengths.keys())] = list(lengths.values())
        found[crossing] = 0.0
        self._rows[crossing] = found
        if len(self._rows) > ROWS_MAX:
            self._rows.popitem(last=False)
        return found


class Ways:
    """The way from a place to each of fixed places (cameras, then stops), in metres."""

    def __init__(self, lat: Floats, lon: Floats, streets: Streets | None, detour: float) -> None:
        self.lat, self.lon, self._streets, self._detour = lat, lon, streets, detour
        self._at = None if streets is None else streets.nearest(lat, lon)
        at = [] if self._at is None else self._at.tolist()
        self._crossings = dict(zip(zip(lat.tolist(), lon.tolist(), strict=True), at, strict=False))

    def from_place(self, lat: float, lon: float) -> Floats:
        straight = straight_m(np.float64(lat), np.float64(lon), self.lat, self.lon)  # type: ignore[arg-type] # it broadcasts
        if self._streets is None or self._at is None:
            return straight * self._detour
        begin = self._crossings.get((lat, lon))
        if begin is None:
            begin = int(self._streets.nearest(np.array([lat]), np.array([lon]))[0])
        found = self._streets.row(begin)[self._at]
        return np.where(np.isfinite(found), np.maximum(found, straight), straight * self._detour)
