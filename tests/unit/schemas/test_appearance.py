"""The words for how a person looks."""

from __future__ import annotations

from pathlib import Path

import pytest

import schemas
from schemas.appearance import load_appearance, read_appearance
from schemas.errors import Fatal, Invalid

APPEARANCE = load_appearance()
TABLE = Path(schemas.__file__).with_name("appearance.toml").read_text(encoding="utf-8")


def test_the_words_are_those_of_the_literature() -> None:
    assert {name: len(one.words) for name, one in APPEARANCE.traits.items()} == {
        "sex": 2,
        "age_band": 4,
        "hair": 2,
        "sleeves": 2,
        "upper_colour": 8,
        "lower_kind": 3,
        "lower_colour": 9,
        "hat": 2,
        "bag": 2,
        "backpack": 2,
        "walking_aid": 4,
    }


def test_every_attribute_and_word_is_said_in_every_language() -> None:
    for trait in APPEARANCE.traits.values():
        for labels in (trait.label, *trait.words.values()):
            assert {*labels} == {"en", "ko", "th"}
            assert all(text.strip() for text in labels.values())


@pytest.mark.parametrize(
    ("colour", "shade"),
    [
        ((0.05, 0.05, 0.08), "black"),
        ((0.95, 0.95, 0.93), "white"),
        ((0.5, 0.5, 0.52), "gray"),
        ((0.9, 0.1, 0.1), "red"),
        ((0.9, 0.1, 0.2), "red"),
        ((1.0, 0.5, 0.0), "orange"),
        ((0.4, 0.25, 0.1), "brown"),
        ((0.9, 0.85, 0.1), "yellow"),
        ((0.1, 0.6, 0.2), "green"),
        ((0.1, 0.2, 0.8), "blue"),
        ((0.5, 0.1, 0.8), "purple"),
        ((0.95, 0.4, 0.7), "pink"),
    ],
)
def test_a_measured_colour_has_a_shade(colour: tuple[float, float, float], shade: str) -> None:
    assert APPEARANCE.shades.of(*colour) == shade


def test_every_hue_has_a_shade_with_a_word_for_both_garments() -> None:
    steps = [part / 8 for part in range(9)]
    for shade in {APPEARANCE.shades.of(r, g, b) for r in steps for g in steps for b in steps}:
        for garment in ("upper_colour", "lower_colour"):
            found = APPEARANCE.colour(garment, shade)
            assert found is not None
            word, share = found
            APPEARANCE.check(garment, word)
            assert share == (1.0 if word == shade else 0.5)


def test_a_colour_outside_is_none() -> None:
    with pytest.raises(Invalid):
        APPEARANCE.shades.of(0.2, 1.2, 0.0)


def test_an_unknown_word_is_refused_with_the_words_there_are() -> None:
    with pytest.raises(Invalid, match="no word 'teal'") as told:
        APPEARANCE.check("upper_colour", "teal")
    assert "purple" in str(told.value.expected)
    with pytest.raises(Invalid, match="no attribute 'face'"):
        APPEARANCE.check("face", "round")
    assert APPEARANCE.colour("upper_colour", "teal") is None


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('["orange", 15, 45]', '["orange", 15, 40]'), ('pink = "red"', 'pink = "rose"')],
)
def test_a_table_with_a_gap_or_a_word_that_is_none_is_refused(right: str, wrong: str) -> None:
    with pytest.raises(Fatal, match="appearance"):
        read_appearance(TABLE.replace(right, wrong))
