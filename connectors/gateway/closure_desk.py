"""The contract between the gateway and what reads closures from the log and puts operators' closures into it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class ClosureWish:
    """An area to be closed. *geometry*: GeoJSON as text. *starts_at*: ``None`` for now; *ends_at*: for until it is ended."""

    action_id: str
    account_id: str
    geometry: str
    starts_at: int | None
    ends_at: int | None
    reason: str
    situation_id: str | None


@dataclass(frozen=True, slots=True)
class EndWish:
    """That closure is to be over now."""

    action_id: str
    account_id: str
    closure_id: str


@dataclass(frozen=True, slots=True)
class ClosureRow:
    """A closure as it stands by the log. *place* and *changed_ms*: the offset and the time of the record of its last change;
    *value*: its row of ``core.closure``."""

    closure_id: str
    place: int
    changed_ms: int
    value: Mapping[str, Any]

    @property
    def state(self) -> str:
        return str(self.value["state"])

    def told(self) -> dict[str, Any]:
        """The closure's id and where it stands, for the answer to who acted on it."""
        names = ("closure_id", "state", "revision", "opened_by", "ended_by")
        return {name: self.value[name] for name in names}


@dataclass(frozen=True, slots=True)
class ClosureAnswer:
    """The log's answer. *refused*: the word for why not."""

    row: ClosureRow
    is_repeat: bool
    refused: str | None = None


class ClosedPlaces(Protocol):
    """Places of a city that are closed, as the log of closures tells it."""

    @property
    def trouble(self) -> str | None:
        """Why the log is not read to its end; ``None`` when it is."""

    def closed(self, places: Mapping[str, Mapping[str, Any] | None], now_ms: int) -> frozenset[str]:
        """The ids of *places* (id → ``lat`` and ``lon``; ``None``: unknown) that lie in a closure in force at *now_ms*."""

    def changed_ms(self, now_ms: int) -> int:
        """When a closure was told, began or was over last, by *now_ms*; 0 where there is none."""


class ClosureDesk(Protocol):
    """The closures, and where operators' actions on them go. May be given the same wish twice: it is done once."""

    @property
    def trouble(self) -> str | None:
        """Why the log is not read to its end; ``None`` when it is."""

    def closures(self) -> Iterable[ClosureRow]:
        """All that are known, the newest changed first."""

    def closure(self, closure_id: str) -> ClosureRow | None:
        """The closure of that id; ``None`` where there is none, or no longer."""

    def open(self, wish: ClosureWish) -> ClosureAnswer:
        """Return what the log holds of it. ``Invalid`` with the field ``geometry``, ``until`` or ``Idempotency-Key``.

        ``Retriable`` when it may or may not be open.
        """

    def end(self, wish: EndWish) -> ClosureAnswer:
        """Return what the log decided. ``Invalid`` with the field ``closure_id`` for an unknown one."""
