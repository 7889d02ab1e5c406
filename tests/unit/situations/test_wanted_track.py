"""The track of a wanted vehicle over a hundred seeded drives, against an oracle that is written apart; and its edges."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.catalogue import load_catalogue
from schemas.event import Event, derived_id
from schemas.rows import RowCodec
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.fold import CityState
from tests.unit.situations.a_city import City, a_camera, a_tick, an_action, at, place, rules

DRIVES = 100
TOKEN, MISREAD = "token of W1", "one character off"
POLICE = "crime-prevention"
"""The purpose for which the police may look, in the law of Korea."""
MAX_MPS, REACH_S, USUAL_MPS, LISTED = 60.0, 180.0, 14.0, 20
"""The bars, written down apart from the rule's file."""
START_MS = at("12:00")


@dataclass(frozen=True, slots=True)
class Spot:
    name: str
    north_m: float
    east_m: float
    purposes: tuple[str, ...] = (POLICE,)
    status: str = "ok"

    @property
    def place(self) -> dict[str, Any]:
        return place(self.north_m, self.east_m)


@cache
def the_codec() -> RowCodec:
    return RowCodec(load_catalogue()["core.track"].newest)


@cache
def the_rules() -> RulesConfig:
    return rules(others=[{"name": "wanted", "numbers": {}}])


def a_wanted_city(*spots: Spot, **numbers: Any) -> City:
    """A city with cameras at *spots*, whose police look for W1."""
    city = City(rules(others=[{"name": "wanted", "numbers": numbers}]) if numbers else the_rules())
    for one in spots:
        city.take(a_camera(one.name, where=one.place, purposes=one.purposes, status=one.status))
    city.take(a_tick("11:59"), a_listing("11:59", is_listed=True))
    return city


def a_listing(clock: str, *, is_listed: bool) -> Entry:
    value = {
        "event_id": f"listing {clock}",
        "source": "police",
        "event_time": at(clock),
        "received_time": at(clock),
        "position": None,
        "entry_id": "W1",
        "agency": "112",
        "is_listed": is_listed,
        "offence": "robbery",
        "legal_ground": "order",
        "tokens": [TOKEN],
        "candidate_tokens": [MISREAD],
        "ends_at": None,
    }
    return Entry("notice", "demo.police.wanted", 0, 0, value)


def a_reading(
    number: int, spot: Spot, at_ms: int, *, plate: str = TOKEN, confidence: float = 0.9, **said: Any
) -> Entry:
    """The *number*-th reading of a drive, as the match tells it."""
    value = {
        "situation_id": None,
        "watch_id": derived_id("watch", "wanted", "W1"),
        "kind": "seen",
        "observation_id": f"{number:032d}",
        "event_time": at_ms,
        "position": spot.place,
        "topic": "demo.cctv.plate",
        "partition": number % 4,
        "offset": 1_000 + number,
        "distance_m": None,
        "seconds": 0.0,
        "subject": plate,
        "label": "licence_plate",
        "confidence": confidence,
        "seen_by": spot.name,
    }
    return Entry("evidence", "demo.core.evidence", 0, number, value | said)


def tracks(city: City) -> list[dict[str, Any]]:
    return city.all("core.track")


# -- the oracle ----------------------------------------------------------------------------------------------


