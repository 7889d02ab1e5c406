"""The licences of all that is installed, by the table ``licences.toml``, held against the list of those that may be used.

The table says a licence once, for the SBOM and for the check. The check compares it with what the packages installed here
say of themselves.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("licences.toml")
_NEVER = ("AGPL", "SSPL", "BUSL", "BSL")
_WORD = re.compile(r"\(|\)|[^\s()]+(?:\s+WITH\s+[^\s()]+)?")


@dataclass(frozen=True, slots=True)
class Exempt:
    """A component whose licence is not in the list, or not in its metadata. *is_tool*: only the tests use it."""

    reason: str
    is_tool: bool = False


@dataclass(frozen=True, slots=True)
class Licences:
    """The table. *names*: the words of metadata → the SPDX identifiers that they may stand for."""

    allowed: frozenset[str]
    names: Mapping[str, frozenset[str]]
    exempt: Mapping[str, Exempt]
    python: Mapping[str, str]
    maven: Mapping[str, str]
    npm: Mapping[str, str]


def licences(text: str | None = None) -> Licences:
    """The table of this repository, or that of *text*."""
    table: dict[str, Any] = tomllib.loads(TABLE.read_text("utf-8") if text is None else text)
    return Licences(
        frozenset(table["allowed"]),
        {name: frozenset(found) for name, found in table["names"].items()},
        {one["name"]: Exempt(one["reason"], one.get("tool", False)) for one in table["exempt"]},
        table["python"],
        table["maven"],
        table["npm"],
    )


def faults(
    rows: Mapping[str, str], wanted: Collection[str], table: Licences, *, shipped: Collection[str]
) -> Iterator[str]:
    """Each fault of *rows* for the components *wanted*: a missing row, or a licence that may not be used.

    *shipped*: the components that are more than a tool of the tests.
    """
    yield from (f"{name}: no row in {TABLE.name}" for name in sorted(set(wanted) - rows.keys()))
    for name in sorted(set(wanted) & rows.keys()):
        exempt = table.exempt.get(name)
        if any(word.startswith(_NEVER) for word in _WORD.findall(rows[name])):
            yield f"{name}: {rows[name]} is never used"
        elif exempt is None and not is_allowed(rows[name], table.allowed):
            yield f"{name}: {rows[name]} is not in the list, and no reason is given"
        elif exempt is not None and exempt.is_tool and name in shipped:
            yield f"{name}: {exempt.reason}, but it is shipped"


def unlike_metadata(name: str, about: Message, table: Licences) -> str | None:
    """The fault where the row of *name* differs from its metadata, or where these say nothing that is known."""
    found, row, is_exempt = declared(about, table.names), table.python[name], name in table.exempt
    if not found:
        return (
            None
            if is_exempt
            else f"{name}: its metadata name no licence that is known; name it, and give the reason"
        )
    if row in found or (is_exempt and any(row.startswith(f"{one} WITH ") for one in found)):
        return None
    return f"{name}: {row}, its metadata: {sorted(found)}"


def declared(about: Message, names: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The licences that a package's metadata may mean; empty where they are unknown.

    The expression counts before the text, and the text before the classifiers.
    """
    if expression := about.get("License-Expression"):
        return frozenset({expression})
    text = (about.get("License") or "").strip().partition("\n")[0]
    if text in names:
        return names[text]
    classifiers = [
        one.rpartition(" :: ")[2] for one in about.get_all("Classifier") or () if "License ::" in one
    ]
    known = [names[one] for one in classifiers if one in names]
    return frozenset().union(*known) if known else frozenset()


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Whether *expression* (SPDX: AND before OR, with brackets) can be met with licences of *allowed* alone."""
    words = [" ".join(word.split()) for word in _WORD.findall(expression)]

    def either() -> bool:
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = one()
        while words and words[0] == "AND":
            words.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        word = words.pop(0) if words else ""
        if word != "(":
            return word in allowed
        found = either()
        return found and bool(words) and words.pop(0) == ")"

    return either() and not words


def of_installed(name: str) -> Message:
    """The metadata of the package *name*, which is installed here."""
    return metadata.metadata(name)  # type: ignore[return-value]  # it is a Message; typeshed names its protocol
