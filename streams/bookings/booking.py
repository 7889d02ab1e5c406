"""One ride on demand: what its operator tells of it, and the dispatchers' assignments, in the order of the log. Pure.

The first assignment in the log holds for ever: a ride whose vehicle cannot come is cancelled and requested anew. What an
operator tells never takes a ride back to an earlier state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

REQUESTED, ASSIGNED, PICKED_UP, DROPPED, CANCELLED = (
    "requested",
    "assigned",
    "picked_up",
    "dropped",
    "cancelled",
)
ORDER = {REQUESTED: 0, ASSIGNED: 1, PICKED_UP: 2, DROPPED: 3, CANCELLED: 3}
"""A ride's state never goes to a lower one, and the highest are its end."""
END = 3
ANSWERS_MAX = 50
"""So many answers of a ride are kept, the newest, and that to the command which won."""

DONE = "assigned"
TAKEN, IS_CANCELLED, UNDER_WAY, CHANGED = (
    "booking-taken", "booking-cancelled", "booking-under-way", "booking-changed",
)  # fmt: skip
REFUSALS = {CANCELLED: IS_CANCELLED, PICKED_UP: UNDER_WAY, DROPPED: UNDER_WAY, ASSIGNED: TAKEN}
"""A ride's state → why no vehicle can be assigned any more."""


class Assign(Struct, frozen=True):
    """A dispatcher's command: this vehicle is to serve that ride, which the dispatcher saw at *revision*."""

    command_id: str
    booking_id: str
    revision: int
    vehicle_id: str
    account_id: str


class AssignAnswer(Struct, frozen=True):
    """The answer to a command. *code*: ``assigned``, or why not. *vehicle_id* and *revision*: of the ride, the winner's."""

    code: str
    state: str
    vehicle_id: str | None
    revision: int

    @property
    def is_done(self) -> bool:
        return self.code == DONE


class Booking(Struct, frozen=True):
    """A ride as the log tells it. *revision* counts its changes; *heard* is the newest revision of its operator's own."""

    booking_id: str
    state: str
    revision: int
    heard: int
    vehicle_id: str | None
    assigned_by: str | None
    told: Mapping[str, Any]
    """The row in which its operator told of it last."""
    answers: tuple[tuple[Assign, AssignAnswer], ...] = ()
    place: int = 0
    """The offset of the record with its last change."""
    changed_ms: int = 0
    """The time of that record."""

    @property
    def is_over(self) -> bool:
        return ORDER[self.state] == END

    def answer_to(self, command_id: str) -> tuple[Assign, AssignAnswer] | None:
        """The command of that id as it was first met in the log, and its answer."""
        return next((one for one in self.answers if one[0].command_id == command_id), None)


def heard(booking: Booking | None, row: Mapping[str, Any]) -> Booking:
    """*booking*, after its operator told *row*. A row that is older than what is known changes nothing."""
    revision, state, vehicle = int(row["revision"]), str(row["state"]), row["vehicle_id"]
    if booking is None:
        vehicle = None if state == REQUESTED else vehicle
        return Booking(str(row["booking_id"]), state, 1, revision, vehicle, None, row)
    if revision <= booking.heard:
        return booking
    if ORDER[booking.state] == END:
        return replace(booking, heard=revision)
    state = max(booking.state, state, key=ORDER.__getitem__)
    if row["state"] == ASSIGNED and booking.vehicle_id is not None:
        vehicle = None  # the first assignment holds
    elif ORDER[row["state"]] < ORDER[ASSIGNED]:
        vehicle = None  # wished for, not assigned
    return replace(
        booking,
        state=state,
        revision=booking.revision + 1,
        heard=revision,
        vehicle_id=vehicle or booking.vehicle_id,  # who picks them up carries them, whoever was assigned
        told=row,
    )


def assign(booking: Booking, command: Assign) -> tuple[Booking, AssignAnswer]:
    """*booking* after *command*, and the answer. The first wins; the same command again gets the same answer."""
    before = booking.answer_to(command.command_id)
    if before is not None:
        return booking, before[1]
    answer = _refusal(booking, command)
    if answer is None:
        answer = AssignAnswer(DONE, ASSIGNED, command.vehicle_id, booking.revision + 1)
        booking = replace(
            booking,
            state=ASSIGNED,
            revision=answer.revision,
            vehicle_id=command.vehicle_id,
            assigned_by=command.account_id,
        )
    return replace(booking, answers=_kept((*booking.answers, (command, answer)))), answer


def _refusal(booking: Booking, command: Assign) -> AssignAnswer | None:
    """The answer that refuses *command* as *booking* stands; ``None`` when it can be assigned."""
    code = REFUSALS.get(booking.state)
    if code is None and command.revision != booking.revision:
        code = CHANGED
    if code is None:
        return None
    return AssignAnswer(code, booking.state, booking.vehicle_id, booking.revision)


def _kept(answers: tuple[tuple[Assign, AssignAnswer], ...]) -> tuple[tuple[Assign, AssignAnswer], ...]:
    if len(answers) <= ANSWERS_MAX:
        return answers
    oldest = next(one for one in answers if not one[1].is_done)
    return tuple(one for one in answers if one is not oldest)
