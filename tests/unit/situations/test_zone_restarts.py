"""The match and the rule of zones together, killed at every point: each breach and each clear is told once.

A log in memory: positions go through the match, its evidence through the rules, their watches back to the match. A killed
match begins with the newest revision of each watch and its look-back; killed rules begin with the rows of ``core.state``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from schemas.event import Event
from streams.match.core.batch import ObservationBatch
from streams.match.core.config import MatchConfig
from streams.match.core.evidence import evidence_event
from streams.match.core.open_watches import WatchRecord
from streams.match.core.step import Match, PartitionProgress
from streams.match.core.watches import watch_of
from streams.situations.entry import Entry
from streams.situations.fold import CityState
from tests.match_log import SightFrames, Written
from tests.match_oracle import Sight, columns
from tests.unit.situations.a_city import City, a_tick, at, place, rules
from tests.unit.situations.test_zones import GROUND, a_zone

PLACE = ("demo.drone.position", 0)
LOOK_BACK_S = 240
CONFIG = MatchConfig(lateness_s=60, look_back_s=LOOK_BACK_S, per_second_max=10_000)
LATER_MS = at("+2 00:00")


@dataclass(frozen=True, slots=True)
class Fix:
    """A drone at so many seconds after noon, so far north of the zone's middle."""

    seconds: int
    drone: str
    north_m: float


def life() -> list[Fix]:
    """One stands inside for an hour and speaks every 10 minutes; one comes and goes; one stays outside; one goes silent."""
    fixes = [
        Fix(0, "parked", 2_000),
        *(Fix(60 + 600 * n, "parked", 10) for n in range(7)),
        Fix(4_000, "parked", 2_000),
    ]
    for turn in range(4):
        start = 300 + turn * 800
        fixes += [
            Fix(start + n * 60, "shuttle", far) for n, far in enumerate((1_500, 900, 0, 900, 1_500, 1_600))
        ]
    fixes += [Fix(n * 400, "outside", 1_500) for n in range(10)]
    fixes.append(
        Fix(3_990, "outside", 1_500)
    )  # longer than the look-back after the last word of what is parked
    fixes += [Fix(1_000, "lost", 0), Fix(1_020, "lost", 5)]
    return sorted(fixes, key=lambda one: (one.seconds, one.drone))


LIFE = life()
WANTED = [
    # by hand: who is told from when until when, and why it ends
    ("parked", 60, 4_000, "left the zone"),
    ("shuttle", 360, 540, "left the zone"),
    ("lost", 1_000, 1_730, "lost"),
    ("shuttle", 1_160, 1_340, "left the zone"),
    ("shuttle", 1_960, 2_140, "left the zone"),
    ("shuttle", 2_760, 2_940, "left the zone"),
]
SILENT_S = 700


