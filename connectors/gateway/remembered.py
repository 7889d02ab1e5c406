"""Answers to requests that had an ``Idempotency-Key``: the same request again gets the same answer. Time from outside.

They are kept in memory, for an hour: after a restart of the gateway a repeat is a request of its own.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.responses import Response

from connectors.gateway.idempotency import used_otherwise
from connectors.gateway.problems import Problem

KEEP_S = 3_600.0
ANSWERS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class _Answer:
    wish: bytes
    at_s: float
    response: Response | None
    """``None``: the first request is under way."""


@dataclass(slots=True)
class Remembered:
    """The newest answers. For one event loop."""

    now_s: Callable[[], float]
    answers_max: int = ANSWERS_MAX
    _answers: OrderedDict[tuple[str, str, str], _Answer] = field(default_factory=OrderedDict)

    async def once(
        self,
        account_id: str,
        route: str,
        key: str | None,
        body: bytes,
        work: Callable[[], Awaitable[Response]],
    ) -> Response:
        """The answer of *work*, done once for each *key* of that account and route; without a key always.

        ``Problem`` for a key that came with another body, or whose first request is under way. What failed is not kept.
        """
        if key is None:
            return await work()
        name, wish = (account_id, route, key), hashlib.sha256(body).digest()
        self._drop_old()
        if (known := self._answers.get(name)) is not None:
            if known.wish != wish:
                raise used_otherwise()
            if known.response is None:
                raise Problem(503, "the same request is under way", retry_after_s=1)
            return known.response
        self._answers[name] = _Answer(wish, self.now_s(), None)
        try:
            response = await work()
        except BaseException:
            del self._answers[name]
            raise
        self._answers[name] = _Answer(wish, self.now_s(), response)
        return response

    def _drop_old(self) -> None:
        while self._answers:
            name, oldest = next(iter(self._answers.items()))
            is_full = len(self._answers) >= self.answers_max
            if oldest.response is None or not (is_full or self.now_s() - oldest.at_s > KEEP_S):
                return
            del self._answers[name]
