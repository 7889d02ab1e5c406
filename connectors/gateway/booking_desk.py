"""The contract between the gateway and what reads rides from the log and puts dispatchers' assignments into it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class RideWish:
    """This vehicle is to serve that ride, which the dispatcher saw at *revision*."""

    command_id: str
    booking_id: str
    revision: int
    vehicle_id: str
    account_id: str


@dataclass(frozen=True, slots=True)
class RideAnswer:
    """The log's answer. *refused*: the word for why not. The rest is the ride's, as it stood when that was decided."""

    refused: str | None
    state: str
    vehicle_id: str | None
    revision: int
    is_repeat: bool


@dataclass(frozen=True, slots=True)
class RideRow:
    """A ride as it stands by the log. *place*: the offset of its last change, *changed_ms* the time of that record; *value*
    gives the JSON form of ``mobility.booking``."""

    booking_id: str
    place: int
    changed_ms: int
    state: str
    operator: str
    value: Callable[[], dict[str, Any]]


class BookingDesk(Protocol):
    """The rides, and where assignments go. May be given the same wish twice: it is decided once."""

    @property
    def trouble(self) -> str | None:
        """Why the log is not read to its end; ``None`` when it is."""

    def rides(self) -> Iterable[RideRow]:
        """All that are known, the newest changed first."""

    def ride(self, booking_id: str) -> RideRow | None:
        """The ride of that number; ``None`` where there is none, or no longer."""

    def assign(self, wish: RideWish) -> RideAnswer:
        """Return what the log decided.

        ``Invalid`` with the field ``booking_id`` for an unknown ride, ``Idempotency-Key`` for a key that was used for
        another wish. ``Retriable`` when it may or may not be decided.
        """
