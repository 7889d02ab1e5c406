"""Putting a worker together: which stages and sources of a city run in this process."""

from __future__ import annotations

import socket

from connectors.found import is_polled
from connectors.sinks.redis_view import RedisView
from deploy.city import City
from deploy.platform import Platform
from deploy.settings import home_folder
from streams.hearing import ClockService, PolledService, SpeakingService
from streams.ingest import Ingest
from streams.live_view import LiveViewService
from streams.runtime.worker import Worker
from streams.situations_stage import SituationsStage

STAGES = ("ingest", "match", "situations", "deliver")


def worker_of(
    city: City, platform: Platform, stages: tuple[str, ...], *, web_port: int | None = None
) -> Worker:
    """A worker of *stages*, not yet running. The match runs alone in its own: no incident shall wait for it."""
    name = stages[0] if len(stages) == 1 else "all" if "ingest" in stages else "stages"
    worker = Worker(
        name,
        city=city.name,
        bootstrap=platform.kafka,
        web_port=web_port or free_port(),
        data_dir=home_folder() / "workers" / f"{city.name}.{name}",
    )
    if stages == ("match",):
        from deploy.matching import match_of  # noqa: PLC0415 (numba and Arrow: no other stage waits for them)

        worker.add_service(match_of(city, platform))
    if "situations" in stages:
        worker.add_stage(SituationsStage(city.name, city.rules, bootstrap=platform.kafka, wire=platform.wire))
    if "deliver" in stages:
        view = RedisView(platform.endpoints.redis, city.name)
        worker.add_service(LiveViewService(city.name, view, bootstrap=platform.kafka, wire=platform.wire))
    if "ingest" in stages:
        _add_sources(worker, city, platform)
    return worker


def ingest_of(city: City, platform: Platform, source: str, reader: object) -> Ingest:
    return Ingest(city.context(source), reader, bootstrap=platform.kafka, wire=platform.wire)  # type: ignore[arg-type]


def _add_sources(worker: Worker, city: City, platform: Platform) -> None:
    for file in city.file.source:
        if not file.live or file.push:
            continue
        source = city.load(file.name)
        ingest = ingest_of(city, platform, file.name, source)
        if is_polled(source):
            worker.add_service(PolledService(file.name, source, ingest, every_s=file.every_s))
        else:
            worker.add_service(SpeakingService(file.name, source, ingest))
    worker.add_service(ClockService(ingest_of(city, platform, "clock", None)))


def free_port() -> int:
    """A port of the loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
