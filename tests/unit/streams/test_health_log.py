"""The look at Kafka behind a city's health: how often, of what, and what is told when it fails."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from schemas.errors import Retriable
from streams.operators.health_log import LogHealth
from streams.runtime.follower import Following
from streams.runtime.group_lag import GroupLook, LogEnds, Place
from streams.runtime.records import Record

NOW_MS = 1_780_000_000_000
TICK, REPORTS = ("c.core.tick", 0), ("c.fire.incident", 0)


def record(place: Place, offset: int, age_ms: int) -> Record:
    return Record(*place, offset, NOW_MS - age_ms, b"k", b"v", {})


@dataclass
class Ends:
    """Offsets and records of plain values (``LogEnds``). *asked*: the groups asked for."""

    groups: dict[str, GroupLook] = field(default_factory=dict)
    kept: dict[Place, list[Record]] = field(default_factory=dict)
    behind: dict[Place, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    fails: Exception | None = None

    def group(self, name: str) -> GroupLook:
        self.asked.append(name)
        if self.fails is not None:
            raise self.fails
        return self.groups.get(name, GroupLook())

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        return {place: self.behind[place] for place in places if place in self.behind}

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        return dict.fromkeys(self.ends(places), 0)

    def first_records(self, offsets: Mapping[Place, int]) -> dict[Place, Record]:
        return {place: found[0] for place, found in self.records(offsets, at_most=1).items() if found}

    def records(self, offsets: Mapping[Place, int], *, at_most: int) -> dict[Place, list[Record]]:
        return {
            place: [one for one in self.kept.get(place, ()) if one.offset >= at][:at_most]
            for place, at in offsets.items()
        }


@dataclass
class Here:
    ends: Ends = field(default_factory=Ends)
    clock_s: float = 0.0
    health: LogHealth = field(init=False)

    def __post_init__(self) -> None:
        self.health = LogHealth(
            "c",
            Following("none", bootstrap="none"),
            expected=(),
            stages=("situations",),
            ends=cast("LogEnds", self.ends),
            wire=cast("Any", None),  # no record is read here
            now_ms=lambda: NOW_MS,
            now_s=lambda: self.clock_s,
        )

    def stages(self) -> dict[str, dict[str, Any]]:
        return {one["stage"]: one for one in self.health.told()["stages"]}


def test_however_many_ask_kafka_is_looked_at_once_in_two_seconds() -> None:
    here = Here()
    for here.clock_s in (0.0, 0.1, 1.9, 2.0, 3.9, 4.0):
        here.health.told()
    assert here.ends.asked == ["c.situations"] * 3


def test_the_first_unread_record_is_the_lag_and_the_mark_of_a_transaction_is_none() -> None:
    here = Here()
    here.ends.groups["c.situations"] = GroupLook({TICK: 11, REPORTS: 3}, 1)
    here.ends.behind = {TICK: 12, REPORTS: 7}
    here.ends.kept = {TICK: [record(TICK, 10, 400)], REPORTS: [record(REPORTS, 4, 25_000)]}
    stages = here.stages()
    assert (stages["situations"]["lag_s"], stages["situations"]["unread"]) == (25.0, 3)
    assert stages["ingest"]["lag_s"] == 0.4
    here.ends.kept[REPORTS].clear()
    here.clock_s = 2.0
    assert here.stages()["situations"]["lag_s"] == 0.0


def test_a_stage_that_read_nothing_since_the_city_began_is_as_far_behind_as_the_first_tick() -> None:
    here = Here()
    here.ends.groups["c.situations"] = GroupLook({}, 1)
    assert here.stages()["situations"]["level"] == "not-heard"
    here.ends.behind, here.ends.kept = {TICK: 12}, {TICK: [record(TICK, 0, 240_000), record(TICK, 10, 400)]}
    here.clock_s = 2.0
    (lag,) = here.stages()["situations"]["faults"]
    assert (lag["code"], lag["about"]["lag_s"]) == ("lag", 240.0)


def test_without_kafka_the_reason_is_told_and_the_next_look_is_a_new_one() -> None:
    here = Here()
    here.ends.fails = Retriable("asking for group c.situations: _TRANSPORT")
    told = here.health.told()
    assert told["trouble"] == "asking for group c.situations: _TRANSPORT"
    assert [one["stage"] for one in told["stages"]] == ["deliver"]
    here.ends.fails, here.clock_s = None, 2.0
    assert here.health.told()["trouble"] is None
