"""Operators' actions on situations, and the timeouts without any."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import Invalid
from streams.situations.state.city import CityState
from streams.situations.state.rows import body_of
from tests.unit.situations.a_city import (
    City,
    a_camera,
    a_city,
    a_tick,
    an_action,
    an_incident,
    at,
    members,
    place,
    rules,
)


def one(city: City) -> str:
    return str(city.the_situation()["situation_id"])


def last(city: City, situation_id: str) -> dict[str, Any]:
    return city.newest()[situation_id]


def did(city: City, action: str, **more: Any) -> dict[str, Any]:
    """The city's one situation after *action*."""
    its_id = one(city)
    city.take(an_action(action, its_id, **more))
    return last(city, its_id)


def test_who_acknowledges_when_and_why_stands_with_the_situation() -> None:
    after = did(a_city(an_incident()), "acknowledge", reason="  on my screen ")
    assert (after["revision"], after["reason"]) == (2, "acknowledge by acc-7")
    assert (after["acknowledged_by"], after["acknowledged_at"]) == ("acc-7", at("12:05"))
    (action,) = after["actions"]
    assert action["account_id"] == "acc-7" and action["at"] == at("12:05")
    assert (action["action"], action["reason"]) == ("acknowledge", "on my screen")


def test_the_first_who_acknowledges_remains_and_another_may_take_over() -> None:
    city = a_city(an_incident())
    did(city, "acknowledge")
    did(city, "acknowledge", by="acc-8", clock="12:06")
    after = did(city, "take_over", by="acc-9", clock="12:07")
    assert (after["acknowledged_by"], after["taken_by"]) == ("acc-7", "acc-9")
    assert [action["account_id"] for action in after["actions"]] == ["acc-7", "acc-8", "acc-9"]


def test_what_an_operator_confirms_is_observed_and_stays_so() -> None:
    city = a_city(an_incident())
    assert city.the_situation()["certainty"] == "likely"
    assert did(city, "confirm")["certainty"] == "observed"
    city.take(an_incident(status="arrived", revision=2, heard="12:10"))
    assert city.the_situation()["certainty"] == "observed"


def test_a_note_is_a_revision_that_alerts_nobody() -> None:
    city = a_city(an_incident())
    before = len(city.all("core.alert"))
    assert did(city, "note")["revision"] == 2
    assert len(city.all("core.alert")) == before


def test_an_action_heard_twice_is_done_once() -> None:
    city = a_city(an_incident())
    action = an_action("note", one(city))
    assert city.take(action) != []
    assert city.take(action) == []


def test_closed_by_an_operator_it_stays_closed_whatever_its_report_says() -> None:
    city = a_city(a_camera(), an_incident())
    assert city.grants_in_force() != []
    after = did(city, "close", reason="a drill")
    assert (after["status"], after["closed_at"]) == ("closed", at("12:05"))
    assert city.grants_in_force() == []
    assert {grant["reason"] for grant in city.grants().values()} == {"closed by an operator"}
    city.take(an_incident(status="arrived", revision=2, heard="12:10"))
    assert (city.the_situation()["status"], city.the_situation()["closed_at"]) == ("closed", at("12:05"))


def test_a_further_report_opens_what_an_operator_closed() -> None:
    city = a_city(an_incident("F1", kind="crash"))
    did(city, "close")
    city.take(an_incident("P1", kind="crash", happened="12:06"))
    assert city.the_situation()["status"] == "open"


def test_reopened_it_stays_open_until_an_operator_closes_it() -> None:
    city = a_city(an_incident(), an_incident(status="closed", revision=2, heard="12:04"))
    after = did(city, "reopen")
    assert (after["status"], after["closed_at"]) == ("open", None)
    city.take(an_incident(status="closed", revision=3, heard="12:30"))
    assert city.the_situation()["status"] == "open"
    assert did(city, "close", clock="12:40")["status"] == "closed"


