"""Words that no table has, read by their parts."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from schemas.errors import Fatal
from schemas.kinds import load_kinds
from schemas.parts import PARTS, TABLE, UNKNOWN, Known, kind_of, load_parts, read_parts, stated

CALL_TYPES = tomllib.loads(Path(__file__).with_name("call_types.toml").read_text(encoding="utf-8"))
DANGERS: dict[str, str] = CALL_TYPES["dangers"]
QUIET: list[str] = CALL_TYPES["quiet"]["words"]
ALERTING = (
    "fire",
    "rescue",
    "gas",
    "crash",
    "hazard",
    "wires",
    "medical.life-threat",
    "crime.weapon",
    "crime.robbery",
    "crime.kidnapping",
)
"""More kinds than any city lists as demanding attention; unknown words demand it too."""
SMALL = '[en]\nspaces = true\n[en.parts]\nfire = ["{phrase}"]\n'


def alerts(word: str) -> bool:
    kind = load_parts().kind(word)
    return kind is None or any(load_kinds().is_a(kind, one) for one in ALERTING)


def test_nineteen_of_twenty_call_types_of_other_cities_get_the_right_branch_of_the_tree() -> None:
    assert len(DANGERS) == 200
    wrong = {
        word: found
        for word, branch in DANGERS.items()
        if not ((found := load_parts().kind(word)) and load_kinds().is_a(found, branch))
    }
    assert len(wrong) <= 10, wrong


def test_of_a_hundred_that_name_no_danger_hardly_any_alerts() -> None:
    assert len(QUIET) == len(set(QUIET)) == 100
    assert sum(map(alerts, QUIET)) <= 5, list(filter(alerts, QUIET))


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("HIGHRISE ON FIRE", "fire.building"),
        ("OTHER TYPE WATER RESCUE", "rescue.water"),
        ("ALERT III", "rescue.aircraft"),
        ("MOTORCYCLE", "crash.motorcycle"),
        ("공장에서 폭발", "fire.explosion"),
    ],
)
def test_what_was_other_is_what_its_parts_say(word: str, kind: str) -> None:
    assert kind_of(load_kinds().words["houston-police"], word) == Known(kind, PARTS)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Fire Alarm", "alarm.automatic"),
        ("FIRE ALARM, SMOKE SHOWING", "fire.building"),  # only its own letters are cancelled
        ("FIRE ALARM TEST", "service"),
        ("HOUSE FIRE - DOG TRAPPED", "fire.building.residential"),
        ("LITHIUM BATTERY FIRE", "fire"),
        ("PARKED CAR FIRE", "fire.vehicle"),
        ("TRAINING CENTER FIRE", "fire"),
        ("FIREWORKS EXPLOSION", "fire.explosion"),
        ("ILLEGAL BURN NO PERMIT", "fire.outdoor"),
        ("훈련소 화재", "fire"),
    ],
)
def test_what_takes_a_danger_back_takes_no_other_back(word: str, kind: str) -> None:
    assert load_parts().kind(word) == kind


def test_a_heading_is_left_out_where_what_follows_says_something() -> None:
    assert load_parts().kind("Fire: VEHICLE ACCIDENT") == "crash.vehicle"
    assert load_parts().kind("FIRE: 3RD FLOOR") == "fire"


def test_a_table_goes_before_parts_and_what_neither_knows_is_unknown() -> None:
    words = load_kinds().words["columbia-police"]
    assert kind_of(words, "FIRE ALARM") == Known("alarm", TABLE)
    assert kind_of(words, "DRAGON SIGHTED") == kind_of(None, "") == Known("other", UNKNOWN)
    assert kind_of(words, "nobody knows this", "ROBBERY") == Known("crime.robbery", TABLE)


def test_a_kind_that_the_agency_states_holds_as_far_as_the_tree_knows_it() -> None:
    assert stated("fire.boat", "") == Known("fire.boat", TABLE)  # a kind of a newer tree
    assert stated("dragon", "HOUSE FIRE") == Known("fire.building.residential", PARTS)
    assert stated("other", "DRAGON SIGHTED") == Known("other", UNKNOWN)


def test_a_long_word_is_read_as_far_as_a_word_may_go() -> None:
    assert load_parts().kind("x" * 1_000_000 + " fire") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SMALL.format(phrase="<flames>"), "no class <flames>"),
        (SMALL.format(phrase="!drill"), "nothing that must be there"),
        (SMALL.format(phrase="fire").replace("fire =", "flood ="), "no kind 'flood'"),
    ],
)
def test_parts_with_a_fault_are_refused(text: str, complaint: str) -> None:
    with pytest.raises(Fatal, match=complaint):
        read_parts(text, load_kinds().names)
