"""For any watches and observations, the columns find the same matches as a search one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from streams.geo import distance_m
from streams.match.core.engine import Engine
from streams.match.core.shapes import Edges, distances_m
from streams.match.core.watches import Watch
from tests.match_oracle import LAT, LON, NOON_MS, Sight, a_watch, columns, is_inside, seen_by, wants

CASES = settings(max_examples=150, suppress_health_check=list(HealthCheck))
LABELS = ["person", "car", "truck", "연기"]
TOKENS = ["p1", "p2", "p3"]
NEAR = st.integers(-60, 60).map(
    lambda n: n / 10_000
)  # about 650 m to each side, on a lattice, so that places hit edges
lats, lons = NEAR.map(lambda d: LAT + d), NEAR.map(lambda d: LON + d)
times = st.integers(NOON_MS, NOON_MS + 10)


@st.composite
def watches(draw: st.DrawFn, number: int = 0) -> Watch:
    shape = draw(st.sampled_from(["disc", "disc", "polygon", "anywhere"]))
    about: dict[str, Any] = {
        "shape": shape,
        "labels": frozenset(draw(st.sets(st.sampled_from(LABELS), max_size=2))),
        "tokens": frozenset(draw(st.sampled_from([(), (), (), ("p1",), ("p2", "p3")]))),
        "topics": frozenset(draw(st.sampled_from([(), ("cctv.detection",), ("cctv.plate",)]))),
        "min_confidence": draw(st.sampled_from([0.0, 0.0, 0.5, 0.75])),
        "opens_at": draw(times),
    }
    about["closes_at"] = about["opens_at"] + draw(st.integers(0, 10))
    if shape == "disc":
        about |= {
            "centre": (draw(lats), draw(lons)),
            "radius_m": draw(st.sampled_from([0.0, 90.0, 400.0, 50_000.0])),
        }
    elif shape == "polygon":
        corners = draw(st.lists(st.tuples(lats, lons), min_size=3, max_size=6, unique=True))
        about["corners"] = tuple(corners)
    elif not about["tokens"] and not about["labels"]:
        about["labels"] = frozenset(["car"])
    return a_watch(f"w{number}", **about)


@st.composite
def many_watches(draw: st.DrawFn) -> list[Watch]:
    return [draw(watches(number)) for number in range(draw(st.integers(0, 8)))]


@st.composite
def sights(draw: st.DrawFn) -> Sight:
    lat, lon = draw(st.one_of(st.tuples(lats, lons), st.just((None, None))))
    return Sight(
        lat,
        lon,
        draw(times),
        draw(st.sampled_from(LABELS)),
        draw(st.sampled_from([None, *TOKENS])),
        draw(st.sampled_from([None, "a", "b"])),
        draw(st.sampled_from([None, 0.25, 0.5, 0.9])),
        draw(st.sampled_from(["cctv.detection", "cctv.plate", "mobility.position"])),
    )


many_sights = st.lists(sights(), max_size=30)


def found(engine: Engine, seen: list[Sight]) -> set[tuple[int, str]]:
    matches = engine.step(columns(seen))
    pairs = list(zip(matches.row.tolist(), (one.watch_id for one in matches.watch), strict=True))
    assert len(pairs) == len(set(pairs)), "a match was told twice"
    return set(pairs)


def on_an_edge(watch: Watch, one: Sight) -> bool:
    """Too near to a polygon's edge for floating point and exact numbers to agree."""
    if watch.shape != "polygon" or one.lat is None or one.lon is None:
        return False
    sides = [
        bool(
            Edges([watch.corners]).are_around(
                np.array([one.lat + a]), np.array([one.lon + b]), np.array([0])
            )[0]
        )
        for a in (-1e-9, 0, 1e-9)
        for b in (-1e-9, 0, 1e-9)
    ]
    return len(set(sides)) > 1


def clear(wanted: list[Watch], seen: list[Sight]) -> list[Sight]:
    return [one for one in seen if not any(on_an_edge(watch, one) for watch in wanted)]


@CASES
@given(many_watches(), many_sights)
def test_all_that_is_looked_for_is_found_and_nothing_else(wanted: list[Watch], seen: list[Sight]) -> None:
    seen = clear(wanted, seen)
    assert found(Engine(wanted), seen) == seen_by(wanted, seen)


