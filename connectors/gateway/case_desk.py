"""The contract between the gateway and what keeps missing persons' cases: opened by the law, read by their agency alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

PURPOSE = "missing-person"
"""The purpose of accounts that may open cases and look for persons, beside those that the law names."""
ANSWERS = ("confirm", "reject", "unsure", "part")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """The law's answer to a wish about a case. *refused*: its word for why not; *other_grounds*: those it lets a person name
    instead, by its words."""

    case_id: str
    legal_ground: str | None = None
    until_ms: int | None = None
    refused: str | None = None
    other_grounds: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case as it stands. *value*: its row of ``police.missing``, opened where its key is here."""

    value: Row
    opened_ms: int | None
    filed_ms: int | None


@dataclass(frozen=True, slots=True)
class CandidateWish:
    """An answer to a candidate as an operator saw it, at *revision*."""

    case_id: str
    candidate_id: str
    revision: int
    answer: str
    note: str | None
    account_id: str
    agency: str
    role: str


@dataclass(frozen=True, slots=True)
class CandidateAnswer:
    """The log's decision. *answer* and *revision*: what stands; *refused*: the word for why it is not this answer."""

    action_id: str
    answer: str
    revision: int
    is_repeat: bool
    refused: str | None = None


class CaseDesk(Protocol):
    """The cases of a city. ``Invalid`` with the field ``case_id`` for a case that is not open, not there, or another
    agency's; ``Retriable`` when it is not known whether it is done."""

    @property
    def agencies(self) -> Collection[str]:
        """The agencies that may open cases."""

    @property
    def trouble(self) -> str | None:
        """Why the log is not read to its end; ``None`` when it is."""

    def open(self, asked: Row, *, agency: str, account_id: str) -> CaseAnswer:
        """Open a case. ``Invalid`` with the field ``agency_case_no`` where there is or was one of that number."""

    def file(self, case_id: str, filing_id: str, *, agency: str, account_id: str) -> CaseAnswer:
        """Record the request for an authorisation; one that comes too late ends the case."""

    def close(self, case_id: str, reason: str, *, agency: str, account_id: str) -> None:
        """End a case: its key is destroyed. ``Invalid`` with the field ``reason`` for none of the known ones."""

    def cases(self, agency: str) -> Sequence[CaseRow]:
        """The cases of *agency*, the newest changed first."""

    def case(self, case_id: str, *, agency: str) -> CaseRow:
        """That case, open or over."""

    def candidates(self, case_id: str, *, agency: str) -> Sequence[Row]:
        """The candidates of an open case, opened, in no order."""

    def route(self, case_id: str, *, agency: str) -> Row | None:
        """The route of an open case, opened; ``None`` before there is one."""

    def answer(self, wish: CandidateWish) -> CandidateAnswer:
        """Write an answer. ``Invalid`` with the field ``candidate_id`` for an unknown one."""
