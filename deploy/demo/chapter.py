"""A chapter of the story of a demo: the contract it waits for, and its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One line: the contract it waits for, whether a value is the one, its words, and what it is *about*."""

    contract: str
    is_it: Callable[[Value], bool]
    words: Callable[[Value], str]
    about: str
