"""The contract between the gateway and what puts dispatchers' assignments of rides into the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


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


class BookingDesk(Protocol):
    """Where assignments go. May be given the same wish twice: it is decided once."""

    def assign(self, wish: RideWish) -> RideAnswer:
        """Return what the log decided.

        ``Invalid`` with the field ``booking_id`` for an unknown ride, ``Idempotency-Key`` for a key that was used for
        another wish. ``Retriable`` when it may or may not be decided.
        """
