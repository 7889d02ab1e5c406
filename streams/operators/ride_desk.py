"""Rides as the log tells them, and dispatchers' assignments into it: the log decides, the answer is read back from it.

Two gateways may write at once. Each reads the log in its order, so both know the same winner.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from connectors.gateway.booking_desk import RideAnswer, RideRow, RideWish
from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import Invalid, Retriable
from schemas.event import Event, derived_id, event_fields
from schemas.json_form import to_json_value
from schemas.wire import Wire
from streams.bookings.booking import Assign, AssignAnswer, Booking
from streams.bookings.table import CONTRACT, GATEWAY, BookingTable
from streams.operators.publisher import Publisher
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

WISH = ("operator", "passengers", "pickup", "dropoff", "pickup_at", "dropoff_at")
SETTLES_S = 0.5
"""The time for which an unknown ride is looked for: the log may reach this process later than the dispatcher's screen."""
DECIDES_S = 5.0
"""The longest wait for our own record to come back from the log."""


class LogBookings:
    """The rides of one city (``connectors.gateway.booking_desk.BookingDesk``)."""

    def __init__(
        self,
        city: str,
        following: Following,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        publish: Callable[[Event], None] | None = None,
    ) -> None:
        self._city = city
        self._now_ms = now_ms
        self._reader = RowReader(wire, f"{city}.gateway.bookings")
        self._table = BookingTable()
        self._lock = threading.Lock()
        self._publish = publish or Publisher(city, "bookings", bootstrap=bootstrap, wire=wire).publish
        self._follower = Follower(
            "bookings", topic_name(city, CONTRACT), following, begin=self._begin, take=self._take
        )

    @property
    def trouble(self) -> str | None:
        return self._follower.trouble

    def rides(self) -> Iterator[RideRow]:
        """See ``connectors.gateway.booking_desk.BookingDesk``."""
        with self._lock:
            self._forget()
            found = iter(self._table)  # of a copy
        return map(_row_of, found)

    def ride(self, booking_id: str) -> RideRow | None:
        """See ``connectors.gateway.booking_desk.BookingDesk``."""
        with self._lock:
            self._forget()
            found = self._table.get(booking_id)
        return None if found is None else _row_of(found)

    def _forget(self) -> None:
        kept_ms = load_catalogue()[CONTRACT].retention_ms
        if kept_ms is not None:
            self._table.forget(self._now_ms() - kept_ms)

    def assign(self, wish: RideWish) -> RideAnswer:
        """See ``connectors.gateway.booking_desk.BookingDesk``."""
        command = Assign(wish.command_id, wish.booking_id, wish.revision, wish.vehicle_id, wish.account_id)
        if self._follower.trouble is not None:
            raise Retriable(self._follower.trouble)
        self._settle(command)
        known = self._known(command)
        if known is not None:
            return _told(command, *known, is_repeat=True)
        ride = self._ride(command.booking_id)
        self._publish(command_event(self._city, command, ride.told, now_ms=self._now_ms()))
        known = self._follower.wait_until(lambda: self._known(command), DECIDES_S)
        if known is None:
            raise Retriable("the log did not answer in time")
        return _told(command, *known, is_repeat=False)

    def _settle(self, command: Assign) -> None:
        """Wait until the ride is known as the dispatcher saw it, at most ``SETTLES_S``; then the log judges."""

        def settled() -> bool | None:
            with self._lock:
                return None if self._table.is_behind(command) else True

        self._follower.wait_until(settled, SETTLES_S)

    def _ride(self, booking_id: str) -> Booking:
        with self._lock:
            ride = self._table.get(booking_id)
        if ride is None:
            raise Invalid(
                "no such ride",
                field="booking_id",
                expected="one of the last 30 days in this city",
                code="no-booking",
            )
        return ride

    def _known(self, command: Assign) -> tuple[Assign, AssignAnswer] | None:
        with self._lock:
            return self._table.known_answer(command)

    def _begin(self) -> None:
        with self._lock:
            self._table = BookingTable()

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        rows = list(self._reader.rows(records))
        with self._lock:
            for row in rows:
                if row.value is not None:
                    self._table.take(row.value, place=row.record.offset, at_ms=row.record.timestamp_ms)


def _row_of(one: Booking) -> RideRow:
    operator = str(one.told["operator"])
    return RideRow(one.booking_id, one.place, one.changed_ms, one.state, operator, partial(ride_value, one))


def ride_value(one: Booking) -> dict[str, Any]:
    """The JSON form of *one*: what its operator told last, and where it stands by the log."""
    stands = {
        "state": one.state,
        "revision": one.revision,
        "vehicle_id": one.vehicle_id,
        "assigned_by": one.assigned_by,
    }
    return to_json_value(load_catalogue()[CONTRACT].newest, {**one.told, **stands})


def _told(command: Assign, before: Assign, answer: AssignAnswer, *, is_repeat: bool) -> RideAnswer:
    if command != before:
        raise Invalid(
            "this Idempotency-Key was used for another assignment",
            field="Idempotency-Key",
            expected="a new one for each assignment",
            code="key-used",
        )
    refused = None if answer.is_done else answer.code
    return RideAnswer(refused, answer.state, answer.vehicle_id, answer.revision, is_repeat)


def command_event(city: str, command: Assign, told: Mapping[str, Any], *, now_ms: int) -> Event:
    """Return *command* as an event of ``mobility.booking``, with the wish as its operator *told* it last."""
    value = event_fields(
        city,
        GATEWAY,
        event_id=derived_id("assign", city, command.command_id),
        event_time_ms=now_ms,
        received_ms=now_ms,
    ) | {
        "booking_id": command.booking_id,
        "revision": command.revision,
        "state": "assigned",
        **{name: told[name] for name in WISH},
        "vehicle_id": command.vehicle_id,
        "assigned_by": command.account_id,
        "command_id": command.command_id,
    }
    return Event(CONTRACT, command.booking_id, value)
