"""Records ``journal.jsonl.gz``: the scenarios of this folder as those of one city, through the real situations stage.

Each scenario happens several times, elsewhere in the city, on other days and under other names, with every rule in force and
the rules' numbers changed on the way. To record it anew (a minute, with a new cluster from ``bongsu up``):

    python -m tests.scenario.record_journal tests/scenario/journal.jsonl.gz

``test_journal.py`` verifies the file without a cluster. It has the answers that the rules gave when it was recorded: record
it anew only when answers are meant to change.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer

from deploy.cli.exported import export_journal
from deploy.platform import Platform, reach
from deploy.topics import ensure_topics
from schemas.catalogue import contract_name, load_catalogue
from schemas.errors import Invalid
from schemas.event import Event
from streams.runtime.records import Record, RecordBatch
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.stages.situations import SituationsStage
from tests.scenario.a_scenario import Scenario, config_of, scenarios
from tests.scenario.happening import Happening, Happenings
from tests.scenario.running import Running

NAME = "recorded"
SEED = 19
TIMES = 2
BATCH = 20
APART_M, WIDE = 6_000, 16
DAY_MS = 86_400_000
ROUND_DAYS = 5
SKIPPED = frozenset({"rules", "refused"})
"""Events of scenarios that are none here: numbers are the whole city's, and refused ones are in no journal."""
NAMED = (
    "person_ref",
    "sensor_id",
    "hub_id",
    "site_id",
    "wanted",
    "camera",
    "by",
    "zone",
    "drone",
    "vehicle_id",
    "booking_id",
    "window_id",
)
CITY: Mapping[str, Any] = {
    "law": "kr",
    "escalate_after_min": 30,
    "watch": {"purpose": "fire-safety", "labels": ["smoke", "fire", "crowd"]},
    "filing": {"fire": "119", "police": "112"},
    "dispatch": {"block_labels": ["parked_vehicle", "obstacle"]},
    "rule": {
        "surge": {
            "families": {
                "wires": {"kinds": ["wires"], "per_hour": 0.4},
                "medical": {"kinds": ["medical"], "per_hour": 3},
            }
        },
        "unconfirmed": {},
        "traffic-impact": {"usual_minutes_min": 4, "look_min": 20, "radius_m": 600},
        "disaster": {},
        "vulnerable": {},
        "wanted": {},
        "zone": {"forward_to": {"112": "police"}},
        "hub": {},
        "surplus": {},
        "closure": {},
    },
}
CHANGED = {**CITY, "radius_m": 120, "escalate_after_min": 20}


@dataclass(frozen=True, slots=True)
class Elsewhere(Scenario):
    """A scenario on another day."""

    later_ms: int = 0

    def at(self, said: str, before_ms: int | None = None) -> int:
        is_later = said.startswith("+")
        return Scenario.at(self, said, before_ms) + (0 if is_later else self.later_ms)


@dataclass(slots=True)
class Renamed:
    """The events of one scenario under other names and at another place."""

    name: str
    north_m: int
    east_m: int
    first_digits: int
    known: set[str] = field(default_factory=set)

    def of(self, said: Mapping[str, Any]) -> dict[str, Any]:
        new = dict(said)
        for word in NAMED:
            if word in new and not (word == "by" and "action" in new):
                new[word] = f"{self.name}-{new[word]}"
        for word in ("report", "on", "with"):
            if word in new and " " in new[word]:
                new[word] = self._case(new[word])
        if "reports" in new:
            new["reports"] = [self._case(one) for one in new["reports"]]
        for word in ("plate", "number"):
            if word in new:
                new[word] = f"{self.first_digits}{new[word][2:]}"
        thing = next((str(new[word]) for word in ("report", "camera") if word in new), "")
        is_anew = bool({"where", "speed", "zone", "drone"} & new.keys()) or (
            thing and thing not in self.known
        )
        if is_anew:
            new["where"] = self._there(new.get("where", "here"))
        if "by" in new and "action" not in new and new["by"] not in self.known:
            new.setdefault("where", self._there("here"))
        self.known.add(thing)
        return new

    def _case(self, said: str) -> str:
        agency, _, case = said.rpartition(" ")
        return f"{agency} {self.name}-{case}"

    def _there(self, said: str) -> str:
        if said == "unknown":
            return said
        moved = f"{self.north_m} m N, {self.east_m} m E"
        return moved if said == "here" else f"{said}, {moved}"


def life(rng: random.Random) -> list[Happening]:
    """Everything that happens, by the clock."""
    happenings: list[Happening] = []
    offsets: dict[str, int] = {}
    once = list({one.name: one for one in scenarios()}.values())
    for time in range(TIMES):
        rng.shuffle(once)
        for place, scenario in enumerate(once):
            later_ms = time * ROUND_DAYS * DAY_MS + rng.randrange(60) * 1_000
            happenings += _one(scenario, time, place, later_ms, offsets)
    return sorted(happenings, key=lambda one: one.at)


