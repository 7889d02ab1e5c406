"""A ride is assigned once, whoever asks, in whatever order, and however often the gateways are killed.

Two dispatchers at two gateways want the same ride for vehicles of their own, and each repeats until it is answered. The log
is a list. A gateway reads it late, forgets all when it is killed, and may be killed after its command is in the log and
before its answer. The judge reads the log by itself and knows nothing of the code that it judges.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from streams.bookings.booking import Assign, AssignAnswer
from streams.bookings.table import BookingTable

KILLS = 10
STEPS = 40
SEED = 20_261_130


def a_row(state: str, revision: int, **more: Any) -> dict[str, Any]:
    row = {"source": "drt", "booking_id": "b-1", "state": state, "revision": revision}
    return {**row, "vehicle_id": None, "assigned_by": None, "command_id": None, **more}


def a_command(command: Assign) -> dict[str, Any]:
    about = {"vehicle_id": command.vehicle_id, "assigned_by": command.account_id}
    return a_row("assigned", command.revision, source="gateway", command_id=command.command_id, **about)


LATER = (
    *(a_row("requested", revision) for revision in (1, 2, 2, 2)),
    a_row("picked_up", 3),
    a_row("cancelled", 4),
)
"""Rows that its operator may tell later: the same again, a change of the wish, and its end."""


@dataclass
class GatewayLife:
    """A gateway: its copy of the log, and the commands that it has written and not answered."""

    log: list[dict[str, Any]]
    table: BookingTable = field(default_factory=BookingTable)
    read: int = 0
    waiting: list[Assign] = field(default_factory=list)

    def follow(self, count: int) -> None:
        for row in self.log[self.read : self.read + count]:
            self.table.take(row)
            self.read += 1

    def kill(self) -> None:
        self.table, self.read, self.waiting = BookingTable(), 0, []

    def ask(self, command: Assign) -> AssignAnswer | None:
        """The answer where it is known; else the command is in the log, once for each time that it is asked."""
        known = self.table.known_answer(command)
        if known is not None:
            return known[1]
        if command not in self.waiting:
            self.log.append(a_command(command))
            self.waiting.append(command)
        return None

    def answer(self, command: Assign) -> AssignAnswer | None:
        known = self.table.known_answer(command) if command in self.waiting else None
        if known is not None:
            self.waiting.remove(command)
        return None if known is None else known[1]


@dataclass
class Dispatcher:
    """One who wants the ride for *vehicle*, and asks until told that it is assigned, to whom or why not."""

    vehicle: str
    asked: Assign | None = None
    tries: int = 0
    answers: dict[str, AssignAnswer] = field(default_factory=dict)
    end: AssignAnswer | None = None

    def command(self, revision: int) -> Assign:
        if self.asked is None:
            self.tries += 1
            its_id = f"{self.vehicle}-{self.tries}"
            self.asked = Assign(its_id, "b-1", revision, self.vehicle, f"by {self.vehicle}")
        return self.asked

    def hear(self, answer: AssignAnswer | None) -> None:
        if answer is None or self.asked is None:
            return
        before = self.answers.setdefault(self.asked.command_id, answer)
        assert before == answer, "the same command got another answer"
        if answer.code != "booking-changed":
            self.end = answer
        else:
            self.asked = None  # it looks again, and asks anew


def judged(log: list[dict[str, Any]]) -> tuple[str | None, int | None, str]:
    """Who has the ride by the log, at which revision it got it, and how the ride ended; written apart from the code."""
    ranks = ["requested", "assigned", "picked_up", "dropped"]
    revision, newest, state, winner, won_at = 0, 0, "", None, None
    for row in log:
        if row["command_id"] is not None:
            if state == "requested" and row["revision"] == revision:
                revision += 1
                state, winner, won_at = "assigned", row["command_id"], revision
            continue
        if row["revision"] <= newest:
            continue
        newest = row["revision"]
        if state in ("cancelled", "dropped"):
            continue
        revision += 1
        if row["state"] == "cancelled" or state == "" or ranks.index(row["state"]) > ranks.index(state):
            state = row["state"]
    return winner, won_at, state


def interleaving(chance: random.Random, told: Counter[str]) -> None:
    log: list[dict[str, Any]] = [a_row("requested", 1)]
    gateways = (GatewayLife(log), GatewayLife(log))
    people = (Dispatcher("van-1"), Dispatcher("van-2"))
    kills = set(chance.sample(range(STEPS), KILLS))
    heard = [row for row in LATER if chance.random() < 0.15]
    arrivals = {chance.randrange(STEPS): row for row in heard}
    for step in range(STEPS):
        if step in kills:
            chance.choice(gateways).kill()
        if step in arrivals:
            log.append(arrivals[step])
        _step(chance, gateways, people)
    _finish(gateways, people)
    winner, won_at, state = judged(log)
    done = [one for one in people if one.end is not None and one.end.is_done]
    assert all(one.end is not None for one in people), "a dispatcher was never answered"
    assert len(done) == (winner is not None), (winner, people)
    told["assigned" if winner else state] += 1
    for one in people:
        assert one.end is not None
        if one in done:
            assert one.asked is not None and (one.asked.command_id, one.end.revision) == (winner, won_at)
            assert one.end.vehicle_id == one.vehicle
            continue
        told["told 409"] += 1
        if one.end.code == "booking-taken":
            assert winner is not None and won_at is not None and one.end.vehicle_id == done[0].vehicle
            assert one.end.revision >= won_at
        else:
            assert one.end.code in ("booking-cancelled", "booking-under-way")
            assert any(row["state"] in ("cancelled", "picked_up") for row in log)
    for one in people:
        for command_id, answer in one.answers.items():
            assert answer.is_done == (command_id == winner)


def _step(chance: random.Random, gateways: tuple[GatewayLife, ...], people: tuple[Dispatcher, ...]) -> None:
    turn = int(chance.random() * 12)  # one draw: it is half of the time
    gateway, person = gateways[turn & 1], people[turn >> 1 & 1]
    match turn >> 2:
        case 0:
            gateway.follow(1 + int(chance.random() * 3))
        case 1 if person.end is None or chance.random() < 0.3:  # those who have their answer repeat, too
            _ask(gateway, person)
        case 2 if person.asked is not None:
            person.hear(gateway.answer(person.asked))


def _ask(gateway: GatewayLife, person: Dispatcher) -> None:
    booking = gateway.table.get("b-1")
    if booking is None and person.asked is None:
        return  # 404: it is not on the screen yet
    command = person.command(0 if booking is None else booking.revision)
    person.hear(gateway.ask(command))


def _finish(gateways: tuple[GatewayLife, ...], people: tuple[Dispatcher, ...]) -> None:
    """No more kills: each asks until it is answered."""
    for _ in range(20):
        for person in people:
            gateways[0].follow(1_000)
            if person.end is None:
                _ask(gateways[0], person)
            gateways[0].follow(1_000)
            if person.end is None and person.asked is not None:
                person.hear(gateways[0].answer(person.asked))


def run(count: int, seed: int) -> Counter[str]:
    told: Counter[str] = Counter()
    for number in range(count):
        try:
            interleaving(random.Random(seed + number), told)
        except AssertionError as error:
            error.add_note(f"seed {seed + number}")
            raise
    return told


def test_of_twenty_thousand_interleavings_each_assigns_once() -> None:
    told = run(20_000, SEED)
    assert told["assigned"] > 15_000 and told["told 409"] >= told["assigned"]
    assert told["cancelled"] > 100, "some rides end before anybody has them"


@pytest.mark.long
def test_of_a_million_interleavings_each_assigns_once() -> None:
    told = run(1_000_000, SEED + 1_000_000)
    assert told["assigned"] > 750_000 and told["told 409"] >= told["assigned"]
