"""ED-269 and ED-318: the two published samples by a table made by hand, planted contacts, hours, circles, bad values."""

from __future__ import annotations

import copy
import json
import math
import random
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.formats.areas import distance_m
from connectors.sources import ed269_zones, ed318_zones

NOON = round(datetime(2026, 3, 8, 12, tzinfo=UTC).timestamp() * 1000)
SWISS = Bounds(45.0, 5.0, 48.0, 11.0)


def read(body: bytes, *, form: Any = ed269_zones, bounds: Bounds = SWISS, **config: Any) -> Reading:
    context = SourceContext("bern", "zones", ZoneInfo("Europe/Zurich"), bounds)
    reading: Reading = form.SOURCE(context, form.Config(**config)).read(Heard(body, NOON), {})
    return reading


def values(reading: Reading) -> list[Any]:
    return [event.value for event in reading.events]


def a_zone(**changed: Any) -> dict[str, Any]:
    return {
        "identifier": "Z1",
        "country": "CHE",
        "name": "Elm",
        "type": "COMMON",
        "restriction": "PROHIBITED",
        "reason": ["NATURE"],
        "applicability": [{"permanent": "YES"}],
        "geometry": [a_part()],
        **changed,
    }


def a_part(**changed: Any) -> dict[str, Any]:
    ring = [[7.0, 46.0], [7.1, 46.0], [7.1, 46.1], [7.0, 46.0]]
    return {
        "uomDimensions": "M",
        "lowerLimit": 0,
        "lowerVerticalReference": "AGL",
        "upperLimit": 100,
        "upperVerticalReference": "AMSL",
        "horizontalProjection": {"type": "Polygon", "coordinates": [ring]},
        **changed,
    }


def one(**changed: Any) -> Any:
    reading = read(orjson.dumps({"UASZoneList": [a_zone(**changed)]}))
    assert not reading.aside, reading.aside
    return values(reading)[0]


def daily(start: str | None, end: str | None, *days: str, **period: Any) -> Any:
    when = {
        "permanent": "YES",
        **period,
        "dailyPeriod": [{"day": list(days), "startTime": start, "endTime": end}],
    }
    return one(applicability=[when])["hours"]


FIELDS = ("zone_id", "name", "kind", "sense", "floor_m", "floor_reference", "ceiling_m", "hours", "parent_id")
GOLDEN: list[Any] = [  # as the two files have it, read by eye
    (ed269_zones, "cis_source_sample_ed269.json", [
        ("LSXX", "LSXX City Sample", "REQ_AUTHORISATION", "exclusion", 0.0, "above_ground", None, [], None),
    ]),
    (ed318_zones, "cis_source_sample_ed318.json", [
        ("LSZB003", "LSZB Bern-Belp 2", "REQ_AUTHORIZATION", "exclusion", 60.0, "above_ground", None, [], None),
        ("BLns058", "Protected natural object Langmatt", "REQ_AUTHORIZATION",
         "exclusion", 0.0, "above_ground", None, [], None),
        ("LSTB002", "LSTB Bellechasse (Airport perimeter)", "REQ_AUTHORIZATION",
         "exclusion", 0.0, "above_ground", None, [], None),
    ]),
]  # fmt: skip


@pytest.mark.parametrize(("form", "name", "expected"), GOLDEN)
def test_the_published_samples(form: Any, name: str, expected: list[Any], data_dir: Path) -> None:
    reading = read((data_dir / "drone/geo_zones" / name).read_bytes(), form=form)
    assert not reading.aside
    assert [tuple(value[field] for field in FIELDS) for value in values(reading)] == expected
    for value in values(reading):
        assert value["applies_to"] == ["drone"]
        assert (value["starts_at"], value["ends_at"], value["simplified_error_m"]) == (None, None, None)
    told = orjson.dumps(values(reading)).decode()
    for contact in ("@", "http", "phone", "0041", "+41", "Petri", "Supervisor", "P10DT00H", "SFO", "leiter"):
        assert contact not in told, contact


