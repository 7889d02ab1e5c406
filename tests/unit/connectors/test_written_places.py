"""Places as lists write them: each way by its setting, and none guessed."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import BadConfig, load_source, read_config
from connectors.formats.positions import PlaceForm
from connectors.formats.projections import to_degrees
from schemas.errors import Invalid
from tests.unit.connectors.by_hand import SYSTEMS, grid_of

TAEAN = SourceContext("taean", "list", ZoneInfo("Asia/Seoul"), Bounds(36.4, 126.1, 36.9, 126.5))
WORLD = SourceContext("world", "list", ZoneInfo("UTC"), Bounds(-90, -180, 90, 180))
ROWS = {
    "domain": "civil",
    "agency": "disaster-room",
    "columns": {"case_no": "no", "time": "at", "kind_text": "what", "lat": "y", "lon": "x"},
}
PLACES = {"becomes": "site", "kind": "works", "columns": {"id": "no", "time": "at", "lat": "y", "lon": "x"}}


def csv_of(*places: tuple[str, str]) -> bytes:
    text = io.StringIO()
    rows = [
        (f"T-{number}", "2026-07-03T08:00:00+09:00", "침수", *place) for number, place in enumerate(places, 1)
    ]
    csv.writer(text).writerows([("no", "at", "what", "y", "x"), *rows])
    return text.getvalue().encode()


def heard(type_name: str, body: bytes, **settings: Any) -> Reading:
    base = ROWS if type_name == "mapped_rows" else PLACES
    return load_source(type_name, TAEAN, {**base, **settings}).read(Heard(body, None), {})


def places(reading: Reading) -> list[tuple[float, float] | None]:
    found = [(event.value or {})["position"] for event in reading.events]
    return [None if one is None else (round(one["lat"], 6), round(one["lon"], 6)) for one in found]


BOTH = pytest.mark.parametrize("type_name", ["mapped_rows", "mapped_places"])
MINUTES = ("36°44'42.0\u2033N", "126°17'52.8\u2033E")
HERE = (36.745, 126.298)
ROWS_OF_ALL = [
    ("36.745", "126.298"),
    MINUTES,
    ("126.298", "36.745"),
    ("360944.05", "137305.31"),
    ("3_6", "12_6"),
]


@BOTH
def test_without_a_setting_only_degrees_are_read_and_each_reason_names_the_setting(type_name: str) -> None:
    reading = heard(type_name, csv_of(*ROWS_OF_ALL))
    assert places(reading) == [HERE]
    reasons = [one.reason for one in reading.aside]
    assert ['coordinates = "dms"' in one for one in reasons] == [True, False, False, False]
    assert ['axes = "lon lat"' in one for one in reasons] == [False, True, False, False]
    assert ['coordinates = "EPSG:…"' in one for one in reasons] == [False, False, True, False]
    assert reasons[3] == "position.lat is not a number"


@BOTH
@pytest.mark.parametrize(
    ("settings", "read"),
    [
        ({"coordinates": "dms"}, 2),
        ({"axes": "lon lat"}, 3),
        ({"coordinates": "EPSG:5181"}, 4),
    ],
)
def test_a_setting_reads_what_it_says_and_nothing_else(
    type_name: str, settings: dict[str, Any], read: int
) -> None:
    reading = heard(type_name, csv_of(*ROWS_OF_ALL), **settings)
    assert [(event.value or {}).get("agency_case_no", event.key) for event in reading.events] == [f"T-{read}"]
    (place,) = places(reading)
    assert place == pytest.approx(HERE, abs=2e-6)
    assert [one.number for one in reading.aside] == [number for number in range(5) if number != read - 1]


@BOTH
def test_full_width_digits_are_named_by_their_setting_and_read_by_it_in_every_form(type_name: str) -> None:
    wide = {ord(one): ord(one) + 0xFEE0 for one in "0123456789.'-"}
    for form, place in (("degrees", ("36.745", "126.298")), ("dms", ("36-44-42.0", "126°17'52.8\"E"))):
        body = csv_of((place[0].translate(wide), place[1].translate(wide)))
        (aside,) = heard(type_name, body, coordinates=form).aside
        assert aside.reason == 'position.lat has full-width digits (digits = "full-width" reads them)'
        assert places(heard(type_name, body, coordinates=form, digits="full-width")) == [HERE]


@BOTH
def test_axes_are_of_every_form(type_name: str) -> None:
    turned = [place[::-1] for place in (MINUTES, ("360944.05", "137305.31"))]
    for place, form in zip(turned, ("dms", "EPSG:5181"), strict=True):
        assert not heard(type_name, csv_of(place), coordinates=form).events
        (read,) = places(heard(type_name, csv_of(place), coordinates=form, axes="lon lat"))
        assert read == pytest.approx(HERE, abs=2e-6)


def test_easting_before_northing_is_named_by_its_setting() -> None:
    (aside,) = heard("mapped_rows", csv_of(("137305.31", "360944.05")), coordinates="EPSG:5181").aside
    assert 'axes = "lon lat"' in aside.reason


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("36°21'04.1\"N", 36 + 21 / 60 + 4.1 / 3600),
        ("N 36° 21′ 04.1″", 36 + 21 / 60 + 4.1 / 3600),
        ("36-21-04.1", 36 + 21 / 60 + 4.1 / 3600),
        ("36:21:04.1", 36 + 21 / 60 + 4.1 / 3600),
        ("36 21 04.1", 36 + 21 / 60 + 4.1 / 3600),
        ("36도 21분 4초", 36 + 21 / 60 + 4 / 3600),
        ("36º21’04”n", 36 + 21 / 60 + 4 / 3600),
        ("36°21''", None),
        ("36°21'4''", 36 + 21 / 60 + 4 / 3600),
        ("36°21.5'", 36 + 21.5 / 60),
        ("0°30'00\"S", -0.5),
        ("-0-30-00", -0.5),
        ("-33°52'10\"", -(33 + 52 / 60 + 10 / 3600)),
        ("36.35", None),
        ("36°", None),
        ("362104", None),
        ("36-21", None),
        ("36-21:04", None),
        ("36°60'00\"", None),
        ("36°21'60\"", None),
        ("36°21.5'30\"", None),
        ("36°21'04\"E", None),
        ("-36°21'04\"N", None),
        ("N36°21'04\"N", None),
        ("S36°21'04\"N", None),
        ("90°00'01\"", None),
        ("３６-２１-０４", None),
        ("3_6-21-04", None),
        ("١٢-21-04", None),
        ("36-21-04.1 or so", None),
    ],
)
def test_degrees_minutes_and_seconds(text: str, degrees: float | None) -> None:
    form = PlaceForm("dms")
    if degrees is None:
        with pytest.raises(Invalid):
            form.position(WORLD, text, "127-00-00")
    else:
        assert (form.position(WORLD, text, "127-00-00W") or {})["lat"] == pytest.approx(degrees, abs=1e-12)


@pytest.mark.parametrize(
    ("text", "form", "place"),
    [
        ("POINT(36.745 126.298)", "degrees", HERE),
        ("point z (36.745 126.298 12)", "degrees", HERE),
        ("SRID=4326;POINT(36.745 126.298)", "degrees", HERE),
        ("[36.745; 126.298]", "degrees", HERE),
        ("36.745,126.298", "degrees", HERE),
        ("(36°44'42\" N, 126°17'52.8\" E)", "dms", HERE),
        ("360944.05, 137305.31", "EPSG:5181", HERE),
        ("36.745S 126.298E", "degrees", None),
        ("36.745 126.298W", "degrees", None),
        ("LINESTRING(36.745 126.298)", "degrees", None),
    ],
)
def test_a_point_is_read_whole_and_no_letter_of_it_is_dropped(
    text: str, form: str, place: tuple[float, float] | None
) -> None:
    columns = {"case_no": "no", "time": "at", "kind_text": "what", "point": "y"}
    reading = heard("mapped_rows", csv_of((text, "")), columns=columns, coordinates=form)
    if place is None:
        assert [one.field for one in reading.aside] in (["position.lat"], ["position.lon"], ["position"])
    else:
        assert places(reading) == [pytest.approx(place, abs=2e-6)]


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize("place", [(36.350412, 127.384548), (37.5665, 126.978), (33.4996, 126.5312)])
def test_an_epsg_system_agrees_with_the_formulas_by_hand(name: str, place: tuple[float, float]) -> None:
    lat, lon = to_degrees(name)(*grid_of(name, *place))
    off_m = max(abs(lat - place[0]), abs(lon - place[1])) * 111_320
    assert off_m < SYSTEMS[name].agrees_m


@pytest.mark.parametrize(
    ("name", "north", "east", "place"),
    [
        ("EPSG:5179", 2_000_000, 1_000_000, (38.0, 127.5)),
        ("EPSG:5181", 500_000, 200_000, (38.0, 127.0)),
        ("EPSG:5186", 600_000, 200_000, (38.0, 127.0)),
        ("EPSG:4326", 38.0, 127.0, (38.0, 127.0)),
    ],
)
def test_the_origin_of_a_system_is_where_its_definition_has_it(
    name: str, north: float, east: float, place: tuple[float, float]
) -> None:
    assert to_degrees(name)(north, east) == pytest.approx(place, abs=1e-8)


def test_nothing_and_nought_are_no_place_in_any_form() -> None:
    for form in ("degrees", "micro-degrees", "EPSG:5179"):
        assert PlaceForm(form).position(WORLD, "0", "0.0" if form != "micro-degrees" else "0") is None
        assert PlaceForm(form).position(WORLD, None, "") is None
    assert PlaceForm("dms").position(WORLD, "0-0-0", "0-0-0") is None
    with pytest.raises(Invalid, match="no place of EPSG:5179"):
        PlaceForm("EPSG:5179").position(WORLD, "1e300", "1e300")


@BOTH
@pytest.mark.parametrize(
    ("form", "told"),
    [
        ("EPSG:99999", "knows no EPSG:99999"),
        ("EPSG:4004", "no way from it to degrees"),
        ("EPSG:5773", "no system of places on the ground"),
        ("EPSG:4978", "no system of places on the ground"),
        ("EPSG:", "no name such as EPSG:5179"),
        ("tokyo", "or an EPSG system such as EPSG:5179"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused_when_the_citys_file_is_read(
    type_name: str, form: str, told: str
) -> None:
    with pytest.raises(BadConfig, match=told):
        read_config(type_name, {**(ROWS if type_name == "mapped_rows" else PLACES), "coordinates": form})


@BOTH
def test_a_city_that_needs_the_extra_is_told_how_to_install_it(
    type_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    to_degrees.cache_clear()
    monkeypatch.setitem(sys.modules, "pyproj", None)
    base = ROWS if type_name == "mapped_rows" else PLACES
    with pytest.raises(BadConfig, match=r"pip install 'bongsu\[geo\]'"):
        read_config(type_name, {**base, "coordinates": "EPSG:5179"})
    read_config(type_name, {**base, "coordinates": "dms"})


@pytest.mark.parametrize(
    ("settings", "setting"),
    [
        ({"coordinates": "dms", "longitude_sign": -1}, "longitude_sign"),
        ({"coordinates": "EPSG:5179", "latitude_sign": -1}, "latitude_sign"),
        (
            {"axes": "lon lat", "columns": {"case_no": "a", "time": "b", "kind_text": "c", "point": "d"}},
            "axes",
        ),
        ({"coordinates": "dms", "columns": {"case_no": "a", "time": "b", "kind_text": "c"}}, "coordinates"),
    ],
)
def test_a_setting_of_places_that_is_not_heeded_is_refused(settings: dict[str, Any], setting: str) -> None:
    with pytest.raises(BadConfig, match=setting):
        read_config("mapped_rows", {**ROWS, **settings})
