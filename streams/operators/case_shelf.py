"""Candidates and routes of open cases by the log, sealed, and the answers that count. Shared by threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from streams.cases.candidate_answers import AnswerFold, Standing
from streams.log import log

CANDIDATES_MAX = 50_000
"""The most candidates of all cases; beyond, those of the case that was drawn longest ago go."""
DROPPED = "dropped"

Value = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """A candidate's newest row. *since*: the revision with which its state began."""

    value: Value
    since: int


@dataclass(slots=True)
class CaseShelf:
    """*is_over*: whether what a case drew can no longer be read by anybody."""

    is_over: Callable[[str], bool]
    _candidates: dict[str, dict[str, Held]] = field(default_factory=dict)
    _routes: dict[str, Value] = field(default_factory=dict)  # one a case
    _answers: AnswerFold = field(default_factory=AnswerFold)
    _count: int = 0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take_candidate(self, value: Value) -> None:
        """Take a row of ``core.candidate``."""
        if self.is_over(value["case_id"]):
            return
        with self._lock:
            own = self._candidates.setdefault(value["case_id"], {})
            known = own.get(value["candidate_id"])
            if known is not None and value["revision"] < known.value["revision"]:
                return
            is_same = known is not None and known.value["state"] == value["state"]
            since = known.since if known is not None and is_same else value["revision"]
            self._count += known is None
            own[value["candidate_id"]] = Held(value, since)
            if value["state"] == DROPPED:
                del own[value["candidate_id"]]
                self._count -= 1
            if self._count > CANDIDATES_MAX:
                oldest = next(iter(self._candidates))
                log.warning("too many candidates: those of a case are left out", case=oldest)
                self._drop_candidates(oldest)

    def take_route(self, value: Value) -> None:
        """Take a row of ``core.route``."""
        if self.is_over(value["case_id"]):
            return
        with self._lock:
            known = self._routes.get(value["case_id"])
            if known is None or value["revision"] >= known["revision"]:
                self._routes[value["case_id"]] = value

    def take_action(self, value: Value) -> None:
        """Take a row of ``core.action``."""
        with self._lock:
            self._answers.take(value)

    def candidates(self, case_id: str) -> list[Value]:
        """The candidates of a case that were not dropped."""
        with self._lock:
            return [one.value for one in self._candidates.get(case_id, {}).values()]

    def candidate(self, case_id: str, candidate_id: str) -> Held | None:
        with self._lock:
            return self._candidates.get(case_id, {}).get(candidate_id)

    def route(self, case_id: str) -> Value | None:
        with self._lock:
            return self._routes.get(case_id)

    def standing(self, case_id: str, candidate_id: str) -> Standing | None:
        """The answer that stands."""
        with self._lock:
            return self._answers.standing(case_id, candidate_id)

    def forget_over(self) -> None:
        """Drop what nobody can read any more."""
        with self._lock:
            for case_id in [*self._candidates, *self._routes]:
                if self.is_over(case_id):
                    self._drop_candidates(case_id)
                    self._routes.pop(case_id, None)

    def clear_candidates(self) -> None:
        with self._lock:
            self._candidates.clear()
            self._count = 0

    def clear_routes(self) -> None:
        with self._lock:
            self._routes.clear()

    def clear_answers(self) -> None:
        with self._lock:
            self._answers = AnswerFold()

    def _drop_candidates(self, case_id: str) -> None:
        self._count -= len(self._candidates.pop(case_id, {}))
