"""What most commands need: where Kafka is, the registry's words, a city's topics."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.settings import Endpoints, endpoints
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


def reach() -> Platform:
    """Kafka and the registry, or ``Unreachable`` within seconds."""
    return _platform(endpoints())


def know() -> Platform:
    """Kafka and the registry wherever they are said to be, whether they answer or not."""
    places = endpoints(need=())
    if not places.kafka or not places.registry:
        return reach()  # says which has no place, and what to do
    return _platform(places)


def _platform(places: Endpoints) -> Platform:
    return Platform(places, Wire(Registry(places.registry)))