def metres(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Along the sphere, by the angle between both places' vectors: another formula than the platform's."""
    vectors = []
    for here in (one, other):
        lat, lon = math.radians(here["lat"]), math.radians(here["lon"])
        vectors.append((math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)))
    (a, b, c), (x, y, z) = vectors
    cross = math.hypot(b * z - c * y, c * x - a * z, a * y - b * x)
    return 6_371_008.8 * math.atan2(cross, a * x + b * y + c * z)


def hits_by_hand(heard: Sequence[Entry]) -> list[Mapping[str, Any]]:
    """The readings that say something, by event time: each once, and of one camera none within a minute of another that
    was heard before it."""
    kept: list[Mapping[str, Any]] = []
    for value in (one.value for one in heard):
        is_known = any(one["observation_id"] == value["observation_id"] for one in kept)
        is_near = any(
            one["seen_by"] == value["seen_by"] and abs(one["event_time"] - value["event_time"]) < 60_000
            for one in kept
        )
        if not is_known and not is_near:
            kept.append(value)
    return sorted(kept, key=lambda one: (one["event_time"], one["observation_id"]))


def hops_by_hand(hits: Sequence[Mapping[str, Any]]) -> Iterator[tuple[float, float, float | None, bool]]:
    for one, other in pairwise(hits):
        away_m = metres(one["position"], other["position"])
        seconds = (other["event_time"] - one["event_time"]) / 1000
        if seconds <= 0:
            yield away_m, seconds, None, away_m > 0.001
        elif away_m / seconds > MAX_MPS:
            yield away_m, seconds, None, True
        else:
            yield away_m, seconds, away_m / seconds, False


def ahead_by_hand(hits: Sequence[Mapping[str, Any]], spots: Sequence[Spot]) -> list[tuple[str, float]]:
    """Every usable camera of the police within three minutes of the newest hit, nearest first, with the seconds to it."""
    speed = USUAL_MPS
    for away_m, _, its, _ in hops_by_hand(hits):
        if its is not None and away_m > 0.001:
            speed = its
    newest = hits[-1]
    there = []
    for one in spots:
        seconds = metres(newest["position"], one.place) / speed
        if one.status == "ok" and POLICE in one.purposes and one.name != newest["seen_by"]:
            there.append((one.name, seconds))
    return sorted((one for one in there if one[1] <= REACH_S), key=lambda one: one[1])


# -- drives --------------------------------------------------------------------------------------------------


def some_spots(rng: random.Random) -> list[Spot]:
    return [
        Spot(
            f"c{number:03d}",
            rng.uniform(-5_000, 5_000),
            rng.uniform(-5_000, 5_000),
            rng.choice([(POLICE,), (POLICE, "fire-safety"), ("fire-safety",)]),
            rng.choice(["ok", "ok", "ok", "faulty"]),
        )
        for number in range(80)
    ]


def a_drive(rng: random.Random, spots: Sequence[Spot]) -> list[Entry]:
    """Readings on a drive past some cameras, at speeds from a walk to what no car can do, now and then two at once; in the
    order in which they are heard: some late, some twice."""
    readings, now_ms, here = [], START_MS, rng.choice(spots)
    for number in range(rng.randrange(2, 16)):
        there = here if rng.random() < 0.1 else rng.choice(spots)
        speed = rng.choice([3.0, 14.0, 25.0, 40.0, 59.0, 61.0, 200.0])
        away_s = metres(here.place, there.place) / speed or rng.choice([70, 300])
        now_ms += 0 if rng.random() < 0.05 else round(away_s * 1000)
        here = there
        readings.append(a_reading(number, here, now_ms))
    heard = [(number + rng.choice([0, 0, 0, rng.uniform(0, 6)]), one) for number, one in enumerate(readings)]
    heard += [(rng.uniform(0, len(readings)), rng.choice(readings)) for _ in range(3)]
    return [one for _, one in sorted(heard, key=lambda pair: pair[0])]


def restart(city: City) -> None:
    rows = {one.key: one.value for one in [*city.said, city.state.clock_row()] if one.topic == "core.state"}
    city.state = CityState.from_records(city.state.rules, rows.items())


@pytest.mark.parametrize("seed", range(DRIVES))
def test_a_track_is_what_an_oracle_makes_of_all_that_was_heard(seed: int) -> None:
    rng = random.Random(seed)
    spots = some_spots(rng)
    city, drive = a_wanted_city(*spots), a_drive(rng, spots)
    for number, one in enumerate(drive, 1):
        city.take(one)
        if number == len(drive) // 2:
            restart(city)
        hits, told = hits_by_hand(drive[:number]), tracks(city)[-1]
        assert [(o["camera_id"], o["seen_at"], o["event_id"], o["offset"]) for o in told["hits"]] == [
            (o["seen_by"], o["event_time"], o["observation_id"], o["offset"]) for o in hits
        ]
        assert {o["certainty"] for o in told["hits"]} == {"hit"}
        for hop, (away_m, seconds, speed, is_impossible) in zip(
            told["hops"], hops_by_hand(hits), strict=True
        ):
            assert (hop["seconds"], hop["is_impossible"]) == (seconds, is_impossible)
            assert math.isclose(hop["distance_m"], away_m, abs_tol=0.01)
            assert (hop["speed_mps"] is None) is (speed is None)
            assert math.isclose(hop["speed_mps"] or 0.0, speed or 0.0, rel_tol=1e-4)
        ahead = ahead_by_hand(hits, spots)
        assert told["cameras_in_reach"] == len(ahead)
        assert [o["camera_id"] for o in told["next_cameras"]] == [name for name, _ in ahead[:LISTED]]
        for camera, (_, seconds) in zip(told["next_cameras"], ahead, strict=False):
            assert math.isclose(camera["seconds"], seconds, rel_tol=1e-4, abs_tol=0.01)
    assert the_codec().decode(the_codec().encode(told))["hits"] == told["hits"]
    assert [o["revision"] for o in tracks(city)] == list(range(1, len(tracks(city)) + 1))


def test_the_drives_have_all_that_they_are_for() -> None:
    """Else the test above shows nothing of it."""
    late, twice, impossible, at_once, unlisted = 0, 0, 0, 0, 0
    for seed in range(DRIVES):
        rng = random.Random(seed)
        spots = some_spots(rng)
        drive = a_drive(rng, spots)
        times = [one.value["event_time"] for one in drive]
        late += any(other < one for one, other in pairwise(times))
        twice += len({one.value["observation_id"] for one in drive}) < len(drive)
        hits = hits_by_hand(drive)
        impossible += any(one[3] and one[1] > 0 for one in hops_by_hand(hits))
        at_once += any(one[1] == 0 for one in hops_by_hand(hits))
        unlisted += len(ahead_by_hand(hits, spots)) > LISTED
    assert min(late, twice, impossible) >= 50
    assert min(at_once, unlisted) >= 5


# -- edges ---------------------------------------------------------------------------------------------------

HERE, THERE, FAR = Spot("here", 0, 0), Spot("there", 0, 600), Spot("far", 0, 60_000)


def hops_of(*readings: Entry) -> list[dict[str, Any]]:
    city = a_wanted_city(HERE, THERE, FAR)
    city.take(*readings)
    hops: list[dict[str, Any]] = tracks(city)[-1]["hops"]
    return hops


@pytest.mark.parametrize(
    ("ms", "is_impossible"), [(10_000, False), (10_001, False), (9_990, True), (0, True)]
)
def test_sixty_metres_a_second_are_possible_and_no_more(ms: int, is_impossible: bool) -> None:
    far_m = metres(HERE.place, THERE.place)
    (hop,) = hops_of(a_reading(1, HERE, START_MS), a_reading(2, THERE, START_MS + ms))
    assert hop["is_impossible"] is is_impossible
    assert hop["speed_mps"] == (None if is_impossible else pytest.approx(far_m / ms * 1000, rel=1e-4))


def test_two_cameras_of_one_place_at_one_moment_tell_no_speed_and_are_not_impossible() -> None:
    beside = Spot("beside", 0, 0)
    (hop,) = hops_of(a_reading(1, HERE, START_MS), a_reading(2, beside, START_MS))
    assert hop == {"distance_m": 0.0, "seconds": 0.0, "speed_mps": None, "is_impossible": False}


def test_a_hit_whose_place_nobody_knows_tells_neither_way_nor_speed_nor_what_comes_next() -> None:
    city = a_wanted_city(HERE, THERE)
    nowhere = a_reading(2, Spot("unlisted", 0, 0), START_MS + 60_000, position=None)
    city.take(a_reading(1, HERE, START_MS), nowhere)
    told = tracks(city)[-1]
    assert told["hops"] == [{"distance_m": None, "seconds": 60.0, "speed_mps": None, "is_impossible": False}]
    assert (told["reach_m"], told["cameras_in_reach"], told["next_cameras"]) == (None, 0, [])


def test_a_hit_keeps_the_place_at_which_it_was_made_when_its_camera_is_moved() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS, position=None))  # then the camera's own
    city.take(a_camera("here", where=FAR.place, purposes=(POLICE,)))
    city.take(a_reading(2, THERE, START_MS + 60_000))
    first = tracks(city)[-1]["hits"][0]
    assert (first["position"]["lat"], first["position"]["lon"]) == (HERE.place["lat"], HERE.place["lon"])


def test_the_reach_rests_on_the_newest_possible_hop_and_never_on_one_that_went_nowhere() -> None:
    city = a_wanted_city(HERE, THERE, FAR)
    city.take(a_reading(1, HERE, START_MS), a_reading(2, THERE, START_MS + 20_000))
    city.take(a_reading(3, THERE, START_MS + 120_000), a_reading(4, FAR, START_MS + 121_000))
    told = tracks(city)[-1]
    assert [one["is_impossible"] for one in told["hops"]] == [False, False, True]
    assert told["reach_mps"] == pytest.approx(30.0, rel=1e-3)


def test_a_candidate_says_so_and_nobody_is_told_where_it_may_come_next_until_it_is_confirmed() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(
        a_reading(1, HERE, START_MS, plate=MISREAD), a_reading(2, THERE, START_MS + 60_000, plate=MISREAD)
    )
    told = tracks(city)[-1]
    assert [one["certainty"] for one in told["hits"]] == ["candidate", "candidate"]
    assert (told["agencies"], told["cameras_in_reach"], told["next_cameras"]) == ([], 0, [])
    city.take(an_action("confirm", told["situation_id"]))
    told = tracks(city)[-1]
    assert [one["certainty"] for one in told["hits"]] == ["hit", "hit"]
    assert [one["camera_id"] for one in told["next_cameras"]] == ["here"]
    assert told["agencies"] == ["112"]


def test_what_an_operator_confirms_is_the_plate_that_they_were_shown_and_no_other() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS, plate=TOKEN, confidence=0.4))
    city.take(a_reading(2, THERE, START_MS + 60_000, plate=MISREAD))
    city.take(an_action("confirm", tracks(city)[-1]["situation_id"]))
    assert [one["certainty"] for one in tracks(city)[-1]["hits"]] == ["candidate", "hit"]


def test_a_late_hit_makes_a_candidate_a_hit() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS + 60_000, plate=MISREAD), a_reading(2, THERE, START_MS))
    assert [one["certainty"] for one in tracks(city)[-1]["hits"]] == ["hit", "candidate"]
    assert city.the_situation()["kind"] == "wanted"
    assert city.the_situation()["agencies"] == ["112"]


def test_no_plate_stands_in_a_track_and_no_camera_is_granted_by_it() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS))
    told = tracks(city)[-1]
    assert TOKEN not in repr(told)
    assert [one["camera_id"] for one in told["next_cameras"]] == ["there"]
    assert [one["camera_id"] for one in city.grants_in_force()] == ["here"]


def test_it_is_over_with_its_situation_and_tells_nothing_of_the_way_any_more() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS), a_listing("12:05", is_listed=False))
    over = tracks(city)[-1]
    assert (over["status"], over["revision"], over["position"]) == ("over", 2, None)
    assert over["hits"] == over["hops"] == over["next_cameras"] == []


def test_it_is_over_where_the_rule_is_taken_out_of_the_citys_file() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS), Entry("rules", "demo.rules", 0, 0, rules().canonical()))
    assert [one["status"] for one in tracks(city)] == ["open", "over"]


def test_it_is_bounded_as_its_situation_is() -> None:
    city = a_wanted_city(HERE, THERE, evidence_max=3)
    for number in range(10):
        city.take(a_reading(number, (HERE, THERE)[number % 2], START_MS + number * 60_000))
    assert [int(one["event_id"]) for one in tracks(city)[-1]["hits"]] == [7, 8, 9]
    (situation,) = city.state.situations.values()
    assert situation.track is not None
    assert len(situation.track.hits) == 3


def test_a_situation_of_before_tracks_were_kept_has_one_with_its_next_hit() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS))
    (situation,) = city.state.situations.values()
    city.state.put(replace(situation, track=None))
    city.take(a_reading(2, THERE, START_MS + 60_000))
    told = tracks(city)[-1]
    assert [(one["camera_id"], one["certainty"]) for one in told["hits"]] == [
        ("here", "hit"),
        ("there", "hit"),
    ]
    assert told["hops"][0]["speed_mps"] == pytest.approx(10.0, rel=1e-3)


def test_what_changes_nothing_of_a_track_does_not_tell_it_again() -> None:
    city = a_wanted_city(HERE, THERE)
    city.take(a_reading(1, HERE, START_MS))
    said: list[Event] = city.take(an_action("note", tracks(city)[-1]["situation_id"]))
    assert [one.topic for one in said if one.topic == "core.situation"]
    assert [one.topic for one in said if one.topic == "core.track"] == []
