"""Candidates that a case tells while no likely one is left: only where somebody must have recorded the person."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deploy.laws import case_law_named
from streams.persons.analytic_table import AnalyticTable
from streams.persons.looks import UNSAID
from streams.persons.persons_numbers import PersonsNumbers
from streams.persons.sightings_held import Seen, on_foot
from streams.sightings.case_ground import search_of
from streams.sightings.case_view import CaseView, PlacedCamera
from streams.sightings.pursuit import OVERLOOKED_MAX, Pursuit
from streams.sightings.sighting_kernel import text_number
from tests.person_town import CAMERAS, HOUR_MS, LOOKS, NOON
from tests.unit.cases.a_case import a_case

MISSING_ROW = {
    "attributes": [{"name": name, "word": word} for name, word in LOOKS.items()],
    "last_seen": {
        "seen_at": NOON - HOUR_MS,
        "position": {"lat": CAMERAS["cam-0"][0], "lon": CAMERAS["cam-0"][1], "accuracy_m": 10.0},
    },
}


def a_value(frame: bytes) -> dict[str, Any]:
    about: dict[str, Any] = {"track_id": "t", "score": None, "attributes": [], "crop": None}
    return {"event_id": frame.decode(), **about}


def told(seconds: int) -> list[dict[str, Any]]:
    """Candidates that a case tells that saw forty people who all say nothing of their looks, *seconds* after the start."""
    numbers, table = PersonsNumbers.model_validate({"route": {"show": 0.9}}), AnalyticTable({})
    cameras = [PlacedCamera(name, *at) for name, at in CAMERAS.items()]
    case = a_case(from_ms=NOON - 2 * HOUR_MS)
    view = CaseView(case, case_law_named("kr"), cameras, table.names)
    pursuit = Pursuit(view, search_of(case, MISSING_ROW, view.cameras, {}, numbers, table), numbers, a_value)
    names = [f"sighting-{number}" for number in range(40)]
    keys = np.array([text_number(one) for one in names])
    pursuit._frames.update(zip(keys.tolist(), map(str.encode, names), strict=True))
    times = (NOON - HOUR_MS) / 1000 + np.linspace(seconds / 2, seconds, 40)
    words = np.full((40, pursuit.search.pool.looks.table.shape[0]), UNSAID)
    pursuit.search.see(Seen(keys, np.arange(40) % 10, times, words, on_foot(40)))
    return pursuit.changed()


@pytest.mark.parametrize(("seconds", "count"), [(300, 0), (1800, OVERLOOKED_MAX)])
def test_unlikely_candidates_are_told_only_once_the_person_must_have_been_recorded(
    seconds: int, count: int
) -> None:
    found = told(seconds)
    assert len(found) == count
    assert all(one["state"] == "open" for one in found)
