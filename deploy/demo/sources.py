"""Memory of which source said what: the sources of the newest events that agencies and devices sent, by event id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from deploy.demo.happenings import MOBILITY

RAW = (
    "fire.incident",
    "police.incident",
    "civil.observation",
    "civil.vulnerable",
    "cctv.detection",
    "cctv.plate",
    "mobility.speed",
    "drone.position",
    "drone.verdict",
)
"""The contracts on which the evidence of the demo's situations stands."""
ISLAND = (
    *RAW,
    "place.hub",
    *MOBILITY,
    "mobility.charge",
    "energy.surplus",
    "energy.reward",
    "source.place",
    "core.closure",
    "core.hub",
)
"""The same in a city of hubs and shared vehicles, of which the board tells lines, and the story more."""
EVENTS_MAX = 20_000
SEARCH = (
    *RAW,
    "place.camera",
    "cctv.person",
    "police.missing",
    "core.candidate",
    "core.route",
    "core.action",
    "core.access",
)
"""The same in a city that searches for a missing child, of which the story tells lines."""
EXTRA = {"jeju": ISLAND, "bucheon": SEARCH}


def read_in(city: str) -> tuple[str, ...]:
    """The contracts that the demo reads of the simulated *city*, beside the core's."""
    return tuple(dict.fromkeys(EXTRA.get(city, RAW)))


class Sources:
    """A bounded memory of event id → source; the oldest is forgotten first."""

    def __init__(self) -> None:
        self._by_event: OrderedDict[str, str] = OrderedDict()

    def take(self, value: Mapping[str, Any]) -> None:
        self._by_event[value["event_id"]] = value["source"]
        if len(self._by_event) > EVENTS_MAX:
            self._by_event.popitem(last=False)

    def of(self, situation: Mapping[str, Any]) -> list[str]:
        """The sources of *situation*'s evidence, each once, in order; what is not known any more is left out."""
        named = (self._by_event.get(one["event_id"]) for one in situation["evidence"])
        return list(dict.fromkeys(name for name in named if name is not None))
