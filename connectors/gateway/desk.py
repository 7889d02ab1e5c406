"""The contract between the gateway and what puts operators' actions into the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Done:
    """An action that is safe. *situation_id* is what it is done with: the merged stand for what they were merged into."""

    action_id: str
    situation_id: str
    role: str
    is_repeat: bool


class Desk(Protocol):
    """Where operators' actions go. May be given the same action twice: it is done once."""

    @property
    def actions(self) -> Sequence[str]:
        """The names of the actions on a situation."""

    def may(self, roles: Sequence[str]) -> Sequence[str]:
        """The actions that the law lets one of *roles* do."""

    def act(self, action: Mapping[str, Any], roles: Sequence[str]) -> Done:
        """Return once *action* is safe in the log; it bears the first of *roles* that the law lets do it.

        ``Invalid`` for one that cannot be: its field is ``situation_id`` for an unknown situation, ``role`` where the law
        leaves it to others, ``action`` where the situation's state forbids it. ``Retriable`` when it may or may not be safe.
        """
