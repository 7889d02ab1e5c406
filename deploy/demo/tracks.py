"""A wanted vehicle's way in words: the cameras that it passed, how fast it went between them, where it may be next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NEXT_SHOWN = 2


def way(track: Mapping[str, Any]) -> str:
    """``cam-1, 79 km/h to cam-2, impossible to cam-3; next: cam-9 in 12 s`` of a value of ``core.track``."""
    hits, hops = track["hits"], track["hops"]
    said = [str(hits[0]["camera_id"] or "a camera")] if hits else []
    for hop, hit in zip(hops, hits[1:], strict=True):
        said.append(f"{_speed(hop)} to {hit['camera_id'] or 'a camera'}")
    coming = [f"{one['camera_id']} in {one['seconds']:.0f} s" for one in track["next_cameras"][:NEXT_SHOWN]]
    return ", ".join(said) + (f"; next: {' or '.join(coming)}" if coming else "")


def _speed(hop: Mapping[str, Any]) -> str:
    if hop["is_impossible"]:
        return "impossible"
    return "on" if hop["speed_mps"] is None else f"{hop['speed_mps'] * 3.6:.0f} km/h"
