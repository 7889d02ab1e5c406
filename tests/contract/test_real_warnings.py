"""Published warnings and road situations, good and bad, as they were sent. Skips where they are missing."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source

EVERYWHERE = Bounds(-90, -180, 90, 180)
CONFIG = {"agency": "weather", "words": "cap-us"}


def read(data_dir: Path, name: str, bounds: Bounds = EVERYWHERE) -> Reading:
    path = data_dir / "alerts" / "cap" / "samples" / name
    if not path.is_file():
        pytest.skip(f"no sample at {path}")
    context = SourceContext("somewhere", "warnings", ZoneInfo("UTC"), bounds)
    reading: Reading = load_source("cap_alerts", context, CONFIG).read(Heard(path.read_bytes(), None), {})
    return reading


def told(reading: Reading) -> list[Any]:
    return [event.value for event in reading.events]


GOOD = {
    "bushfire_valid.edxlde": ("warning.fire", "Moderate, Expected, Observed", "open"),
    "canada.cap": ("warning.weather.thunderstorm", "Minor, Past, Observed", "closed"),
    "earthquake.cap": ("warning.earthquake", "Unknown, Past, Likely", "open"),
    "weather.cap": ("warning.flood.flash", "Severe, Expected, Possible", "open"),
    "weather.atom": ("warning.flood.flash", "Severe, Expected, Possible", "open"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_sample_is_read(data_dir: Path, name: str) -> None:
    reading = read(data_dir, name)
    assert not reading.aside
    value = told(reading)[0]
    assert (value["kind"], value["priority"], value["status"]) == GOOD[name]
    has_shape = not name.startswith("weather")
    assert (value["position"] is not None) == has_shape
    assert ("place by a geocode alone" in reading.noted) != has_shape


def test_the_place_is_where_the_sample_says(data_dir: Path) -> None:
    (quake,) = told(read(data_dir, "earthquake.cap", Bounds(-17, -174, -16, -173)))
    assert quake["position"] == {"lat": -16.053, "lon": -173.274, "accuracy_m": None}
    (storm,) = told(read(data_dir, "canada.cap", Bounds(42.2, -83.1, 42.4, -82.8)))  # Windsor
    assert 42.2 <= storm["position"]["lat"] <= 42.4
    assert -83.1 <= storm["position"]["lon"] <= -82.8
    assert read(data_dir, "canada.cap", Bounds(36, 127, 37, 128)).skipped == {"area outside the city": 1}


@pytest.mark.parametrize(("name", "field"), [("invalid.cap", "scope"), ("noaa_errors.cap", "severity")])
def test_a_bad_sample_is_refused_with_the_reason(data_dir: Path, name: str, field: str) -> None:
    reading = read(data_dir, name)
    assert not reading.events
    (aside,) = reading.aside
    assert (aside.field, aside.reason) == (field, f"{field} is missing or no text")


def test_an_index_of_links_alone_is_noted(data_dir: Path) -> None:
    reading = read(data_dir, "weather_index.atom")
    assert (list(reading.events), list(reading.aside)) == ([], [])
    assert reading.noted == {"an entry only links to its alert, which was not heard": 2}


# -- DATEX II ------------------------------------------------------------------------------------------------


def situations(data_dir: Path) -> list[Path]:
    found = sorted((data_dir / "alerts" / "datex2").glob("lotju__*.xml"))
    if not found:
        pytest.skip("no samples of DATEX II")
    return found


def test_finlands_road_situations_are_read_and_their_places_are_not_guessed(data_dir: Path) -> None:
    """Eight bodies of versions 2 and 3 by TMC references alone. One situation is a ferry's, one a public event; one comes in
    three versions, the second of which was written after its end."""
    context = SourceContext("somewhere", "roads", ZoneInfo("Europe/Helsinki"), EVERYWHERE)
    source = load_source("datex_situations", context, {"agency": "roads"})
    place: Any = {}
    values, skipped, noted = list[Any](), Counter[str](), Counter[str]()
    for path in situations(data_dir):
        reading = source.read(Heard(path.read_bytes(), None), place)
        assert not reading.aside
        values += told(reading)
        skipped.update(reading.skipped)
        noted.update(reading.noted)
        place = reading.place
    assert [(one["agency_case_no"], one["kind"], one["revision"]) for one in values] == [
        ("GUID50006398", "crash", 1),
        ("GUID50006399", "crash", 1),
        ("GUID50006401", "traffic", 1),
        ("GUID50006402", "animal", 1),
        ("GUID50006401", "traffic", 2),
    ]
    assert [one["status"] for one in values] == ["open"] * 4 + ["closed"]
    assert all(one["position"] is None for one in values)
    assert skipped["said before"] == 1
    assert noted == {"place by a TMC reference alone": 4}
    assert skipped["no happening: TransitInformation"] == skipped["no happening: PublicEvent"] == 1


def test_a_template_that_holds_no_times_is_set_aside(data_dir: Path) -> None:
    situations(data_dir)
    path = data_dir / "alerts" / "datex2" / "tloik__ims__versions__d2Message_TRAFFIC_ANNOUNCEMENT.xml"
    context = SourceContext("somewhere", "roads", ZoneInfo("Europe/Helsinki"), EVERYWHERE)
    reading = load_source("datex_situations", context, {"agency": "roads"}).read(
        Heard(path.read_bytes(), None), {}
    )
    assert (list(reading.events), [one.field for one in reading.aside]) == ([], ["overallStartTime"])
