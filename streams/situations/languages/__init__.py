"""The languages in which people are told, one file each, found by its name: adding one is adding a file.

``<code>.toml`` holds what alerts say (``[headlines]``), what each rule says of its own (``[rules.<rule>]``) and, for kinds
that have no name in it in ``schemas/kinds.toml``, their names (``[kinds]``). All words in force stand in the journal with
the rules' numbers, so a replay tells in the words of then.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import Fatal
from schemas.kinds import load_kinds
from schemas.validation import first_fault

FOLDER = Path(__file__).parent
FALLBACK = "en"
"""The language in which is said what another has no words for."""


class Language(BaseModel):
    """One file. Its templates are checked where they are used: each rule knows its own fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    headlines: dict[str, Any]
    rules: dict[str, dict[str, str]] = {}
    kinds: dict[str, str] = {}


def read_languages(folder: Path) -> dict[str, Language]:
    """Code → language of every file in *folder*, the fallback first. ``Fatal`` names the file that is wrong."""
    paths = sorted(folder.glob("*.toml"), key=lambda path: (path.stem != FALLBACK, path.stem))
    return {path.stem: _read(path) for path in paths}


def _read(path: Path) -> Language:
    try:
        return Language.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        what = (
            str(error).splitlines()[0] if isinstance(error, tomllib.TOMLDecodeError) else first_fault(error)
        )
        raise Fatal(f"language {path.name}: {what}", hint=f"see {FALLBACK}.toml for the form") from error


@cache
def languages() -> Mapping[str, Language]:
    """The languages that ship with this package."""
    return read_languages(FOLDER)


def alert_words() -> dict[str, dict[str, Any]]:
    """Code → what alerts say in it."""
    return {code: dict(one.headlines) for code, one in languages().items()}


def words_of(rule: str) -> dict[str, dict[str, str]]:
    """Code → what *rule* says of its own, in the languages that have words for it; the fallback first."""
    return {code: dict(one.rules[rule]) for code, one in languages().items() if rule in one.rules}


def kind_names(code: str) -> dict[str, str]:
    """Kind → its name for people in that language; where it has none, in the fallback."""
    own = languages()[code].kinds if code in languages() else {}
    return {
        kind: own.get(kind) or called.get(code) or called.get(FALLBACK, kind)
        for kind, called in load_kinds().names.items()
    }
