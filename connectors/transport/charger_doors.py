"""The process to which a simulated charger connects, chosen as a load balancer does (nginx, ``least_conn``). Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

APART_MS = 10_000
"""The time for which a door is left out after it failed, as nginx's ``fail_timeout``."""


class LeastConnections:
    """*urls*: of the doors. The one with the fewest connections is chosen, of several the first."""

    def __init__(self, urls: Sequence[str]) -> None:
        self.urls = tuple(one.rstrip("/") for one in urls)
        self.connections: Counter[str] = Counter()
        self._failed_ms: dict[str, int] = {}

    def chosen(self, now_ms: int) -> str:
        """The door to take now, which counts as taken until ``left``. Where all failed lately, all are tried."""
        good = [one for one in self.urls if now_ms - self._failed_ms.get(one, -APART_MS) >= APART_MS]
        door = min(good or self.urls, key=lambda one: self.connections[one])
        self.connections[door] += 1
        return door

    def left(self, door: str) -> None:
        """Count a connection less."""
        self.connections[door] -= 1

    def failed(self, door: str, now_ms: int) -> None:
        """Leave *door* out for a while: it could not be reached, or had no room."""
        self._failed_ms[door] = now_ms
