"""Assemble the gateway's live streams: the log of the city's delivered topics, and the hub of all clients."""

from __future__ import annotations

from collections.abc import Callable

from connectors.gateway.live_hub import Hub, Limits
from connectors.gateway.live_ring import Ring
from connectors.transport.web_page import wall_clock_ms
from deploy.city.city import City
from deploy.platform import Platform
from streams.operators.event_log import CityEventLog


def live_hub(
    city: City, platform: Platform, *, before: Callable[[], object], is_ending: Callable[[], bool]
) -> Hub:
    """The hub of *city*, with the limits of its file."""
    about = city.file.gateway
    log = CityEventLog(
        city.name, bootstrap=platform.kafka, wire=platform.wire, before=before, is_ending=is_ending
    )
    limits = Limits(
        streams_max=about.streams_max,
        of_account_max=about.streams_of_account_max,
        heartbeat_s=about.heartbeat_s,
    )
    ring = Ring(about.recent_events_max)
    return Hub(log, now_ms=wall_clock_ms, limits=limits, ring=ring, is_ending=is_ending)
