"""Zones with holes, heights and hours: the match's answers against an own search, one sight at a time."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import numpy as np
import pytest

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.heights import Bound
from schemas.json_form import from_json_value
from schemas.rows import RowCodec
from streams.match.core.batch import ObservationBatch
from streams.match.core.codes import code_of
from streams.match.core.config import MatchConfig
from streams.match.core.engine import Engine
from streams.match.core.forms import TOPICS
from streams.match.core.observations import Observations, observations
from streams.match.core.open_watches import WatchRecord
from streams.match.core.step import Found, Match
from streams.match.core.values import thing_of
from streams.match.core.watch_parts import Limit, Seed, WatchArea
from streams.match.core.watches import Watch, watch_of
from tests.match_log import SightFrames, Written
from tests.match_oracle import LAT, LON, NOON_MS, Sight, a_watch

SEED = 20_261
DRONE = "drone.position"
MINUTE = 60_000
METRE = 1 / 111_194.93
"""Degrees of latitude: a globe of 6,371,008.8 m."""
Ring = tuple[tuple[float, float], ...]
Known = tuple[float, float] | None
Told = tuple[int, str, str, bool]


@dataclass(frozen=True, slots=True)
class Fix:
    """A drone's place; its heights above ground and sea as (low, high), ``None`` where unknown."""

    lat: float
    lon: float
    time: int
    thing: str = "d"
    ground: Known = None
    sea: Known = None


def columns(fixes: Sequence[Fix]) -> Observations:
    seen = observations(len(fixes))
    for row, one in enumerate(fixes):
        seen.at[row], seen.topic[row] = row, TOPICS[DRONE]
        seen.lat[row], seen.lon[row] = one.lat, one.lon
        seen.time[row] = seen.received[row] = one.time
        seen.label[row], seen.token[row], seen.subject[row] = code_of("drone"), 0, code_of(one.thing)
        seen.confidence[row] = 1.0
        seen.heights[row] = [*(one.ground or (np.nan, np.nan)), *(one.sea or (np.nan, np.nan))]
    return seen


# -- the own search ------------------------------------------------------------------------------------------


def are_in_ring(ring: Ring, x: Any, y: Any) -> Any:
    """Whether each place is inside, by counting the edges north-east of it."""
    inside = np.zeros(len(x), np.bool_)
    for (y1, x1), (y2, x2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < x1 + (y - y1) / (y2 - y1) * (x2 - x1))
    return inside


def metres_to_ring(ring: Ring, x: Any, y: Any) -> Any:
    """To the nearest edge, in complex numbers: an edge turned to lie along the real axis."""
    nearest = np.full(len(x), np.inf)
    across = np.cos(np.radians(y))
    for (y1, x1), (y2, x2) in zip(ring, (*ring[1:], ring[0]), strict=True):
        edge, place = (x2 - x1) * across + 1j * (y2 - y1), (x - x1) * across + 1j * (y - y1)
        along = place * np.conj(edge) / abs(edge)
        over = np.maximum(0, np.maximum(-along.real, along.real - abs(edge)))
        nearest = np.minimum(nearest, np.hypot(over, along.imag) / METRE)
    return nearest


def ranks_of_places(watch: Watch, fixes: Sequence[Fix]) -> tuple[Any, Any]:
    """(2 inside, 1 in the band, 0 outside; the metres to the nearest edge) of each."""
    x, y = np.array([one.lon for one in fixes]), np.array([one.lat for one in fixes])
    areas = [*watch.areas, *([WatchArea(watch.corners)] if watch.corners else [])]
    inside, away_m = np.zeros(len(x), np.bool_), np.full(len(x), np.inf)
    for area in areas:
        its = are_in_ring(area.outline, x, y)
        for hole in area.holes:
            its &= ~are_in_ring(hole, x, y)
        inside |= its
        if watch.hysteresis_m:
            for ring in (area.outline, *area.holes):
                away_m = np.minimum(away_m, metres_to_ring(ring, x, y))
    return np.where(inside, 2, np.where(away_m <= watch.hysteresis_m, 1, 0)), away_m


