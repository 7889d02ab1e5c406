"""A drone is a camera that moves: offered by its footprint or its reach, granted under its mission's notice, and not through
a zone that forbids it."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.rows import RowCodec
from streams.situations.entry import Entry
from streams.situations.fold import CityState
from streams.situations.model import Camera, Moving, Position
from streams.situations.reports.drones import away_m, holds, is_news_of
from tests.unit.situations.a_city import City, a_camera, a_city, a_tick, an_incident, at, place, rules
from tests.unit.situations.test_zones import GROUND, a_zone

POLICE = "crime-prevention"


def a_mission(clock: str = "11:50", *, source: str = "missions", **changed: Any) -> Entry:
    value = {
        "event_id": f"mission {clock}",
        "source": source,
        "event_time": at(clock),
        "received_time": at(clock),
        "position": None,
        "mission_id": "m-7",
        "drone_id": "patrol-1",
        "agency": "112",
        "status": "active",
        "notice_id": "notice-31",
        "legal_ground": "statute",
        "purposes": [POLICE],
        "registration": None,
        "pilot": None,
        "area": None,
        "video_ref": "patrol-1",
        "cruise_mps": 10.0,
        "endurance_s": 1_800.0,
        "starts_at": None,
        "ends_at": None,
        **changed,
    }
    return Entry("place", "demo.drone.mission", 0, 0, value)


def a_footprint(clock: str = "11:59", *, north_m: float = 0, half_m: float = 100, east_m: float = 0) -> Entry:
    corners = [(half_m, -half_m), (half_m, half_m), (-half_m, half_m), (-half_m, -half_m)]
    places = [place(north_m + north, east_m + east) for north, east in corners]
    value = {
        "event_id": f"footprint {clock}",
        "source": "video",
        "event_time": at(clock),
        "received_time": at(clock),
        "position": place(north_m, east_m),
        "drone_id": "patrol-1",
        "corners": [{"lat": one["lat"], "lon": one["lon"]} for one in places],
        "centre": None,
        "error_m": None,
        "origin": "offsets",
        "slant_range_m": None,
        "camera_height_m": None,
        "video_ref": "patrol-1",
        "mission_id": "m-7",
    }
    return Entry("evidence", "demo.drone.footprint", 0, 0, value)


def flying(*entries: Entry, **changed: Any) -> City:
    return a_city(a_tick("11:50"), *entries, **changed)


def cameras(city: City) -> list[tuple[str, int, float]]:
    return [
        (one["camera_id"], one["rank"], round(one["distance_m"])) for one in city.the_situation()["cameras"]
    ]


def test_an_incident_in_the_footprint_offers_the_drone_beside_fixed_cameras_by_distance() -> None:
    city = flying(
        a_camera("near", where=place(30)),
        a_camera("far", where=place(400)),
        a_mission(),
        a_footprint(north_m=200, half_m=300),
        an_incident("P1", kind="crime.robbery", where=place(0)),
    )
    assert cameras(city) == [("near", 1, 30), ("patrol-1", 2, 200), ("far", 3, 400)]
    grant = next(one for one in city.grants_in_force() if one["camera_id"] == "patrol-1")
    assert (grant["notice_id"], grant["granted_to"], grant["purpose"]) == ("notice-31", "112", POLICE)
    assert {one["notice_id"] for one in city.grants_in_force() if one["camera_id"] != "patrol-1"} == {None}
    codec = RowCodec(load_catalogue()["core.grant"].newest)
    assert codec.decode(codec.encode(grant)) == grant


@pytest.mark.parametrize(
    ("said", "away", "offered"),
    [
        ({}, 1_199, True),
        ({}, 1_201, False),
        ({"cruise_mps": 20.0}, 2_399, True),
        ({"cruise_mps": None}, 50, False),
        ({"endurance_s": 600.0}, 599, True),  # 540 s of them flown at 11:59
        ({"endurance_s": 600.0}, 601, False),
        ({"endurance_s": None}, 1_199, True),
        ({"notice_id": None}, 10, False),
        ({"notice_id": " "}, 10, False),
        ({"purposes": ["fire-safety"]}, 10, False),
        ({"status": "planned"}, 10, False),
        ({"status": "ended"}, 10, False),
    ],
)
def test_a_drone_serves_what_it_reaches_in_two_minutes_with_its_battery_and_its_notice(
    said: dict[str, Any], away: float, offered: bool
) -> None:
    city = flying(
        a_mission(**said),
        a_footprint(north_m=5_000, half_m=20),
        an_incident("P1", kind="crime.robbery", where=place(5_000 + away + 0.5)),
    )
    assert [one[0] for one in cameras(city)] == (["patrol-1"] if offered else [])
    assert len(city.grants_in_force()) == offered


def test_no_drone_is_sent_through_a_zone_that_forbids_it() -> None:
    numbers = {**GROUND, "drones": {"patrol-1": "own"}}
    cases: list[tuple[dict[str, Any], int]] = [
        ({}, 0),
        ({"allowed_ids": ["patrol-1"]}, 1),
        ({"allowed_classes": ["own_drone"]}, 1),
    ]
    for said, offered in cases:
        city = City(rules(others=[{"name": "zone", "numbers": numbers}]))
        city.take(
            a_tick("11:50"),
            a_zone(**said),  # a square of 2 km around the middle, between the drone and the incident
            a_mission(cruise_mps=30.0),
            a_footprint(north_m=-1_200, half_m=20),
            an_incident("P1", kind="crime.robbery", where=place(1_200)),
        )
        found = next(one for one in city.live() if one["rule"] == "joint-incident")
        assert len(found["cameras"]) == offered, said


def test_a_drone_that_comes_and_goes_opens_and_ends_its_grant() -> None:
    city = flying(a_mission(), an_incident("P1", kind="crime.robbery"))
    assert not city.grants_in_force()
    city.take(a_footprint("12:00:05"))
    assert len(city.grants_in_force()) == 1
    city.take(a_footprint("12:00:10", north_m=3_000))
    (grant,) = city.grants().values()
    assert grant["revoked_at"] is not None


@pytest.mark.parametrize(
    ("said", "tick", "reason"),
    [
        ({}, "12:01:06", "the camera is silent"),
        ({"ends_at": at("12:00:30")}, "12:00:30", "the camera is not flying"),
    ],
)
def test_a_drone_that_is_silent_or_whose_time_is_up_is_no_camera(
    said: dict[str, Any], tick: str, reason: str
) -> None:
    city = flying(a_mission(**said), an_incident("P1", kind="crime.robbery"), a_footprint("12:00:05"))
    city.take(a_tick("12:00:29"))
    assert len(city.grants_in_force()) == 1
    city.take(a_tick(tick))
    (grant,) = city.grants().values()
    assert grant["reason"] == reason and grant["revoked_at"] is not None
    if not said:
        city.take(a_footprint("12:02"))
        assert len(city.grants_in_force()) == 1, "heard again, it serves again"


def test_an_ended_mission_ends_its_grants() -> None:
    city = flying(a_mission(), an_incident("P1", kind="crime.robbery"), a_footprint("12:00:05"))
    city.take(a_mission("12:00:20", status="ended"))
    assert not city.grants_in_force()


def test_only_the_source_of_a_mission_revises_it_and_an_older_footprint_says_nothing() -> None:
    city = flying(a_mission(), a_footprint("11:59"))
    with pytest.raises(Invalid):
        city.take(a_mission("11:59:30", source="somebody"))
    city.take(a_footprint("11:58", north_m=9_000))
    camera = city.state.cameras.get("patrol-1")
    assert camera is not None and camera.position is not None
    assert camera.position.lat == place(0)["lat"]


def test_a_footprint_is_news_when_it_is_old_or_far() -> None:
    city = flying(a_mission(), a_footprint("11:59"))
    for later, north_m, is_news in (("11:59:01", 10, False), ("11:59:01", 60, True), ("11:59:06", 0, True)):
        value = a_footprint(later, north_m=north_m).value
        assert is_news_of(city.state.cameras, value) is is_news
    stranger = {**a_footprint("11:59:06").value, "video_ref": "other", "drone_id": "other"}
    assert not is_news_of(city.state.cameras, stranger)


def test_a_restart_keeps_the_drones() -> None:
    city = flying(a_mission(), a_footprint("11:59"))
    rows = {event.key: event.value for event in city.said if event.topic == "core.state"}
    again = CityState.from_records(city.config, rows.items())
    assert again.cameras.cameras == city.state.cameras.cameras
    assert again.cameras.moving == city.state.cameras.moving


def test_footprints_and_reach_equal_brute_force() -> None:
    chance = random.Random(7)
    for _ in range(3_000):
        corners = [(chance.uniform(-300, 300), chance.uniform(-300, 300)) for _ in range(4)]
        middle = (sum(c[0] for c in corners) / 4, sum(c[1] for c in corners) / 4)
        corners.sort(key=lambda c: math.atan2(c[0] - middle[0], c[1] - middle[1]))
        spot = (chance.uniform(-300, 300), chance.uniform(-300, 300))
        ring = tuple((one["lat"], one["lon"]) for one in (place(*corner) for corner in corners))
        where = Position(place(*spot)["lat"], place(*spot)["lon"])
        assert holds(ring, where) is (abs(_winding(corners, spot)) > 0.5)
        speed, left = chance.choice((0.0, 5.0, 15.0)), chance.choice((None, 10.0, 500.0))
        moving = Moving("d", "m", "n", 0, speed, left, seen_at=1, footprint=())
        camera = Camera("d", Position(place()["lat"], place()["lon"]), (), "ok", "s", moving)
        reach = speed * min(120.0, 120.0 if left is None else left - 0.001)
        found = away_m(camera, where, lambda *_: False)
        away = math.hypot(*spot)
        if abs(away - reach) > 1:
            assert (found is not None) is (speed > 0 and away < reach)


def _winding(corners: list[tuple[float, float]], spot: tuple[float, float]) -> float:
    """Turns around *spot*, by the sum of angles: another way than counting crossings."""
    total = 0.0
    for number, corner in enumerate(corners):
        last = corners[number - 1]
        one = math.atan2(corner[0] - spot[0], corner[1] - spot[1])
        other = math.atan2(last[0] - spot[0], last[1] - spot[1])
        total += (one - other + math.pi) % (2 * math.pi) - math.pi
    return total / (2 * math.pi)


def test_a_drone_that_only_flies_on_makes_no_revision_and_one_that_overtakes_does() -> None:
    city = flying(
        a_camera("near", where=place(100)),
        a_mission(),
        a_footprint("11:59", north_m=300, half_m=2_000),
        an_incident("P1", kind="crime.robbery"),
    )
    assert cameras(city) == [("near", 1, 100), ("patrol-1", 2, 300)]
    grants = len(city.all("core.grant"))
    city.take(
        a_footprint("12:00:10", north_m=200, half_m=2_000), a_footprint("12:00:20", north_m=150, half_m=2_000)
    )
    assert city.the_situation()["revision"] == 1
    assert len(city.all("core.grant")) == grants
    city.take(a_footprint("12:00:30", north_m=50, half_m=2_000))
    assert cameras(city) == [("patrol-1", 1, 50), ("near", 2, 100)]
    city.take(a_footprint("12:00:40", north_m=60, half_m=2_000))
    assert city.the_situation()["revision"] == 2
