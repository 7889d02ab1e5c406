"""``bongsu kinds``: the tree, and what a word means."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from deploy.cli.kinds import kinds
from deploy.faults import UsageFault
from deploy.kind_search import known_words, meanings
from schemas.kinds import load_kinds, spoken


def lines(*words: str) -> list[str]:
    done = CliRunner().invoke(kinds, words, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout.splitlines()


def test_the_tree_has_every_kind_with_its_names_and_no_colours_in_a_pipe() -> None:
    shown = lines()
    assert [line.split()[0] for line in shown] == list(load_kinds().names)
    assert "Pedestrian struck · 보행자 사고" in "\n".join(shown)
    assert "\x1b" not in "".join(shown)
    assert "\x1b" in CliRunner().invoke(kinds, [], color=True).stdout
    assert [json.loads(line)["kind"] for line in lines("--json")] == list(load_kinds().names)


def test_a_kind_is_shown_with_what_lies_below_it() -> None:
    assert [line.split()[0] for line in lines("fire.building")][:2] == [
        "fire.building",
        "fire.building.residential",
    ]


@pytest.mark.parametrize(
    ("said", "word", "kind", "where"),
    [
        (("gas", "leek"), "GAS LEAK", "gas.leak", "words.houston-fire"),
        (("gas leak",), "GAS LEAK", "gas.leak", "words.houston-fire"),
        (("교통사구",), "교통사고", "crash", "names.ko"),
        (("kebakran",), "kebakaran", "fire", "parts.id"),
        (("HIGHRISE", "ON", "FIRE"), "HIGHRISE ON FIRE", "fire.building", "parts.en"),
        (("Pedestrain struck",), "Pedestrian struck", "crash.pedestrian", "names.en"),
    ],
)
def test_a_word_is_found_in_every_table_exactly_near_and_by_its_parts(
    said: tuple[str, ...], word: str, kind: str, where: str
) -> None:
    found = [json.loads(line) for line in lines(*said, "--json")]
    (one,) = [one for one in found if "word" in one and (one["word"], one["where"]) == (word, where)]
    assert one["kind"] == kind
    assert (one["likeness"] == 1) == (spoken(" ".join(said)) == spoken(word))


def test_the_exact_comes_first_and_then_the_nearest() -> None:
    likeness = [one.likeness for one in meanings("gas leak")]
    assert likeness[0] == 1 and likeness == sorted(likeness, reverse=True)


def test_every_word_of_every_table_is_known() -> None:
    tables = {f"words.{name}": len(words.table) for name, words in load_kinds().words.items()}
    for name, count in tables.items():
        assert len({spoken(one.word) for one in known_words() if one.where == name}) == count


def test_a_word_like_no_other_is_told_with_what_to_do() -> None:
    with pytest.raises(UsageFault, match="bongsu kinds"):
        CliRunner().invoke(kinds, ["qqqq"], catch_exceptions=False)
