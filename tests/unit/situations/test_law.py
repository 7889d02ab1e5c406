"""The same happening under the law of each country: other grounds, roles and times; the same code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import streams
from deploy.laws import LAWS, law_named
from schemas.errors import Invalid
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from tests.unit.situations.a_city import City, a_camera, a_city, a_tick, an_action, an_incident, place, rules

COUNTRIES = sorted(path.stem for path in LAWS.glob("*.toml"))
MINUTE = 60_000
BOUNDS = {"eu": (7, 240), "id": (30, 480), "kr": (30, 480), "th": (30, 480), "us": (30, 480)}
"""The days after which a closed situation is deleted, and the minutes that a grant lasts at most; written down apart from
the laws' files."""
OUTCOMES = {
    "eu": (False, True, "GDPR Art. 6(1)(e): a task in the public interest"),
    "id": (False, False, "UU PDP Art. 20(2)(e): a task in the public interest, public service"),
    "kr": (False, False, "PIPA Art. 25(1)3: safety and management of facilities, prevention of fire"),
    "th": (True, False, "PDPA s. 24(2): preventing or suppressing a danger to life, body or health"),
    "us": (False, False, "city camera policy: fire and medical response to a call for service"),
}
"""For the same evening: whether an operator may override, whether all is deleted on the ninth day, the ground of a grant."""


def a_fire(law: str, **changed: Any) -> City:
    """A fire with a camera for fires nearby, and a nearer one for traffic only."""
    return a_city(
        a_camera("traffic", where=place(5), purposes=["traffic"]),
        a_camera("fire", where=place(50), purposes=["fire-safety"]),
        an_incident("F1", kind="fire.building"),
        law=law_named(law),
        **changed,
    )


def overridden(city: City, *, role: str = "supervisor", ground: str = "danger-to-life") -> City:
    its_id = city.the_situation()["situation_id"]
    city.take(an_action("override", its_id, role=role, ground=ground))
    return city


def test_five_countries_ship() -> None:
    assert COUNTRIES == ["eu", "id", "kr", "th", "us"]


@pytest.mark.parametrize("law", COUNTRIES)
def test_a_camera_whose_purposes_do_not_hold_the_use_is_skipped(law: str) -> None:
    (grant,) = a_fire(law).grants_in_force()
    assert (grant["camera_id"], grant["override"]) == ("fire", None)
    assert grant["legal_ground"] == law_named(law)["uses"]["fire"]["legal_ground"]


@pytest.mark.parametrize("law", COUNTRIES)
def test_with_a_ground_of_the_law_it_serves_and_the_answer_says_so(law: str) -> None:
    city = overridden(a_fire(law))
    grants = {grant["camera_id"]: grant for grant in city.grants_in_force()}
    assert grants["traffic"]["override"] == "danger-to-life"
    assert grants["traffic"]["legal_ground"] == law_named(law)["overrides"]["danger-to-life"]
    assert "danger-to-life" in grants["traffic"]["reason"]
    assert grants["fire"]["override"] is None
    told = city.the_situation()
    assert told["reason"] == "override by acc-7, danger-to-life"
    assert [(one["action"], one["account_id"]) for one in told["actions"]] == [("override", "acc-7")]
    assert [one["camera_id"] for one in told["cameras"]] == ["traffic", "fire"]


@pytest.mark.parametrize("law", COUNTRIES)
def test_a_ground_that_the_law_does_not_know_moves_nothing(law: str) -> None:
    city = a_fire(law)
    with pytest.raises(Invalid) as refused:
        overridden(city, ground="curiosity")
    assert refused.value.field == "ground"
    assert [grant["camera_id"] for grant in city.grants_in_force()] == ["fire"]


def test_an_override_ends_with_its_situation() -> None:
    city = overridden(a_fire("kr"))
    city.take(an_incident("F1", kind="fire.building", status="closed", revision=2, heard="12:20"))
    assert city.grants_in_force() == []
    city.take(an_incident("F2", kind="fire.building", happened="13:00", where=place(20)))
    assert [grant["camera_id"] for grant in city.grants_in_force()] == ["fire"]


def outcome(law: str) -> tuple[bool, bool, str]:
    """The law's effects on the same evening, as in OUTCOMES; the city's grants last as long as the law lets them."""
    try:
        overridden(a_fire(law), role="operator")
        operator_may = True
    except Invalid:
        operator_may = False
    city = a_fire(law, grant_minutes=BOUNDS[law][1])
    (grant,) = city.grants_in_force()
    assert grant["expires_at"] - grant["opened_at"] == BOUNDS[law][1] * MINUTE
    city.take(
        an_incident("F1", kind="fire.building", status="closed", revision=2, heard="12:20"),
        a_tick("+8 12:00"),
    )
    is_forgotten = not city.state.situations
    return operator_may, is_forgotten, grant["legal_ground"]


@pytest.mark.parametrize("law", COUNTRIES)
def test_no_grant_lasts_longer_and_no_case_is_kept_longer_than_the_law_says(law: str) -> None:
    days, minutes = BOUNDS[law]
    assert rules(law=law_named(law)).law.forget_after_days == days
    with pytest.raises(ValidationError, match="grant"):
        rules(law=law_named(law), grant_minutes=minutes + 1)


