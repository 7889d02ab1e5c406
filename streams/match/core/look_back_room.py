"""The time that the look-back holds, against the time that it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from streams.match.core.config import MB
from streams.match.core.flow import SECOND_MS, Partition
from streams.match.core.recent import Recent

COMPRESSED_BYTES = 85
"""The usual bytes of a compressed observation, until some are: one of a camera, with an id of 32 random digits."""
SEEN_MS = 10_000
"""The shortest time from which a rate is told."""
MARGIN = 1.1


@dataclass(frozen=True, slots=True)
class Shortage:
    """The seconds that can be held of those asked for, and the `look_back_mb` that would hold all."""

    holds_s: int
    asked_s: int
    wanted_mb: int


def shortage(recent: Recent, watermarks: Mapping[Partition, int]) -> Shortage | None:
    """Return what is short at the rate of the observations that are kept; ``None`` if nothing is, or too few are kept
    to know.
    """
    held_ms = recent.held_ms(watermarks)
    if held_ms < SEEN_MS and not recent.dropped:
        return None
    a_row = recent.bytes_a_row or COMPRESSED_BYTES
    needed = recent.rows / max(held_ms, 1) * recent.keep_ms * a_row
    if needed <= recent.bytes_max or held_ms >= recent.keep_ms:
        return None
    holds_ms = recent.keep_ms * recent.bytes_max / needed
    return Shortage(int(holds_ms / SECOND_MS), recent.keep_ms // SECOND_MS, ceil(needed * MARGIN / MB))
