"""The search of one case: what enters its route, what leaves it, what is shown; and the made city of its figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from schemas.errors import Fatal, Invalid
from streams.persons.anchors import Anchor
from streams.persons.looks import Analytic, Looks
from streams.persons.route_numbers import RouteNumbers
from streams.persons.route_search import RouteSearch
from streams.persons.sightings_held import CameraColumns, Ground, Seen, on_foot
from streams.persons.streets import Streets
from streams.persons.travel import Calls
from tests.bench import persons

COLOURS = {"red": 0.1, "black": 0.9}
CONFUSION = {"colour": {"red": {"red": 0.9, "black": 0.1}, "black": {"red": 0.1, "black": 0.9}}}
LOOKS = Looks(Analytic(CONFUSION, {"colour": COLOURS}), {"colour": "red"}, ("colour",))
M = 1 / 111_195.0


def a_search(calls: Calls | None = None, **numbers: Any) -> RouteSearch:
    """Five cameras, 200 m apart on a line to the north, and two stops: one at the first camera, one 5 km on."""
    lat, lon = np.array([37.5 + n * 200 * M for n in range(6)]), np.full(6, 126.78)
    lat[5] = 37.5 + 5000 * M
    cameras = CameraColumns(lat, lon, np.full(6, 2.0), np.zeros(6))
    stops = np.array([37.5, 37.5 + 4900 * M])
    ground = Ground(cameras, stops, np.full(2, 126.78), RouteNumbers(**numbers))
    return RouteSearch(ground, LOOKS, Anchor(37.5, 126.78, 0.0, 30.0), calls=calls)


def sightings(*rows: tuple[int, int, float]) -> Seen:
    """Sightings in red: key, camera, seconds."""
    keys, cameras, times = (np.array(part) for part in zip(*rows, strict=True))
    return Seen(keys, cameras, times.astype(float), np.zeros((len(rows), 1), np.int64), on_foot(len(rows)))


def test_nothing_enters_the_route_without_a_confirmation() -> None:
    search = a_search()
    search.see(sightings((1, 1, 180), (2, 2, 360)))
    for verdict in ("unsure", "reject", "unsure"):
        search.answer(1, verdict)
    assert search.hops == ()


def test_a_confirmed_sighting_enters_and_those_that_cannot_be_are_not_shown() -> None:
    search = a_search()
    search.see(sightings((1, 1, 180), (2, 4, 182), (3, 2, 360)))
    while 1 not in search.hops:
        search.answer(1, "confirm")
    assert [one.key for one in search.ranked()] == [3]
    assert search.route().next_cameras[0] == 1


def test_a_parted_hop_gives_the_others_their_chance_again() -> None:
    search = a_search()
    search.see(sightings((1, 1, 180), (2, 4, 182), (3, 2, 360)))
    while 1 not in search.hops:
        search.answer(1, "confirm")
    search.answer(1, "part")
    assert search.hops == ()
    assert {one.key for one in search.ranked()} == {
        3
    }  # 2 cannot be: 800 m in 182 s, and nobody doubts the report


def test_a_hop_that_is_rejected_at_a_second_look_leaves_the_route() -> None:
    search = a_search()
    search.see(sightings((1, 1, 180)))
    while 1 not in search.hops:
        search.answer(1, "confirm")
    for _ in range(3):
        search.answer(1, "reject")
    assert search.hops == ()


def chances(search: RouteSearch) -> dict[int, float]:
    return {one.key: one.probability for one in search.ranked()}


def test_who_was_rejected_walks_on_and_is_not_shown_as_likely_again() -> None:
    rows = (1, 1, 180), (2, 2, 300), (3, 4, 2400)
    knows, forgets = a_search(), a_search(others_s=0.0)
    for search in (knows, forgets):
        search.see(sightings(*rows))
        search.answer(1, "reject")
    assert chances(knows)[2] < 0.97 * chances(forgets)[2]
    assert chances(knows)[3] >= chances(forgets)[3]
    knows.answer(1, "confirm")
    forgets.answer(1, "confirm")
    assert chances(knows) == chances(forgets)


def test_rejections_weigh_the_same_however_sightings_come() -> None:
    rows = [(n, n % 5, 150.0 + 40 * n) for n in range(40)]
    once, twice = a_search(), a_search()
    once.see(sightings(*rows))
    twice.see(sightings(*rows[:20]))
    for search in (once, twice):
        search.answer(3, "reject")
        search.answer(5, "reject")
    twice.see(sightings(*rows[20:]))
    assert np.array_equal(once._others.rates([3, 5]), twice._others.rates([3, 5]))


def test_of_equally_likely_sightings_the_one_farther_ahead_is_asked_first() -> None:
    search = a_search(ahead_s=60.0)
    search.see(sightings((1, 1, 180)))
    while 1 not in search.hops:
        search.answer(1, "confirm")
    search.see(sightings((2, 2, 350), (3, 3, 530)))
    late = chances(search)
    assert late[2] > late[3]
    asked = search.ask()
    assert asked is not None and asked.key == 3


def test_a_ride_is_followed_to_the_stops_of_its_vehicle() -> None:
    calls = Calls(np.array([7, 7]), np.array([0, 1]), np.array([120.0, 500.0]))
    rode, walked = a_search(calls), a_search()
    for search in (rode, walked):
        search.see(sightings((1, 5, 620)))
    assert rode.ranked()[0].probability > 10 * walked.ranked()[0].probability
    while 1 not in rode.hops:
        rode.answer(1, "confirm")
    board, leave = rode.route().ridden[0]
    assert (board.time_s, leave.time_s) == (120.0, 500.0)


def unlikely(search: RouteSearch, until_s: float) -> None:
    """Show a hop, then one person in black each second: none of them is likely."""
    search.see(sightings((1, 1, 180)))
    while 1 not in search.hops:
        search.answer(1, "confirm")
    times = np.arange(400.0, until_s)
    keys, black = np.arange(2, 2 + len(times)), np.ones((len(times), 1), np.int64)
    search.see(Seen(keys, keys % 4, times, black, on_foot(len(times))))


def test_the_search_asks_on_while_somebody_must_have_recorded_the_person() -> None:
    search = a_search(patience=3)
    unlikely(search, 3000.0)
    for _ in range(3):
        candidate = search.ask()
        assert candidate is not None
        assert candidate.probability < search.numbers.show
        search.answer(candidate.key, "reject")
    assert search.ask() is None


def test_the_search_rests_while_the_cameras_may_have_missed_the_person() -> None:
    search = a_search()
    unlikely(search, 800.0)
    assert search.ask() is None


def test_ten_candidates_of_a_camera_are_kept() -> None:
    search = a_search()
    search.see(
        sightings(*((n, 1, 150.0 + n) for n in range(30)), *((n, 2, 330.0 + n) for n in range(30, 34)))
    )
    shown = search.ranked()
    assert [sum(one.camera == camera for one in shown) for camera in (1, 2)] == [10, 4]


def test_an_answer_about_an_unknown_sighting_is_refused() -> None:
    with pytest.raises(Invalid, match="no such sighting"):
        a_search().answer(9, "confirm")


def test_a_word_that_is_likelier_for_the_person_counts_for_them() -> None:
    red, black, unsaid = LOOKS.log_ratio(np.array([[0], [1], [-1]]))
    assert red == pytest.approx(np.log(0.9 / 0.18))
    assert black < 0 == unsaid
    with pytest.raises(Fatal, match="add up"):
        Analytic(CONFUSION, {"colour": {"red": 0.5, "black": 0.4}})


def test_ways_go_by_the_streets() -> None:
    line = [[126.78, 37.5], [126.79, 37.5], [126.79, 37.501], [126.78, 37.501]]
    geometry = {"type": "LineString", "coordinates": line}
    streets = Streets({"features": [{"geometry": geometry}]})
    first, last = streets.nearest(np.array([37.5, 37.501]), np.array([126.78, 126.78]))
    assert streets.row(int(first))[last] == pytest.approx(2 * 882.2 + 111.2, rel=1e-3)


def test_the_search_finds_routes_in_the_made_city() -> None:
    found, _ = persons.run(persons.Load(seeds=1, levels=("D1",), compare=False))
    assert found["D1 all"]["impossible"] == 0
    assert float(found["D1 all"]["precision"].split()[0]) > 0.9
    assert float(found["D1 all"]["recall"].split()[0]) > 0.5


def test_the_bars_can_be_missed() -> None:
    bad = {"_precision": 0.97, "_recall": 0.9, "_answers_a_hop": 8.0}
    assert persons.missed_bars("D1", bad) == ["D1 precision", "D1 answers"]


def test_a_long_past_in_which_the_person_cannot_have_been_there_is_counted_but_not_held() -> None:
    search = a_search(candidates_max=10)
    before = [(key, key % 5, -400.0 - key) for key in range(100)]
    too_far = [(key, 5, -150.0) for key in range(100, 150)]  # 245 s by bus, and no clocks differ by 395 s
    search.see(sightings(*before, *too_far))
    search.see(sightings((300, 1, 180.0), (301, 2, 360.0)))
    assert {one.key for one in search.ranked()} == {300, 301}
    assert search.pool.passed.sum() == 152 and len(search.pool.seen.key) <= 10
    with pytest.raises(Fatal, match="too many sightings"):
        search.see(sightings(*((key, 1, 100.0 + key) for key in range(400, 410))))
