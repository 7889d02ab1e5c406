"""The kind of a word by its parts (``parts.toml``), for words that no agency's table holds. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from schemas.errors import Fatal
from schemas.kinds import OTHER, Words, load_kinds

TABLE, PARTS, UNKNOWN = "table", "parts", "unknown"
"""The origins of a kind: the agency's own table, the parts of its word, none."""
WORD = re.compile(r"\w+")
WORDS_REMEMBERED_MAX = 4_096
WORD_LETTERS_MAX = 300
"""Only the first letters of a longer word are read."""


class Known(NamedTuple):
    """The kind of a word, and where that comes from."""

    kind: str
    source: str

    @property
    def fields(self) -> dict[str, str]:
        """The two fields of an incident."""
        return {"kind": self.kind, "kind_source": self.source}

    def notes(self, word: str) -> dict[str, int]:
        """A note to count for a *word* without a kind."""
        return {f"kind unknown: {word}": 1} if self.source == UNKNOWN else {}


@dataclass(frozen=True, slots=True)
class Phrase:
    """Parts that must all be in a word, and others that must not."""

    parts: tuple[re.Pattern[str], ...]
    without: tuple[re.Pattern[str], ...] = ()

    def is_in(self, text: str) -> bool:
        return all(one.search(text) for one in self.parts) and not any(
            one.search(text) for one in self.without
        )

    def taken_from(self, text: str) -> str:
        for one in self.parts:
            text = one.sub(" ", text)
        return text


Lines = tuple[tuple[str, tuple[Phrase, ...]], ...]
"""Kind and its phrases, in the order in which they are read."""


@dataclass(frozen=True, slots=True)
class Language:
    """The parts of one language, as its table in ``parts.toml`` says them."""

    has_spaces: bool
    prefixes: tuple[str, ...]
    nothing: Lines
    takes_back: Lines
    parts: Lines

    def kind(self, word: str) -> str | None:
        """The kind of *word* by its parts; ``None`` when no part decides."""
        folded = word[:WORD_LETTERS_MAX].casefold()
        for prefix in self.prefixes:
            if folded.startswith(prefix) and (kind := self._kind(folded.removeprefix(prefix))):
                return kind
        return self._kind(folded)

    def _kind(self, folded: str) -> str | None:
        words = WORD.findall(folded) if self.has_spaces else ["".join(folded.split())]
        text = " ".join(words)
        if kind := _first(self.nothing, text):
            return kind
        left, taken = text, None
        for kind, phrases in self.takes_back:
            for phrase in phrases:
                if phrase.is_in(left):
                    left, taken = phrase.taken_from(left), taken or kind
        return _first(self.parts, left) or taken


@dataclass(frozen=True, slots=True)
class Parts:
    """Every language's parts."""

    languages: Mapping[str, Language]

    def kind(self, word: str) -> str | None:
        """The kind of *word* by the first language whose parts decide; ``None`` when none does.

        A later language may only be more exact: "gas" is English, too, so "kebocoran gas" (gas leak) is ``gas`` at first.
        """
        found = None
        for one in self.languages.values():
            kind = one.kind(word)
            if kind is not None and (found is None or kind.startswith(found + ".")):
                found = kind
        return found


def _first(lines: Lines, text: str) -> str | None:
    return next((kind for kind, phrases in lines if any(one.is_in(text) for one in phrases)), None)


def read_parts(text: str, kinds: Iterable[str]) -> Parts:
    """The parts in *text* (TOML). ``Fatal`` for a kind that is none of *kinds*, or a class that is not defined."""
    known = frozenset(kinds)
    return Parts({name: _language(name, table, known) for name, table in tomllib.loads(text).items()})


def _language(name: str, table: Mapping[str, Any], kinds: frozenset[str]) -> Language:
    classes, has_spaces = table.get("classes", {}), table["spaces"]

    def lines(part: str) -> Lines:
        found = []
        for kind, phrases in table.get(part, {}).items():
            if kind not in kinds:
                raise Fatal(f"parts: {name}.{part}: no kind {kind!r}", hint="kinds.toml names them all")
            found.append((kind, tuple(_phrase(one, classes, has_spaces, name) for one in phrases)))
        return tuple(found)

    prefixes = tuple(table.get("prefixes", ()))
    return Language(has_spaces, prefixes, lines("nothing"), lines("takes_back"), lines("parts"))


def _phrase(said: str, classes: Mapping[str, Iterable[str]], has_spaces: bool, name: str) -> Phrase:
    parts = said.split()
    wanted = tuple(_pattern(one, classes, has_spaces, name) for one in parts if not one.startswith("!"))
    without = tuple(_pattern(one[1:], classes, has_spaces, name) for one in parts if one.startswith("!"))
    if not wanted:
        raise Fatal(f"parts: {name}: {said!r} names nothing that must be there", hint="add a part without !")
    return Phrase(wanted, without)


def _pattern(part: str, classes: Mapping[str, Iterable[str]], has_spaces: bool, name: str) -> re.Pattern[str]:
    if not has_spaces:
        return re.compile(re.escape(part.casefold()))
    words = " ".join(_one_word(one, classes, name) for one in part.split("_"))
    return re.compile(rf"(?<!\S){words}(?!\S)")


def _one_word(said: str, classes: Mapping[str, Iterable[str]], name: str) -> str:
    if said.startswith("<"):
        its = classes.get(said.strip("<>"))
        if its is None:
            raise Fatal(f"parts: {name}: no class {said}", hint=f"add it under [{name}.classes]")
        return "(?:" + "|".join(re.escape(one.casefold()) for one in its) + ")"
    stem = re.escape(said.removesuffix("*").casefold())
    return rf"{stem}\w*" if said.endswith("*") else stem


@cache
def load_parts() -> Parts:
    """The parts that ship with this package."""
    text = Path(__file__).with_name("parts.toml").read_text(encoding="utf-8")
    return read_parts(text, load_kinds().names)


def kind_of(words: Words | None, *said: str) -> Known:
    """The kind that an agency's words for one incident mean; give the preferred word first.

    The agency's own table is read first, then the parts. A word that neither has is ``other``: a person must look at it.
    """
    table = (kind for word in said if words is not None and (kind := words.get(word)))
    if kind := next(table, None):
        return Known(kind, TABLE)
    kind = next((kind for word in said if (kind := _by_parts(word))), None)
    return Known(OTHER, UNKNOWN) if kind is None else Known(kind, PARTS)


def stated(kind: str, word: str) -> Known:
    """The kind of an agency that sends our kinds: its *kind* if the tree has it or an ancestor, else the kind of *word*."""
    if kind != OTHER and kind.partition(".")[0] in load_kinds():
        return Known(kind, TABLE)
    return kind_of(None, word)


@lru_cache(maxsize=WORDS_REMEMBERED_MAX)
def _by_parts(word: str) -> str | None:
    return load_parts().kind(word)
