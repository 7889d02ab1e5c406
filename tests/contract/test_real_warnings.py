"""Published warnings and road situations, good and bad, as they were sent. Skips where they are missing."""

from __future__ import annotations

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
