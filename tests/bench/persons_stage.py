"""The stage of missing persons under load: decoding and filtering for ten open cases, and looking back over the bus.

``python -m tests.bench.persons_stage`` measures one core: frames of ``cctv.person`` to columns, cut to what each
of ten cases may see, into their searches, candidates ranked once. With ``--back`` (a cluster is up) the rows are
written to a topic and read back for one case, as a case that is opened does it. Cameras and people are made.
"""

from __future__ import annotations

import argparse
import sys
import time
from random import Random
from typing import Any
from uuid import uuid4

import numpy as np
from confluent_kafka import Producer

from deploy.laws import case_law_named
from deploy.settings import endpoints
from deploy.topics import ensure_topics
from schemas.event import Event
from schemas.registry import Registry
from schemas.wire import Wire
from streams.cases.judge import Allowed, judge
from streams.persons.analytic_table import AnalyticTable, usual_table
from streams.persons.persons_numbers import PersonsNumbers
from streams.sightings.case_ground import search_of
from streams.sightings.case_view import CaseView, PlacedCamera
from streams.sightings.looking_back import LookingBack, PastLook
from streams.sightings.pursuit import Pursuit
from streams.sightings.sighting_columns import SightingReader
from tests.bench.machine import described
from tests.hub_bus import whole
from tests.person_town import HOUR_MS, LOOKS, NOON, a_missing, a_person
from tests.unit.cases.a_case import a_case

CASES, CAMERAS, KINDS, BATCH = 10, 5_000, 20_000, 1_000
BAR_PER_S = 15_000


def say(what: object) -> None:
    """Print a line."""
    sys.stdout.write(f"{what}\n")


def frames_of(city: str, wire: Wire, count: int) -> list[bytes]:
    """Made sightings of two hours: so many different ones, repeated with ids and times of their own."""
    random, prior = Random(7), usual_table()["prior"]
    made = []
    for number in range(count):
        looks = {name: random.choices([*words], [*words.values()])[0] for name, words in prior.items()}
        at_ms = NOON - 2 * HOUR_MS + number * 2 * HOUR_MS // count
        made.append(a_person(number, f"cam-{random.randrange(CAMERAS)}", at_ms, looks))
    rows = whole(made)
    return [
        wire.encode(city, Event(topic, key, {**(row or {}), "city": city}))[2] or b""
        for topic, key, row in rows
    ]


def pursuits(count: int, reader: SightingReader) -> list[tuple[Pursuit, Allowed]]:
    """So many cases that look over the whole made town of 20 km by 20 km."""
    numbers, law, random = PersonsNumbers.model_validate({}), case_law_named("kr"), Random(3)
    table = AnalyticTable({})
    corners = ((37.40, 126.70), (37.40, 126.90), (37.60, 126.90), (37.60, 126.70))
    cameras = [
        PlacedCamera(f"cam-{n}", random.uniform(37.41, 37.59), random.uniform(126.71, 126.89))
        for n in range(CAMERAS)
    ]
    found = []
    for number in range(count):
        case = a_case(case_id=f"case-{number}", area=corners, from_ms=NOON - 3 * HOUR_MS)
        row = dict(a_missing(case.case_id).value or {})
        row["attributes"] = [{"name": name, "word": word} for name, word in LOOKS.items()]
        verdict = judge(case, law, NOON)
        if not isinstance(verdict, Allowed):
            raise SystemExit(f"the case is refused: {verdict.reason}")
        view = CaseView(case, law, cameras, table.names)
        search = search_of(case, row, view.cameras, {}, numbers, table)
        found.append((Pursuit(view, search, numbers, reader.value), verdict))
    return found


def load(city: str, wire: Wire, frames: list[bytes]) -> None:
    """Print the rates of one core."""
    reader, count = SightingReader(city, wire), len(frames)
    reader.read(frames[:10], np.zeros(10, np.int64), np.arange(10))  # compiles
    cases = pursuits(CASES, reader)
    began = time.process_time()
    batches = []
    for first in range(0, count, BATCH):
        part = frames[first : first + BATCH]
        batches.append(reader.read(part, np.zeros(len(part), np.int64), np.arange(first, first + len(part))))
    decoded = time.process_time()
    for many in batches:
        for pursuit, verdict in cases:
            pursuit.see(many, verdict, NOON)
    filtered = time.process_time()
    told = 0
    for pursuit, _ in cases:
        told += len(pursuit.changed())
    ranked = time.process_time()
    say(f"decoding: {count / (decoded - began):,.0f} rows/s")
    say(f"filtering for {CASES} cases: {count / (filtered - decoded):,.0f} rows/s")
    rate = count / (filtered - began)
    say(
        f"both: {rate:,.0f} rows/s of one core; bar {BAR_PER_S:,}: {'met' if rate >= BAR_PER_S else 'missed'}"
    )
    say(f"taking up and ranking once: {(ranked - filtered) / CASES:.2f} s a case, {told} candidates told")


def back(frames: list[bytes], city: str, wire: Wire) -> None:
    """Write the rows to a topic and look back over them for one case."""
    kafka = endpoints().kafka
    producer = Producer(
        {"bootstrap.servers": kafka, "linger.ms": 20, "queue.buffering.max.messages": 500_000}
    )
    for number, frame in enumerate(frames):
        while True:
            try:
                producer.produce(f"{city}.cctv.person", frame, partition=number % 4)
                break
            except BufferError:
                producer.poll(0.1)
    producer.flush()
    reader = SightingReader(city, wire)
    ((pursuit, verdict),) = pursuits(1, reader)
    looking = LookingBack(kafka, f"{city}.cctv.person", reader, at_once_max=10**9)
    began, worked = time.perf_counter(), time.process_time()
    ends = {number: len(frames[number::4]) for number in range(4)}
    looking.begin([PastLook(pursuit, verdict, NOON)], ends)
    (look,) = looking.done()
    if look.error is not None:
        raise look.error
    read = time.perf_counter()
    worked = time.process_time() - worked
    told = pursuit.changed()
    whole_s = time.perf_counter() - began
    rate = len(frames) / (read - began)
    say(f"looking back: {rate:,.0f} rows/s, first {len(told)} candidates after {whole_s:.1f} s")
    say(f"of the processor: {len(frames) / worked:,.0f} rows/s")
    say(f"10 M rows at this rate: {10_000_000 / rate + whole_s - (read - began):.0f} s (bar 30)")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=1, help="repeat the rows so often for --back")
    parser.add_argument("--back", action="store_true")
    asked = parser.parse_args()
    say(described())
    places: Any = endpoints()
    city, wire = f"bench-{uuid4().hex[:8]}", Wire(Registry(places.registry))
    ensure_topics(places.kafka, [city])
    frames = frames_of(city, wire, asked.rows)
    if asked.back:
        back(frames * asked.times, city, wire)
    else:
        load(city, wire, frames)


if __name__ == "__main__":
    main()
