"""People's answers to candidates, folded in the log's order: the first answer to a revision holds. Pure.

An answer says which revision was seen, in its ``action_id``. Each answer makes a new revision of its candidate, so a later
one that saw an earlier revision was given without knowing the one before, and does not count.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.event import derived_id

HELD_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Standing:
    """The newest answer that counts."""

    action_id: str
    revision: int
    answer: str
    account_id: str


def answer_id(case_id: str, candidate_id: str, revision: int) -> str:
    """The ``action_id`` of an answer to that revision: the same whoever gives it, and whatever it is."""
    return f"{derived_id('answer', case_id, candidate_id)}.{revision}"


@dataclass(slots=True)
class AnswerFold:
    """Takes rows of ``core.action`` in the log's order; those of no case change nothing."""

    _standing: OrderedDict[str, Standing] = field(default_factory=OrderedDict)

    def take(self, action: Mapping[str, Any]) -> bool:
        """Take one; whether it is an answer that counts."""
        name, _, said = action["action_id"].rpartition(".")
        if action.get("case_id") is None or not said.isdecimal():
            return False
        revision, known = int(said), self._standing.get(name)
        if known is not None and revision <= known.revision:
            return False
        self._standing[name] = Standing(action["action_id"], revision, action["action"], action["account_id"])
        if len(self._standing) > HELD_MAX:
            self._standing.popitem(last=False)
        return True

    def standing(self, case_id: str, candidate_id: str) -> Standing | None:
        """The answer that stands; ``None`` where there is none yet."""
        return self._standing.get(answer_id(case_id, candidate_id, 0).rpartition(".")[0])
