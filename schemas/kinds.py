"""The tree of kinds of incident, and each agency's words mapped to it (``kinds.toml``)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.errors import Fatal

OTHER = "other"
STATUSES = ("open", "dispatched", "arrived", "closed")


def spoken(word: str) -> str:
    """*word* as words are compared: case and runs of spaces do not count."""
    return " ".join(word.split()).casefold()


@dataclass(frozen=True, slots=True)
class Words:
    """One agency's words."""

    table: Mapping[str, str]

    @classmethod
    def of(cls, said: Mapping[str, str], *, beside: Words | None = None) -> Words:
        """The words of *said*, normalised for comparison. They win over those of *beside*."""
        table = {} if beside is None else dict(beside.table)
        return cls({**table, **{spoken(word): kind for word, kind in said.items()}})

    def get(self, word: str) -> str | None:
        """The kind or status that *word* means; ``None`` when the agency's table does not have it."""
        return self.table.get(spoken(word))


@dataclass(frozen=True, slots=True)
class Kinds:
    """The tree and the tables. *names* is kind → language → name."""

    names: Mapping[str, Mapping[str, str]]
    words: Mapping[str, Words]
    statuses: Mapping[str, Words]

    def __contains__(self, kind: object) -> bool:
        return kind in self.names

    def is_a(self, kind: str, ancestor: str) -> bool:
        """Whether *kind* is *ancestor* or lies below it: ``crash.pedestrian`` is a ``crash``."""
        return kind == ancestor or kind.startswith(ancestor + ".")

    def name(self, kind: str, language: str = "en") -> str:
        """*kind* for people; a kind that this tree lacks (of a newer version) is returned as it is."""
        return self.names.get(kind, {}).get(language, kind)


def _tables(
    found: Mapping[str, Mapping[str, str]], allowed: Mapping[str, Any], where: str
) -> dict[str, Words]:
    tables = {}
    for agency, words in found.items():
        table: dict[str, str] = {}
        for word, meaning in words.items():
            if meaning not in allowed:
                raise Fatal(f"{where}.{agency}: {word!r} means {meaning!r}, which nothing here defines")
            if table.get(spoken(word), meaning) != meaning:
                raise Fatal(f"{where}.{agency}: {word!r} has two meanings")
            table[spoken(word)] = meaning
        tables[agency] = Words(table)
    return tables


def read_kinds(text: str) -> Kinds:
    """The tree in *text* (TOML). ``Fatal`` for a kind without its parent or a word that means nothing."""
    found = tomllib.loads(text)
    names = found["kinds"]
    for kind, called in names.items():
        parent = kind.rpartition(".")[0]
        if parent and parent not in names:
            raise Fatal(f"kind {kind!r} has no parent", hint=f"add {parent!r} under [kinds]")
        if set(called) != {"en", "ko"}:
            raise Fatal(f"kind {kind!r} needs a name in en and in ko")
    if OTHER not in names:
        raise Fatal(f"the tree has no {OTHER!r}", hint="an unknown word has to become something")
    return Kinds(
        names=names,
        words=_tables(found.get("words", {}), names, "words"),
        statuses=_tables(found.get("statuses", {}), dict.fromkeys(STATUSES), "statuses"),
    )


@cache
def load_kinds() -> Kinds:
    """The tree that ships with this package."""
    return read_kinds(Path(__file__).with_name("kinds.toml").read_text(encoding="utf-8"))
