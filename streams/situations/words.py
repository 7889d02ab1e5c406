"""Texts of a situation, in the city's language and in the further ones that it has words for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct


class Wording(Struct, frozen=True, gc=False):
    """*text* in the city's language, *others* as (language, text)."""

    text: str
    others: tuple[tuple[str, str], ...]


Said: TypeAlias = str | Wording
"""A text in the city's language alone is a string, as all were before there were others."""


def said_in(text: str, others: Iterable[tuple[str, str]]) -> Said:
    """*text* with the same in *others*, which may be none."""
    further = tuple(others)
    return Wording(text, further) if further else text


def text_of(said: Said) -> str:
    """The text in the city's language."""
    return said if isinstance(said, str) else said.text


def others_of(said: Said) -> tuple[tuple[str, str], ...]:
    """(language, text) of the further languages."""
    return () if isinstance(said, str) else said.others
