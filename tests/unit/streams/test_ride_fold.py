"""One ride: which of two dispatchers has it, what the other is told, and what its operator may still change."""

from __future__ import annotations

from typing import Any

import pytest

from streams.bookings.booking import ANSWERS_MAX, Assign, AssignAnswer, Booking, assign, heard
from streams.bookings.table import BookingTable, command_of
from tests.property.test_bookings import a_command, a_row


def a_wish(name: str, vehicle: str, revision: int = 1) -> Assign:
    return Assign(name, "b-1", revision, vehicle, f"by {vehicle}")


def a_ride(*rows: dict[str, Any]) -> Booking:
    booking = heard(None, a_row("requested", 1))
    for row in rows:
        booking = heard(booking, row)
    return booking


def test_the_first_has_it_and_the_second_is_told_whose_it_is() -> None:
    booking, first = assign(a_ride(), a_wish("c-1", "van-1"))
    booking, second = assign(booking, a_wish("c-2", "van-2"))
    assert first == AssignAnswer("assigned", "assigned", "van-1", 2)
    assert second == AssignAnswer("booking-taken", "assigned", "van-1", 2)
    assert (booking.vehicle_id, booking.assigned_by, booking.revision) == ("van-1", "by van-1", 2)


def test_the_same_command_again_gets_the_same_answer_whatever_came_between() -> None:
    booking, first = assign(a_ride(), a_wish("c-1", "van-1"))
    booking, second = assign(booking, a_wish("c-2", "van-2"))
    booking = heard(booking, a_row("cancelled", 2))
    for name, vehicle, before in (("c-1", "van-1", first), ("c-2", "van-2", second)):
        after, again = assign(booking, a_wish(name, vehicle))
        assert (again, after) == (before, booking)


LATE = {
    "cancelled": "booking-cancelled",
    "picked_up": "booking-under-way",
    "dropped": "booking-under-way",
    "assigned": "booking-taken",
}


@pytest.mark.parametrize("state", LATE)
def test_what_its_operator_has_decided_is_assigned_to_nobody(state: str) -> None:
    booking = a_ride(a_row(state, 2, vehicle_id="van-9"))
    after, answer = assign(booking, a_wish("c-1", "van-1", revision=2))
    assert answer == AssignAnswer(LATE[state], state, "van-9", 2)
    assert (after.state, after.vehicle_id, after.assigned_by) == (state, "van-9", None)


@pytest.mark.parametrize("revision", [0, 1, 3])
def test_who_saw_another_revision_looks_again(revision: int) -> None:
    booking = a_ride(a_row("requested", 2))
    booking, answer = assign(booking, a_wish("c-1", "van-1", revision=revision))
    assert answer == AssignAnswer("booking-changed", "requested", None, 2)
    assert assign(booking, a_wish("c-2", "van-1", revision=2))[1].is_done


TOLD = {
    "the same again": (a_row("requested", 1), ("assigned", "van-1", 2)),
    "an older one": (a_row("cancelled", 0), ("assigned", "van-1", 2)),
    "a change of the wish": (a_row("requested", 2, vehicle_id="van-9"), ("assigned", "van-1", 3)),
    "its own assignment to another": (a_row("assigned", 2, vehicle_id="van-9"), ("assigned", "van-1", 3)),
    "a pick-up": (a_row("picked_up", 2), ("picked_up", "van-1", 3)),
    "a pick-up by another": (a_row("picked_up", 2, vehicle_id="van-9"), ("picked_up", "van-9", 3)),
    "the end of it": (a_row("cancelled", 7), ("cancelled", "van-1", 3)),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_its_operator_tells_of_a_ride_that_a_dispatcher_assigned(case: str) -> None:
    row, expected = TOLD[case]
    booking, _ = assign(a_ride(), a_wish("c-1", "van-1"))
    booking = heard(booking, row)
    assert (booking.state, booking.vehicle_id, booking.revision) == expected


def test_after_its_end_nothing_changes() -> None:
    for end in ("dropped", "cancelled"):
        booking = a_ride(a_row(end, 2))
        later = heard(booking, a_row("picked_up", 3, vehicle_id="van-9"))
        assert (later.state, later.vehicle_id, later.revision) == (end, None, 2)


def test_the_winners_answer_is_never_forgotten_and_the_others_have_a_bound() -> None:
    booking, won = assign(a_ride(), a_wish("c-0", "van-1"))
    for number in range(1, ANSWERS_MAX + 20):
        booking, _ = assign(booking, a_wish(f"c-{number}", "van-2"))
    assert len(booking.answers) == ANSWERS_MAX
    assert assign(booking, a_wish("c-0", "van-1"))[1] == won


def test_a_row_is_a_command_only_when_the_gateway_wrote_it() -> None:
    table = BookingTable()
    for row in (a_row("requested", 1), {**a_command(a_wish("c-1", "van-1")), "source": "drt"}):
        table.take(row)
    booking = table.get("b-1")
    assert booking is not None and booking.state == "requested"
    table.take(a_command(a_wish("c-2", "van-2")))
    booking = table.get("b-1")
    assert booking is not None and (booking.vehicle_id, booking.assigned_by) == ("van-2", "by van-2")


def test_a_command_for_an_unknown_ride_changes_nothing() -> None:
    table = BookingTable()
    table.take(a_command(a_wish("c-1", "van-1")))
    assert (len(table), table.known_answer(a_wish("c-1", "van-1"))) == (0, None)
    assert table.is_behind(a_wish("c-1", "van-1"))


def test_a_command_comes_back_from_its_row_as_it_was() -> None:
    assert command_of(a_command(a_wish("c-1", "van-1", 4))) == a_wish("c-1", "van-1", 4)


def test_a_full_table_forgets_a_ride_that_is_over_before_one_that_is_not() -> None:
    table = BookingTable(bookings_max=2)
    for number, state in enumerate(("requested", "dropped", "requested")):
        table.take({**a_row(state, 1), "booking_id": f"b-{number}"})
    assert [one.booking_id for one in table] == ["b-2", "b-0"]
    table.take({**a_row("requested", 1), "booking_id": "b-3"})
    assert [one.booking_id for one in table] == ["b-3", "b-2"]
