"""The confusion of each analytic as data (``analytics.toml``), and the columns in which sightings have their words. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from schemas.appearance import load_appearance
from streams.persons.looks import Analytic, Looks

TABLE = Path(__file__).with_name("analytics.toml")
USUAL = "usual"
ATTRIBUTES = tuple(load_appearance().traits)
"""The attributes in the order of their columns."""

Rights = Mapping[str, Mapping[str, float]]
"""Analytic → attribute → how often it says the right word."""


@lru_cache(1)
def usual_table() -> dict[str, Any]:
    """Return what ``analytics.toml`` says."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


class AnalyticTable:
    """The analytics of a city: a block of columns for all that have the usual shares, and one for each with its own."""

    def __init__(self, own: Rights) -> None:
        self.names = (USUAL, *sorted(own))
        rights, prior = usual_table()["right"], usual_table()["prior"]
        confusion: dict[str, Any] = {}
        priors: dict[str, Mapping[str, float]] = {}
        for analytic in self.names:
            for attribute in ATTRIBUTES:
                right = own.get(analytic, {}).get(attribute, rights[attribute])
                confusion[_column(analytic, attribute)] = _confused(tuple(prior[attribute]), right)
                priors[_column(analytic, attribute)] = prior[attribute]
        self._analytic = Analytic(confusion, priors)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in order: ``len(ATTRIBUTES)`` for each analytic."""
        return tuple(_column(one, attribute) for one in self.names for attribute in ATTRIBUTES)

    def looks(self, wanted: Mapping[str, str]) -> Looks:
        """The table for a person who looks as *wanted*, attribute → word. Words that are none are left out."""
        known = {
            _column(one, attribute): word
            for one in self.names
            for attribute, word in wanted.items()
            if attribute in ATTRIBUTES and word in words_of_attribute(attribute)
        }
        return Looks(self._analytic, known, self.columns)


def words_of_attribute(attribute: str) -> tuple[str, ...]:
    """The words of *attribute*; a sighting's column has their numbers."""
    return tuple(usual_table()["prior"][attribute])


def _column(analytic: str, attribute: str) -> str:
    return attribute if analytic == USUAL else f"{analytic}/{attribute}"


def _confused(words: tuple[str, ...], right: float) -> dict[str, dict[str, float]]:
    wrong = (1 - right) / (len(words) - 1)
    return {true: {said: right if said == true else wrong for said in words} for true in words}
