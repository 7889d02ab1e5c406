"""Rows of candidates and routes as they are told: places, gaps, and whether one is told anew. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from streams.geo import distance_m
from streams.persons.routes import Candidate
from streams.sightings.sighting_kernel import text_number

SHIFT = 0.5
"""A candidate is told again once the logarithm of its ratio moved by so much."""
Row = dict[str, Any]


def out_of_place(
    asked: Sequence[tuple[Candidate, float]],
    told_rows: Iterable[Row],
    found: Sequence[Row],
    worths: Mapping[int, float],
) -> list[Row]:
    """The candidates that would stand before the one to be seen next, by what was told of them, and that one.

    *asked*: as the search asks; *told_rows*: as they were told before; *found*: those that are told now in any case.
    """
    if not asked:
        return []
    anew = {row["candidate_id"] for row in found}
    kept = {
        text_number(row["sighting_id"]): row
        for row in told_rows
        if row["candidate_id"] not in anew and row["worth"] is not None
    }
    first, worth = asked[0]
    told = {key: row["worth"] for key, row in kept.items()}
    told |= {text_number(row["sighting_id"]): row["worth"] for row in found if row["worth"] is not None}
    others = {key: said for key, said in told.items() if key != first.key}
    if all(said < told.get(first.key, worth) for said in others.values()):
        return []
    before = [key for key, said in others.items() if said >= worth]
    return [{**kept[key], "worth": worths.get(key)} for key in (*before, first.key) if key in kept]


def position(lat: float, lon: float) -> Row:
    return {"lat": lat, "lon": lon, "accuracy_m": None}


def gaps(hops: Sequence[Row], gap_s: float) -> list[Row]:
    found = []
    for one, other in pairwise(hops):
        if other["seen_at"] - one["seen_at"] > gap_s * 1000:
            a, b = one["position"], other["position"]
            away = distance_m(a["lat"], a["lon"], b["lat"], b["lon"])
            found.append(
                {"from_time": one["seen_at"], "until_time": other["seen_at"], "distance_m": round(away, 1)}
            )
    return found


def differs(known: Row | None, row: Row) -> bool:
    if known is None or known["state"] != row["state"] or known["rank"] != row["rank"]:
        return True
    names = ("appearance_log_ratio", "travel_log_ratio")
    return is_moved(known["worth"], row["worth"]) or any(
        abs(float(known[name] or 0.0) - float(row[name])) >= SHIFT for name in names
    )


def is_moved(known: float | None, worth: float | None) -> bool:
    """Whether a worth is told anew: it came, it went, or its logarithm moved by ``SHIFT``."""
    if known is None or worth is None:
        return known is not worth
    return abs(math.log(known) - math.log(worth)) >= SHIFT