def test_two_that_an_operator_joins_are_one_however_far_apart() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crime.larceny", where=place(3000)))
    older, younger = (situation["situation_id"] for situation in city.live())
    city.take(an_action("join", younger, other=older))
    assert last(city, younger)["merged_into"] == older
    assert members(last(city, older)) == {"F1", "P1"}
    assert last(city, older)["reason"] == "joined by 112; join by acc-7"
    city.take(an_incident("P1", kind="crime.larceny", where=place(3200), revision=2, heard="12:20"))
    assert members(city.the_situation()) == {"F1", "P1"}


def test_what_an_operator_separates_is_two_and_stays_two() -> None:
    city = a_city(an_incident("F1", kind="crash"), an_incident("P1", kind="crash"))
    whole = one(city)
    city.take(an_action("separate", whole, reports=["P1"]))
    first, second = city.live()
    assert members(first) != members(second)
    assert {first["split_from"], second["split_from"]} == {None, whole}
    city.take(an_incident("P1", kind="crash", status="arrived", revision=2, heard="12:20"))
    assert len(city.live()) == 2
    ids = [situation["situation_id"] for situation in city.live()]
    city.take(an_action("join", ids[0], "12:30", other=ids[1]))
    assert len(city.live()) == 1


@pytest.mark.parametrize("leaving", ["F1", "P1", "F2"])
@pytest.mark.parametrize("earliest", ["F1", "P1", "F2"])
def test_what_operators_joined_stays_one_when_one_of_it_leaves(earliest: str, leaving: str) -> None:
    cases = [earliest, *(case for case in ("F1", "P1", "F2") if case != earliest)]
    city = a_city(
        *(an_incident(case, happened=f"12:0{n}", where=place(3000 * n)) for n, case in enumerate(cases))
    )
    first, second, third = (situation["situation_id"] for situation in city.live())
    city.take(an_action("join", first, "12:10", other=second), an_action("join", first, "12:11", other=third))
    city.take(an_action("separate", one(city), "12:12", reports=[leaving]))
    assert sorted(map(members, city.live()), key=len) == [{leaving}, {*cases} - {leaving}]
    assert city.take(an_incident(leaving, happened="12:09", revision=2, heard="12:20")) != []
    assert sorted(map(members, city.live()), key=len) == [{leaving}, {*cases} - {leaving}]


def test_those_that_leave_together_stay_together_if_an_operator_had_joined_them() -> None:
    city = a_city(*(an_incident(case, where=place(3000 * n)) for n, case in enumerate(("F1", "P1", "F2"))))
    first, second, third = (situation["situation_id"] for situation in city.live())
    city.take(an_action("join", first, "12:10", other=second), an_action("join", first, "12:11", other=third))
    city.take(an_action("separate", one(city), "12:12", reports=["P1", "F2"]))
    assert sorted(map(members, city.live()), key=len) == [{"F1"}, {"P1", "F2"}]


@pytest.mark.parametrize("order", ["F1 P1 F2", "F2 P1 F1", "P1 F2 F1"])
def test_what_held_together_by_the_one_that_leaves_alone_parts_too(order: str) -> None:
    city = a_city(*(an_incident(case, kind="crash") for case in order.split()))
    assert members(city.the_situation()) == {"F1", "P1", "F2"}
    city.take(an_action("separate", one(city), reports=["P1"]))
    assert sorted(map(sorted, map(members, city.live()))) == [["F1"], ["F2"], ["P1"]]


def test_two_that_hold_several_reports_each_are_one_whole_when_joined() -> None:
    far = place(2000)
    city = a_city(
        an_incident("F1", kind="crash"),
        an_incident("P1", kind="crash"),
        an_incident("F2", kind="crash", where=far),
        an_incident("P2", kind="crash", where=far),
    )
    older, younger = (situation["situation_id"] for situation in city.live())
    join = an_action("join", older, other=younger)
    city.take(join)
    assert members(city.the_situation()) == {"F1", "P1", "F2", "P2"}
    assert city.take(join) == []
    assert city.take(an_action("separate", older, "12:20", reports=["P2"])) != []
    assert [len(members(situation)) for situation in city.live()] == [3, 1]


