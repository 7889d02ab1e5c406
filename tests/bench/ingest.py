"""From a camera's message to Avro in Kafka: lines of DeepStream or ONVIF through the source, the codec and a transaction.

One process, real Kafka, every step of ingest. CPU is of the whole process; the shares are of the working thread, and the
rest is of librdkafka's own threads.
"""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from deploy.platform import Platform
from deploy.settings import home_folder
from schemas.catalogue import topic_name
from schemas.errors import Fatal
from streams.ingest.ingest import Ingest
from streams.runtime.kafka import read_whole
from tests.bench.bench_city import bench_city
from tests.bench.machine import described

NVIDIA = "cctv/nvidia_deepstream/demo-1_first60pct.jsonl.gz"
ONVIF_FRAME = (
    '<tt:Frame UtcTime="{time}" Source="Tracker"><tt:Transformation><tt:Translate x="-1.0" y="-1.0"/>'
    '<tt:Scale x="0.0078125" y="0.015625"/></tt:Transformation><tt:Object ObjectId="{track}"><tt:Appearance><tt:Shape>'
    '<tt:BoundingBox left="32.0" top="64.0" right="64.0" bottom="32.0"/><tt:CenterOfGravity x="48.0" y="48.0"/></tt:Shape>'
    '<tt:Class><tt:Type Likelihood="0.75">Vehicle</tt:Type></tt:Class><tt:GeoLocation lat="0.5" lon="0.5"/>'
    "</tt:Appearance></tt:Object></tt:Frame>"
)
CHUNK = 2_000
WARM_UP = 3
STEPS = ("read", "encode", "weigh", "publish")
BOUNDS = {"nvidia": Bounds(37.2, -122.1, 37.5, -121.8), "onvif": Bounds(0, 0, 1, 1)}


@dataclass(slots=True)
class Figures:
    """Events, CPU-seconds of the process, wall seconds, and CPU-seconds of the working thread by step."""

    events: int = 0
    cpu_s: float = 0.0
    wall_s: float = 0.0
    bytes_each: float | None = None
    """Bytes of an event in the log; ``None`` where its files are not on this machine."""
    steps: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STEPS, 0.0))


def measure(platform: Platform, form: str, events: int) -> Figures:
    """*events* of *form* (nvidia, onvif). ``Fatal`` when not all of them are in their topic afterwards."""
    with bench_city(platform) as city:
        return _measured(platform, city, form, events)


def _measured(platform: Platform, city: str, form: str, events: int) -> Figures:
    context = SourceContext(city, form, ZoneInfo("UTC"), BOUNDS[form])
    if form == "nvidia":
        source: Any = load_source("nvidia_deepstream", context, {})
    else:
        source = load_source("onvif_metadata", context, {"camera_id": "C-1"})
    ingest = Ingest(context, source, bootstrap=platform.kafka, wire=platform.wire)
    ingest.open()
    bodies = {"nvidia": _nvidia, "onvif": _onvif}[form]
    for number in range(WARM_UP):
        _take(ingest, source, Heard(bodies(number), _at_ms(number)), Figures())
    figures = Figures()
    chunks = [Heard(bodies(n), _at_ms(n)) for n in range(WARM_UP, WARM_UP + -(-events // CHUNK))]
    cpu, wall = time.process_time(), time.monotonic()
    for heard in chunks:
        _take(ingest, source, heard, figures)
    figures.cpu_s, figures.wall_s = time.process_time() - cpu, time.monotonic() - wall
    there = sum(1 for _ in read_whole(platform.kafka, [topic_name(city, "cctv.detection")]))
    if there != figures.events + WARM_UP * CHUNK:
        raise Fatal(f"void: {figures.events} events were published, {there} stand in the topic")
    figures.bytes_each = _log_bytes(city, there)
    return figures


def _log_bytes(city: str, events: int) -> float | None:
    files = [*home_folder().rglob(f"{city}.cctv.detection-*/*.log")]
    return round(sum(one.stat().st_size for one in files) / events, 1) if files else None


def _take(ingest: Ingest, source: Any, heard: Heard, figures: Figures) -> None:
    """Do the steps of ``Ingest.take``, each measured."""
    place = ingest.standing.place
    reading = _timed(figures, "read", lambda: source.read(heard, place))
    if reading.aside:
        raise Fatal(f"void: {reading.aside[0].reason}")
    reading = _timed(figures, "encode", lambda: ingest.reader.encodable(reading))
    parts = _timed(figures, "weigh", lambda: list(ingest.parts_of(heard, reading)))
    for part in parts:
        _timed(figures, "publish", lambda: ingest.publish(part, played=False))  # noqa: B023 (called at once)
    figures.events += len(reading.events)


def _timed(figures: Figures, step: str, work: Callable[[], Any]) -> Any:
    started = time.thread_time()
    done = work()
    figures.steps[step] += time.thread_time() - started
    return done


def _at_ms(number: int) -> int:
    return 1_800_000_000_000 + number * 60_000


def _nvidia(number: int) -> bytes:
    """The recording's messages repeated, each with its own id."""
    lines = _recorded()
    out = []
    for index in range(CHUNK):
        message = dict(lines[(number * CHUNK + index) % len(lines)])
        message["messageid"] = f"{number}-{index}"
        out.append(orjson.dumps(message))
    return b"\n".join(out)


_LINES: list[dict[str, Any]] = []


def _recorded() -> list[dict[str, Any]]:
    if not _LINES:
        folder = Path(os.environ.get("BONGSU_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
        if not (folder / NVIDIA).is_file():
            raise Fatal(f"no recording at {folder / NVIDIA}", hint="set BONGSU_DATA, or measure --form onvif")
        _LINES.extend(
            orjson.loads(line) for line in gzip.decompress((folder / NVIDIA).read_bytes()).splitlines()
        )
    return _LINES


def _onvif(number: int) -> bytes:
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(_at_ms(number) / 1000))
    frames = "".join(
        ONVIF_FRAME.format(time=f"{seconds}.{index % 1000:03}Z", track=f"{number}-{index}")
        for index in range(CHUNK)
    )
    return (
        '<tt:MetadataStream xmlns:tt="http://www.onvif.org/ver10/schema"><tt:VideoAnalytics>'
        f"{frames}</tt:VideoAnalytics></tt:MetadataStream>"
    ).encode()


def surroundings(form: str, events: int) -> dict[str, Any]:
    """The machine and settings, reported beside the figures."""
    return {
        "benchmark": "ingest",
        "form": form,
        "events": events,
        "events a transaction": CHUNK,
        **described(),
    }


def shown(figures: Figures) -> dict[str, Any]:
    """Events a second of one core; microseconds of CPU an event, by step."""
    each = {step: round(seconds / figures.events * 1e6, 1) for step, seconds in figures.steps.items()}
    threads = figures.cpu_s - sum(figures.steps.values())
    return {
        "events_per_s_and_core": round(figures.events / figures.cpu_s),
        "events_per_s": round(figures.events / figures.wall_s),
        "bytes_per_event": figures.bytes_each,
        "us_per_event": {**each, "librdkafka": round(threads / figures.events * 1e6, 1)},
    }
