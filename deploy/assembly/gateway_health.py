"""Assemble the gateway's view of the city's health: the sources of its file, and its stages."""

from __future__ import annotations

import time

from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.stages import APART, stages_apart
from deploy.city.city import City
from deploy.platform import Platform
from streams.operators.health import Expected
from streams.operators.health_log import LogHealth
from streams.runtime.follower import Following
from streams.runtime.group_lag import LogEnds


def health_of(city: City, platform: Platform, following: Following) -> LogHealth:
    """The health of *city*. It opens Kafka when it is first asked for."""

    expected = [
        Expected(file.name, is_pushed=file.push, age_objective_s=file.age_objective_s)
        for file in city.file.source
        if file.live or file.push
    ]
    return LogHealth(
        city.name,
        following,
        expected=expected,
        stages=("situations", *stages_apart(city, ("ingest", *APART))),
        ends=LogEnds(platform.kafka),
        wire=platform.wire,
        now_ms=wall_clock_ms,
        now_s=time.monotonic,
    )