def rank_of_height(watch: Watch, one: Fix) -> tuple[int, bool]:
    """(2 maybe within, 1 in the band, 0 outside; whether it is surely within)."""
    rank, sure = 2, True
    for limit, sign in ((watch.floor, 1), (watch.ceiling, -1)):
        if limit is None:
            continue
        known = one.ground if limit.reference == "above_ground" else one.sea
        if known is None:
            sure = False
            continue
        # upside down, a ceiling is a floor
        low, high = sorted((sign * known[0], sign * known[1]))
        bound = sorted((sign * limit.metres.low, sign * limit.metres.high))
        sure = sure and low >= bound[1]
        if high < bound[0]:
            rank = min(rank, 1 if watch.hysteresis_m and high >= bound[0] - watch.hysteresis_m else 0)
    return rank, sure


def is_open(watch: Watch, time: int) -> bool:
    return not watch.windows or any(opens <= time < closes for opens, closes in watch.windows)


@dataclass(slots=True)
class Slow:
    """Fences one sight at a time. *inside*: by fence and thing the level, the last time, and when it was told."""

    watches: Sequence[Watch]
    inside: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)

    def steps(self, fixes: Sequence[Fix]) -> list[Told]:
        """(index, watch, kind, whether it is certain) of all that is to be told of *fixes*."""
        ranks = [ranks_of_places(watch, fixes)[0].tolist() for watch in self.watches]
        return [
            (row, *one)
            for row, fix in enumerate(fixes)
            for one in sorted(self._step(fix, [its[row] for its in ranks]))
        ]

    def _step(self, one: Fix, ranks: Sequence[int]) -> list[tuple[str, str, bool]]:
        told: list[tuple[str, str, bool]] = []
        for watch, rank in zip(self.watches, ranks, strict=True):
            height, sure = rank_of_height(watch, one)
            place = min(rank, height) if is_open(watch, one.time) else 0
            if watch.event == "seen":
                told += [(watch.watch_id, "seen", sure)] * (place == 2)
                continue
            held = (watch.watch_id, one.thing)
            level, _, last_told = self.inside.get(held, (0, 0, 0))
            now = {2: max(level, 2 if sure else 1), 1: level, 0: 0}[place]
            every = watch.tell_inside_every_ms
            if now > level:
                told.append((watch.watch_id, "entered", now == 2))
                last_told = one.time
            elif now < level:
                told.append((watch.watch_id, "left", level == 2))
            elif now and every is not None and one.time - last_told >= every:
                told.append((watch.watch_id, "inside", sure if place == 2 else level == 2))
                last_told = one.time
            if now or level:
                self.inside[held] = (now, one.time, last_told)
        return told


# -- watches and ways ----------------------------------------------------------------------------------------


def star(chance: Random, lat: float, lon: float, metres: float) -> Ring:
    """A star-shaped ring about a place: its corners turn once around it."""
    count = chance.randint(3, 9)
    turns = sorted((n + chance.random() * 0.9) / count * math.tau for n in range(count))
    reach = [metres * (0.4 + 0.6 * chance.random()) * METRE for _ in range(count)]
    return tuple(
        (lat + far * math.sin(turn), lon + far * math.cos(turn) / math.cos(math.radians(LAT)))
        for far, turn in zip(reach, turns, strict=True)
    )


def an_area(chance: Random) -> WatchArea:
    lat, lon = LAT + chance.uniform(-600, 600) * METRE, LON + chance.uniform(-600, 600) * METRE
    holes = [star(chance, lat, lon, 150.0) for _ in range(chance.randint(0, 2))]  # two of them overlap
    return WatchArea(star(chance, lat, lon, chance.choice([300.0, 900.0])), tuple(holes))


def a_limit(chance: Random) -> Limit | None:
    low = chance.randrange(0, 600) / 4
    high = low + chance.choice([0, 0, 10.25])
    return chance.choice([None, Limit(Bound(low, high), chance.choice(["above_ground", "above_sea"]))])


def a_zone(chance: Random, number: int, *, event: str) -> Watch:
    areas = tuple(an_area(chance) for _ in range(chance.randint(1, 4)))
    first = chance.randrange(0, 20)
    spans = ((first, first + 8), (first + 11, first + 30))
    windows = tuple((NOON_MS + a * MINUTE, NOON_MS + b * MINUTE) for a, b in spans)
    return a_watch(
        f"z{number}",
        shape="polygon",
        event=event,
        corners=star(chance, LAT, LON, 400.0) if chance.random() < 0.3 else (),
        areas=areas,
        floor=a_limit(chance),
        ceiling=a_limit(chance),
        windows=chance.choice([(), windows]),
        hysteresis_m=0.0 if event == "seen" else chance.choice([0.0, 25.0]),
        tell_inside_every_ms=chance.choice([None, 90_000]) if event == "crossed" else None,
    )