@CASES
@given(many_watches(), many_sights, st.data())
def test_watches_that_come_and_go_are_as_watches_that_were_there(
    wanted: list[Watch], seen: list[Sight], data: st.DataObject
) -> None:
    seen = clear(wanted, seen)
    engine = Engine(wanted[: len(wanted) // 2])
    engine.put([a_watch(one.watch_id, labels=frozenset(["car"])) for one in wanted])
    engine.put(wanted)
    ended = {one.watch_id for one in wanted if data.draw(st.booleans())}
    engine.end(ended)
    assert found(engine, seen) == seen_by([one for one in wanted if one.watch_id not in ended], seen)


@CASES
@given(many_watches(), many_sights, st.integers(0, 30), st.randoms())
def test_batches_and_order_do_not_matter_to_what_is_seen(
    wanted: list[Watch], seen: list[Sight], cut: int, chance: Any
) -> None:
    engine, order = Engine(wanted), list(range(len(seen)))
    chance.shuffle(order)
    got = set()
    for part in (order[:cut], order[cut:]):
        got |= {(part[row], name) for row, name in found(engine, [seen[n] for n in part])}
    assert got == found(Engine(wanted), seen)


@CASES
@given(many_watches(), many_sights)
def test_a_watch_that_opens_now_finds_what_was_seen_before(wanted: list[Watch], seen: list[Sight]) -> None:
    engine, old = Engine(), columns(seen)
    assert not len(engine.step(old))
    back = engine.look_back(wanted, old)
    live = Engine(wanted).step(old)
    assert list(back.row) == list(live.row)
    assert [one.watch_id for one in back.watch] == [one.watch_id for one in live.watch]


@CASES
@given(
    st.lists(st.tuples(lats, lons, times), max_size=40),
    st.sampled_from([0.0, 80.0]),
    st.sampled_from(["entered", "left"]),
)
def test_a_fence_tells_each_coming_and_going_once(
    way: list[tuple[float, float, int]], hysteresis_m: float, event: str
) -> None:
    fence = a_watch(event=event, radius_m=250.0, hysteresis_m=hysteresis_m)
    steps = [
        Sight(lat, lon, time, "scooter", None, "s1", contract="mobility.position") for lat, lon, time in way
    ]
    expected, inside, newest = [], False, -1
    for row, one in enumerate(steps):
        if one.time < newest:
            continue
        away_m = distance_m(LAT, LON, one.lat or 0, one.lon or 0)
        now = away_m <= 250 or (inside and away_m <= 250 + hysteresis_m)
        if now != inside and (event == "entered") == now:
            expected.append(row)
        newest = one.time if now or inside else newest
        inside = now
    matches = Engine([fence]).step(columns(steps))
    assert matches.row.tolist() == expected
    one_by_one, engine = [], Engine([fence])
    for row, one in enumerate(steps):
        one_by_one += [row] * len(engine.step(columns([one])))
    assert one_by_one == expected


@CASES
@given(st.floats(-90, 90), st.floats(-180, 180), st.floats(-90, 90), st.floats(-180, 180))
def test_distances_by_column_are_distances_one_by_one(a: float, b: float, c: float, d: float) -> None:
    (by_column,) = distances_m(*(np.array([x]) for x in (a, b, c, d)))
    assert abs(by_column - distance_m(a, b, c, d)) <= 0.002


@CASES
@given(st.floats(-89.9, 89.9), st.floats(0, 360), st.floats(0, 1.2))
def test_a_disc_is_found_at_any_latitude_and_over_the_date_line(
    lat: float, turn: float, share: float
) -> None:
    watch = a_watch(centre=(lat, 179.999), radius_m=700.0)
    reach = 0.0063 * share
    there = Sight(
        max(-90.0, min(90.0, lat + reach * float(np.cos(np.radians(turn))))),
        179.999 + reach * float(np.sin(np.radians(turn))),
    )
    if there.lon is not None and there.lon > 180:
        there = Sight(there.lat, there.lon - 360)
    assume(there.lat is not None and there.lon is not None)
    assume(abs(distance_m(lat, 179.999, there.lat or 0, there.lon or 0) - 700) > 0.01)
    assert found(Engine([watch]), [there]) == seen_by([watch], [there])


def test_the_oracle_can_tell_right_from_wrong() -> None:
    watch, there, away = a_watch(labels=frozenset(["person"])), Sight(), Sight(LAT + 1)
    assert seen_by([watch], [there, away]) == {(0, "w")}
    assert not wants(watch, Sight(label="car"))
    assert not is_inside(watch, Sight(None, None))
    assert found(Engine([a_watch(radius_m=1.0)]), [Sight(LAT + 0.001)]) != seen_by(
        [watch], [Sight(LAT + 0.001)]
    )
