"""The likelihood ratio of looks: how much likelier the words of a sighting are for the person than for a passer-by."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from schemas.errors import Fatal
from streams.persons.feasible import Floats, Ints

Shares = Mapping[str, float]
UNSAID = -1
CLOTHES = frozenset({"sleeves", "upper_colour", "lower_kind", "lower_colour", "hat"})
"""Attributes in which another person may be dressed the same; sex, age, hair and what is carried stay their own."""
LEAST = 1e-4
"""No word is held to be rarer than this: a table counted from few sightings has zeros."""


@dataclass(frozen=True, slots=True)
class Analytic:
    """An analytic's confusion: attribute → true word → said word → share; and each word's share in the population."""

    confusion: Mapping[str, Mapping[str, Shares]]
    prior: Mapping[str, Shares]

    def __post_init__(self) -> None:
        """Raise ``Fatal`` for shares that do not add up to one, or an attribute without a prior."""
        for attribute, rows in self.confusion.items():
            if set(rows) != set(self.prior.get(attribute, ())):
                raise Fatal(f"looks: {attribute}: the prior has other words", hint="name each word once")
            for name, row in [*rows.items(), ("the prior", self.prior[attribute])]:
                if not math.isclose(sum(row.values()), 1.0, abs_tol=1e-6):
                    raise Fatal(f"looks: {attribute}, {name}: shares add up to no 1", hint="mend the table")

    def log_ratio(self, attribute: str, wanted: str, said: str) -> float:
        """Return ln P(said | wanted) / P(said | anybody)."""
        rows, prior = self.confusion[attribute], self.prior[attribute]
        anybody = sum(share * rows[true].get(said, 0.0) for true, share in prior.items())
        return math.log(max(LEAST, rows[wanted].get(said, 0.0)) / max(LEAST, anybody))

    def log_likeness(self, attribute: str, said: str, again: str) -> float:
        """Return ln P(again | said of the same one) / P(again | anybody)."""
        rows, prior = self.confusion[attribute], self.prior[attribute]
        both = sum(
            share * rows[true].get(said, 0.0) * rows[true].get(again, 0.0) for true, share in prior.items()
        )
        one, other = (
            sum(share * rows[true].get(word, 0.0) for true, share in prior.items()) for word in (said, again)
        )
        return math.log(max(LEAST, both) / max(LEAST, one * other))

    def words(self, attribute: str) -> tuple[str, ...]:
        """The words of *attribute*; a sighting's column has their numbers."""
        return tuple(self.prior[attribute])


class Looks:
    """The wanted words of one case, as a table over what an analytic says."""

    def __init__(self, analytic: Analytic, wanted: Mapping[str, str], attributes: tuple[str, ...]) -> None:
        """*attributes*: the columns of sightings, in order. An attribute that is not *wanted* tells nothing."""
        width = max(len(analytic.words(one)) for one in attributes)
        self.table = np.ones((len(attributes), width + 1))
        self._likeness = np.zeros((len(attributes), width + 1, width + 1))
        self.is_worn = np.array([one.rpartition("/")[2] in CLOTHES for one in attributes])
        for column, attribute in enumerate(attributes):
            for (one, said), (other, again) in itertools.product(
                enumerate(analytic.words(attribute)), repeat=2
            ):
                self._likeness[column, one, other] = analytic.log_likeness(attribute, said, again)
            if attribute in wanted:
                for number, said in enumerate(analytic.words(attribute)):
                    ratio = analytic.log_ratio(attribute, wanted[attribute], said)
                    self.table[column, number] = math.exp(ratio)

    def log_ratio(self, words: Ints, confidence: Floats | None = None) -> Floats:
        """The sum over the attributes for each row of *words* (numbers of words; ``UNSAID`` tells nothing).

        A word of *confidence* c counts as the analytic's with probability c, else as anybody's: the ratio is c·r + 1 - c.
        """
        found: Floats = self._logs(words, confidence).sum(axis=1)
        return found

    def log_ratios(self, words: Ints) -> tuple[Floats, Floats]:
        """The sums over all attributes, and over the clothes alone."""
        logs = self._logs(words, None)
        return logs.sum(axis=1), logs[:, self.is_worn].sum(axis=1)

    def log_likeness(self, words: Ints, others: Ints) -> Floats:
        """For each row of *others*: how much likelier its words are for the one who was seen in *words* than for anybody."""
        columns = np.arange(len(words))
        found: Floats = self._likeness[columns, words][columns, others].sum(axis=1)
        return found

    def _logs(self, words: Ints, confidence: Floats | None) -> Floats:
        ratios = self.table[np.arange(words.shape[1]), words]
        if confidence is not None:
            ratios = confidence * ratios + 1 - confidence
        found: Floats = np.log(np.maximum(LEAST, ratios))
        return found