def a_height(chance: Random) -> Known:
    low = chance.randrange(-40, 800) / 4
    return chance.choice([None, (low, low), (low, low + chance.choice([0.25, 12.5, 60.0]))])


def told_by(engine: Engine, fixes: Sequence[Fix]) -> list[Told]:
    found = engine.step(columns(fixes))
    told = zip(found.row.tolist(), found.watch, found.kind, found.is_sure.tolist(), strict=True)
    return [(row, watch.watch_id, kind, sure) for row, watch, kind, sure in told]


def clear(watches: Sequence[Watch], fixes: Sequence[Fix]) -> list[Fix]:
    """*fixes* without those within a centimetre of a band's outer edge, where rounding decides."""
    keep = np.ones(len(fixes), np.bool_)
    for watch in watches:
        if watch.hysteresis_m:
            keep &= abs(ranks_of_places(watch, fixes)[1] - watch.hysteresis_m) > 0.01
    return [one for one, kept in zip(fixes, keep.tolist(), strict=True) if kept]


def ways(chance: Random, things: int, steps: int) -> list[Fix]:
    """Things that fly about: in the order of time, each with its own course."""
    fixes = []
    for number in range(things):
        lat, lon = LAT + chance.uniform(-900, 900) * METRE, LON + chance.uniform(-900, 900) * METRE
        up, doubt = chance.uniform(0, 150), chance.choice([0.0, 0.0, 15.0])
        for step in range(steps):
            lat += chance.gauss(0, 60) * METRE
            lon += chance.gauss(0, 60) * METRE
            up = max(0.0, up + chance.gauss(0, 12))
            low = round(up * 4) / 4
            ground = None if chance.random() < 0.1 else (low, low + doubt)
            sea = None if chance.random() < 0.3 else (low + 40, low + 40 + doubt)
            time = NOON_MS + step * 20_000 + number % 20_000
            fixes.append(Fix(lat, lon, time, f"d{number}", ground, sea))
    return sorted(fixes, key=lambda one: one.time)


# -- the tests -----------------------------------------------------------------------------------------------


def test_a_hundred_thousand_places_by_heights_hours_and_holes_are_as_searched_one_by_one() -> None:
    chance, kinds = Random(SEED), Counter[tuple[str, bool]]()
    for _ in range(10):
        zones = [a_zone(chance, number, event="seen") for number in range(4)]
        fixes = [
            Fix(
                LAT + chance.uniform(-1500, 1500) * METRE,
                LON + chance.uniform(-1500, 1500) * METRE,
                NOON_MS + chance.randrange(0, 60 * MINUTE),
                f"d{number}",
                a_height(chance),
                a_height(chance),
            )
            for number in range(10_000)
        ]
        found = told_by(Engine(zones), fixes)
        assert found == Slow(zones).steps(fixes)
        kinds.update((kind, sure) for _, _, kind, sure in found)
    assert min(kinds["seen", True], kinds["seen", False]) > 1_000


def test_things_that_move_are_told_as_searched_one_by_one_however_the_batches_are_cut() -> None:
    chance, kinds = Random(SEED + 1), Counter[tuple[str, bool]]()
    for _ in range(4):
        zones = [
            a_zone(chance, number, event=chance.choice(["crossed", "entered", "left"])) for number in range(3)
        ]
        zones.append(a_zone(chance, 3, event="crossed"))
        fixes = clear(zones, ways(chance, 60, 40))
        engine, slow, first = Engine(zones), Slow(zones), 0
        while first < len(fixes):
            part = fixes[first : first + chance.randint(1, 400)]
            found = told_by(engine, part)
            events = {watch.watch_id: watch.event for watch in zones}
            wanted = [one for one in slow.steps(part) if events[one[1]] in ("crossed", one[2])]
            assert found == wanted
            kinds.update((kind, sure) for _, _, kind, sure in found)
            first += len(part)
    assert {kind for kind, _ in kinds} == {"entered", "inside", "left"}
    assert min(kinds["entered", True], kinds["entered", False], kinds["left", True]) > 20


PLACE = ("testville.drone.position", 0)
CONFIG = MatchConfig(lateness_s=3_600, look_back_s=86_400, per_second_max=10_000)
LATER_MS = NOON_MS + 86_400_000


