"""Assemble what the gateway tells of hubs: their boards, and the city's feeds of GBFS."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from fastapi import FastAPI

from connectors.gateway import gbfs_paths, hub_reads
from connectors.gateway.closure_desk import ClosedPlaces
from connectors.gateway.gbfs_feeds import LANGUAGE, GbfsSystem, gbfs_types
from connectors.gateway.gbfs_paths import GbfsPart
from connectors.gateway.hub_boards import RIDES
from connectors.gateway.service import Gateway
from connectors.gateway.sessions_key import kept_secret
from connectors.gateway.shared_fleet import SharedFleet, key_of
from connectors.transport.web_page import wall_clock_ms
from deploy.assembly.gateway_place import gateway_folder
from deploy.city.cap import publisher_of
from deploy.city.city import City
from deploy.platform import Platform
from deploy.replica import Replica
from streams.hubs.hub_numbers import HubNumbers
from streams.operators.fleet_log import LogFleet
from streams.operators.hub_log import LogHubs
from streams.runtime.follower import Following


class HubPart:
    """The routes of hubs and of GBFS. ``end`` ends the reading of shared vehicles."""

    def __init__(
        self,
        city: City,
        platform: Platform,
        following: Following,
        *,
        replica: Replica,
        before: Callable[[], object],
        closures: ClosedPlaces,
    ) -> None:
        numbers = numbers_of(city)
        self._ttl_ms = part_ttl_ms(numbers)
        self._hubs = LogHubs(city.name, following, wire=platform.wire)
        zone = ZoneInfo(city.file.timezone)
        secret = replica.shared_key or kept_secret(gateway_folder(city) / "sessions" / "secret")
        fleet = SharedFleet(
            key_of(secret, city.name),
            day_of=lambda ms: datetime.fromtimestamp(ms / 1000, zone).date().toordinal(),
            ttl_of=lambda source: round(numbers.ttl_s.get(source, numbers.vehicle_ttl_s) * 1000),
            types=frozenset(gbfs_types()),
            sources=frozenset(city.file.gateway.gbfs_sources),
        )
        self._fleet = LogFleet(
            city.name,
            fleet,
            bootstrap=platform.kafka,
            wire=platform.wire,
            now_ms=wall_clock_ms,
            midnight_ms=lambda ms: midnight_before(ms, zone),
            same_as=numbers.same_as,
            before=before,
        )
        self._gbfs = GbfsPart(
            system_of(city),
            self._hubs,
            self._fleet,
            self._ttl_ms,
            closures,
            url=city.file.cap.url,
            is_public=city.file.gateway.gbfs_public,
        )

    def add(self, app: FastAPI, gateway: Gateway) -> None:
        hub_reads.add(app, gateway, self._hubs, self._ttl_ms)
        gbfs_paths.add(app, gateway, self._gbfs)

    def end(self) -> None:
        self._fleet.end()


def numbers_of(city: City) -> HubNumbers:
    """The numbers of ``[hubs]``, by which the stage of hubs keeps its boards."""
    return city.file.hubs or HubNumbers.model_validate({})


def part_ttl_ms(numbers: HubNumbers) -> dict[str, int]:
    """Part of a board → the age in ms after which it is stale whatever source said it: a board does not name its sources."""
    counts, vehicle = numbers.hub_ttl_s, numbers.vehicle_ttl_s
    usual = {
        "vehicles": max(counts, vehicle),
        "docks": counts,
        "chargers": counts,
        "arrivals": numbers.trip_ttl_s,
        # trips of a feed that come on demand are not told from rides, and a feed's are never shown when it is silent
        RIDES: numbers.trip_ttl_s if numbers.on_demand else numbers.ride_ttl_s,
        "notices": numbers.notice_ttl_s,
    }
    longest = max(numbers.ttl_s.values(), default=0.0)
    return {name: round(max(ttl_s, longest) * 1000) for name, ttl_s in usual.items()}


def midnight_before(ms: int, zone: ZoneInfo) -> int:
    """The time in ms at which the day of *ms* began in *zone*."""
    local = datetime.fromtimestamp(ms / 1000, zone)
    begun = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return round(begun.astimezone(UTC).timestamp() * 1000)


def system_of(city: City) -> GbfsSystem:
    """The city as a system of GBFS, in its own language."""
    publisher = publisher_of(city.file, city.rules.spoken)
    language = next((one for one in publisher.languages if re.fullmatch(LANGUAGE, one)), "en")
    return GbfsSystem(
        city.name,
        city.file.title or city.name,
        language,
        city.file.timezone,
        city.file.gateway.gbfs_contact or f"gbfs@{city.name}.invalid",
        wall_clock_ms(),
    )
