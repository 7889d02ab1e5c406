"""What most commands need: where Kafka is, the registry's words, a city's topics."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from deploy.settings import COMPONENTS, Endpoints, endpoints
from schemas.registry import Registry
from schemas.wire import Wire


@dataclass(frozen=True, slots=True)
class Platform:
    """The running parts, checked to answer."""

    endpoints: Endpoints
    wire: Wire

    @property
    def kafka(self) -> str:
        return self.endpoints.kafka


LOG = ("kafka", "registry")
"""What reads or writes events needs. Redis holds the live view alone: who has nothing to do with that goes without it."""
ALL = COMPONENTS


def reach(*, need: Collection[str] = LOG) -> Platform:
    """Kafka and the registry (and Redis where *need* is ``ALL``), or ``Unreachable`` within seconds."""
    return _platform(endpoints(need=need))


def know() -> Platform:
    """Kafka and the registry wherever they are said to be, whether they answer or not."""
    places = endpoints(need=())
    if not places.kafka or not places.registry:
        return reach()  # says which has no place, and what to do
    return _platform(places)


def _platform(places: Endpoints) -> Platform:
    return Platform(places, Wire(Registry(places.registry)))
