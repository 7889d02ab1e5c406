"""The rules alone, without Kafka: reports and evidence a second of one core, and the restore of a state.

A nation's reports over 400 × 400 km: half by 112, half by 119, one in five of a happening that the other reported too. Each
is opened, dispatched and closed. A run is void unless every report is in exactly one live situation, and the restored state
answers byte for byte as the first.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from deploy.laws import law_named
from deploy.platform import Platform
from schemas.errors import Fatal
from schemas.event import Event, derived_id
from streams.geo import EARTH_RADIUS_M
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import transaction
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from streams.situations.fold import CityState, step
from streams.stages.situations import SituationsStage
from tests.bench.bench_city import bench_city
from tests.bench.machine import described

SIDE_M, LAT, LON = 400_000.0, 35.0, 127.0
CAMERAS, BESIDE = 20_000, 0.2
NOON_MS, EVERY_MS = 1_772_967_600_000, 80
"""The time between reports: twelve times the rate of a nation's calls."""
KINDS = {
    "fire": ("fire.building", "medical", "crash.vehicle"),
    "police": ("crash.vehicle", "assault", "theft"),
}
AGENCIES = {"fire": "119", "police": "112"}
WATCH: dict[str, Any] = {"purpose": "fire-safety", "labels": ["smoke", "person"], "evidence_max": 20}


@dataclass(frozen=True, slots=True)
class Load:
    """The load; *live*: the number of situations to restore."""

    reports: int = 20_000
    evidence: int = 100_000
    live: int = 100_000
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Figures:
    """Entries a CPU second. *rebuild_s*: seconds to restore *live* situations from Kafka, or from rows in memory.
    *said*: the number of events of each topic."""

    reports_per_s: float
    evidence_per_s: float
    rebuild_s: float
    said: Counter[str]
    is_from_kafka: bool = False

    @property
    def meets_targets(self) -> bool:
        return self.reports_per_s >= 2_000 and self.evidence_per_s >= 20_000 and self.rebuild_s <= 5


def measure(load: Load, platform: Platform | None = None) -> Figures:
    """Measure one run. With a *platform*, the stage itself restores the state from its Kafka."""
    config = RulesConfig.model_validate({"city": "bench", "law": law_named("kr"), "watch": WATCH})
    state, said = CityState.empty(), Counter[str]()
    first = [Entry("rules", "bench.rules", 0, 0, config.canonical()), *_cameras(load)]
    _take(state, first, Counter())
    reports = list(_reports(load))
    reports_s = _take(state, reports, said)
    _check(state, reports)
    open_ids = [one for one, situation in state.situations.items() if not situation.is_closed]
    found = list(_evidence(load, open_ids, reports[-1].value["received_time"]))
    evidence_s = _take(state, found, said)
    rebuild_s = _rebuilt(config, load, platform)
    return Figures(
        len(reports) / reports_s, len(found) / evidence_s, rebuild_s, said, is_from_kafka=platform is not None
    )


def _take(state: CityState, entries: list[Entry], said: Counter[str]) -> float:
    """Apply *entries* and return the CPU seconds of the rules."""
    begun = time.process_time()
    for entry in entries:
        for event in step(state, entry):
            said[event.topic] += 1
    return time.process_time() - begun


def _cameras(load: Load) -> Iterator[Entry]:
    chance = random.Random(load.seed + 1)
    for number in range(CAMERAS):
        value = {
            "camera_id": f"c{number}",
            "position": _somewhere(chance),
            "purposes": ["crime-prevention", "fire-safety"],
            "status": "ok",
            "received_time": NOON_MS - 1,
        }
        yield Entry("place", "bench.place.camera", 0, number, value)


def _reports(load: Load) -> Iterator[Entry]:
    """Reports that open with two units. After a minute they are dispatched; after ten minutes half of them are closed."""
    chance = random.Random(load.seed)
    opened: list[dict[str, Any]] = []
    for number in range(load.reports):
        now = NOON_MS + number * EVERY_MS
        domain = chance.choice(("fire", "police"))
        where, kind = _somewhere(chance), chance.choice(KINDS[domain])
        if opened and chance.random() < BESIDE:
            other = opened[-min(len(opened), 50)]
            domain = "police" if other["source"] == "fire" else "fire"
            where, kind = other["position"], other["kind"]
        opened.append(_report(number, domain, kind, where, now))
        yield _entry(opened[-1])
        for ago, status in ((60_000, "dispatched"), (600_000, "closed")):
            then = number - ago // EVERY_MS
            if then >= 0 and (status == "dispatched" or then % 2 == 0):
                opened[then] = {
                    **opened[then],
                    "status": status,
                    "revision": opened[then]["revision"] + 1,
                    "received_time": now,
                }
                yield _entry(opened[then])