@dataclass
class Bus:
    """The city, its match, and what lies between them."""

    city: City = field(default_factory=lambda: started())  # noqa: PLW0108 (it stands below)
    match: Match = field(default_factory=lambda: Match(CONFIG))
    read: int = 0
    told: int = 0
    standing: PartitionProgress | None = None

    def step(self, number: int) -> None:
        """One position, all that follows from it."""
        one = LIFE[number]
        self._clock(one.seconds)
        found = self.match.take(batch_of(LIFE[number : number + 1], number), now_ms=LATER_MS)
        self.standing = self.match.standings()[PLACE]
        for columns_ in found.evidence:
            for evidence in columns_.each():
                event = evidence_event("demo", evidence)
                self.city.take(Entry("evidence", "demo.core.evidence", 0, number, dict(event.value or {})))
        self._watches()

    def _clock(self, seconds: int) -> None:
        while self.told < seconds:  # a tick each ten seconds
            self.told = min(seconds, self.told + 10)
            self.city.take(
                Entry("tick", "demo.core.tick", 0, 0, {"event_time": at("12:00") + self.told * 1_000})
            )
        self._watches()

    def _watches(self) -> None:
        said = watches_in(self.city.said)
        records = [record(n, event) for n, event in enumerate(said) if n >= self.read]
        self.read = len(said)
        if records:
            self.match.tell(records)

    def kill_match(self, number: int) -> None:
        """A new worker: the newest revision of each watch, and the look-back of the last that was committed."""
        self.match = Match(CONFIG)
        newest = {event.key: record(n, event) for n, event in enumerate(watches_in(self.city.said))}
        self.match.tell(list(newest.values()), read_up_to=self.read)
        if self.standing is not None:
            since = (
                LIFE[number].seconds - LOOK_BACK_S
            )  # a worker keeps whole chunks; here it keeps no more than it must
            first = next(n for n, one in enumerate(LIFE) if one.seconds >= since)
            standing = replace(self.standing, first_offset=first)
            found = self.match.restore(
                PLACE, standing, [batch_of(LIFE[first : number + 1], first)], now_ms=LATER_MS
            )
            assert not any(len(one) for one in found.evidence), "a look-back tells nothing again"

    def kill_rules(self) -> None:
        rows = {event.key: event.value for event in self.city.said if event.topic == "core.state"}
        clock = self.city.state.clock_row()
        state = CityState.from_records(self.city.config, {**rows, clock.key: clock.value}.items())
        self.city.state = state

    def outcome(self) -> list[tuple[str, int, int | None, str]]:
        """(drone, second of its opening, of its end, why) of each situation."""
        noon, found = at("12:00"), []
        for one in self.city.live():
            drone = self.city.state.situations[one["situation_id"]].anchor.rpartition("\x1f")[2]
            closed = None if one["closed_at"] is None else (one["closed_at"] - noon) // 1_000
            found.append((drone, (one["opened_at"] - noon) // 1_000, closed, one["reason"].partition(":")[0]))
        return sorted(found, key=lambda one: (one[1], one[0]))


def started() -> City:
    numbers: dict[str, Any] = {**GROUND, "silent_s": SILENT_S, "move_m": 100_000, "tell_every_s": 30}
    city = City(rules(others=[{"name": "zone", "numbers": numbers}]))
    city.take(a_tick("11:59"), a_zone())
    return city


def watches_in(said: Sequence[Event]) -> list[Event]:
    return [event for event in said if event.topic == "core.watch"]


def record(offset: int, event: Event) -> WatchRecord:
    return WatchRecord(offset, event.key, None if event.value is None else watch_of(event.value))


def batch_of(fixes: Sequence[Fix], first: int) -> ObservationBatch:
    sights = [
        Sight(
            lat=place(one.north_m)["lat"],
            lon=place(one.north_m)["lon"],
            time=at("12:00") + one.seconds * 1_000,
            label="drone",
            thing=one.drone,
            confidence=1.0,
            contract="drone.position",
        )
        for one in fixes
    ]
    written = [Written(one, one.time, f"o{first + n}") for n, one in enumerate(sights)]
    offsets = np.arange(first, first + len(fixes), dtype=np.int64)
    places = np.zeros(len(fixes), np.uint8)
    ends = {PLACE: first + len(fixes)}
    return ObservationBatch(columns(sights), [PLACE], places, offsets, SightFrames(written), ends)


def run(kill: Callable[[Bus, int], None]) -> list[tuple[str, int, int | None, str]]:
    bus = Bus()
    bus._watches()
    for number in range(len(LIFE)):
        bus.step(number)
        kill(bus, number)
    bus._clock(6_000)
    return bus.outcome()


@cache
def undisturbed() -> list[tuple[str, int, int | None, str]]:
    return run(lambda bus, number: None)


def test_each_breach_and_each_clear_is_told_as_written_by_hand() -> None:
    assert undisturbed() == WANTED


@pytest.mark.parametrize("who", ["the match", "the rules", "both"])
def test_killed_once_at_every_point_it_tells_the_same(who: str) -> None:
    for point in range(len(LIFE)):

        def kill(bus: Bus, number: int, point: int = point) -> None:
            if number == point:
                if who != "the match":
                    bus.kill_rules()
                if who != "the rules":
                    bus.kill_match(number)

        assert run(kill) == undisturbed(), (who, point, LIFE[point])


def test_killed_after_each_position_it_tells_the_same() -> None:
    def kill(bus: Bus, number: int) -> None:
        bus.kill_rules()
        bus.kill_match(number)

    assert run(kill) == undisturbed()