def test_what_operators_did_for_the_younger_goes_on_when_it_is_told_with_the_older() -> None:
    city = a_city(
        an_incident("F1", kind="crash"),
        an_incident("P1", kind="crash", where=place(3000)),
        escalate_after_min=5,
    )
    older, younger = (situation["situation_id"] for situation in city.live())
    city.take(an_action("take_over", younger, "12:02"), an_action("confirm", younger, "12:03"))
    city.take(an_incident("P1", kind="crash", revision=2, heard="12:04"), a_tick("12:30"))
    after = city.the_situation()
    assert (after["situation_id"], after["certainty"]) == (older, "observed")
    assert (after["taken_by"], after["acknowledged_at"]) == ("acc-7", at("12:02"))
    assert [one["action"] for one in after["actions"]] == ["take_over", "confirm"]
    assert "nobody acknowledged" not in after["reason"]


def test_an_acknowledgement_goes_with_what_is_open_and_not_with_what_was_closed() -> None:
    far = place(3000)
    for closed, acknowledged, stands in (("F1", "P1", True), ("P1", "P1", False), ("F1", "F1", False)):
        city = a_city(an_incident("F1", kind="crash"), an_incident("P1", kind="crash", where=far))
        older, younger = (situation["situation_id"] for situation in city.live())
        city.take(an_action("acknowledge", older if acknowledged == "F1" else younger, "12:02"))
        where = far if closed == "P1" else place(0)
        city.take(an_incident(closed, kind="crash", status="closed", revision=2, heard="12:03", where=where))
        city.take(an_incident("P1", kind="crash", revision=5, heard="12:04", status="open"))
        assert members(last(city, older)) == {"F1", "P1"}
        assert (last(city, older)["acknowledged_at"] is not None) is stands, (closed, acknowledged)


def test_what_opens_again_demands_attention_anew_and_a_ground_for_cameras_is_over_with_it() -> None:
    city = a_city(a_camera(purposes=["traffic"]), an_incident("F1", kind="crash"), escalate_after_min=5)
    did(city, "override", ground="danger-to-life", role="supervisor")
    assert len(city.grants_in_force()) == 1
    city.take(an_incident("F1", kind="crash", status="closed", revision=2, heard="12:10"))
    city.take(an_incident("F1", kind="crash", status="open", revision=3, heard="12:20"))
    assert city.the_situation()["acknowledged_at"] is None
    assert city.grants_in_force() == []
    city.take(a_tick("12:26"))
    assert "nobody acknowledged" in city.the_situation()["reason"]


def test_what_was_merged_is_handled_as_what_it_was_merged_into() -> None:
    city = a_city(an_incident("F1"), an_incident("P1", kind="crash", where=place(3000)))
    older, younger = (situation["situation_id"] for situation in city.live())
    city.take(an_action("join", older, other=younger))
    city.take(an_action("acknowledge", younger, "12:09"))
    assert last(city, older)["acknowledged_at"] == at("12:09")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"situation_id": "nobody's"}, "situation_id"),
        ({"action": "praise"}, "action"),
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"account_id": ""}, "account_id"),
        ({"action": "reopen"}, "action"),
        ({"action": "join"}, "other_situation_id"),
        ({"action": "join", "other_situation_id": "nobody's"}, "other_situation_id"),
        ({"action": "separate"}, "incident_ids"),
        ({"action": "override", "role": "supervisor"}, "ground"),
        ({"action": "override", "role": "supervisor", "ground": "curiosity"}, "ground"),
        ({"action": "override", "ground": "danger-to-life"}, "role"),
        ({"action": "separate", "incident_ids": ["F1"]}, "incident_ids"),
    ],
)
def test_an_action_that_cannot_be_changes_nothing(wrong: dict[str, Any], field: str) -> None:
    city = a_city(an_incident("F1"))
    action = an_action("note", one(city))
    entry = type(action)(action.kind, action.topic, 0, 0, {**action.value, **wrong})
    rows, clock = len(city.said), city.state.clock_row().value
    with pytest.raises(Invalid) as refused:
        city.take(entry)
    assert refused.value.field == field
    assert len(city.said) == rows and city.state.clock_row().value == clock


