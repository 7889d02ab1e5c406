"""The candidate that a person is shown first is the one that the search asks next: the order is the measured one."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from connectors.gateway.case_reads import best_of
from streams.persons.answers import Verdict
from streams.persons.persons_numbers import PersonsNumbers
from streams.persons.route_search import RouteSearch
from streams.persons.sightings_held import Seen, on_foot
from streams.sightings.case_view import PlacedCamera
from streams.sightings.pursuit import PersonAnswer, Pursuit
from streams.sightings.sighting_kernel import text_number
from tests.unit.persons.test_route_search import a_search

ANSWERS = 60


def town(seed: int) -> tuple[Seen, set[int], dict[int, str]]:
    """Passers-by of an hour and one who walks to the north and back: sightings, the keys of that one, and their ids."""
    chance = Random(seed)
    walk = [
        (n % 5 if n % 10 < 5 else 4 - n % 5, 170.0 * (n + 1) + chance.uniform(-10, 10)) for n in range(20)
    ]
    crowd = [(chance.randrange(5), chance.uniform(0, 3_600)) for _ in range(150)]
    rows = sorted((time_s, camera, number < 20) for number, (camera, time_s) in enumerate([*walk, *crowd]))
    names = {text_number(f"s-{number}"): f"s-{number}" for number in range(len(rows))}
    keys = [*names]
    times, cameras, is_mine = zip(*rows, strict=True)
    # red for the one who walks, black for most others
    words = np.array([[0 if mine or chance.random() < 0.1 else 1] for mine in is_mine], np.int64)
    seen = Seen(np.array(keys), np.array(cameras), np.array(times), words, on_foot(len(rows)))
    return seen, {key for key, mine in zip(keys, is_mine, strict=True) if mine}, names


def verdict(number: int, is_right: bool) -> Verdict:
    """A person's answer; each ninth is wrong."""
    return "confirm" if is_right != (number % 9 == 4) else "reject"


def pursuit_of(search: RouteSearch, names: dict[int, str]) -> Pursuit:
    cameras = [PlacedCamera(f"cam-{n}", 37.5, 126.78) for n in range(6)]
    view: Any = SimpleNamespace(case=SimpleNamespace(case_id="case-1"), cameras=cameras)

    def value_of(frame: bytes) -> dict[str, Any]:
        return {"event_id": frame.decode(), "track_id": "t", "score": None, "attributes": [], "crop": None}

    pursuit = Pursuit(view, search, PersonsNumbers(route=search.numbers), value_of)
    pursuit._frames.update({key: name.encode() for key, name in names.items()})
    return pursuit


def listed(pursuit: Pursuit) -> list[dict[str, Any]]:
    """The candidates that wait for a person, in the gateway's order, by what was told of them."""
    told = [one for one in pursuit.told.values() if one["state"] == "open" or one["worth"] is not None]
    return [dict(one) for one in best_of(told)]


@pytest.mark.parametrize("seed", range(12))
def test_who_answers_the_first_of_the_list_makes_the_measured_route(seed: int) -> None:
    seen, mine, names = town(seed)
    measured, product = a_search(), a_search()
    measured.see(seen)
    product.see(seen)
    pursuit = pursuit_of(product, names)
    pursuit.changed()
    again = 0
    for number in range(ANSWERS):
        asked = measured.ask()
        first = next((one for one in listed(pursuit) if one["worth"] is not None), None)
        if asked is None:
            assert first is None
            break
        assert first is not None and text_number(first["sighting_id"]) == asked.key, number
        again += first["state"] != "open"
        said = verdict(number, asked.key in mine)
        measured.answer(asked.key, said)
        assert pursuit.answer(PersonAnswer(f"a-{number}", first["candidate_id"], said, "acc")) is not None
        pursuit.changed(answered=first["candidate_id"])
    assert product.hops == measured.hops and len(measured.hops) >= 8
    assert again > 0, "no second look was asked for: this shows half of it"


def test_what_needs_no_answer_stands_behind_and_what_moved_little_is_not_told_again() -> None:
    seen, _, names = town(1)
    search = a_search()
    search.see(seen)
    pursuit = pursuit_of(search, names)
    assert pursuit.changed() != []
    assert pursuit.changed() == []
    worths = [one["worth"] for one in listed(pursuit)]
    ends = [one is None for one in worths]
    assert ends == sorted(ends)
