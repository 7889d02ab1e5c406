"""Cameras' words for what they see, mapped to ours (``labels.toml``)."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

OTHER = "other"
VEHICLE = "vehicle"
AS_LIKELY_AS_NOT = 0.5
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_FILE = Path(__file__).with_name("labels.toml")


@dataclass(frozen=True, slots=True)
class Labels:
    """*words*: all of ours. *tables*: vendor → its word in lower case → ours."""

    words: frozenset[str]
    vehicles: frozenset[str]
    tables: Mapping[str, Mapping[str, str]]


@cache
def load_labels(path: Path = _FILE) -> Labels:
    """The labels there are. ``ValueError`` where a table names a word that is none of ours."""
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    words, vehicles = frozenset(told.pop("words")), frozenset(told.pop("vehicles"))
    for name, table in told.items():
        if wrong := [f"{word} = {ours}" for word, ours in table.items() if ours not in words]:
            raise ValueError(f"{path.name}, [{name}]: no such label: {wrong[0]}")
    tables = {name: MappingProxyType(table) for name, table in told.items()}
    return Labels(words, vehicles, MappingProxyType(tables))


def check_labels(named: dict[str, str]) -> dict[str, str]:
    """*named*, whose values are labels. ``ValueError`` where one is none."""
    words = load_labels().words
    for name, label in named.items():
        if label not in words:
            near = difflib.get_close_matches(label, words, 1)
            raise ValueError(f"{name!r}: no such label: {label!r}" + (f"; near: {near[0]}" if near else ""))
    return named


def by_beginning(table: Mapping[str, str], path: str) -> str | None:
    """The value of the longest entry of *table* that *path* (``a/b/c``) is or lies below."""
    steps = path.split("/")
    for count in range(len(steps), 0, -1):
        if (found := table.get("/".join(steps[:count]))) is not None:
            return found
    return None


def by_words(table: Mapping[str, str], path: str) -> str | None:
    """The value of the last word of *path* that stands in *table*; ``FightDetector`` is the words fight and detector."""
    words = [word.lower() for word in _WORD.findall(path)]
    return next((table[word] for word in reversed(words) if word in table), None)


def label_of(claims: list[tuple[str, float]]) -> tuple[str, float | None]:
    """The label to go by, of (label, likelihood) pairs: the likeliest, but a vehicle's type before "vehicle"."""
    if not claims:
        return OTHER, None
    best = max(claims, key=lambda claim: claim[1])
    if best[0] == VEHICLE:
        kinds = [claim for claim in claims if claim[0] in load_labels().vehicles]
        kind = max(kinds, key=lambda claim: claim[1], default=None)
        if kind is not None and kind[1] >= AS_LIKELY_AS_NOT:
            return kind
    return best