def batch_of(fixes: Sequence[Fix], first: int) -> ObservationBatch:
    written = [
        Written(Sight(label="drone", thing=one.thing), one.time, f"o{first + n}")
        for n, one in enumerate(fixes)
    ]
    offsets = np.arange(first, first + len(fixes), dtype=np.int64)
    places = np.zeros(len(fixes), np.uint8)
    return ObservationBatch(
        columns(fixes), [PLACE], places, offsets, SightFrames(written), {PLACE: first + len(fixes)}
    )


def told_of(found: Found) -> list[Told]:
    return [
        (one.offset, one.watch.watch_id, one.kind, one.certainty == "certain")
        for each in found.evidence
        for one in each.each()
    ]


def a_match(watches: Iterable[Watch]) -> Match:
    match = Match(CONFIG)
    match.tell([WatchRecord(number, one.watch_id, one) for number, one in enumerate(watches)])
    return match


def run(
    fixes: Sequence[Fix], chance: Random, match: Match, restarted: Callable[[Match, int], Match]
) -> list[Told]:
    """All that is told, in batches cut at random, by workers that end after a third of them."""
    told, first = list[Told](), 0
    while first < len(fixes):
        part = fixes[first : first + chance.randint(1, 200)]
        told += told_of(match.take(batch_of(part, first), now_ms=LATER_MS))
        first += len(part)
        if chance.random() < 0.35:
            match = restarted(match, first)
    return told


def test_a_worker_that_reads_its_look_back_again_tells_each_coming_and_going_once() -> None:
    chance = Random(SEED + 2)
    zones = [a_zone(chance, number, event="crossed") for number in range(4)]
    fixes = clear(zones, ways(chance, 60, 40))

    def restarted(match: Match, first: int) -> Match:
        fresh, standing = a_match(zones), match.standings()[PLACE]
        before = [batch_of(fixes[standing.first_offset : first], standing.first_offset)]
        assert not told_of(fresh.restore(PLACE, standing, before, now_ms=LATER_MS))
        return fresh

    wanted = Slow(zones).steps(fixes)
    assert run(fixes, chance, a_match(zones), restarted) == wanted
    assert len(wanted) > 200


def test_a_worker_that_has_only_what_the_watches_say_is_inside_tells_each_coming_and_going_once() -> None:
    chance = Random(SEED + 3)
    zones = [
        replace(a_zone(chance, number, event="crossed"), floor=None, ceiling=None) for number in range(4)
    ]
    fixes = clear(zones, ways(chance, 60, 40))

    def seeded(watch: Watch, slow: Slow) -> Watch:
        inside = tuple(
            Seed(DRONE, None, thing, told)
            for (watch_id, thing), (level, _, told) in slow.inside.items()
            if watch_id == watch.watch_id and level
        )
        return replace(watch, inside=inside, revision=watch.revision + 1)

    def restarted(_: Match, first: int) -> Match:
        slow = Slow(zones)
        slow.steps(fixes[:first])
        return a_match([seeded(one, slow) for one in zones])

    wanted = Slow(zones).steps(fixes)
    assert run(fixes, chance, a_match(zones), restarted) == wanted
    assert len(wanted) > 200


SQUARE = (
    (LAT - 0.01, LON - 0.01),
    (LAT - 0.01, LON + 0.01),
    (LAT + 0.01, LON + 0.01),
    (LAT + 0.01, LON - 0.01),
)
HOLE = (
    (LAT - 0.002, LON - 0.002),
    (LAT - 0.002, LON + 0.002),
    (LAT + 0.002, LON + 0.002),
    (LAT + 0.002, LON - 0.002),
)
IN, IN_HOLE, AWAY = (LAT + 0.005, LON), (LAT, LON), (LAT + 0.05, LON)


def a_fence(**about: Any) -> Watch:
    usual = {"shape": "polygon", "event": "crossed", "areas": (WatchArea(SQUARE),)}
    return a_watch("z", **(usual | about))


def at(
    place: tuple[float, float], seconds: int, *, ground: Known = None, sea: Known = None, thing: str = "d"
) -> Fix:
    return Fix(*place, NOON_MS + seconds * 1_000, thing, ground, sea)


def each(watch: Watch, *fixes: Fix) -> list[tuple[int, str, bool]]:
    return [(row, kind, sure) for row, _, kind, sure in told_by(Engine([watch]), fixes)]