CONTACTS = {
    "email": "mel@planted.example",
    "phone": "+41 99 111 22 33",
    "siteURL": "https://planted.example/a",
    "contactName": "Planted Person",
    "intervalBefore": "P77DT",
    "service": "Planted Service",
    "purpose": "PLANTED",
}


def test_contacts_reach_no_event() -> None:
    text = "Ask mel@planted.example, www.planted.example/x or +41 99 111 22 33 at once"
    zone = a_zone(
        zoneAuthority=[{"name": f"Elm tower {CONTACTS['email']}", **CONTACTS}],
        restrictionConditions=text,
        message="planted message",
        extendedProperties=CONTACTS,
        **CONTACTS,
    )
    (value,) = values(read(orjson.dumps({"UASZoneList": [zone]})))
    told = orjson.dumps(value).decode().lower()
    assert "elm tower" in told and "at once" in told
    for planted in ("planted", "99 111", "p77dt"):
        assert planted not in told, planted


@pytest.mark.parametrize(
    ("said", "expected"),
    [  # limit, reference, unit → metres, reference; a foot is 0.3048 m
        ((400, "AGL", "FT"), (121.92, "above_ground")),
        (("120", "AMSL", "M"), (120.0, "above_sea")),
        ((120, "WGS84", "M"), (120.0, "above_wgs84")),
        ((99999, "AGL", "FT"), (None, None)),
        ((None, "AGL", "M"), (None, None)),
        ((50, "XYZ", "M"), (50.0, None)),
    ],
)
def test_limits(said: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    part = a_part(upperLimit=said[0], upperVerticalReference=said[1], uomDimensions=said[2])
    value = one(geometry=[part])
    assert (value["ceiling_m"], value["ceiling_reference"]) == expected


def test_several_geometries_are_zones_with_one_parent() -> None:
    reading = read(orjson.dumps({"UASZoneList": [a_zone(geometry=[a_part(), a_part(lowerLimit=50)])]}))
    assert [(v["zone_id"], v["parent_id"], v["floor_m"]) for v in values(reading)] == [
        ("Z1#1", "Z1", 0.0),
        ("Z1#2", "Z1", 50.0),
    ]


def test_a_circle_is_within_its_polygon() -> None:
    circle = {"type": "Circle", "center": [7.5, 46.9], "radius": 3000}
    value = one(geometry=[a_part(horizontalProjection=circle)])
    (ring,) = json.loads(value["geometry"])["coordinates"]
    edges = [
        ((1 - part) * a[1] + part * b[1], (1 - part) * a[0] + part * b[0])
        for a, b in pairwise(ring)
        for part in (0, 0.25, 0.5, 0.75)
    ]
    away = [distance_m((46.9, 7.5), at) for at in edges]
    assert min(away) >= 3000 and max(away) <= 3000 + value["simplified_error_m"] < 3100


def test_a_circle_on_the_equator_is_within_its_polygon_on_the_ellipsoid() -> None:
    """Where a degree of latitude is shortest: 110,574.28 m, and one of longitude 111,319.49 m (WGS-84)."""
    circle = {"type": "Circle", "center": [7.5, 0.0], "radius": 3000}
    body = orjson.dumps({"UASZoneList": [a_zone(geometry=[a_part(horizontalProjection=circle)])]})
    (value,) = values(read(body, bounds=Bounds(-1.0, 7.0, 1.0, 8.0)))
    (ring,) = json.loads(value["geometry"])["coordinates"]
    middles = [((a[0] + b[0]) / 2 - 7.5, (a[1] + b[1]) / 2) for a, b in pairwise(ring)]
    away = [math.hypot(lon * 111_319.49, lat * 110_574.28) for lon, lat in middles]
    assert min(away) >= 3000 and max(away) <= 3000 + value["simplified_error_m"]


def test_hours() -> None:
    def span(begin: str, end: str, *days: str) -> dict[str, Any]:
        return {"days": list(days), "from": begin, "until": end}

    # of a zone without a start: winter is UTC+1, summer UTC+2
    assert daily("07:00:00Z", "15:30:00Z", "MON") == [
        span("08:00", "16:30", "monday"),
        span("09:00", "17:30", "monday"),
    ]
    begun = {"permanent": "NO", "startDateTime": "2026-07-01T00:00:00Z"}
    assert daily("07:00:00Z", "15:30:00Z", **begun) == [span("09:00", "17:30")]
    # 23:00 UTC on Sunday is 01:00 on Monday in summer; 00:30 at +05:00 is 21:30 the day before
    assert daily("23:00Z", "23:30Z", "SUN", **begun) == [span("01:00", "01:30", "monday")]
    assert daily("00:30+05:00", "02:00+05:00", "MON", **begun) == [span("21:30", "23:00", "sunday")]
    assert daily("22:00-05:00", "23:00-05:00", "MON", **begun) == [span("05:00", "06:00", "tuesday")]
    assert daily("22:00:00", "06:00:00", "FRI", "SAT") == [span("22:00", "06:00", "friday", "saturday")]
    assert daily("08:00", "23:59:59", "ANY") == [span("08:00", "24:00")]
    assert daily("00:00Z", "24:00Z") == daily(None, None) == []
    assert daily(None, None, "SAT") == [span("00:00", "24:00", "saturday")]


def test_several_periods_are_never_told_too_short() -> None:
    first = {
        "permanent": "NO",
        "startDateTime": "2026-03-01T00:00:00Z",
        "endDateTime": "2026-04-01T00:00:00Z",
    }
    then = {"permanent": "NO", "startDateTime": "2026-05-01T00:00:00Z", "endDateTime": "2026-06-01T00:00:00Z"}
    value = one(applicability=[then, first])
    assert (value["starts_at"], value["ends_at"]) == (1_772_323_200_000, 1_780_272_000_000)
    value = one(applicability=[first, {"permanent": "YES"}])
    assert (value["starts_at"], value["ends_at"]) == (None, None)


def test_a_setting_says_the_sense_of_a_restriction() -> None:
    assert one(restriction="CONDITIONAL")["sense"] == "none"
    body = orjson.dumps({"UASZoneList": [a_zone(restriction="REQ_AUTHORIZATION")]})
    assert values(read(body))[0]["sense"] == "exclusion"
    (value,) = values(read(body, senses={"REQ_AUTHORISATION": "none"}, applies_to=["drone", "balloon"]))
    assert (value["sense"], value["applies_to"]) == ("none", ["drone", "balloon"])


def test_zones_of_the_rest_of_the_country_are_counted() -> None:
    reading = read(orjson.dumps({"UASZoneList": [a_zone()]}), bounds=Bounds(47.0, 8.0, 48.0, 9.0))
    assert (reading.events, reading.aside, reading.skipped) == ([], [], {"outside the city": 1})


def test_no_value_of_any_field_raises() -> None:
    chance = random.Random(5)
    wrong: list[Any] = [
        None,
        "",
        "x",
        0,
        -1,
        1e300,
        True,
        [],
        {},
        [[]],
        [None],
        {"type": 7},
        "25:00Z",
        "9" * 40,
        [{"a": 1}],
    ]
    whole = a_zone(
        zoneAuthority=[{"name": "Elm"}],
        applicability=[{"permanent": "NO", "startDateTime": "2026-03-01T00:00:00Z", "dailyPeriod": [{}]}],
        geometry=[
            a_part(),
            a_part(horizontalProjection={"type": "Circle", "center": [7.5, 46.9], "radius": 9}),
        ],
    )
    for form in (ed269_zones, ed318_zones):
        for _ in range(200):
            zone = copy.deepcopy(whole)
            if chance.random() < 0.5:
                zone = {"type": "Feature", "properties": zone, "geometry": zone.pop("geometry")}
            node: Any = zone
            while True:
                keys = list(node) if isinstance(node, dict) else list(range(len(node)))
                key = chance.choice(keys)
                if isinstance(node[key], dict | list) and node[key] and chance.random() < 0.8:
                    node = node[key]
                    continue
                node[key] = chance.choice(wrong)
                break
            reading = read(orjson.dumps({"features": [zone]}), form=form)
            assert len(reading.events) + len(reading.aside) + sum(reading.skipped.values()) >= 1
            for value in values(reading):
                assert value["ceiling_m"] is None or math.isfinite(value["ceiling_m"])