def _report(number: int, domain: str, kind: str, where: dict[str, Any], now: int) -> dict[str, Any]:
    return {
        "event_id": derived_id("bench", number),
        "city": "bench",
        "source": domain,
        "event_time": now,
        "received_time": now,
        "position": where,
        "incident_id": f"{domain}-{number}",
        "agency": AGENCIES[domain],
        "agency_case_no": str(number),
        "kind": kind,
        "status": "open",
        "units": [f"u{number % 40}", f"u{(number + 1) % 40}"],
        "address": None,
        "revision": 1,
    }


def _entry(value: dict[str, Any]) -> Entry:
    return Entry("incident", f"bench.{value['source']}.incident", 0, value["revision"], value)


def _evidence(load: Load, situations: list[str], now: int) -> Iterator[Entry]:
    chance = random.Random(load.seed + 2)
    for number in range(load.evidence):
        value = {
            "situation_id": chance.choice(situations),
            "watch_id": "w",
            "kind": "seen",
            "observation_id": f"o{number}",
            "topic": "bench.cctv.detection",
            "partition": 0,
            "offset": number,
            "distance_m": 40.0,
            "seconds": 5.0,
            "label": chance.choice(WATCH["labels"]),
            "seen_by": f"c{number % CAMERAS}",
            "received_time": now,
        }
        yield Entry("evidence", "bench.core.evidence", 0, number, value)


def _check(state: CityState, reports: list[Entry]) -> None:
    stands = Counter(
        member.incident_id
        for situation in state.situations.values()
        if situation.view.merged_into is None
        for member in situation.view.incidents
    )
    known = {entry.value["incident_id"] for entry in reports} & set(stands)
    if not known or any(stands[one] != 1 for one in known):
        raise Fatal("void: a report stands in no live situation, or in two")


def _rebuilt(config: RulesConfig, load: Load, platform: Platform | None) -> float:
    """Wall seconds to restore *live* situations."""
    state, rows = CityState.empty(), dict[str, Event]()
    entries = [Entry("rules", "bench.rules", 0, 0, config.canonical())]
    chance = random.Random(load.seed + 3)
    for number in range(load.live):
        entries.append(_entry(_report(number, "fire", "medical", _somewhere(chance), NOON_MS + number)))
    for entry in entries:
        rows |= {event.key: event for event in _told(state, entry) if event.topic == "core.state"}
    take_up = _from_rows if platform is None else partial(_from_kafka, platform)
    again, took_s = take_up(config, rows.values())
    next_one = _entry(_report(load.live, "police", "assault", _somewhere(chance), NOON_MS + load.live))
    if _told(state, next_one) != _told(again, next_one):
        raise Fatal("void: the state taken up again says something else")
    return took_s


def _from_rows(config: RulesConfig, rows: Collection[Event]) -> tuple[CityState, float]:
    begun = time.perf_counter()
    again = CityState.from_records(config, [(row.key, row.value) for row in rows])
    return again, time.perf_counter() - begun


def _from_kafka(platform: Platform, config: RulesConfig, rows: Collection[Event]) -> tuple[CityState, float]:
    """The state, and the seconds from the assignment until the stage is ready for its first record."""
    with bench_city(platform) as city:
        producer = transactional_producer(platform.kafka, f"{city}.bench")
        with transaction(producer, platform.wire, city) as outbox:
            for row in rows:
                outbox.put(row)
        stage = SituationsStage(city, config, bootstrap=platform.kafka, wire=platform.wire)
        begun = time.perf_counter()
        stage.assigned()
        took_s = time.perf_counter() - begun
        if stage.state is None:
            raise Fatal("void: the stage has taken nothing up")
        return stage.state, took_s


def _told(state: CityState, entry: Entry) -> list[Event]:
    return [*step(state, entry), state.clock_row()]


def _somewhere(chance: random.Random) -> dict[str, Any]:
    north, east = chance.random() * SIDE_M, chance.random() * SIDE_M
    lat = LAT + math.degrees(north / EARTH_RADIUS_M)
    lon = LON + math.degrees(east / EARTH_RADIUS_M / math.cos(math.radians(LAT)))
    return {"lat": round(lat, 6), "lon": round(lon, 6), "accuracy_m": None}


def surroundings(load: Load) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "situations",
        **asdict(load),
        **described(),
    }


def shown(figures: Figures) -> dict[str, Any]:
    return {
        "reports_per_s": round(figures.reports_per_s),
        "evidence_per_s": round(figures.evidence_per_s),
        "rebuild_s": round(figures.rebuild_s, 2),
        "rebuilt_from": "Kafka" if figures.is_from_kafka else "rows in memory",
        "said": dict(figures.said),
    }
