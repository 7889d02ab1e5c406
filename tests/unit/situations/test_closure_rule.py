"""The rule of closures beyond its scenarios: fleets are told once and counted, rides ahead are kept, nothing floods."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.scenario.a_scenario import Scenario, scenarios_of
from tests.scenario.running import Running

SQUARE = (
    '{"type": "Polygon", "coordinates": [[[127.378, 36.348], [127.382, 36.348], [127.382, 36.352],'
    " [127.378, 36.352], [127.378, 36.348]]]}"
)
CLOSURE = {
    "event": "core.closure",
    "source": "gateway",
    "closure_id": "k-1",
    "geometry": SQUARE,
    "starts_at": "09:00",
    "reason": "flood",
    "opened_by": "a-1",
}
OPEN = {**CLOSURE, "revision": 1, "state": "open"}
OVER = {**CLOSURE, "revision": 2, "state": "over", "ended_by": "a-2"}
BIKE = {"event": "mobility.position", "vehicle_type": "bicycle", "source": "gbfs", "is_stale": False}
RIDE = {
    "event": "mobility.booking",
    "source": "drt",
    "operator": "drt",
    "passengers": 1,
    "pickup": {"lat": 36.35, "lon": 127.37},
    "dropoff": {"lat": 36.35, "lon": 127.39},
}


def a_city(events: list[dict[str, Any]], **numbers: Any) -> Scenario:
    (found,) = scenarios_of(
        "closure-made", {"says": "made here", "events": events, "city": {"rule": {"closure": numbers}}}
    )
    return found


def bike(name: str, at: str, operator: str = "wheels", where: str = "here", **about: Any) -> dict[str, Any]:
    return {"at": at, **BIKE, "vehicle_id": name, "operator": operator, "where": where, **about}


def told(events: list[dict[str, Any]], **about: Any) -> list[dict[str, Any]]:
    said = Running(a_city(events, **about.pop("numbers", {})), **about).run()
    return [dict(one.value or {}) for one in said if one.topic == "core.situation"]


def fleet() -> list[dict[str, Any]]:
    return [
        {"at": "09:00", **OPEN},
        *(bike(f"b-{number}", "09:00:10") for number in range(3)),
        bike("b-0", "09:00:20"),
        bike("o-1", "09:00:20", operator="other"),
        bike("b-9", "09:00:20", where="3000 m E"),
        bike("bus", "09:00:20", trip_id="T-1"),
        bike("car", "09:00:20", vehicle_type="car"),
        bike("old", "09:00:20", is_stale=True),
        {"at": "09:02"},
        bike("late", "09:03"),
        {"at": "09:10"},
        {"at": "09:30", **OVER},
    ]


def test_an_operator_is_told_once_for_each_closure_how_many_of_its_vehicles_are_in_it() -> None:
    for restarts in (False, True):
        rows = told(fleet(), restarts=restarts)
        found = [(row["agencies"], row["status"], row["severity"], row["kind"]) for row in rows]
        assert found == [
            (["wheels"], "open", "minor", "service.vehicle"),
            (["other"], "open", "minor", "service.vehicle"),
            (["wheels"], "closed", "minor", "service.vehicle"),
            (["other"], "closed", "minor", "service.vehicle"),
        ]
    said = Running(a_city(fleet())).run()
    alerts = [dict(one.value or {}) for one in said if one.topic == "core.alert"]
    assert {one["audience"] for one in alerts} == {"wheels", "other"}
    assert [one["headline"].split(": ")[1][:2] for one in alerts[:2]] == ["3 ", "1 "]
    assert not any("b-0" in str(one) for one in alerts), "no vehicle is named"


def test_a_closure_that_is_over_before_the_count_tells_nothing_and_forgets_all() -> None:
    running = Running(
        a_city(
            [{"at": "09:00", **OPEN}, bike("b-1", "09:00:10"), {"at": "09:00:30", **OVER}, {"at": "09:09"}]
        )
    )
    assert not [one for one in running.run() if one.topic == "core.situation"]
    assert not [name for name in running.state.memories if "fleet" in name or "inside" in name]


def test_positions_beyond_the_first_in_a_closure_are_no_news() -> None:
    events = [{"at": "09:00", **OPEN}, *(bike("b-1", f"09:00:{second:02}") for second in range(10, 60))]
    whole, sifted = Running(a_city(events), sifts=False), Running(a_city(events))
    assert len(whole.run()) >= len(sifted.run())
    assert whole.taken - sifted.taken == 49


def test_vehicles_of_an_operator_for_whom_a_closure_has_no_room_are_no_news() -> None:
    others = [bike(f"o-{second}", f"09:00:{second}", operator="other") for second in range(20, 40)]
    events = [{"at": "09:00", **OPEN}, bike("b-1", "09:00:10"), *others, {"at": "09:02"}]
    whole = Running(a_city(events, fleets_max=1), sifts=False)
    sifted = Running(a_city(events, fleets_max=1))
    for running in (whole, sifted):
        rows = [dict(one.value or {}) for one in running.run() if one.topic == "core.situation"]
        assert [row["agencies"] for row in rows] == [["wheels"]]
    assert whole.taken - sifted.taken == 20


def test_a_ride_booked_ahead_is_remembered_beyond_a_day_and_one_that_is_past_is_not() -> None:
    def of(pickup_at: str) -> list[str]:
        events = [
            {
                "at": "08:00",
                **RIDE,
                "booking_id": "b-1",
                "revision": 1,
                "state": "assigned",
                "vehicle_id": "v",
                "pickup_at": pickup_at,
            },
            {"at": "day 3 09:00", **OPEN, "starts_at": "day 3 09:00"},
        ]
        return [row["reason"] for row in told(events)]

    assert of("day 3 10:00") == ["its way is closed"]
    assert of("08:30") == []


def test_a_closure_before_a_hundred_rides_tells_their_operator_no_more_than_an_hour_may_hold() -> None:
    rides = [
        {
            "at": "08:00",
            **RIDE,
            "booking_id": f"b-{number}",
            "revision": 1,
            "state": "assigned",
            "vehicle_id": f"v-{number}",
        }
        for number in range(100)
    ]
    rows = told([*rides, {"at": "09:00", **OPEN}, {"at": "09:01"}, {"at": "10:01"}], numbers={"hour_max": 5})
    opened = Counter(row["reason"] for row in rows if row["status"] == "open" and row["revision"] == 1)
    assert opened == {"its way is closed": 5, "95 more than 5 in an hour": 1}
    assert [row["status"] for row in rows if row["reason"] == "the hour is over"] == ["closed"]
