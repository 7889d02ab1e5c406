"""The rule of hubs beyond its scenarios: what is sifted out changes nothing, and no flood of vehicles floods an operator."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from schemas.event import Event
from streams.situations.rules.hub.config import Numbers
from tests.scenario.a_scenario import Scenario, scenarios, scenarios_of
from tests.scenario.happening import all_of
from tests.scenario.running import Running

HUB = [one for one in scenarios() if one.name.startswith("hub-")]
SEED = 20_261_130


def told(events: list[Event]) -> list[dict[str, Any]]:
    return [dict(one.value or {}) for one in events if one.topic == "core.situation"]


def a_city(events: list[dict[str, Any]], **numbers: Any) -> Scenario:
    (found,) = scenarios_of(
        "hub-made", {"says": "made here", "events": events, "city": {"rule": {"hub": numbers}}}
    )
    return found


@pytest.mark.parametrize("scenario", HUB, ids=lambda one: one.name)
def test_what_the_stage_leaves_out_changes_nothing(scenario: Scenario) -> None:
    whole, sifted = Running(scenario, sifts=False), Running(scenario)
    names = ("situation_id", "revision", "status", "event_time")
    every, few = ([[row[name] for name in names] for row in told(one.run())] for one in (whole, sifted))
    assert every == few
    assert sifted.taken <= whole.taken


def test_most_positions_are_no_news() -> None:
    says = {"event": "mobility.position", "vehicle_type": "scooter", "operator": "o", "is_stale": False}
    vehicle = {**says, "vehicle_id": "s-1", "battery_percent": 5.0, "tipped_over": False}
    city = a_city([{"at": "09:00", **vehicle}, *({"at": "+10 s", **vehicle} for _ in range(200))])
    whole, sifted = Running(city, sifts=False), Running(city)
    assert len(told(whole.run())) == len(told(sifted.run())) == 1
    assert whole.taken - sifted.taken == 200


def test_a_thousand_vehicles_tell_one_operator_no_more_than_an_hour_may_hold() -> None:
    chance, most = random.Random(SEED), 20
    says = {"event": "mobility.position", "vehicle_type": "scooter", "is_stale": False}
    events: list[dict[str, Any]] = [{"at": "09:00"}]
    for number in range(1_000):
        said = {"vehicle_id": f"s-{number % 400}", "operator": "one", "tipped_over": chance.random() < 0.7}
        events.append({"at": "+10 s", **says, **said})
    hours: dict[int, Counter[str]] = {}
    for row in told(Running(a_city(events, hour_max=most)).run()):
        if row["revision"] == 1:
            kind = "many" if row["kind"] == "service" else "one"
            hours.setdefault(row["event_time"] // 3_600_000, Counter())[kind] += 1
    assert hours and all(one["one"] <= 2 * most and one["many"] <= 2 for one in hours.values()), hours
    assert sum(one["many"] for one in hours.values()) >= 2, "nothing was beyond the most: nothing is shown"


def test_beyond_what_is_held_at_once_nothing_is_looked_at_and_it_is_counted() -> None:
    says = {"event": "mobility.position", "vehicle_type": "scooter", "operator": "o", "is_stale": False}
    events = [{"at": "09:00", **says, "vehicle_id": f"s-{one}", "tipped_over": True} for one in range(5)]
    city = Running(a_city(events, things_max=3))
    assert len(told(city.run())) == 3
    (count,) = [one.body for one in city.state.memories.values() if one.key.startswith("count")]
    assert (count["held"], count["left_out"]) == (3, 2)


def test_no_vehicle_and_no_dispatcher_is_named_and_no_pick_up_is_placed() -> None:
    for scenario in HUB:
        for event in Running(scenario).run():
            if event.topic in ("core.situation", "core.alert"):
                text = repr(event.value)
                assert not any(word in text for word in ("'s-1", " s-1", "van-1", "a-1"))


def test_each_entry_of_a_scenario_is_of_a_topic_that_the_rule_takes() -> None:
    kinds = {one.entry.topic.partition(".")[2] for scenario in HUB for one in all_of(scenario)}
    assert {"core.hub", "mobility.position", "mobility.booking", "place.hub"} <= kinds


def test_numbers_that_cannot_be_are_refused() -> None:
    for wrong in ({"battery_over_percent": 10}, {"causes": {"empty": -1}}, {"causes": {"rusty": 1}}):
        with pytest.raises(ValueError, match=r"battery_over_percent|causes"):
            Numbers.model_validate(wrong)


def test_a_cause_that_the_city_leaves_out_is_never_told() -> None:
    says = {"event": "mobility.position", "vehicle_type": "scooter", "operator": "o", "is_stale": False}
    events: list[dict[str, Any]] = [
        {"at": "09:00", **says, "vehicle_id": "s-1", "location_type": "sidewalk"},
        {"at": "10:00"},
    ]
    assert len(told(Running(a_city(events)).run())) == 1
    assert told(Running(a_city(events, causes={"empty": 10})).run()) == []


EMPTY = {"is_stale": False, "types": [{"vehicle_type": "bicycle", "available": 0}]}
HUB_BOARD = {"event": "core.hub", "hub_id": "H1", "source": "hubs", "revision": 1}


def changes(events: list[dict[str, Any]], **numbers: Any) -> list[tuple[str, str, str]]:
    """Each situation that is told, by its id: where it stands, and why."""
    rows = told(Running(a_city(events, **numbers)).run())
    return [(row["situation_id"], row["status"], row["reason"]) for row in rows]


def test_a_hub_that_is_deleted_leaves_no_fault_open() -> None:
    board = {**HUB_BOARD, "name": "City Hall", "where": "here", "vehicles": {**EMPTY, "as_of": "09:00"}}
    (first, opened, _), (same, over, why) = changes(
        [{"at": "09:00", **board}, {"at": "09:11"}, {"at": "09:20", **HUB_BOARD}]
    )
    assert (opened, over, why, same) == ("open", "closed", "the hub is gone", first)
    assert changes([{"at": "09:00", **board}, {"at": "09:05", **HUB_BOARD}, {"at": "09:30"}]) == []


def test_a_ride_that_is_put_back_to_its_first_time_is_another_situation() -> None:
    ride = {
        "event": "mobility.booking",
        "booking_id": "b-1",
        "operator": "drt",
        "source": "drt",
        "state": "requested",
        "passengers": 1,
    }
    found = changes(
        [
            {"at": "09:00", **ride, "revision": 1, "pickup_at": "09:00"},
            {"at": "09:06"},
            {"at": "09:07", **ride, "revision": 2, "pickup_at": "10:00"},
            {"at": "09:08", **ride, "revision": 3, "pickup_at": "09:00"},
            {"at": "09:09"},
        ]
    )
    assert [one[1] for one in found] == ["open", "closed", "open"]
    assert found[0][0] == found[1][0] != found[2][0]
