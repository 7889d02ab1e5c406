"""The settings of the rules, and the laws that ship."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from deploy.laws import LAWS, law_named
from schemas.kinds import load_kinds
from streams.situations.entry import Entry
from streams.situations.rules.in_force import CityRules, rule_file, rule_names
from streams.situations.state.city import CityState
from tests.unit.situations.a_city import a_city, an_incident, place, rules


def test_the_numbers_survive_the_journal() -> None:
    config = rules(radius_m=250, language="en")
    again = CityRules.model_validate(orjson.loads(orjson.dumps(config.canonical())))
    assert again.digest == config.digest
    assert again.digest != rules().digest


@pytest.mark.parametrize(
    "wrong",
    [
        {"grant_minutes": 100_000},
        {"radius_m": 0},
        {"matrix": [{"kinds": ["crash"]}]},
        {"language": "xx"},
        {"law": {"name": "kr", "uses": {"fire": {"purpose": "fire-safety", "legal_ground": " "}}}},
        {"headlines": {"ko": {"alert": "{address}"}}},
        {"radius": 5},
    ],
)
def test_wrong_numbers_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        rules(**wrong)


@pytest.mark.parametrize("topics", [["cctv.person"], ["cctv.detection", "cctv.person"]])
def test_around_a_situation_no_persons_are_looked_for(topics: list[str]) -> None:
    watch = {"purpose": "fire-safety", "labels": ["person"], "topics": topics}
    with pytest.raises(ValidationError, match="only a missing person's case looks for people"):
        rules(watch=watch)


@pytest.mark.parametrize("topics", [["cctv.plate"], ["cctv.detection", "cctv.plate"], []])
def test_around_a_situation_no_plates_are_looked_for_by_name_or_by_naming_no_topic(topics: list[str]) -> None:
    watch = {"purpose": "fire-safety", "labels": ["licence_plate"], "topics": topics}
    with pytest.raises(ValidationError, match="only the list of wanted vehicles looks for plates"):
        rules(watch=watch)
    with pytest.raises(ValidationError, match="only the list of wanted vehicles looks for plates"):
        rules(shadows=[{"name": "joint-incident", "numbers": {"watch": watch}}])


def test_a_headline_may_not_ask_for_an_address() -> None:
    said = rules().canonical()["headlines"]
    said["ko"]["alert"] = "{kind} {address}"
    with pytest.raises(ValidationError, match="may use"):
        rules(headlines=said)


@pytest.mark.parametrize("path", sorted(LAWS.glob("*.toml")), ids=lambda path: path.stem)
def test_every_law_that_ships_gives_purpose_and_ground_to_fire_and_police(path: Any) -> None:
    law = rules(law=law_named(path.stem)).law
    assert law.name == path.stem
    assert law.uses["fire"].purpose == "fire-safety"
    assert law.uses["police"].purpose == "crime-prevention"


def test_every_kind_that_the_numbers_name_stands_in_the_tree() -> None:
    kinds = load_kinds()
    named = {kind for pair in rules().matrix for kind in pair.kinds} | {line.kind for line in rules().gravity}
    assert {kind for kind in named if kind not in kinds} == set()


def test_a_theft_joins_nothing() -> None:
    kinds = load_kinds().names
    for theft in ("crime.larceny", "disturbance"):
        assert [kind for kind in kinds if rules().reach(theft, kind)] == []


def test_numbers_that_change_on_the_way_change_what_comes_after_whether_or_not_there_was_a_restart() -> None:
    """A replay relies on this: the journal's entry switches the settings at the same place, with or without a restart."""
    before = [an_incident("F1"), an_incident("P1", kind="crash", where=place(180), happened="12:01")]
    after = [an_incident("F2", where=place(2_000)), an_incident("P2", kind="crash", where=place(2_180))]
    other = rules(radius_m=100)
    change = Entry("rules", "demo.rules", 0, 0, other.canonical())
    whole = a_city(*before)
    restarted = a_city(*before)
    rows = {event.key: event.value for event in restarted.said if event.topic == "core.state"}
    rows["clock"] = restarted.state.clock_row().value
    restarted.state = CityState.from_records(other, rows.items())
    said = [city.take(change, *after) for city in (whole, restarted)]
    assert said[0] == said[1]
    assert [len(one["incidents"]) for one in whole.live()] == [2, 1, 1]
    versions = {one["incidents"][0]["incident_id"]: one["rule_version"] for one in whole.live()}
    assert versions["F1"].endswith(rules().numbers)
    assert versions["F2"].endswith(other.numbers)


@pytest.mark.parametrize("name", rule_names())
def test_numbers_have_one_order_so_that_a_restart_gives_them_the_same_name(name: str) -> None:
    assert "uniqueItems" not in str(rule_file(name).Numbers.model_json_schema()), "a set is in no order"
