"""The tree of kinds and the agencies' words."""

from __future__ import annotations

import pytest

from schemas.errors import Fatal
from schemas.kinds import load_kinds, read_kinds

SMALL = '[kinds]\nother = {en = "o", ko = "o"}\nfire = {en = "Fire", ko = "화재"}\n'


def test_a_pedestrian_struck_is_a_crash_and_a_crash_is_no_crashland() -> None:
    kinds = load_kinds()
    assert kinds.is_a("crash.pedestrian", "crash")
    assert kinds.is_a("crash", "crash")
    assert not kinds.is_a("crash", "crash.pedestrian")
    assert not kinds.is_a("crashland", "crash")


def test_words_are_compared_without_case_and_runs_of_spaces() -> None:
    words = load_kinds().words["houston-fire"]
    assert words.get("Ems  Event") == words.get("EMS EVENT") == "medical"
    assert words.get("DRAGON SIGHTED") is None


def test_a_kind_has_a_name_in_two_languages_and_a_newer_one_its_own_word() -> None:
    kinds = load_kinds()
    assert (kinds.name("fire"), kinds.name("fire", "ko"), kinds.name("newer.kind")) == (
        "Fire",
        "화재",
        "newer.kind",
    )


def test_every_agency_has_words_for_the_whole_life_of_a_case() -> None:
    for words in load_kinds().statuses.values():
        assert set(words.table.values()) == {"open", "dispatched", "arrived", "closed"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (SMALL + '"crash.minor" = {en = "a", ko = "b"}', "no parent"),
        (SMALL + 'gas = {en = "Gas"}', "en and in ko"),
        (SMALL + '[words.x]\n"A" = "flood"', "nothing here defines"),
        (SMALL + '[words.x]\n"A" = "fire"\n"a " = "other"', "two meanings"),
        (SMALL + '[statuses.x]\n"A" = "on scene"', "nothing here defines"),
        ('[kinds]\nfire = {en = "Fire", ko = "화재"}', "no 'other'"),
    ],
)
def test_a_tree_with_a_fault_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(Fatal, match=complaint):
        read_kinds(text)
