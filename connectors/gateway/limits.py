"""Limits of a caller: requests per second of a key, and bytes of all bodies at once. Time comes from outside."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

REQUESTS_PER_S = 2_000.0
CALLERS_MAX = 10_000
BURST_S = 2.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


@dataclass(slots=True)
class Rates:
    """A token bucket for each account or address: a burst of two seconds, then its rate."""

    usual: float = REQUESTS_PER_S
    _buckets: dict[str, _Bucket] = field(default_factory=dict)

    def wait_s(self, account_id: str, rate: float | None, now_s: float) -> float:
        """0 if the request may pass (it is counted), else the seconds until one may."""
        per_s = rate or self.usual
        most = max(1.0, per_s * BURST_S)
        bucket = self._buckets.setdefault(account_id, _Bucket(most, now_s))
        if len(self._buckets) > CALLERS_MAX:
            del self._buckets[next(iter(self._buckets))]
        bucket.left = min(most, bucket.left + (now_s - bucket.at_s) * per_s)
        bucket.at_s = now_s
        if bucket.left >= 1:
            bucket.left -= 1
            return 0.0
        return (1 - bucket.left) / per_s


@dataclass(slots=True)
class Room:
    """Bounds on the bytes of bodies in memory at once: of all accounts, and of one."""

    bytes_max: int
    of_account_max: int
    taken: int = 0
    _of_account: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def place(self, account_id: str) -> Iterator[Callable[[int], bool]]:
        """A function that takes room for more bytes and returns whether there was any. The block's end frees it."""
        held = 0

        def more(size: int) -> bool:
            nonlocal held
            if (
                self.taken + size > self.bytes_max
                or self._of_account[account_id] + size > self.of_account_max
            ):
                return False
            held += size
            self.taken += size
            self._of_account[account_id] += size
            return True

        try:
            yield more
        finally:
            self.taken -= held
            self._of_account[account_id] -= held
            if not self._of_account[account_id]:
                del self._of_account[account_id]


class Turns:
    """A lock that accounts take by turns: an account with several requests waits behind one of every other account."""

    def __init__(self) -> None:
        self._all = asyncio.Lock()
        self._of_account: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, account_id: str) -> AsyncIterator[None]:
        lock, waiting = self._of_account.get(account_id) or (asyncio.Lock(), 0)
        self._of_account[account_id] = (lock, waiting + 1)
        try:
            async with lock, self._all:
                yield
        finally:
            lock, waiting = self._of_account.pop(account_id)
            if waiting > 1:
                self._of_account[account_id] = (lock, waiting - 1)
