"""The numbers by which drones are judged: ``numbers.toml``, changed by ``[drones]`` of a city's file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

DEFAULTS = Path(__file__).with_name("numbers.toml")


@lru_cache(1)
def usual_numbers() -> dict[str, Any]:
    """Return what ``numbers.toml`` says."""
    return tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))


def _usual(name: str, **bounds: Any) -> Any:
    """Return a field within *bounds* whose default is the number of that *name*."""
    return Field(default_factory=lambda: usual_numbers()[name], validate_default=True, **bounds)


class DroneNumbers(BaseModel):
    """The settings of ``[drones]``; what it leaves out is as in ``numbers.toml``, which explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    tell_s: float = _usual("tell_s", gt=0, description="seconds after which a flying drone is told again")
    tell_known_s: float = _usual(
        "tell_known_s", gt=0, description="the same for a plausible one that the city knows"
    )
    stale_s: float = _usual(
        "stale_s", gt=0, description="seconds without a position after which a drone is stale"
    )
    hold_s: float = _usual(
        "hold_s", ge=0, le=240, description="seconds that a reason stands after its last sign"
    )
    new_flight_s: float = _usual(
        "new_flight_s", gt=0, description="seconds of silence after which it is a new flight"
    )
    near_own_s: float = _usual(
        "near_own_s", gt=0, description="seconds in which an own drone was seen to count as near"
    )
    drones_max: int = _usual("drones_max", ge=1, description="the most drones followed")
    speed_max_mps: float = _usual("speed_max_mps", gt=0, description="no drone is faster")
    speed_spare_mps: float = _usual(
        "speed_spare_mps", ge=0, description="it may be faster by so much than it says"
    )
    speed_over_s: float = _usual(
        "speed_over_s", gt=0, le=8, description="seconds over which a speed is derived"
    )
    time_slack_s: float = _usual(
        "time_slack_s", ge=0, description="error of times of one receiver against each other"
    )
    clock_off_s: float = _usual("clock_off_s", ge=0, description="error of a receiver's clock")
    accuracy_unknown_m: float = _usual(
        "accuracy_unknown_m", gt=0, description="accuracy of a place that says none"
    )
    accuracy_least_m: float = _usual("accuracy_least_m", gt=0, description="no place is held to be better")
    sigmas: float = _usual("sigmas", gt=0, description="a place may be off by so many times its accuracy")
    gap_said_s: float = _usual(
        "gap_said_s", gt=0, description="behind a longer gap the speed it says binds it no more"
    )
    operator_far_m: float = _usual("operator_far_m", gt=0, description="a pilot is nearer")
    follows_mps: float = _usual("follows_mps", gt=0, description="a pilot who is faster does not walk")
    follows_exact_m: float = _usual(
        "follows_exact_m", ge=0, description="a copied place of the pilot differs by less"
    )
    follows_exact_s: float = _usual(
        "follows_exact_s", gt=0, le=10, description="seconds for which it is copied"
    )
    follows_near_m: float = _usual(
        "follows_near_m", ge=0, description="a pilot's place that moves with the drone differs by less"
    )
    follows_near_s: float = _usual(
        "follows_near_s", gt=0, le=10, description="seconds for which it moves with it"
    )
    replay_after_s: float = _usual(
        "replay_after_s", gt=0, description="seconds after which a frame again is a replay"
    )
    replay_places: int = _usual("replay_places", ge=2, description="places in the same order again")
    replay_skipped: int = _usual("replay_skipped", ge=0, description="lost frames between two of them")
    replay_span_m: float = _usual("replay_span_m", ge=0, description="the way that they span at least")
    path_max: int = _usual("path_max", ge=2, le=10_000, description="places kept of each drone")
    frozen_s: float = _usual("frozen_s", gt=0, le=10, description="seconds at one place to the last digit")
    frozen_mps: float = _usual("frozen_mps", gt=0, description="speed that it says meanwhile")
    frozen_gap_s: float = _usual(
        "frozen_gap_s", gt=0, description="the longest gap between two of its positions"
    )
    too_high_m: float = _usual("too_high_m", gt=0, description="no drone is so high")
