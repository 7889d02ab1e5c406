"""Search of the tree of kinds: what a word means in each table, by its parts, and which known words are near it. Pure."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import schemas.kinds
from schemas.kinds import OTHER, load_kinds, spoken
from schemas.parts import load_parts
from streams.situations.languages import kind_names, languages

NEAR_MIN = 0.75
"""The least likeness (difflib's ratio) of a word that is called near: "gas leek" and "gas leak" have 0.875."""
NEAR_MAX = 12


@dataclass(frozen=True, slots=True)
class Meaning:
    """A known word and its kind. *where*: the table (``words.houston-fire``), ``names.ko``, ``kinds``, or ``parts.en``."""

    word: str
    kind: str
    where: str
    likeness: float = 1.0


def meanings(word: str) -> list[Meaning]:
    """All that *word* means, exactly and by its parts; then the near words, the nearest first."""
    said = spoken(word)
    exact = [one for one in known_words() if spoken(one.word) == said and not one.where.startswith("parts.")]
    by_parts = [
        Meaning(word, kind, f"parts.{name}")
        for name, language in load_parts().languages.items()
        if (kind := language.kind(word)) is not None
    ]
    return [*exact, *by_parts, *_near(said)]


def below(kind: str) -> list[str]:
    """*kind* and the kinds below it, in the tree's order; none where the tree has no such kind."""
    kinds = load_kinds()
    return [one for one in kinds.names if kinds.is_a(one, kind)]


@cache
def known_words() -> tuple[Meaning, ...]:
    """Every word that means a kind, as it is written: the kinds themselves, their names, each agency's table."""
    return tuple(_known_words())


def _known_words() -> Iterator[Meaning]:
    kinds = load_kinds()
    for kind in kinds.names:
        yield Meaning(kind, kind, "kinds")
    for language in languages():
        for kind, name in kind_names(language).items():
            yield Meaning(name, kind, f"names.{language}")
    for table, words in _written("kinds.toml")["words"].items():
        for word, kind in words.items():
            yield Meaning(word, kind, f"words.{table}")
    for language, table in _written("parts.toml").items():
        for kind, phrases in table.get("parts", {}).items():
            for phrase in phrases:
                if not set("<!") & set(phrase):  # a phrase of plain words
                    yield Meaning(phrase.replace("_", " ").replace("*", ""), kind, f"parts.{language}")


def _written(name: str) -> dict[str, Any]:
    """A table of ``schemas`` as it is written: what is loaded has forgotten capital letters."""
    return tomllib.loads(Path(schemas.kinds.__file__).with_name(name).read_text(encoding="utf-8"))


def _near(said: str) -> list[Meaning]:
    found = []
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(said)
    for one in known_words():
        its = spoken(one.word)
        matcher.set_seq1(its)
        if its == said or one.kind == OTHER or matcher.real_quick_ratio() < NEAR_MIN:
            continue
        if matcher.quick_ratio() >= NEAR_MIN and (likeness := matcher.ratio()) >= NEAR_MIN:
            found.append(Meaning(one.word, one.kind, one.where, round(likeness, 3)))
    return sorted(found, key=lambda one: -one.likeness)[:NEAR_MAX]