def test_each_law_has_its_own_outcome_and_the_rules_name_no_country() -> None:
    assert {law: outcome(law) for law in COUNTRIES} == OUTCOMES
    words = [f'"{law}"' for law in COUNTRIES]
    every = Path(streams.__file__).parent.rglob("*.py")
    code = [path for path in every if path.parent.name != "chargers"]  # a field of OCPP is named id
    named = [path.name for path in code if any(word in path.read_text(encoding="utf-8") for word in words)]
    assert named == []


def test_who_may_confirm_is_the_laws_matter() -> None:
    for law, may in (("eu", False), ("kr", True)):
        city = a_fire(law)
        action = an_action("confirm", city.the_situation()["situation_id"])
        if may:
            city.take(action)
            assert city.the_situation()["certainty"] == "observed"
        else:
            with pytest.raises(Invalid):
                city.take(action)


def test_a_law_that_knows_a_use_no_longer_ends_its_grants_at_once_and_one_that_does_again_opens_them() -> (
    None
):
    city = a_fire("kr")
    assert len(city.grants_in_force()) == 1
    law = law_named("kr")
    law = {**law, "uses": {name: use for name, use in law["uses"].items() if name != "fire"}}
    city.take(Entry("rules", "demo.rules", 0, 0, rules(law=law).canonical()))
    assert city.grants_in_force() == []
    assert [grant["reason"] for grant in city.grants().values()] == ["no ground for it any more"]
    city.take(Entry("rules", "demo.rules", 0, 0, rules(law=law_named("kr")).canonical()))
    (grant,) = city.grants_in_force()
    assert (grant["camera_id"], grant["rule"]) == ("fire", "joint-incident")
    assert grant["rule_version"].startswith("1")


def test_what_the_law_words_anew_stands_in_the_next_revision_of_its_grants() -> None:
    city = overridden(a_fire("kr"))
    before = {grant["camera_id"]: grant for grant in city.grants_in_force()}
    law = law_named("kr")
    uses = {**law["uses"], "fire": {"purpose": "fire-safety", "legal_ground": "Act B, section 1"}}
    law = {**law, "uses": uses, "overrides": {**law["overrides"], "danger-to-life": "Act B, section 2"}}
    entry = Entry("rules", "demo.rules", 0, 0, rules(law=law).canonical())
    city.take(entry)
    after = {grant["camera_id"]: grant for grant in city.grants_in_force()}
    assert {one: grant["legal_ground"] for one, grant in after.items()} == {
        "fire": "Act B, section 1",
        "traffic": "Act B, section 2",
    }
    for camera, grant in after.items():
        same = ("grant_id", "opened_at", "expires_at", "rank", "override", "purpose")
        assert {name: grant[name] for name in same} == {name: before[camera][name] for name in same}
        assert (grant["revision"], grant["reason"]) == (
            before[camera]["revision"] + 1,
            "the law has other words for it now",
        )
    assert city.take(entry) == [], "told once"


def test_a_grant_bears_the_ground_that_an_operator_named_last() -> None:
    city = overridden(a_fire("kr"))
    its_id = city.the_situation()["situation_id"]
    city.take(an_action("override", its_id, "12:06", role="supervisor", ground="public-safety"))
    grants = {grant["camera_id"]: grant for grant in city.grants_in_force()}
    assert grants["traffic"]["legal_ground"] == law_named("kr")["overrides"]["public-safety"]
    assert (grants["traffic"]["override"], grants["traffic"]["revision"]) == ("public-safety", 2)
    assert grants["traffic"]["reason"].endswith("do not hold: public-safety")
    assert grants["fire"]["revision"] == 2, "its rank, when the other opened"


def test_a_purpose_that_the_law_words_anew_stands_in_its_grants_if_the_camera_serves_it() -> None:
    city = a_city(
        a_camera("both", purposes=["fire-safety", "rescue"]),
        a_camera("one", purposes=["fire-safety"], where=place(30)),
        an_incident("F1", kind="fire.building"),
    )
    law = law_named("kr")
    law = {**law, "uses": {**law["uses"], "fire": {**law["uses"]["fire"], "purpose": "rescue"}}}
    city.take(Entry("rules", "demo.rules", 0, 0, rules(law=law).canonical()))
    said = {grant["camera_id"]: (grant["purpose"], grant["reason"]) for grant in city.grants().values()}
    assert said == {
        "both": ("rescue", "the law has other words for it now"),
        "one": ("fire-safety", "the camera serves other purposes"),
    }


def test_a_law_that_changed_while_the_worker_was_down_is_followed_as_by_one_that_ran() -> None:
    running = a_fire("kr")
    rows = {event.key: event.value for event in running.said if event.topic == "core.state"}
    rows[running.state.clock_row().key] = running.state.clock_row().value
    law = law_named("kr")
    law = {**law, "uses": {name: use for name, use in law["uses"].items() if name != "fire"}}
    config = rules(law=law)
    entry = Entry("rules", "demo.rules", 0, 0, config.canonical())
    restarted = CityState.from_records(config, rows.items())
    assert step(restarted, entry) == step(running.state, entry) != []