@pytest.mark.parametrize(
    ("ground", "sea", "expected"),
    [
        ((50.0, 50.0), (90.0, 90.0), True),
        ((0.0, 0.0), (150.0, 150.0), True),  # both limits belong to the zone
        ((-0.5, -0.5), (90.0, 90.0), None),
        ((50.0, 50.0), (150.5, 150.5), None),
        ((-3.0, 2.0), (90.0, 90.0), False),
        ((50.0, 50.0), (140.0, 151.0), False),
        (None, (90.0, 90.0), False),
        ((50.0, 50.0), None, False),
        (None, None, False),
        (None, (151.0, 160.0), None),  # what is known of one limit is enough to be outside
    ],
)
def test_a_zone_from_the_ground_to_150_m_above_the_sea(
    ground: Known, sea: Known, expected: bool | None
) -> None:
    zone = a_fence(
        event="seen",
        floor=Limit(Bound(0.0, 0.0), "above_ground"),
        ceiling=Limit(Bound(150.0, 150.0), "above_sea"),
    )
    assert each(zone, at(IN, 0, ground=ground, sea=sea)) == (
        [] if expected is None else [(0, "seen", expected)]
    )


def test_a_limit_that_is_itself_uncertain_leaves_a_doubt_between_its_bounds() -> None:
    zone = a_fence(event="seen", ceiling=Limit(Bound(100.0, 120.0), "above_ground"))
    heights = [(99.0, 99.0), (100.0, 100.0), (110.0, 110.0), (120.0, 120.0), (120.5, 120.5)]
    fixes = [at(IN, n, ground=one) for n, one in enumerate(heights)]
    assert each(zone, *fixes) == [
        (0, "seen", True),
        (1, "seen", True),
        (2, "seen", False),
        (3, "seen", False),
    ]


def test_a_doubt_that_goes_away_is_told_as_entered_again_once() -> None:
    zone = a_fence(ceiling=Limit(Bound(100.0, 100.0), "above_ground"))
    heights: list[Known] = [None, (90.0, 110.0), (50.0, 50.0), None, (60.0, 60.0), (200.0, 200.0)]
    fixes = [at(IN, n, ground=one) for n, one in enumerate(heights)]
    assert each(zone, *fixes) == [(0, "entered", False), (2, "entered", True), (5, "left", True)]


def test_a_thing_in_the_band_above_the_ceiling_has_not_left() -> None:
    zone = a_fence(ceiling=Limit(Bound(100.0, 100.0), "above_ground"), hysteresis_m=20.0)
    heights = [(115.0, 115.0), (90.0, 90.0), (115.0, 115.0), (120.0, 120.0), (120.5, 120.5)]
    fixes = [at(IN, n, ground=one) for n, one in enumerate(heights)]
    assert each(zone, *fixes) == [(1, "entered", True), (4, "left", True)]


def test_what_is_in_a_hole_is_outside_but_not_if_another_area_covers_it() -> None:
    with_hole = a_fence(event="seen", areas=(WatchArea(SQUARE, (HOLE,)),))
    covered = replace(with_hole, areas=(*with_hole.areas, WatchArea(HOLE)))
    assert each(with_hole, at(IN, 0), at(IN_HOLE, 1)) == [(0, "seen", True)]
    assert each(covered, at(IN, 0), at(IN_HOLE, 1)) == [(0, "seen", True), (1, "seen", True)]


def test_what_is_still_there_when_the_hours_end_has_left() -> None:
    zone = a_fence(windows=((NOON_MS + 10_000, NOON_MS + 20_000), (NOON_MS + 30_000, NOON_MS + 40_000)))
    seconds = [9, 10, 19, 20, 29, 30, 50]
    assert each(zone, *(at(IN, n) for n in seconds)) == [
        (1, "entered", True),
        (3, "left", True),
        (5, "entered", True),
        (6, "left", True),
    ]


def test_a_thing_inside_is_told_again_at_most_so_often() -> None:
    zone = a_fence(tell_inside_every_ms=10_000)
    seconds = [0, 4, 9, 10, 19, 25, 34, 35]
    assert [row for row, kind, _ in each(zone, *(at(IN, n) for n in seconds)) if kind == "inside"] == [
        3,
        5,
        7,
    ]


def test_a_thing_that_the_watch_says_is_inside_does_not_enter_but_leaves() -> None:
    seeds = (Seed(DRONE, None, "d", NOON_MS), Seed("no.topic", None, "d", NOON_MS))
    zone = a_fence(inside=seeds)
    assert each(zone, at(IN, 1), at(AWAY, 2), at(AWAY, 3)) == [(1, "left", True)]
    assert each(zone, at(IN, 1, thing="other")) == [(0, "entered", True)]


