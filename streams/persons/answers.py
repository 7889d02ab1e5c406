"""A person's answers about one sighting, and how much each speaks for it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from streams.persons.feasible import Floats
from streams.persons.route_numbers import RouteNumbers

Verdict = Literal["confirm", "reject", "unsure", "part"]


@dataclass(frozen=True, slots=True)
class Answers:
    """Counts of the answers about one sighting. A sighting that was parted from the route is out for good."""

    confirmed: int = 0
    rejected: int = 0
    unsure: int = 0
    is_parted: bool = False

    @property
    def looks(self) -> int:
        return self.confirmed + self.rejected + self.unsure

    @property
    def is_doubted(self) -> bool:
        """Whether more answers speak against the sighting than for it, or as many, or none says anything."""
        return self.rejected >= self.confirmed

    def then(self, verdict: Verdict) -> Answers:
        """The counts after one more answer."""
        if verdict == "confirm":
            return replace(self, confirmed=self.confirmed + 1)
        if verdict == "reject":
            return replace(self, rejected=self.rejected + 1)
        if verdict == "unsure":
            return replace(self, unsure=self.unsure + 1)
        return replace(self, is_parted=True)

    def logs(self, numbers: RouteNumbers) -> tuple[float, float, float]:
        """Log likelihoods if it is the person, another in the same clothes, anybody else. Unsure tells nothing."""
        wrong, alike = numbers.wrong_share, numbers.wrong_alike_share
        yes, no = self.confirmed, self.rejected
        return (
            yes * math.log(1 - wrong) + no * math.log(wrong),
            yes * math.log(alike) + no * math.log(1 - alike),
            yes * math.log(wrong) + no * math.log(1 - wrong),
        )


def expected_hops(probability: Floats, numbers: RouteNumbers) -> Floats:
    """Hops that an answer is expected to give, by each *probability*: half of one where a second look would be needed."""
    says_yes = math.log((1 - numbers.wrong_share) / numbers.wrong_share)
    yes = np.log(probability / np.maximum(1e-12, 1 - probability)) + says_yes
    soon = yes >= math.log(numbers.accept / (1 - numbers.accept))
    found: Floats = probability * np.where(soon, 1.0, 0.5)
    return found
