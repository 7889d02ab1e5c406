"""Cameras: from a list of devices, and generated."""

from __future__ import annotations

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from connectors.simulation.chance import moved
from schemas.errors import Fatal, Retriable
from streams.geo import distance_m

DAEJEON = SourceContext("daejeon", "cameras", ZoneInfo("Asia/Seoul"), Bounds(36.18, 127.24, 36.51, 127.56))
HEADING = "분류명,번호,예전주소,현재주소,경도,위도,업데이트일시\r\n".encode("cp949")


def hears(*rows: str | bytes) -> Reading:
    lines = [row if isinstance(row, bytes) else row.encode("cp949") for row in rows]
    body = HEADING + b"".join(line + b"\r\n" for line in lines)
    return load_source("daejeon_devices", DAEJEON, {"path": "nowhere.csv"}).read(Heard(body, None), {})


def test_a_camera_is_told_and_a_bus_terminal_is_counted() -> None:
    reading = hears(
        "30200CTVPOC1,어귀,,,127.4,36.3,2015-05-19 11:36:32",
        "30200BITBIT2,정류장,,,127.4,36.3,2015-05-19 11:36:32",
    )
    (camera,) = reading.events
    assert camera.value
    assert camera.value["purposes"] == ["crime-prevention"]
    assert camera.value["event_time"] == 1_432_002_992_000, "11:36:32 in Korea is 02:36:32 UTC"
    assert reading.skipped == {"bus information terminal": 1}


def test_nought_nought_is_no_place_and_outside_the_city_is_set_aside_whatever_it_is() -> None:
    outside = "30200CTVPOC2,먼 곳,,,172.4,36.3,2015-05-19 11:36:32"
    meter = "MTRDJD3,수위,,,126.8,37.5,2015-05-19 11:36:32"
    reading = hears("30200CTVPOC1,어귀,,,0,0,2015-05-19 11:36:32", outside, meter)
    assert [event.value and event.value["position"] for event in reading.events] == [None]
    assert [aside.original.decode("cp949") for aside in reading.aside] == [outside, meter]


def test_a_bad_row_spoils_no_other() -> None:
    good = "30200CTVPOC9,어귀,,,127.4,36.3,2015-05-19 11:36:32"
    for bad in (
        b"30200CTVPOC1,\xff\xff,,,127.4,36.3,2015-05-19 11:36:32",
        b"30200CTVPOC1,a,,,127.4,36.3",
        b",a,,,127.4,36.3,2015-05-19 11:36:32",
        b"30200CTVPOC1,a,,,east,36.3,2015-05-19 11:36:32",
        b"30200CTVPOC1,a,,,127.4,36.3,yesterday",
        b"no class,a,,,127.4,36.3,2015-05-19 11:36:32",
    ):
        reading = hears(good, bad, good.replace("POC9", "POC8"))
        assert [event.key for event in reading.events] == ["30200CTVPOC9", "30200CTVPOC8"]
        assert [aside.original for aside in reading.aside] == [bad]


def test_a_quoted_cell_may_hold_commas_and_line_ends() -> None:
    reading = hears('30200CTVPOC1,"어귀, 큰\r\n길","a ""b""",,127.4,36.3,2015-05-19 11:36:32')
    assert [event.value and event.value["name"] for event in reading.events] == ["어귀, 큰\r\n길"]


def test_a_camera_of_an_unknown_class_has_no_purpose() -> None:
    reading = hears("30200CTVNEW1,어귀,,,127.4,36.3,2015-05-19 11:36:32")
    assert [event.value and event.value["purposes"] for event in reading.events] == [[]]
    assert reading.noted == {"camera class unknown: CTVNEW": 1}


def test_a_list_without_a_path_is_only_played_and_one_not_there_yet_may_come(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="neither url nor path"):
        asyncio.run(load_source("daejeon_devices", DAEJEON, {}).poll({}))  # type: ignore[union-attr]  # it is polled
    late = load_source("daejeon_devices", DAEJEON, {"path": str(tmp_path / "late.csv")})
    with pytest.raises(Retriable, match="late"):
        asyncio.run(late.poll({}))  # type: ignore[union-attr]  # as above


def generated(**config: object) -> list[dict[str, object]]:
    source = load_source("generated_cameras", DAEJEON, config)
    reading = source.read(asyncio.run(source.poll({})), {})  # type: ignore[union-attr]  # it is polled
    return [dict(event.value or {}) for event in reading.events]


def test_generated_cameras_are_the_same_for_ever_say_so_and_stand_in_the_city() -> None:
    cameras = generated(seed=5, count=200, share_dead=0.5)
    assert cameras == generated(seed=5, count=200, share_dead=0.5)
    assert cameras[0]["position"] == {"lat": 36.385558, "lon": 127.477372, "accuracy_m": None}
    assert all(camera["generated"] for camera in cameras)
    assert 60 < sum(camera["status"] == "faulty" for camera in cameras) < 140
    for camera in cameras:
        at = camera["position"]
        assert isinstance(at, dict)
        assert DAEJEON.bounds.holds(at["lat"], at["lon"])


def test_generated_cameras_stand_around_the_spots_named() -> None:
    spot = {"lat": 36.35, "lon": 127.38, "radius_m": 500}
    for camera in generated(seed=5, count=50, around=[spot]):
        at = camera["position"]
        assert isinstance(at, dict)
        assert abs(at["lat"] - 36.35) < 0.0046
        assert abs(at["lon"] - 127.38) < 0.0057


MIDDLE = {"name": "Middle", "lat": 36.35, "lon": 127.38, "radius_m": 2_000, "count": 50}


def test_generated_cameras_of_a_disc_bear_its_name_and_leave_no_gap_in_it() -> None:
    cameras = generated(seed=5, discs=[MIDDLE, {**MIDDLE, "name": "South", "lat": 36.25, "count": 7}])
    assert [str(camera["name"]).split(", ")[1] for camera in cameras] == ["Middle"] * 50 + ["South"] * 7
    spots = [(at["lat"], at["lon"]) for camera in cameras[:50] if isinstance(at := camera["position"], dict)]
    middle = (36.35, 127.38)
    assert all(distance_m(*middle, *spot) <= 2_000 for spot in spots)
    # 50 in a disc of 2 km: a mean area of 0.25 km² each, of which no point is farther than 450 m from one
    for east in range(-18, 19):
        for north in range(-18, 19):
            at = moved(*middle, north_m=north * 100, east_m=east * 100)
            if distance_m(*middle, *at) <= 1_800:
                assert min(distance_m(*at, *spot) for spot in spots) < 450


@pytest.mark.parametrize("beside", [{"count": 10}, {"around": [{"lat": 36.35, "lon": 127.38}]}])
def test_a_count_beside_discs_is_refused_for_it_would_not_be_heeded(beside: dict[str, object]) -> None:
    with pytest.raises(Fatal, match="would not be heeded"):
        generated(discs=[MIDDLE], **beside)
