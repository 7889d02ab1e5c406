"""Links that cannot be are never kept, links that can be never dropped; beside a search written apart."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from streams.persons.feasible import CYCLE, FOOT, VEHICLE, Links, Spots, are_feasible
from streams.persons.route_numbers import RouteNumbers

LAT, LON, PAIRS = 37.5, 126.78, 100_000
SPEEDS = (2.5, 7.0, 20.0)
STOPS = [(LAT + 0.004 * n, LON + 0.006 * (n % 4)) for n in range(6)]


def links() -> Links:
    lat, lon = (np.array(part) for part in zip(*STOPS, strict=True))
    return Links(lat, lon, RouteNumbers())


def away(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Metres between two places, by the vectors of the sphere."""

    def vector(p: tuple[float, float]) -> tuple[float, float, float]:
        phi, lam = math.radians(p[0]), math.radians(p[1])
        return math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)

    chord = math.dist(vector(a), vector(b))
    return 2 * 6_371_008.8 * math.asin(chord / 2)


def away_all(a: tuple[np.ndarray, np.ndarray], b: tuple[Any, Any]) -> np.ndarray:
    """Metres from each place to one, or to its own, by the same vectors as ``away``."""

    def vectors(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
        phi, lam = np.radians(lat), np.radians(lon)
        return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])

    other = vectors(*(np.asarray(part)[..., None] if np.ndim(part) == 0 else part for part in b))
    found: np.ndarray = 2 * 6_371_008.8 * np.arcsin(np.linalg.norm(vectors(*a) - other, axis=0) / 2)
    return found


BETWEEN = [[away(one, other) for other in STOPS] for one in STOPS]


def slow_least(a: tuple[float, float], mode_a: int, b: tuple[float, float], mode_b: int) -> float:
    """The least time over each pair of stops and each mode between them."""
    best = away(a, b) / SPEEDS[mode_a] if mode_a == mode_b else math.inf
    to = [away(a, stop) / SPEEDS[mode_a] for stop in STOPS]
    off = [away(stop, b) / SPEEDS[mode_b] for stop in STOPS]
    for one in range(len(STOPS)):
        for other in range(len(STOPS)):
            best = min(best, *(to[one] + BETWEEN[one][other] / speed + off[other] for speed in SPEEDS))
    return best


def places(chance: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    return LAT + chance.uniform(-0.02, 0.04, count), LON + chance.uniform(-0.02, 0.04, count)


def test_links_equal_a_search_through_all_stops_and_modes() -> None:
    chance, count = np.random.default_rng(5), 4_000
    a, b = places(chance, count), places(chance, count)
    modes = chance.integers(0, 3, (2, count))
    zero = np.zeros(count)
    found = links().least_s(Spots(*a, modes[0], zero), Spots(*b, modes[1], zero))
    for n in range(count):
        slow = slow_least((a[0][n], a[1][n]), modes[0][n], (b[0][n], b[1][n]), modes[1][n])
        assert math.isclose(found[n], slow, rel_tol=1e-6, abs_tol=1e-3)


def test_none_of_100_000_impossible_links_is_kept() -> None:
    chance = np.random.default_rng(6)
    a, b = places(chance, PAIRS), places(chance, PAIRS)
    straight = away_all(a, b)
    to_stop = np.min([away_all(a, stop) for stop in STOPS], axis=0)
    off_stop = np.min([away_all(b, stop) for stop in STOPS], axis=0)
    mode = chance.integers(0, 3, PAIRS)
    speed = np.array(SPEEDS)[mode]
    # Faster than the mode on the straight line, and than any ride: the nearest stops, and no time between them.
    short = np.minimum(straight / speed, np.maximum((to_stop + off_stop) / speed, straight / 20.0))
    clocks = chance.uniform(0, 20, PAIRS)
    dt = short * chance.uniform(0, 0.999, PAIRS) - clocks
    backwards = chance.random(PAIRS) < 0.1
    dt = np.where(backwards, -clocks - chance.uniform(0, 100, PAIRS), dt)
    least = links().least_s(Spots(*a, mode, np.zeros(PAIRS)), Spots(*b, mode, np.zeros(PAIRS)))
    assert are_feasible(least, dt, clocks).sum() == 0


def test_none_of_100_000_feasible_links_is_dropped() -> None:
    chance, plain = np.random.default_rng(7), random.Random(7)
    a, b = places(chance, PAIRS), places(chance, PAIRS)
    took, modes = np.empty(PAIRS), np.empty((2, PAIRS), dtype=np.int64)
    for n in range(PAIRS):
        one, other = (a[0][n], a[1][n]), (b[0][n], b[1][n])
        mode = plain.choice((FOOT, CYCLE, VEHICLE))
        if plain.random() < 0.5:
            after, i, j = plain.choice((FOOT, CYCLE, VEHICLE)), plain.randrange(6), plain.randrange(6)
            legs = ((one, STOPS[i], mode), (STOPS[i], STOPS[j], VEHICLE), (STOPS[j], other, after))
        else:
            after, middle = mode, (plain.uniform(LAT, LAT + 0.02), plain.uniform(LON, LON + 0.02))
            legs = ((one, middle, mode), (middle, middle, mode), (middle, other, mode))
        took[n] = sum(away(p, q) / (SPEEDS[m] * plain.uniform(0.5, 1)) for p, q, m in legs)
        modes[:, n] = mode, after
    clocks = chance.uniform(0, 20, PAIRS)
    dt = took + clocks * chance.uniform(-1, 1, PAIRS)
    least = links().least_s(Spots(*a, modes[0], np.zeros(PAIRS)), Spots(*b, modes[1], np.zeros(PAIRS)))
    assert (~are_feasible(least, dt, clocks)).sum() == 0


def test_a_person_may_stand_within_the_view_of_a_camera() -> None:
    near = Spots.of(np.array([LAT]), np.array([LON]), within_m=60.0)
    there = Spots.of(np.array([LAT + 0.001]), np.array([LON]), within_m=60.0)
    assert Links(np.empty(0), np.empty(0), RouteNumbers()).least_s(near, there)[0] == 0.0