def _one(
    scenario: Scenario, time: int, place: int, later_ms: int, offsets: dict[str, int]
) -> Iterator[Happening]:
    there = replace_as(scenario, later_ms)
    name = f"{time}{place:02d}"
    renamed = Renamed(name, place // WIDE * APART_M, place % WIDE * APART_M, 10 + (time * 31 + place) % 90)
    reading = Happenings(there, offsets=offsets)
    for said in scenario.events:
        if SKIPPED & said.keys():
            continue
        new = renamed.of({word: value for word, value in said.items() if word != "minutes"})
        yield reading.of(new)
        for _ in range(1, said.get("minutes", 1)):
            yield reading.of({**new, "at": "+1 min"})


def replace_as(scenario: Scenario, later_ms: int) -> Elsewhere:
    config = config_of(CITY)
    return Elsewhere(
        scenario.name, scenario.says, scenario.under, config, scenario.events, (), (), (), later_ms=later_ms
    )


@dataclass(slots=True)
class Recording(Running):
    """A city whose entries go through the real stage as well, in the same order and with the offsets of the log."""

    platform: Platform | None = None
    city: str = ""
    stage: SituationsStage | None = None
    producer: Producer | None = None
    consumer: Consumer | None = None
    records: list[Record] = field(default_factory=list)
    refused: int = 0

    def record(self, happenings: list[Happening]) -> None:
        assert self.platform is not None
        self.stage = self._started(config_of(CITY))
        self.taken_rules(config_of(CITY))
        half = len(happenings) // 2
        for number, one in enumerate(happenings):
            if number in (half, half + half // 2):
                self._hand_over()
                config = config_of(CHANGED if number == half else CITY)
                self.taken_rules(config)
                self.stage.use(config)
            if number == half // 2:  # a restart on the way
                self._hand_over()
                self.stage.revoked()
                self.stage.assigned()
            try:
                self._happens(one)
            except Invalid:
                self.refused += 1
        self._hand_over()
        self.stage.revoked()

    def taken_rules(self, config: RulesConfig) -> None:
        Running._take(self, Entry("rules", f"{self.city}.rules", 0, 0, config.canonical()))

    def _started(self, config: RulesConfig) -> SituationsStage:
        assert self.platform is not None
        stage = SituationsStage(self.city, config, bootstrap=self.platform.kafka, wire=self.platform.wire)
        self.producer = Producer({"bootstrap.servers": self.platform.kafka, "linger.ms": 0})
        self.consumer = Consumer({"bootstrap.servers": self.platform.kafka, "group.id": stage.group})
        stage.assigned()
        if stage.state is None or stage.state.sequence:
            sys.exit(
                f"{self.city} was recorded here already; take a new cluster: bongsu down --erase; bongsu up"
            )
        return stage

    def _take(self, entry: Entry) -> None:
        value = {**entry.value, "city": self.city}
        if entry.kind == "tick":
            value = Happenings(self.scenario, now_ms=value["event_time"])._complete("core.tick", value)
            value["city"] = self.city
        contract = contract_name(entry.topic)
        key = value.get(load_catalogue()[contract].key) or value.get("situation_id") or value.get("watch_id")
        record = self._published(Event(contract, str(key), value))
        Running._take(self, Entry(entry.kind, record.topic, 0, record.offset, value))
        if entry.kind == "evidence" or len(self.records) >= BATCH:
            self._hand_over()  # evidence comes after the watch that it is of
        self.records.append(record)

    def _published(self, event: Event) -> Record:
        assert self.platform is not None
        assert self.producer is not None
        topic, key, frame = self.platform.wire.encode(self.city, event)
        at = (event.value or {})["received_time"]
        placed: list[int] = []
        self.producer.produce(
            topic,
            frame,
            key=key,
            partition=0,
            timestamp=at,
            on_delivery=lambda error, message: placed.append(message.offset()),
        )
        self.producer.flush(10)
        return Record(topic, 0, placed[0], at, key, frame, {})

    def _hand_over(self) -> None:
        assert self.stage is not None
        assert self.consumer is not None
        self.stage.take(RecordBatch(self.records, self.consumer.consumer_group_metadata()))
        self.records = []


def main(path: Path) -> None:
    platform = reach()
    ensure_topics(platform.kafka, [NAME])
    happenings = life(random.Random(SEED))
    recording = Recording(replace_as(scenarios()[0], 0), platform=platform, city=NAME)
    recording.record(happenings)
    print(f"{recording.taken} entries, {recording.refused} refused")  # noqa: T201 (words of a command)
    export_journal(NAME, platform, path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
