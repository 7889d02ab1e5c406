"""The numbers of the rules, and the laws that ship."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from deploy.laws import LAWS, law_named
from schemas.kinds import load_kinds
from streams.situations.config import RulesConfig
from tests.unit.situations.a_city import rules


def test_the_numbers_survive_the_journal() -> None:
    config = rules(radius_m=250, language="en")
    again = RulesConfig.model_validate(orjson.loads(orjson.dumps(config.canonical())))
    assert again.digest() == config.digest()
    assert again.digest() != rules().digest()


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
