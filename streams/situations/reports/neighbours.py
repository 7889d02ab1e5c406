"""Pairs of near reports, found by columns: a restart puts many into the index at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from streams.geo import EARTH_RADIUS_M, SLACK
from streams.situations.model import Incident

PAIRS_AT_ONCE = 1_000_000
Numbers = NDArray[np.int64]
Reals = NDArray[np.float64]


def near_pairs(
    incidents: Sequence[Incident], *, radius_m: float, window_ms: int
) -> Iterator[tuple[Incident, Incident]]:
    """Each two of *incidents*, all of them placed, by different agencies, that may lie within *radius_m* and *window_ms*
    of each other: all that do, and a few more."""
    if not incidents:
        return
    places = [one.position for one in incidents]
    lat = np.radians([at.lat for at in places if at is not None])
    lon = np.radians([at.lon for at in places if at is not None])
    at_ms = np.array([one.event_time for one in incidents])
    agencies: dict[str, int] = {}
    agency = np.array([agencies.setdefault(one.agency, len(agencies)) for one in incidents])
    reach = radius_m * (1 + SLACK) / EARTH_RADIUS_M + SLACK
    for those, others in _in_neighbouring_cells(lat, lon, at_ms, reach, max(1, window_ms)):
        near = (agency[those] != agency[others]) & (np.abs(at_ms[those] - at_ms[others]) <= window_ms)
        near[near] = _angle(lat[those[near]], lon[those[near]], lat[others[near]], lon[others[near]]) <= reach
        for i, j in zip(those[near].tolist(), others[near].tolist(), strict=True):
            yield incidents[i], incidents[j]


def _in_neighbouring_cells(
    lat: Reals, lon: Reals, at_ms: Numbers, reach: float, window_ms: int
) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs of indices, each pair once, whose bands of latitude and of time touch and whose longitudes are near enough."""
    band, slot = np.floor(lat / reach).astype(np.int64), at_ms // window_ms
    band, slot = band - band.min() + 1, slot - slot.min() + 1
    stride = int(band.max()) + 2
    order = np.lexsort((lon, slot * stride + band))
    key, east = (slot * stride + band)[order], lon[order]
    firsts = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    keys, ends = key[firsts], np.r_[firsts[1:], len(key)]
    width = _half_width(lat[order], reach)
    turns = [np.zeros_like(east)]
    if (np.abs(east) + width > np.pi).any():
        turns += [np.full_like(east, 2 * np.pi), np.full_like(east, -2 * np.pi)]
    for step in (0, 1, stride - 1, stride, stride + 1):  # the others are met from their own side
        group = np.searchsorted(keys, key + step)
        there = (group < len(keys)) & (keys[np.minimum(group, len(keys) - 1)] == key + step)
        for turn in turns:
            asking = np.flatnonzero(there)
            begin, end = firsts[group[asking]], ends[group[asking]]
            low = _bounded(east, begin, end, (east - width + turn)[asking], "left")
            high = _bounded(east, begin, end, (east + width + turn)[asking], "right")
            for one, other in _spread(asking, low, high):
                once = one < other if step == 0 else slice(None)
                yield order[one[once]], order[other[once]]


def _bounded(east: Reals, begin: Numbers, end: Numbers, wanted: Reals, side: str) -> Numbers:
    """Where *wanted* would stand in each span of *east*, which is in order from *begin* to *end*: by halves, all at once."""
    low, high = begin.copy(), end.copy()
    while (open_ := low < high).any():
        middle = (low + high) // 2
        value = east[np.minimum(middle, len(east) - 1)]
        is_below = (value < wanted if side == "left" else value <= wanted) & open_
        low = np.where(is_below, middle + 1, low)
        high = np.where(open_ & ~is_below, middle, high)
    return low


def _spread(asking: Numbers, low: Numbers, high: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """(who asks, whom it finds), a bounded number at a time."""
    counts = high - low
    total = np.cumsum(counts)
    first = 0
    while first < len(counts):
        before = total[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(total, before + PAIRS_AT_ONCE, "right")))
        many = counts[first:last]
        starts = np.repeat(low[first:last] - (np.cumsum(many) - many), many)
        yield np.repeat(asking[first:last], many), starts + np.arange(many.sum())
        first = last


def _half_width(lat: Reals, reach: float) -> Reals:
    """Half the width, in radians of longitude, of a box that holds the disc; half a turn around a pole."""
    sine = np.sin(reach) / np.maximum(np.cos(lat), SLACK)
    around = np.abs(lat) + reach >= np.pi / 2
    return np.where(around, np.pi, np.arcsin(np.minimum(1.0, sine)) + SLACK)


def _angle(lat: Reals, lon: Reals, its_lat: Reals, its_lon: Reals) -> Reals:
    chord = np.sin((its_lat - lat) / 2) ** 2
    chord = chord + np.cos(lat) * np.cos(its_lat) * np.sin((its_lon - lon) / 2) ** 2
    angle: Reals = 2 * np.arcsin(np.sqrt(np.minimum(1.0, chord)))
    return angle