def test_a_newer_form_of_a_watch_changes_nothing_of_what_is_known_better() -> None:
    engine = Engine([a_fence()])
    assert [kind for _, _, kind, _ in told_by(engine, [at(IN, 0), at(AWAY, 5)])] == ["entered", "left"]
    engine.put([a_fence(revision=2, inside=(Seed(DRONE, None, "d", NOON_MS),))])
    assert told_by(engine, [at(AWAY, 6)]) == []


def test_a_worker_that_lost_a_partition_has_what_the_watches_say() -> None:
    match = a_match([a_fence(inside=(Seed(DRONE, None, "d", NOON_MS),))])
    assert told_of(match.take(batch_of([at(IN, 1, thing="other")], 0), now_ms=LATER_MS)) == [
        (0, "z", "entered", True)
    ]
    match.forget([PLACE])
    again = match.take(batch_of([at(IN, 2), at(AWAY, 3), at(IN, 4, thing="other")], 1), now_ms=LATER_MS)
    assert told_of(again) == [(2, "z", "left", True), (3, "z", "entered", True)]


def test_a_track_is_named_by_its_camera_too() -> None:
    names = {("a", "1"), ("a", "2"), ("b", "1")}
    assert len({thing_of("cctv.detection", *one) for one in names}) == 3
    assert thing_of("cctv.detection", None, "1") == thing_of("no.topic", "a", "1") == 0


def shown(name: str) -> dict[str, Any]:
    contract = load_catalogue()["core.watch"]
    text = (contract.folder / "examples" / name).read_text(encoding="utf-8")
    return dict(from_json_value(contract.newest, json.loads(text)))


def test_the_example_of_a_fence_is_read_with_all_its_parts() -> None:
    watch = watch_of(shown("fence.json"))
    assert (watch.floor, watch.ceiling) == (
        Limit(Bound(0.0, 0.0), "above_ground"),
        Limit(Bound(140.0, 160.0), "above_sea"),
    )
    assert [len(one.rings) for one in watch.areas] == [2]
    assert len(watch.polygons) == 2
    assert watch.tell_inside_every_ms == 10_000
    assert [(one.topic, one.seen_by, one.subject) for one in watch.inside] == [
        ("cctv.detection", "c-7", "t-3")
    ]
    assert len(watch.windows) == 1


def test_a_watch_of_the_first_version_is_read_as_it_was() -> None:
    contract = load_catalogue()["core.watch"]
    names = {one["name"] for one in contract.versions[0]["fields"]}
    value = {name: held for name, held in shown("fence.json").items() if name in names}
    written = RowCodec(contract.versions[0]).encode(value)
    watch = watch_of(RowCodec(contract.newest).decode(written, writer=contract.versions[0]))
    plain = (watch.areas, watch.floor, watch.ceiling, watch.windows, watch.inside, watch.tell_inside_every_ms)
    assert plain == ((), None, None, (), (), None)
    assert watch.corners and watch.event == value["event"]


CORNER = {"lat": 1.0, "lon": 2.0}
RING = [CORNER, {"lat": 1.0, "lon": 3.0}, {"lat": 2.0, "lon": 3.0}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("areas", [{"outline": RING[:2], "holes": []}]),
        ("areas", [{"outline": [*RING[:2], {"lat": 91.0, "lon": 2.0}], "holes": []}]),
        ("areas", [{"outline": RING, "holes": [{"corners": RING[:2]}]}]),
        ("areas", [{"outline": RING * 300, "holes": []}] * 5),
        ("floor", {"low_m": 2.0, "high_m": 1.0, "reference": "above_sea"}),
        ("floor", {"low_m": math.nan, "high_m": 1.0, "reference": "above_sea"}),
        ("ceiling", {"low_m": 1.0, "high_m": 1.0, "reference": "above_wgs84"}),
        ("windows", [{"opens_at": 2, "closes_at": 1}]),
        ("windows", [{"opens_at": n, "closes_at": n} for n in range(1_001)]),
        ("tell_inside_every_s", 0.0),
    ],
)
def test_a_watch_with_a_part_that_cannot_be_is_refused_by_its_name(field: str, value: Any) -> None:
    with pytest.raises(Invalid) as refused:
        watch_of(shown("fence.json") | {field: value})
    assert (refused.value.field or "").startswith(field)
