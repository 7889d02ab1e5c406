"""How much a caller may send: requests a second of a key, and bytes of all bodies at once. Time comes from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

REQUESTS_PER_S = 2_000.0
BURST_S = 2.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


@dataclass(slots=True)
class Rates:
    """A token bucket for each account: two seconds' worth at once, then its rate."""

    usual: float = REQUESTS_PER_S
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait_s(self, account_id: str, rate: float | None, now_s: float) -> float:
        """0 if the request may pass (it is counted), else the seconds until one may."""
        per_s = rate or self.usual
        most = max(1.0, per_s * BURST_S)
        bucket = self._buckets.setdefault(account_id, _Bucket(most, now_s))
        bucket.left = min(most, bucket.left + (now_s - bucket.at_s) * per_s)
        bucket.at_s = now_s
        if bucket.left >= 1:
            bucket.left -= 1
            return 0.0
        return (1 - bucket.left) / per_s


@dataclass(slots=True)
class Room:
    """Bytes of bodies that may be in memory at once."""

    bytes_max: int
    taken: int = 0

    @contextmanager
    def take(self, size: int) -> Iterator[bool]:
        """Whether there is room for *size* bytes; held until the end of the block."""
        has_room = self.taken + size <= self.bytes_max
        if has_room:
            self.taken += size
        try:
            yield has_room
        finally:
            if has_room:
                self.taken -= size
