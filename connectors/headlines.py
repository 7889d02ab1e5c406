"""The headline of an alert in the language that a reader wants. Pure, on an event's value or its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def headline_in(language: str, value: Mapping[str, Any]) -> str | None:
    """The headline of the ``core.alert`` *value* in *language*, a BCP 47 tag, by the look-up of RFC 4647 section 3.4:
    ``en`` serves who wants ``en-GB``. ``None`` where none of its further languages does."""
    there = {one["language"].casefold(): str(one["headline"]) for one in value.get("headlines") or ()}
    parts = language.casefold().split("-")
    while parts:
        if (found := there.get("-".join(parts))) is not None:
            return found
        parts.pop()
        if parts and len(parts[-1]) == 1:  # what begins an extension goes with it
            parts.pop()
    return None


def in_language(language: str, shown: Mapping[str, Any]) -> Mapping[str, Any]:
    """*shown* with its headline in *language*, as it is where it has none in it."""
    found = headline_in(language, shown)
    return shown if found is None else {**shown, "headline": found}
