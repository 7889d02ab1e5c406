"""Warnings, road situations and sensors as their sources tell them: what they join, what they raise, and nothing twice."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from streams.situations.entry import Entry
from tests.unit.connectors.test_cap_alerts import an_alert, an_info
from tests.unit.connectors.test_datex_situations import a_record, a_situation
from tests.unit.connectors.test_datex_situations import at as coordinates
from tests.unit.connectors.test_datex_situations import version_2 as a_publication
from tests.unit.situations.a_city import City, a_tick, an_incident, at, place, rules

BOUNDS = Bounds(36, 127, 37, 128)
HERE = coordinates(place(80)["lat"], place(80)["lon"])
AREA = "<circle>{lat},{lon} 5</circle>".format(**place())


def heard(type_name: str, body: str, source: str = "one", clock: str = "12:05", **config: Any) -> list[Entry]:
    """Events that a source tells of *body* at noon of the day on which everything happens."""
    context = SourceContext("demo", source, ZoneInfo("UTC"), BOUNDS)
    here = body.replace("2026-06-01T", "2024-06-01T")
    reading = load_source(type_name, context, config).read(Heard(here.encode(), at(clock)), {})
    assert not reading.aside
    kinds = {"civil.incident": "incident", "civil.observation": "notice"}
    return [
        Entry(kinds[event.topic], f"demo.{event.topic}", 0, number, dict(event.value or {}))
        for number, event in enumerate(reading.events)
    ]


def an_accident(source: str = "one", kind: str = "Accident") -> list[Entry]:
    body = a_publication(a_situation(a_record(kind, place=HERE)))
    return heard("datex_situations", body, source, agency="roads")


def a_warning(source: str = "one", event: str = "Flash Flood") -> list[Entry]:
    return heard("cap_alerts", an_alert(info=an_info(area=AREA, event=event)), source, agency="weather")


def test_a_road_operators_accident_and_a_crash_called_in_are_one_situation() -> None:
    city = City()
    city.take(an_incident("F1", kind="crash.vehicle"), *an_accident())
    situation = city.the_situation()
    assert {one["agency"] for one in situation["incidents"]} == {"119", "roads"}
    assert {one["domain"] for one in situation["incidents"]} == {"fire", "civil"}


@pytest.mark.parametrize("kind", ["AbnormalTraffic", "AnimalPresenceObstruction"])
def test_a_jam_and_an_animal_join_no_crash(kind: str) -> None:
    city = City()
    city.take(an_incident("F1", kind="crash.vehicle"), *an_accident(kind=kind))
    assert len(city.live()) == 2


def test_a_warning_joins_nothing_and_is_told_by_its_kind() -> None:
    city = City()
    city.take(an_incident("F1", kind="rescue.water"), *a_warning())
    fire, warning = city.live()
    assert (len(fire["incidents"]), len(warning["incidents"])) == (1, 1)
    assert (warning["kind"], warning["severity"], warning["urgency"]) == (
        "warning.flood.flash",
        "severe",
        "immediate",
    )


@pytest.mark.parametrize("told", [an_accident, a_warning])
def test_the_same_by_two_sources_is_one_situation_told_once(told: Any) -> None:
    city = City()
    city.take(*told("one"))
    before = list(city.said)
    assert city.take(*told("two")) == []
    assert city.said == before
    assert len(city.the_situation()["incidents"]) == 1


def test_a_gauge_over_its_threshold_raises_a_disaster_that_its_stations_calm_rain_does_not_end() -> None:
    city = City(rules(others=[{"name": "disaster", "numbers": {"thresholds": {"rain": 30.0}}}]))
    columns = {
        "sensor_id": "id",
        "time": "at",
        "value": "v",
        "quantity": "q",
        "threshold": "limit",
        "lat": "y",
        "lon": "x",
    }
    usual = {"id": "G-1", "at": "2026-06-01T12:01:00Z", "y": place()["lat"], "x": place()["lon"]}
    rows = [{**usual, "q": "water-level", "v": 0.5, "limit": 0.3}, {**usual, "q": "rain", "v": 2}]
    config: dict[str, Any] = {"becomes": "observation", "format": "json", "columns": columns}
    city.take(a_tick("12:05"), *heard("mapped_rows", orjson.dumps(rows).decode(), **config), a_tick("12:40"))
    situation = city.the_situation()
    assert (situation["kind"], situation["status"]) == ("disaster", "open")
    city.take(
        *heard(
            "mapped_rows",
            orjson.dumps([{**rows[1], "at": "2026-06-01T12:40:00Z", "v": 31}]).decode(),
            clock="12:41",
            **config,
        )
    )
    assert len(city.live()) == 2, "rain over the rule's own number is a sensor of its own"
