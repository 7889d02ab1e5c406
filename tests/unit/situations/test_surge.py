"""Many more calls of one family than usual: when a surge begins, grows and ends, and how its level is learnt."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from deploy.laws import law_named
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.rules.surge import Numbers, deviations
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import City, a_camera, a_tick, an_incident, place, rules

FLAT = [1.0] * 24


def surging(*, kinds: tuple[str, ...] = ("alarm",), **numbers: Any) -> RulesConfig:
    family = {"kinds": kinds, "per_hour": 2, "by_hour": FLAT}
    others = [{"name": "surge", "numbers": {"families": {"alarm": family}, **numbers}}]
    return rules(others=others, law={"name": "nowhere"})


def calls(count: int, clock: str, *, kind: str = "alarm.automatic", first: int = 0) -> list[Entry]:
    """*count* calls of one minute, far apart from each other."""
    return [
        an_incident(f"F{n}", kind=kind, happened=clock, where=place(n * 700))
        for n in range(first, first + count)
    ]


def surges(city: City) -> list[dict[str, Any]]:
    return [one for one in city.all("core.situation") if one["rule"] == "surge"]


def told(city: City) -> list[tuple[str, str]]:
    """The operator's alerts: (rule, message type)."""
    return [
        (one["rule"], one["message_type"]) for one in city.all("core.alert") if one["audience"] == "operator"
    ]


def a_storm(count: int = 12, **numbers: Any) -> City:
    city = City(surging(**numbers))
    city.take(*calls(1, "12:00", kind="medical", first=500), *calls(count, "12:10"))
    return city


def test_a_flood_of_calls_is_one_area_alert_and_those_that_follow_stand_beneath_it() -> None:
    city = a_storm()
    surge = surges(city)[0]
    assert (surge["kind"], surge["status"], surge["severity"]) == ("alarm", "open", "severe")
    assert surge["incidents"] == [] and surge["cameras"] == []
    assert len(surge["situations"]) == len(surge["evidence"]) - 1  # without the call that raised it
    assert surge["radius_m"] > 1_000
    alerts = told(city)
    after = alerts[alerts.index(("surge", "alert")) :]
    assert ("joint-incident", "alert") not in after
    assert {one["listed_under"] for one in city.live()[-2:]} == {surge["situation_id"]}
    assert "usually" in next(a["headline"] for a in city.all("core.alert") if a["rule"] == "surge")


def test_how_far_its_area_reaches_a_city_may_say() -> None:
    def reach(**numbers: Any) -> float:
        (surge,) = surges(a_storm(**numbers))
        return float(surge["radius_m"])

    assert reach() >= 500
    assert reach(area_radius_min_m=9_000) == 9_000
    assert reach(area_share=0.5, area_radius_min_m=0) < reach(area_share=1, area_radius_min_m=0)


def test_a_few_calls_more_than_usual_are_no_surge() -> None:
    city = City(surging(floor=9))
    city.take(*calls(8, "12:10"))
    assert surges(city) == []


def test_revisions_of_one_case_count_once() -> None:
    city = City(surging())
    for revision in range(1, 30):
        city.take(an_incident("F1", kind="alarm", where=place(revision), revision=revision))
    assert surges(city) == []


def test_a_case_that_turns_out_to_be_of_the_family_counts_from_then_on() -> None:
    city = City(surging())
    city.take(*calls(12, "12:10", kind="medical"))
    assert surges(city) == []
    for n in range(12):
        city.take(an_incident(f"F{n}", kind="alarm", happened="12:10", where=place(n * 700), revision=2))
    assert len({one["situation_id"] for one in surges(city)}) == 1


def test_a_building_fire_in_the_storm_has_its_own_alert() -> None:
    city = a_storm()
    city.take(an_incident("F900", kind="fire.building", happened="12:11", where=place(99)))
    assert told(city)[-1] == ("joint-incident", "alert")


def test_it_is_told_again_when_it_grows_and_not_with_every_call() -> None:
    city = a_storm(30)
    messages = [kind for rule, kind in told(city) if rule == "surge"]
    assert messages[0] == "alert" and set(messages[1:]) == {"update"}
    assert 1 <= len(messages) - 1 <= 4
    assert [one["demands_attention"] for one in city.all("core.alert") if one["rule"] == "surge"].count(
        True
    ) == 2  # the alerts to its agency and to the operator are first


def test_it_is_over_once_the_rate_has_been_back_for_a_while() -> None:
    city = a_storm()
    city.take(a_tick("13:05"))
    assert surges(city)[-1]["status"] == "open"
    city.take(a_tick("14:05"))
    assert surges(city)[-1]["status"] == "open"
    city.take(a_tick("14:30"))
    last = surges(city)[-1]
    assert (last["status"], last["situations"][0] is not None) == ("closed", True)
    assert told(city)[-1] == ("surge", "cancel")


def test_a_rate_that_flaps_about_the_threshold_is_one_surge() -> None:
    city = City(surging())
    for n, minute in enumerate(range(0, 240, 7)):
        clock = f"{12 + minute // 60}:{minute % 60:02d}"
        city.take(*calls(2 if n % 3 else 1, clock, first=n * 2))
    assert len({one["situation_id"] for one in surges(city)}) == 1


