"""Attempts at what each case needs in a turn: a failure at one keeps no other from its turn, and is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Set
from typing import TypeVar

from schemas.errors import BongsuError, Retriable, Unreachable
from streams.cases.case_table import KnownCase
from streams.log import log

AWAY_MAX = 2
"""After so many failures of Kafka in a turn the others wait for the next one: each may wait some seconds."""
Found = TypeVar("Found")


class CaseAttempts:
    """The attempts of one turn, and the cases stuck in it: no more than there are cases."""

    def __init__(self) -> None:
        self._stuck: dict[str, str] = {}
        self._before: dict[str, str] = {}
        self._done: set[str] = set()
        self._away: list[BongsuError] = []

    @property
    def stuck(self) -> Collection[str]:
        """The cases for which something could not be done."""
        return self._stuck.keys()

    def begin(self) -> None:
        self._before, self._stuck, self._done, self._away = self._stuck, {}, set(), []

    def in_turn(self, cases: Iterable[KnownCase]) -> list[KnownCase]:
        """*cases*, those that were stuck in the last turn behind the others."""
        return sorted(cases, key=lambda one: one.case.case_id in self._before)

    def tried(self, its_id: str, act: Callable[[], Found]) -> Found | None:
        """Return what *act* does; ``None`` where it failed, or waits for the next turn."""
        if len(self._away) >= AWAY_MAX:
            self._keep(its_id)
            return None
        try:
            return act()
        except (Retriable, Unreachable) as error:
            self._away.append(error)
            why = error.what
        except Exception as error:
            why = error.what if isinstance(error, BongsuError) else type(error).__name__
        self._stuck[its_id] = why
        if its_id not in self._before:
            log.error("the end of a case cannot be told or its key destroyed", case=its_id, why=why)
        return None

    def is_done(self, its_id: str, act: Callable[[], object]) -> bool:
        """Whether *act* did what it should."""
        is_done = self.tried(its_id, lambda: (act(),)) is not None
        if is_done:
            self._done.add(its_id)
        return is_done

    def end(self, waiting: Set[str]) -> None:
        """End the turn: *waiting* ones that were stuck still are. ``Retriable`` where Kafka did not take something."""
        for one in self._before.keys() & waiting - self._done:
            self._keep(one)
        if self._away:
            raise self._away[0]

    def _keep(self, its_id: str) -> None:
        if its_id in self._before:
            self._stuck.setdefault(its_id, self._before[its_id])
