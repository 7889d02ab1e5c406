"""Add a city's polled and listening sources to a worker."""

from __future__ import annotations

from connectors.base import Reader
from connectors.discovery import is_polled
from connectors.imports import BrokenConnector
from deploy.city.city import City
from deploy.platform import Platform
from streams.ingest.event_age import AGE_OBJECTIVE_S, AgeObjective
from streams.ingest.ingest import Ingest
from streams.ingest.worker import ClockService, PolledService, SpeakingService
from streams.log import facts_of, log
from streams.runtime.worker import Worker


def ingest_of(
    city: City, platform: Platform, source: str, reader: Reader | None, *, replica: str | None = None
) -> Ingest:
    return Ingest(
        city.context(source),
        reader,
        bootstrap=platform.kafka,
        wire=platform.wire,
        replica=replica,
        objective=objective_of(city, source),
    )


def objective_of(city: City, source: str) -> AgeObjective:
    """The age that the city's file sets as the objective of *source*."""
    found = (one.age_objective_s for one in city.file.source if one.name == source)
    return AgeObjective(seconds=next(found, AGE_OBJECTIVE_S))


def add_sources(worker: Worker, city: City, platform: Platform) -> None:
    """Add a service for every live source that is not pushed, and the clock. A source whose connector is broken is left out
    and told: the others go on."""
    for file in city.file.source:
        if not file.live or file.push:
            continue
        try:
            source = city.load(file.name)
        except BrokenConnector as error:
            log.error("source left out", source=file.name, **facts_of(error))
            continue
        ingest = ingest_of(city, platform, file.name, source)
        if is_polled(source):
            worker.add_service(PolledService(file.name, source, ingest, every_s=file.every_s))
        else:
            worker.add_service(SpeakingService(file.name, source, ingest))
    worker.add_service(ClockService(ingest_of(city, platform, "clock", None)))


def log_left_out(city: City) -> None:
    """Log the sources of *city* whose connector was broken when its file was read."""
    for one in city.left_out:
        log.error("source left out", source=one.name, why=one.what, how_to_mend=one.hint)
