"""The contract between the gateway and what reads windows of surplus from the log and puts operators' windows into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

PLANNED, WITHDRAWN = "planned", "withdrawn"


@dataclass(frozen=True, slots=True)
class SurplusWish:
    """An operator plans or withdraws that window. Times in ms, amounts as decimals; of one that is withdrawn they are
    ``None``."""

    command_id: str
    account_id: str
    area: str
    window_id: str
    state: str
    begins_at: int | None = None
    ends_at: int | None = None
    kwh: str | None = None
    price: str | None = None
    limit_w: int | None = None


@dataclass(frozen=True, slots=True)
class SurplusRow:
    """A window as the log tells it last. *place*: the offset of that word, *changed_ms* its time; *value* gives the JSON
    form of ``energy.surplus``."""

    area: str
    window_id: str
    place: int
    changed_ms: int
    state: str
    value: Callable[[], dict[str, Any]]


class SurplusDesk(Protocol):
    """The windows, and where operators' go. May be given the same wish twice: it is told once."""

    @property
    def trouble(self) -> str | None:
        """Why the log is not read to its end; ``None`` when it is."""

    def windows(self) -> Iterable[SurplusRow]:
        """All that are known, the newest changed first."""

    def announce(self, wish: SurplusWish) -> tuple[SurplusRow, bool]:
        """Return the window as the log has it by that wish, and whether the wish was known.

        ``Invalid`` with a ``code`` where it cannot be. ``Retriable`` when it may or may not be told.
        """
