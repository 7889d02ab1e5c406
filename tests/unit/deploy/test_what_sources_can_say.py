"""Every word that a rule, the matrix or a city waits for is one that some shipped source can say.

A rule that waits for a word that nobody says is never in force, and nothing would tell.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import schemas
import streams.situations.rules
from connectors.subjects.labels import load_labels
from deploy.city.names import CITIES
from schemas.kinds import load_kinds

PARTS = Path(schemas.__file__).with_name("parts.toml")
RULES = Path(next(iter(streams.situations.rules.__path__)))
FILES = sorted({*RULES.glob("*.toml"), *RULES.glob("*/config.toml"), *CITIES.glob("*.toml")})
LABELS, KINDS = ("labels", "block_labels"), ("kinds", "attention")
OWN = {"disaster", "vulnerable", "wanted", "traffic.jam", "surge"}
"""Kinds that a rule gives to what it says itself."""


def words(found: Any, names: tuple[str, ...], key: str = "") -> Iterator[str]:
    """The words that stand anywhere in *found* under one of the keys *names*."""
    if isinstance(found, Mapping):
        for name, value in found.items():
            yield from words(value, names, name)
    elif isinstance(found, list):
        for one in found:
            yield from words(one, names, key)
    elif key in names and isinstance(found, str):
        yield found


def sayable_labels() -> set[str]:
    return {label for table in load_labels().tables.values() for label in table.values()}


def sayable_kinds() -> set[str]:
    said = {kind for table in load_kinds().words.values() for kind in table.table.values()}
    languages = tomllib.loads(PARTS.read_text(encoding="utf-8")).values()
    return said.union(*(language[table] for language in languages for table in ("parts", "takes_back")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_label_that_is_waited_for_can_be_said(path: Path) -> None:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    assert {label for label in words(told, LABELS) if label not in sayable_labels()} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_kind_that_is_waited_for_can_be_said(path: Path) -> None:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    is_a, said = load_kinds().is_a, sayable_kinds() | OWN
    rows = [row for name in ("gravity", "corroborate") for row in told.get(name, ())]
    waited = {*words(told, KINDS), *(row["kind"] for row in rows)}
    assert {kind for kind in waited if not any(is_a(one, kind) for one in said)} == set()


def test_every_label_there_is_can_be_said() -> None:
    assert load_labels().words - sayable_labels() == set()
