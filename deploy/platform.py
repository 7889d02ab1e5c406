"""The connections that most commands need: Kafka, the registry, Redis."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.settings import COMPONENTS, Endpoints, endpoints

if TYPE_CHECKING:
    from schemas.wire import Wire


@dataclass(frozen=True, slots=True)
class Platform:
    """The addresses of Kafka, the registry and Redis, and the codec."""

    endpoints: Endpoints
    wire: Wire

    @property
    def kafka(self) -> str:
        return self.endpoints.kafka


LOG = ("kafka", "registry")
"""The components needed to read or write events. Redis is needed for the live view only."""
ALL = COMPONENTS


def reach(*, need: Collection[str] = LOG) -> Platform:
    """Connect to Kafka and the registry (and Redis where *need* is ``ALL``); ``Unreachable`` within seconds."""
    return _platform(endpoints(need=need))


def know() -> Platform:
    """Kafka and the registry at their configured addresses, without a check that they answer."""
    places = endpoints(need=())
    if not places.kafka or not places.registry:
        return reach()  # raises with the one that has no address, and what to do
    return _platform(places)


def _platform(places: Endpoints) -> Platform:
    from schemas.registry import Registry
    from schemas.wire import Wire

    return Platform(places, Wire(Registry(places.registry)))
