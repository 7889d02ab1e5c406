"""The numbers of the search: ``numbers.toml``, each of which a city may set otherwise."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

USUAL = Path(__file__).with_name("numbers.toml")


@lru_cache(1)
def route_defaults() -> dict[str, Any]:
    """Return what ``numbers.toml`` says."""
    return tomllib.loads(USUAL.read_text(encoding="utf-8"))


def _usual(name: str, **bounds: Any) -> Any:
    """Return a field within *bounds* whose default is the number of that *name*."""
    return Field(default_factory=lambda: route_defaults()[name], validate_default=True, **bounds)


class RouteNumbers(BaseModel):
    """The numbers of one search; ``numbers.toml`` explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    foot_mps: float = _usual("foot_mps", gt=0)
    cycle_mps: float = _usual("cycle_mps", gt=0)
    vehicle_mps: float = _usual("vehicle_mps", gt=0)
    detour: float = _usual("detour", ge=1)
    walk_median_mps: float = _usual("walk_median_mps", gt=0)
    walk_spread: float = _usual("walk_spread", gt=0)
    turn_s: float = _usual("turn_s", gt=0)
    wander_mps_max: float = _usual("wander_mps_max", gt=0)
    pass_every_s: float = _usual("pass_every_s", gt=0)
    apart_share: float = _usual("apart_share", ge=0, lt=1)
    slack_s: float = _usual("slack_s", ge=0)
    tracked_max: int = _usual("tracked_max", ge=10, le=5_000)
    ride_share: float = _usual("ride_share", gt=0, lt=1)
    board_m: float = _usual("board_m", gt=0)
    board_wait_s: float = _usual("board_wait_s", gt=0)
    exits_max: int = _usual("exits_max", ge=1)
    wrong_share: float = _usual("wrong_share", gt=0, lt=0.5)
    wrong_alike_share: float = _usual("wrong_alike_share", gt=0, lt=0.5)
    alike_share: float = _usual("alike_share", gt=0, lt=1)
    accept: float = _usual("accept", gt=0.5, lt=1)
    keep: float = _usual("keep", gt=0, lt=1)
    show: float = _usual("show", gt=0, lt=1)
    missed_share: float = _usual("missed_share", ge=0, lt=1)
    patience: int = _usual("patience", ge=0)
    others_s: float = _usual("others_s", ge=0)
    looks_floor: float = _usual("looks_floor")
    ahead_weight: float = _usual("ahead_weight", ge=1)
    ahead_s: float = _usual("ahead_s", gt=0)
    looks_max: int = _usual("looks_max", ge=2)
    window_s: float = _usual("window_s", gt=0)
    a_camera: int = _usual("a_camera", ge=1)
    next_s: float = _usual("next_s", gt=0)
    gap_s: float = _usual("gap_s", gt=0)
    candidates_max: int = _usual("candidates_max", ge=1)
