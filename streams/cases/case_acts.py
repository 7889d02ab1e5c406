"""The acts about cases by ``core.access``: when a case was opened and filed, and whether the end of its key is on record.

Acts and rows are two topics: an act may be read before its case's row. So acts without a row are kept, too, and forgotten
as cases are: first the oldest that are over. Pure; its owner lets one thread in at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Any

OPENED, REFUSED, FILED, DESTROYED = "case_opened", "case_refused", "case_filed", "key_destroyed"
WITHOUT_ROW_MAX = 10_000
"""The most cases without a row whose acts are remembered. Some are forgotten when there are twice as many."""


@dataclass(frozen=True, slots=True)
class ActsOfCase:
    """The times by the log's clock. *is_destroyed*: that its key was destroyed is on record."""

    opened_ms: int | None = None
    filed_ms: int | None = None
    is_destroyed: bool = False


NONE = ActsOfCase()


@dataclass(slots=True)
class CaseActs:
    """Take each act once or more, in the log's order. *has_row*: the cases that have a row, which its owner bounds."""

    has_row: Collection[str]
    _of: dict[str, ActsOfCase] = field(default_factory=dict)

    def take(self, act: Mapping[str, Any]) -> None:
        """Take a row of ``core.access``. The first filing counts, and the last opening: those before it failed, for a case
        that is open is not opened again."""
        its_id = act["situation_id"]
        known = self._of.get(its_id, NONE)
        if act["act"] == OPENED:
            known = replace(known, opened_ms=max(act["at"], known.opened_ms or 0))
        elif act["act"] == FILED:
            known = replace(known, filed_ms=act["at"] if known.filed_ms is None else known.filed_ms)
        elif act["act"] == DESTROYED:
            known = replace(known, is_destroyed=True)
        else:
            return
        self._of[its_id] = known
        if len(self._of) > len(self.has_row) + 2 * WITHOUT_ROW_MAX:
            self._forget_some()

    def of(self, case_id: str) -> ActsOfCase:
        return self._of.get(case_id, NONE)

    def is_owed(self, case_id: str) -> bool:
        """Whether the case was opened, and the end of its key is not on record."""
        known = self.of(case_id)
        return known.opened_ms is not None and not known.is_destroyed

    def forget(self, case_id: str) -> None:
        self._of.pop(case_id, None)

    def clear(self) -> None:
        self._of.clear()

    def __len__(self) -> int:
        return len(self._of)

    def _forget_some(self) -> None:
        """Leave ``WITHOUT_ROW_MAX`` cases without a row; a half at once, so that not each act looks at all of them."""
        spare = [one for one in self._of if one not in self.has_row]
        over = (one for one in spare if self._of[one].is_destroyed)
        others = (one for one in spare if not self._of[one].is_destroyed)
        # a list first: what is forgotten must not change what is still looked at
        for one in list(islice(chain(over, others), len(spare) - WITHOUT_ROW_MAX)):
            del self._of[one]
