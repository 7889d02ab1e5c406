"""The numbers by which boards of hubs are kept: ``numbers.toml``, changed by ``[hubs]`` of a city's file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

DEFAULTS = Path(__file__).with_name("numbers.toml")
Id = Annotated[str, Field(min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=7 * 86_400)]


@lru_cache(1)
def usual_numbers() -> dict[str, Any]:
    """Return what ``numbers.toml`` says."""
    return tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))


def _usual(name: str, **bounds: Any) -> Any:
    """Return a field within *bounds* whose default is the number of that *name*."""
    return Field(default_factory=lambda: usual_numbers()[name], validate_default=True, **bounds)


class HubNumbers(BaseModel):
    """The settings of ``[hubs]``; what it leaves out is as in ``numbers.toml``, which explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    hub_ttl_s: Seconds = _usual("hub_ttl_s", description="seconds after which counts of a hub are stale")
    vehicle_ttl_s: Seconds = _usual(
        "vehicle_ttl_s", description="seconds after which a vehicle at a hub is stale"
    )
    trip_ttl_s: Seconds = _usual("trip_ttl_s", description="seconds after which a trip is stale")
    notice_ttl_s: Seconds = _usual("notice_ttl_s", description="seconds after which a notice is stale")
    ride_ttl_s: Seconds = _usual(
        "ride_ttl_s",
        description="seconds after which a ride on demand of which nothing is heard is forgotten",
    )
    ride_near_m: float = _usual(
        "ride_near_m", gt=0, le=5_000, description="metres from a hub within which a ride comes to it"
    )
    ttl_s: dict[Id, Seconds] = Field({}, description="source → seconds of its own, instead of these five")
    forget_s: Seconds = _usual("forget_s", description="seconds after which what was said is forgotten")
    gone_s: Seconds = _usual("gone_s", description="the same for a vehicle and a trip")
    tell_s: Seconds = _usual("tell_s", description="seconds after which a board is told for its times alone")
    arrivals_max: int = _usual("arrivals_max", ge=1, le=100, description="the most arrivals of a board")
    notices_max: int = _usual("notices_max", ge=1, le=10, description="the most notices of a board")
    hubs_max: int = _usual("hubs_max", ge=1, le=100_000, description="the most hubs; further ones get none")
    pieces_max: int = _usual(
        "pieces_max", ge=1, le=1_000_000, description="the most vehicles, trips and notices held, each"
    )
    stops: dict[Id, Id] = Field({}, description="stop of a schedule → the hub where it is")
    same_as: dict[Id, Id] = Field({}, description="hub of a feed → the hub whose board it is part of")
    on_demand: frozenset[Id] = Field(
        frozenset(), description="sources whose trips come because somebody asked"
    )

    @property
    def look_back_s(self) -> dict[str, float]:
        """Contract → the age of the oldest rows that a board may still show. Of rides all are needed: their log decides."""
        own = max(self.ttl_s.values(), default=0.0)
        return {
            "mobility.hub": max(self.hub_ttl_s, self.forget_s, own),
            "mobility.position": max(self.vehicle_ttl_s, self.gone_s, own),
            "mobility.trip": max(self.trip_ttl_s, self.gone_s, self.notice_ttl_s, self.forget_s, own),
        }