def test_more_reports_than_a_situation_may_hold_are_not_joined() -> None:
    city = a_city(
        an_incident("F1"), an_incident("P1", kind="crash", where=place(3000)), bounds={"incidents": 2}
    )
    city.take(an_incident("P2", kind="crash", where=place(20)))
    first, second = (situation["situation_id"] for situation in city.live())
    with pytest.raises(Invalid):
        city.take(an_action("join", first, other=second))


def test_the_law_says_who_may_confirm() -> None:
    law = {"name": "here", "may": {"confirm": ["supervisor"]}}
    city = a_city(an_incident(), law=law)
    with pytest.raises(Invalid):
        did(city, "confirm")
    assert did(city, "confirm", role="supervisor")["certainty"] == "observed"


# -- timeouts --------------------------------------------------------------------------------------------------


def alerted(city: City, audience: str) -> list[tuple[str, bool]]:
    return [
        (alert["message_type"], alert["demands_attention"])
        for alert in city.all("core.alert")
        if alert["audience"] == audience
    ]


def test_what_nobody_acknowledges_is_told_higher_up_once() -> None:
    city = a_city(an_incident(heard="12:01"), escalate_after_min=5)
    city.take(a_tick("12:05"))
    assert alerted(city, "supervisor") == []
    city.take(a_tick("12:06"), a_tick("13:00"))
    assert alerted(city, "supervisor") == [("alert", True)]
    assert alerted(city, "operator") == [("alert", True), ("update", True)]
    told = city.the_situation()
    assert (told["escalated_at"], told["reason"]) == (at("12:06"), "nobody acknowledged it within 5 min")


def test_what_is_acknowledged_in_time_is_not() -> None:
    city = a_city(an_incident(), escalate_after_min=5)
    city.take(an_action("acknowledge", one(city), "12:04"), a_tick("13:00"))
    assert alerted(city, "supervisor") == []


def test_what_ends_before_is_not_and_what_only_stands_in_the_list_never_is() -> None:
    ended = a_city(an_incident(), escalate_after_min=5)
    ended.take(an_incident(status="closed", heard="12:03", revision=2), a_tick("13:00"))
    assert alerted(ended, "supervisor") == []
    listed = a_city(an_incident(), escalate_after_min=5, attention=["fire"])
    listed.take(a_tick("13:00"))
    assert alerted(listed, "supervisor") == [] and alerted(listed, "operator") == []


def test_a_restart_forgets_nothing_that_operators_did() -> None:
    config = rules(escalate_after_min=30)
    first = [an_incident("F1", kind="crash"), an_incident("P1", kind="crash")]
    whole = City(config)
    whole.take(*first)
    life = [
        an_action("separate", one(whole), reports=["P1"]),
        an_action("confirm", one(whole), "12:07"),
        an_action("close", one(whole), "12:08"),
        an_incident("F1", kind="crash", status="arrived", revision=2, heard="12:30"),
        a_tick("13:00"),
    ]
    whole.take(*life)
    for cut in range(len(life)):
        before, after = City(config), City(config)
        before.take(*first, *life[:cut])
        rows = {event.key: event.value for event in before.said if event.topic == "core.state"}
        clock = before.state.clock_row()
        rows[clock.key] = clock.value
        after.said.clear()
        after.state = CityState.from_records(config, rows.items())
        after.take(*life[cut:])
        said = [(e.topic, e.key, e.value) for e in [*before.said, *after.said]]
        assert said == [(e.topic, e.key, e.value) for e in whole.said]
        assert body_of(dict(after.state.clock_row().value or {}) | {"body": ""}) == body_of(
            dict(whole.state.clock_row().value or {}) | {"body": ""}
        )
