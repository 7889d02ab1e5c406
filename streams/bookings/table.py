"""The rides of a city, by their numbers: the log's rows in, the answers to commands out. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from streams.bookings.booking import END, ORDER, Assign, AssignAnswer, Booking, assign, heard

CONTRACT = "mobility.booking"
GATEWAY = "gateway"
"""The source of the dispatchers' commands; what else bears a command's id is no command."""
BOOKINGS_MAX = 100_000
"""Beyond, the longest unchanged goes, of those at their end first."""
LOOK_MAX = 1_000
"""So many of the longest unchanged are looked at for one at its end."""


class BookingTable:
    """All that the log tells of a city's rides. The same log gives the same table, in whatever process."""

    def __init__(self, bookings_max: int = BOOKINGS_MAX) -> None:
        self._max = bookings_max
        self._bookings: OrderedDict[str, Booking] = OrderedDict()

    def __len__(self) -> int:
        return len(self._bookings)

    def __iter__(self) -> Iterator[Booking]:
        """The rides, the newest changed first."""
        return reversed(tuple(self._bookings.values()))

    def get(self, booking_id: str) -> Booking | None:
        return self._bookings.get(booking_id)

    def take(self, row: Mapping[str, Any], *, place: int = 0, at_ms: int = 0) -> None:
        """Take the next row of the log, at the offset *place*, written at *at_ms*. A command for a ride that is unknown, or
        forgotten, changes nothing."""
        before = self._bookings.get(row["booking_id"])
        if row["command_id"] is None or row["source"] != GATEWAY:
            after = heard(before, row)
        elif before is None:
            return
        else:
            after, _ = assign(before, command_of(row))
        if after is before:
            return
        if (
            before is not None and after.revision == before.revision
        ):  # a refused command is no change of the ride
            self._bookings[after.booking_id] = after
            return
        self._bookings[after.booking_id] = replace(after, place=place, changed_ms=at_ms)
        self._bookings.move_to_end(after.booking_id)
        while len(self._bookings) > self._max:
            del self._bookings[self._oldest()]

    def forget(self, before_ms: int) -> None:
        """Forget the rides that did not change since *before_ms*: the log has let them go, too."""
        while self._bookings and next(iter(self._bookings.values())).changed_ms < before_ms:
            self._bookings.popitem(last=False)

    def known_answer(self, command: Assign) -> tuple[Assign, AssignAnswer] | None:
        """The command of that id in the log, and its answer."""
        booking = self._bookings.get(command.booking_id)
        return None if booking is None else booking.answer_to(command.command_id)

    def is_behind(self, command: Assign) -> bool:
        """Whether the dispatcher saw more than this table has."""
        booking = self._bookings.get(command.booking_id)
        return booking is None or command.revision > booking.revision

    def _oldest(self) -> str:
        for number, (booking_id, one) in enumerate(self._bookings.items()):
            if ORDER[one.state] == END:
                return booking_id
            if number >= LOOK_MAX:
                break
        return next(iter(self._bookings))


def command_of(row: Mapping[str, Any]) -> Assign:
    """The command that *row* of the log is."""
    return Assign(
        row["command_id"],
        row["booking_id"],
        row["revision"],
        row["vehicle_id"] or "",
        row["assigned_by"] or "",
    )
