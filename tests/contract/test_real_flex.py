"""Rides on demand of three agencies, as their examples of GTFS-Flex have them; expected values are read off the tables."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Reading, SourceContext
from connectors.discovery import load_source
from connectors.recordings import read_recording
from tests.unit.connectors.telemetry import lost_on_the_wire, values

MOUNTAIN, EASTERN = ZoneInfo("America/Denver"), ZoneInfo("America/New_York")
ASPEN = SourceContext("aspen", "flex", MOUNTAIN, Bounds(39.1, -107.0, 39.3, -106.7))
CRIPPLE_CREEK = SourceContext("cripple-creek", "flex", MOUNTAIN, Bounds(38.5, -105.4, 39.0, -105.0))
BROCKTON = SourceContext("brockton", "flex", EASTERN, Bounds(41.5, -71.5, 42.5, -70.5))
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday"]


def flex(data_dir: Path, context: SourceContext, name: str) -> Reading:
    source: Any = load_source("gtfs_flex", context, {"as_of": date(2022, 11, 1)})
    (heard,) = read_recording(data_dir / "mobility" / "gtfs_flex" / f"FlexExample--{name}.zip")
    reading: Reading = source.read(heard, {})
    assert not reading.aside
    assert not reading.skipped
    assert not reading.noted
    assert not lost_on_the_wire(list(reading.events))
    return reading


def test_aspen_s_zone_is_served_daily_until_its_season_ends_and_is_booked_in_real_time(
    data_dir: Path,
) -> None:
    (value,) = values(flex(data_dir, ASPEN, "on-demand-service"), "place.zone")
    assert (value["zone_id"], value["kind"], value["operator"]) == ("area_294", "on-demand", "City of Aspen")
    assert value["hours"] == [{"days": [], "from": "11:00", "until": "23:00"}]
    assert value["starts_at"] == 1_649_916_000_000, "2022-04-14T06:00Z, midnight in the mountains' summer"
    assert value["ends_at"] == 1_669_273_200_000, "2022-11-24T07:00Z, midnight after the last day, in winter"
    (rule,) = json.loads(value["rules"])["booking_rules"]
    assert (rule["booking_rule_id"], rule["booking_type"]) == ("booking_route_17102", 0)
    assert rule["phone_number"] == "877-230-6045"
    assert rule["info_url"] == "https://www.cityofaspen.com/270/Downtowner"
    assert "prior_notice_duration_min" not in rule
    corner = json.loads(value["geometry"])["coordinates"][0][0]
    assert corner == pytest.approx([-106.8313489, 39.1981031])


def test_cripple_creek_s_bus_has_other_hours_at_weekends_and_is_called_20_minutes_before(
    data_dir: Path,
) -> None:
    (value,) = values(flex(data_dir, CRIPPLE_CREEK, "same-day-service"), "place.zone")
    assert value["zone_id"] == "area_293"
    assert value["hours"] == [
        {"days": WEEKDAYS, "from": "07:00", "until": "19:00"},
        {"days": ["saturday", "sunday"], "from": "07:45", "until": "16:45"},
    ]
    rules = json.loads(value["rules"])
    (rule,) = rules["booking_rules"]
    assert (rule["booking_rule_id"], rule["booking_type"]) == ("booking_route_17101", 1)
    assert (rule["prior_notice_duration_min"], rule["phone_number"]) == (20, "719-689-7711")
    assert [(one["from"], one["until"]) for one in rules["services"]] == [
        ("07:00:00", "19:00:00"),
        ("07:45:00", "16:45:00"),
    ]


@pytest.fixture(scope="module")
def brockton(data_dir: Path) -> dict[str, dict[str, Any]]:
    return {value["zone_id"]: value for value in values(flex(data_dir, BROCKTON, "various"), "place.zone")}


def test_brockton_s_17_locations_are_zones_and_those_in_groups_have_the_groups_hours(
    brockton: dict[str, dict[str, Any]],
) -> None:
    assert len(brockton) == 17
    assert {
        zone_id: one["hours"] for zone_id, one in brockton.items() if zone_id in ("area_249", "area_263")
    } == {
        "area_249": [{"days": WEEKDAYS, "from": "09:30", "until": "16:30"}],
        "area_263": [
            {"days": WEEKDAYS, "from": "06:00", "until": "21:05"},
            {"days": ["saturday"], "from": "07:20", "until": "21:15"},
            {"days": ["sunday"], "from": "11:20", "until": "18:05"},
        ],
    }, "area_263: 06:00–06:20 as in 2751431, –17:50 in 2751430, –18:00 in 2751432, –21:05 by itself"
    groups = {
        service.get("group_id")
        for one in brockton.values()
        for service in json.loads(one["rules"])["services"]
    }
    assert groups == {None, "2751426", "2751430", "2751431", "2751432", "2752324"}, "2750375 has no window"


def test_brockton_is_booked_the_day_before_and_not_served_on_nine_holidays(
    brockton: dict[str, dict[str, Any]],
) -> None:
    rules = [json.loads(one["rules"]) for one in brockton.values()]
    booking = {one["booking_rule_id"]: one for each in rules for one in each["booking_rules"]}
    assert set(booking) == {"booking_route_19024", "booking_route_19314", "booking_route_2947"}
    assert {(one["booking_type"], one["prior_notice_last_day"]) for one in booking.values()} == {(2, 1)}
    (service,) = json.loads(brockton["area_249"]["rules"])["services"]
    assert (len(service["not_on"]), service["not_on"][0]) == (9, "2022-11-11")


def test_windows_of_seconds_are_widened_to_minutes_and_kept_as_they_are_in_the_rules(
    brockton: dict[str, dict[str, Any]],
) -> None:
    value = brockton["radius_1207_s_807886_s_810903"]
    assert value["hours"][0] == {"days": WEEKDAYS, "from": "08:59", "until": "09:01"}
    first = json.loads(value["rules"])["services"][0]
    assert (first["from"], first["until"], len(value["hours"])) == ("08:59:48", "09:00:20", 7)


def test_a_schedule_of_another_time_zone_is_set_aside_whole(data_dir: Path) -> None:
    elsewhere = SourceContext("aspen", "flex", ZoneInfo("Asia/Seoul"), ASPEN.bounds)
    source: Any = load_source("gtfs_flex", elsewhere, {"as_of": date(2022, 11, 1)})
    path = data_dir / "mobility" / "gtfs_flex" / "FlexExample--on-demand-service.zip"
    (heard,) = read_recording(path)
    reading = source.read(heard, {})
    assert not reading.events
    assert [one.field for one in reading.aside] == ["agency_timezone"]
