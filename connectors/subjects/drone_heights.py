"""Heights of a drone, as the contract has them: what was said, and its bounds above the ground and the sea. Pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping

from schemas.heights import Bound, Terrain, above_ground_and_sea


def height_fields(
    said: Mapping[str, float | None], terrain: Terrain, accuracy_m: float | None = None
) -> dict[str, float | None]:
    """The fields of ``drone.position`` that tell its heights, *said* by reference (``schemas.heights.REFERENCES``).

    The bounds are null where nothing was said.
    """
    is_said = any(value is not None for value in said.values())
    return {
        **{f"{reference}_m": value for reference, value in said.items()},
        "height_accuracy_m": single(accuracy_m) if is_said and accuracy_m is not None else None,
        **bound_fields(said, terrain, accuracy_m),
    }


def bound_fields(
    said: Mapping[str, float | None], terrain: Terrain, accuracy_m: float | None = None
) -> dict[str, float | None]:
    """The least and greatest heights above the ground and the sea that *said* allows; ``None``: unbounded."""
    ground, sea = above_ground_and_sea(said, terrain, accuracy_m=accuracy_m)
    return {**_bounds("above_ground", ground), **_bounds("above_sea", sea)}


def single(value: float) -> float:
    """*value* as the contracts' four bytes keep it: an event is the same on the wire."""
    kept: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return kept


def _bounds(name: str, bound: Bound) -> dict[str, float | None]:
    low, high = bound
    return {
        f"{name}_low_m": low if math.isfinite(low) else None,
        f"{name}_high_m": high if math.isfinite(high) else None,
    }