def seen(city: City) -> list[float]:
    """Calls learnt for each hour of the day."""
    return [calls for calls, _ in city.state.memories["surge:alarm"].body["seen"]]


def test_a_usual_hour_is_learnt_once_its_late_reports_have_come() -> None:
    city = City(surging())
    city.take(*calls(1, "12:00", kind="medical", first=500), *calls(3, "13:10"), a_tick("16:59"))
    assert seen(city)[13] == 0
    city.take(a_tick("17:00"))
    assert seen(city)[13] == 3
    assert city.state.memories["surge:alarm"].body["seen"][14] == [0.0, 0.0]  # nothing at all was reported


def test_a_surge_does_not_move_its_own_level() -> None:
    city = City(surging())
    city.take(
        *calls(1, "11:00", kind="medical", first=500), *calls(2, "12:10", first=600), *calls(30, "13:10")
    )
    for hour in range(13, 23):
        city.take(*calls(1, f"{hour}:30", kind="medical", first=700 + hour))
    learnt = seen(city)
    assert learnt[13] == 0 and learnt[12] == 0  # the count began in the middle of the hour before
    assert city.state.memories["surge:alarm"].body["seen"][18][1] == 1


def test_the_hour_of_the_day_is_the_citys_own() -> None:
    by_hour = [0.1] * 24
    by_hour[21] = 20  # 12:00 UTC in Seoul
    family = {"kinds": ["alarm"], "per_hour": 2, "by_hour": by_hour}
    busy = {"others": [{"name": "surge", "numbers": {"families": {"alarm": family}}}]}
    for zone, count in (("Asia/Seoul", 0), ("UTC", 1)):
        city = City(rules(timezone=zone, **busy))
        city.take(*calls(1, "12:00", kind="medical", first=500), *calls(20, "12:50"))
        assert len({one["situation_id"] for one in surges(city)}) == count


def test_a_rule_that_is_taken_out_of_force_ends_its_surge() -> None:
    city = a_storm()
    city.take(Entry("rules", "demo.rules", 0, 0, rules(law={"name": "nowhere"}).canonical()))
    last = surges(city)[-1]
    assert (last["status"], last["reason"]) == ("closed", "the rule surge holds no longer")
    assert city.state.memories == {}


def test_a_restart_in_the_middle_of_a_surge_changes_not_a_byte() -> None:
    config = surging()
    life = [
        *calls(1, "12:00", kind="medical", first=500),
        *calls(12, "12:10"),
        a_tick("12:40"),
        *calls(9, "12:45", first=50),
        a_tick("16:00"),
        *calls(12, "16:30", first=90),
    ]
    whole = City(config)
    whole.take(*life)
    for cut in (5, 13, 14, 20, 24):
        before, after = City(config), City(config)
        before.take(*life[:cut])
        rows = {event.key: event.value for event in before.said if event.topic == "core.state"}
        clock = before.state.clock_row()
        rows[clock.key] = clock.value
        after.said.clear()
        after.state = CityState.from_records(config, reversed(rows.items()))
        after.take(*life[cut:])
        assert [(e.topic, e.key, e.value) for e in [*before.said, *after.said]] == [
            (e.topic, e.key, e.value) for e in whole.said
        ]


def test_the_statistic_is_as_it_is_written_down() -> None:
    assert deviations(20, 3, 7) == pytest.approx(2 * (20.375**0.5 - 3.375**0.5) / (8 / 7) ** 0.5)
    assert deviations(3, 3, 7) == 0
    assert deviations(20, 3, 7, spread=4) == pytest.approx(deviations(20, 3, 7) / 2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"families": {}},
        {"families": {"a": {"kinds": ["alarm"], "per_hour": -1}}},
        {"families": {"a": {"kinds": ["alarm"], "per_hour": 1, "by_hour": [1, 2]}}},
        {"families": {"a": {"kinds": ["alarm"], "per_hour": 1}}, "over_at": 3, "raise_at": 3},
        {
            "families": {"a": {"kinds": ["alarm"], "per_hour": 1}},
            "headlines": {"en": {"surge": "{who}", "over": ""}},
        },
    ],
)
def test_numbers_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Numbers.model_validate(wrong)


def test_what_is_told_only_with_a_revision_changes_with_none() -> None:
    """A law with a new wording of a ground revises grants, and no situation: those under the surge are not revised."""
    first = an_incident("F0", kind="alarm.automatic", where=place(0))
    city = City(rules(others=surging(floor=3).others))
    city.take(a_camera(), first, *calls(12, "12:10", first=1))
    law = law_named("kr")
    fire = {**law["uses"]["fire"], "legal_ground": "Act B, section 1"}
    law = {**law, "uses": {**law["uses"], "fire": fire}}
    config = rules(others=surging(floor=3).others, law=law)
    said = city.take(Entry("rules", "demo.rules", 0, 0, config.canonical()))
    assert {event.topic for event in said} >= {"core.grant"} and not any(
        e.topic == "core.situation" for e in said
    )
    assert {its_id: one.listed and one.listed[0] for its_id, one in city.state.situations.items()} == {
        its_id: one["listed_under"] for its_id, one in city.newest().items()
    }
