"""Memory of which source said what: the sources of the newest events that agencies and devices sent, by event id."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

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
EVENTS_MAX = 20_000


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
