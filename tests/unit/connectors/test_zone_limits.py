"""Limits of zones from the properties of GeoJSON, and from the rules of MDS policies: tables made by hand."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from connectors.base import Bounds, Reading, SourceContext
from deploy.demo import river
from schemas.errors import Fatal
from tests.unit.connectors.seen import NOON, SPRINGFIELD, read, source, values

SQUARE = {"type": "Polygon", "coordinates": [[[-95.4, 29.7], [-95.3, 29.7], [-95.3, 29.8], [-95.4, 29.7]]]}
NIGHT = {"days": ["friday"], "from": "22:00", "until": "06:00"}
LIMITS = (
    "sense", "floor_m", "floor_reference", "ceiling_m", "ceiling_reference", "hours", "allowed_ids",
    "allowed_classes", "applies_to", "priority",
)  # fmt: skip
NONE: dict[str, Any] = dict(zip(LIMITS, ("none", None, None, None, None, [], [], [], [], 0), strict=True))


def feature(**properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "id": 7, "properties": properties, "geometry": SQUARE}


def zones(*features: Any, city: SourceContext = SPRINGFIELD, **config: Any) -> Reading:
    body = orjson.dumps({"type": "FeatureCollection", "features": list(features)})
    return read(source("zones_geojson", city, **{"kind": "park", **config}), body, NOON)


def limits(value: Any) -> dict[str, Any]:
    return {name: value[name] for name in LIMITS}


# -- GeoJSON -------------------------------------------------------------------------------------------------


SAID: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {}),
    (dict.fromkeys(LIMITS), {}),
    ({"sense": "exclusion", "priority": 8}, {"sense": "exclusion", "priority": 8}),
    ({"sense": "inclusion", "priority": -2.0}, {"sense": "inclusion", "priority": -2}),
    ({"floor": 30, "floor_reference": "above_takeoff"}, {"floor_m": 30.0, "floor_reference": "above_takeoff"}),
    ({"floor_m": 10, "floor": 30}, {"floor_m": 10.0}),
    ({"ceiling_m": "120", "ceiling_reference": "AMSL"}, {"ceiling_m": 120.0, "ceiling_reference": "above_sea"}),
    ({"ceiling": 99_999, "ceiling_reference": "above_ground"}, {}),
    ({"ceiling_reference": "above_ground"}, {}),
    (
        {"floor": 200, "floor_reference": "AGL", "ceiling": 100, "ceiling_reference": "AMSL"},
        {
            "floor_m": 200.0, "floor_reference": "above_ground", "ceiling_m": 100.0, "ceiling_reference": "above_sea",
        },
    ),
    ({"hours": [NIGHT, {"from": "08:00", "until": "24:00"}]},
     {"hours": [NIGHT, {"days": [], "from": "08:00", "until": "24:00"}]}),
    ({"allowed_ids": ["own-1", 7], "allowed_classes": ["boat"], "applies_to": ["drone", "person"]},
     {"allowed_ids": ["own-1", "7"], "allowed_classes": ["boat"], "applies_to": ["drone", "person"]}),
]  # fmt: skip


@pytest.mark.parametrize(("properties", "expected"), SAID)
def test_properties_are_limits(properties: dict[str, Any], expected: dict[str, Any]) -> None:
    reading = zones(feature(**properties))
    assert not reading.aside, reading.aside
    assert limits(values(reading)[0]) == {**NONE, **expected}


WRONG: list[tuple[str, Any]] = [
    ("sense", "forbidden"), ("sense", 1), ("floor", "low"), ("floor_m", True), ("ceiling", [1]),
    ("ceiling_reference", "above_trees"), ("floor_reference", 5), ("hours", "22:00-06:00"), ("hours", [7]),
    ("hours.days", [{**NIGHT, "days": ["mon"]}]), ("hours.days", [{**NIGHT, "days": 3}]),
    ("hours.days", [{**NIGHT, "days": [[]]}]), ("hours.from", [{**NIGHT, "from": "24:00"}]),
    ("hours.from", [{**NIGHT, "from": None}]), ("hours.until", [{**NIGHT, "until": "6:00"}]),
    ("hours", [{**NIGHT, "zone": "UTC"}]), ("hours", [NIGHT] * 201), ("allowed_ids", "own-1"),
    ("allowed_ids", [None]), ("allowed_classes", [3]), ("applies_to", {"drone": True}), ("applies_to", [""]),
    ("priority", 1.5), ("priority", 2**31), ("priority", "high"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_limit_costs_its_feature_alone(field: str, value: Any) -> None:
    wrong = feature(**{field.partition(".")[0]: value})
    reading = zones(feature(sense="exclusion"), wrong)
    assert [one["sense"] for one in values(reading)] == ["exclusion"]
    (aside,) = reading.aside
    assert (aside.field, orjson.loads(aside.original)) == (field, wrong)


def test_a_floor_above_its_ceiling_is_set_aside() -> None:
    (aside,) = zones(feature(floor=200, ceiling=100)).aside
    assert aside.field == "floor"


def test_settings_name_the_properties_or_leave_them_unread() -> None:
    names: dict[str, Any] = {f"{name.removesuffix('_m')}_property": f"x_{name}" for name in LIMITS}
    told = {
        "sense": "inclusion", "floor_m": 1, "floor_reference": "above_sea", "ceiling_m": 9,
        "ceiling_reference": "above_sea", "hours": [NIGHT], "allowed_ids": ["a"], "allowed_classes": ["b"],
        "applies_to": ["c"], "priority": 3,
    }  # fmt: skip
    (value,) = values(zones(feature(**{f"x_{name}": one for name, one in told.items()}), **names))
    assert limits(value) == told
    (value,) = values(zones(feature(**told), **names))
    assert limits(value) == NONE
    opening = feature(hours="from dawn to dusk", priority="high")
    assert limits(values(zones(opening, hours_property="", priority_property=""))[0]) == NONE


def test_a_zone_says_its_kind_or_is_of_the_files() -> None:
    found = zones(feature(use="border"), feature(use=None), kind_property="use")
    assert [one["kind"] for one in values(found)] == ["border", "park"]
    found = zones(feature(use="border"), feature(), kind=None, kind_property="use")
    assert ([one["kind"] for one in values(found)], found.aside[0].field) == (["border"], "use")
    with pytest.raises(Fatal, match="kind_property"):
        source("zones_geojson")


def test_the_file_of_the_demos_river_is_read_with_its_limits() -> None:
    city = SourceContext("mukdahan", "zones", SPRINGFIELD.timezone, Bounds(16.0, 104.0, 17.0, 105.0))
    listener = source("zones_geojson", city, id_property="id", name_property="name", kind_property="kind")
    (body,) = [one.body for one in river.setup(1, NOON) if one.source == "zones"]
    reading = read(listener, body, NOON)
    assert not reading.aside, reading.aside
    told = {value["zone_id"]: (value["kind"], value["name"][:3], limits(value)) for value in values(reading)}
    forbidden, flying = {**NONE, "sense": "exclusion"}, ["unknown_drone"]
    night = {"days": [], "from": "18:00", "until": "23:00"}  # noon in UTC is 19:00 in Bangkok
    assert told == {
        "park": ("park", "อุท", {**forbidden, "applies_to": flying, "priority": 5}),
        "border": ("border", "ชาย", {**forbidden, "applies_to": flying, "priority": 1, "ceiling_m": 4000.0,
                                     "ceiling_reference": "above_ground"}),
        "river": ("border", "แม่", {**forbidden, "applies_to": ["boat", "person"], "priority": 8,
                                    "hours": [night]}),
    }  # fmt: skip


# -- MDS -----------------------------------------------------------------------------------------------------


NO_SPEED = {"rule_type": "speed", "rule_units": "kmh", "maximum": 0, "vehicle_types": ["scooter"]}
SLOW = {"rule_type": "speed", "rule_units": "kmh", "maximum": 15}
SCOOTERS = ["electric_scooter", "scooter"]
ALL = [
    "bicycle", "car", "cargo_bicycle", "electric_bicycle", "electric_cargo_bicycle", "electric_scooter", "moped",
    "other", "scooter",
]  # fmt: skip
ALWAYS: list[Any] = []
WEEKEND = {"days": ["sun", "sat"], "start_time": "12:00:00", "end_time": "23:59:59"}
WEEKENDS = {"days": ["saturday", "sunday"], "from": "12:00", "until": "24:00"}
GEOGRAPHY = {
    "geography_id": "g1", "published_date": NOON, "geography_json": {"type": "Feature", "geometry": SQUARE},
}  # fmt: skip


def policy(*rules: dict[str, Any], policy_id: str = "p", **said: Any) -> dict[str, Any]:
    numbered = [
        {"rule_id": f"{policy_id}{number}", "geographies": ["g1"], **one} for number, one in enumerate(rules)
    ]
    return {"policy_id": policy_id, "rules": numbered, **said}


def ruled(*policies: dict[str, Any], **geography: Any) -> Any:
    """The zone ``g1`` after such policies."""
    listener = source("mds_zones")
    heard = read(listener, orjson.dumps({"policies": policies}), NOON)
    assert not heard.aside
    told = read(listener, orjson.dumps({"geographies": [{**GEOGRAPHY, **geography}]}), NOON + 1, heard.place)
    assert not told.aside, told.aside
    return values(told)[0]


FORBIDDING: list[tuple[list[dict[str, Any]], list[Any], list[str]]] = [
    ([NO_SPEED], ALWAYS, SCOOTERS),
    ([{**NO_SPEED, "vehicle_types": []}], ALWAYS, ALL),
    ([{**NO_SPEED, "vehicle_types": ["scooter_seated", "delivery_robot"]}], ALWAYS,
     ["delivery_robot", *SCOOTERS]),
    ([{**NO_SPEED, **WEEKEND}], [WEEKENDS], SCOOTERS),
    ([{**NO_SPEED, "start_time": "22:00", "end_time": "06:30:00"}],
     [{"days": [], "from": "22:00", "until": "06:30"}], SCOOTERS),
    ([{**NO_SPEED, "days": ["mon"]}], [{"days": ["monday"], "from": "00:00", "until": "24:00"}], SCOOTERS),
    ([{**NO_SPEED, **WEEKEND}, {**NO_SPEED, "days": ["mon"], "start_time": "05:00:00"}],
     [WEEKENDS, {"days": ["monday"], "from": "05:00", "until": "24:00"}], SCOOTERS),
    ([NO_SPEED, {**NO_SPEED, **WEEKEND}], ALWAYS, SCOOTERS),
    ([{**NO_SPEED, **WEEKEND}, {**NO_SPEED, **WEEKEND, "vehicle_types": ["moped"]}], [WEEKENDS],
     ["electric_scooter", "moped", "scooter"]),
    ([{**NO_SPEED, "states": {"on_trip": []}}, SLOW], ALWAYS, SCOOTERS),
    ([{"rule_type": "count", "maximum": 0, "minimum": 0, "states": {}}], ALWAYS, ALL),
    ([{"rule_type": "user", "name": "No Riding on the pier", "vehicle_types": ["moped"]}], ALWAYS, ["moped"]),
]  # fmt: skip


@pytest.mark.parametrize(("rules", "hours", "classes"), FORBIDDING)
def test_rules_that_let_nothing_ride_make_an_exclusion(
    rules: list[dict[str, Any]], hours: list[Any], classes: list[str]
) -> None:
    value = ruled(policy(*rules))
    assert limits(value) == {**NONE, "sense": "exclusion", "hours": hours, "applies_to": classes}
    assert [one["rule_id"] for one in json.loads(value["rules"])] == [f"p{n}" for n in range(len(rules))]


UNCLEAR: dict[str, list[dict[str, Any]]] = {
    "a speed": [SLOW],
    "no limit": [{"rule_type": "speed"}],
    "not even 0 is within": [{**NO_SPEED, "inclusive_maximum": False}],
    "a truth for a number": [{**NO_SPEED, "maximum": False}],
    "both differ": [{**NO_SPEED, **WEEKEND}, {**NO_SPEED, "vehicle_types": ["moped"]}],
    "some propulsions": [{**NO_SPEED, "propulsion_types": ["combustion"]}],
    "another state": [{**NO_SPEED, "states": {"available": []}}],
    "some events of a trip": [{**NO_SPEED, "states": {"on_trip": ["trip_leave_jurisdiction"]}}],
    "parked alone": [{"rule_type": "count", "maximum": 0, "states": {"available": []}}],
    "no parking": [{"rule_type": "user", "name": "No parking"}],
    "no time parked": [{"rule_type": "time", "maximum": 0}],
    "an exception first": [{**SLOW, "vehicle_types": ["scooter"], **WEEKEND}, NO_SPEED],
    "an unknown day": [{**NO_SPEED, "days": ["holiday"]}],
    "no time of day": [{**NO_SPEED, "start_time": "25:00:00"}],
    "types that are none": [{**NO_SPEED, "vehicle_types": "scooter"}],
    "states that are none": [{**NO_SPEED, "states": ["on_trip"]}],
}


@pytest.mark.parametrize("case", UNCLEAR)
def test_rules_that_one_zone_cannot_say_stay_rules(case: str) -> None:
    value = ruled(policy(*UNCLEAR[case]))
    assert limits(value) == NONE
    told = [{name: one[name] for name in one if name in rule} for one, rule in zip(
        json.loads(value["rules"]), UNCLEAR[case], strict=True
    )]  # fmt: skip
    assert told == UNCLEAR[case]


def test_an_exclusion_holds_while_its_policy_and_its_geography_do() -> None:
    dated = policy(NO_SPEED, start_date=NOON + 5, end_date=NOON + 50)
    value = ruled(dated, effective_date=NOON + 1, retire_date=NOON + 90)
    assert (value["starts_at"], value["ends_at"]) == (NOON + 5, NOON + 50)
    value = ruled(dated, effective_date=NOON + 9, retire_date=NOON + 40)
    assert (value["starts_at"], value["ends_at"]) == (NOON + 9, NOON + 40)
    assert limits(ruled(dated, policy(NO_SPEED, policy_id="q"))) == NONE
    value = ruled(policy(SLOW, start_date=NOON + 5), effective_date=NOON + 1)
    assert (value["starts_at"], value["ends_at"]) == (NOON + 1, None)


def test_rules_of_some_providers_and_of_replaced_policies_make_none() -> None:
    assert limits(ruled(policy(NO_SPEED, provider_ids=["acme"]))) == NONE
    value = ruled(policy(NO_SPEED), policy(SLOW, policy_id="q", prev_policies=["p"]))
    assert limits(value) == NONE
    assert [one["policy_id"] for one in json.loads(value["rules"])] == ["q"]
    assert ruled(policy(NO_SPEED), policy(policy_id="q", prev_policies=["p"]))["rules"] is None
