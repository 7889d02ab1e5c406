"""Acts of access that are on record before they are answered, each kind at most once a minute."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.access import AccessLog
from connectors.gateway.problems import Problem
from schemas.errors import Retriable

SAFE_S, AGAIN_S = 5.0, 2
ONCE_MS = 60_000


@dataclass(frozen=True, slots=True)
class RecordedActs:
    """Writes acts into *log*. *what*: says in a refusal what is recorded; *kinds_max*: so many kinds are remembered."""

    log: AccessLog
    what: str
    kinds_max: int
    _told: OrderedDict[Hashable, int] = field(default_factory=OrderedDict)
    """Kind → when it was recorded last."""

    async def put(self, kind: Hashable, act: Mapping[str, Any], *, now_ms: int) -> None:
        """Return once *act* is safe, or one of its *kind* was within a minute. ``Problem`` 503: the log does not take it."""
        if now_ms < self._told.get(kind, -ONCE_MS) + ONCE_MS:
            return
        try:
            async with asyncio.timeout(SAFE_S):
                await asyncio.wrap_future(self.log.write(act))
        except (Retriable, TimeoutError):
            why = f"the access log cannot be written, and {self.what} is recorded"
            raise Problem(503, why, code="log-away", retry_after_s=AGAIN_S) from None
        self._told[kind] = now_ms
        self._told.move_to_end(kind)
        if len(self._told) > self.kinds_max:
            self._told.popitem(last=False)
