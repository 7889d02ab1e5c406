"""Putting a worker together: which stages and sources of a city run in this process."""

from __future__ import annotations

import socket
from typing import IO

from connectors.found import is_polled
from connectors.sinks.redis_view import RedisView
from deploy.city import City
from deploy.platform import Platform
from deploy.settings import home_folder
from deploy.slots import take_slot
from streams.hearing import ClockService, PolledService, SpeakingService
from streams.ingest import Ingest
from streams.live_view import LiveViewService
from streams.match.config import MatchConfig
from streams.matching.loop import MatchLoop
from streams.matching.opening import reader_opener
from streams.matching.service import MatchService
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
        worker.add_service(MatchService(match_of(city, platform)))
    if "situations" in stages:
        worker.add_stage(SituationsStage(city.name, city.rules, bootstrap=platform.kafka, wire=platform.wire))
    if "deliver" in stages:
        view = RedisView(platform.endpoints.redis, city.name)
        worker.add_service(LiveViewService(city.name, view, bootstrap=platform.kafka, wire=platform.wire))
    if "ingest" in stages:
        _add_sources(worker, city, platform)
    return worker


def match_of(city: City, platform: Platform) -> MatchLoop:
    """The match of *city*, under a name that no other worker of this machine has."""
    name, slot = take_slot(home_folder() / "workers", f"{city.name}.match")
    _held.append(slot)

    return MatchLoop(
        city.name,
        city.file.match or MatchConfig.model_validate({}),
        bootstrap=platform.kafka,
        wire=platform.wire,
        name=name,
        open_reader=reader_opener(city.name, bootstrap=platform.kafka, registry=platform.wire.registry),
    )


_held: list[IO[bytes]] = []
"""Slots last as long as the process."""


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
