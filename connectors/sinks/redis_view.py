"""The live view: open situations in Redis, for the console and the API. Derived; losing it loses nothing.

Fields that identify somebody are null in it, unless the city's file says otherwise: whoever reaches Redis reads all of it.

``bongsu:{city}:situation:{id}`` the situation as JSON · ``bongsu:{city}:open`` GEO of the placed ones ·
``bongsu:{city}:kind:{kind}`` ids by kind · channel ``bongsu:{city}:events`` each revision as it comes ·
``bongsu:{city}:view`` the offset up to which the log is in the view; a worker that finds it gone fills the view anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from schemas.catalogue import load_catalogue
from schemas.errors import Retriable
from schemas.event import Event
from schemas.json_form import to_json_value
from schemas.masking import masked

CONTRACT = "core.situation"
GEO_LATITUDE_MAX = 85.05112878
"""Redis keeps positions in Web Mercator; what lies beyond has no place in its GEO set."""


class RedisView:
    """Sink of situations, which keeps those that are open."""

    def __init__(self, url: str, city: str, *, identifying: bool = False) -> None:
        """*identifying*: keep the fields that identify somebody, too."""
        self._identifying = identifying
        self._redis: Redis = Redis.from_url(url, decode_responses=True)
        self._prefix = f"bongsu:{city}"
        self._schema = load_catalogue()[CONTRACT].newest

    async def deliver(self, events: Sequence[Event]) -> None:
        """Apply revisions in order, in one step that readers see whole."""
        ids = [event.key for event in events]
        try:
            olds = await self._redis.mget([self._key(one) for one in ids]) if ids else []
            kinds = {one: orjson.loads(old)["kind"] for one, old in zip(ids, olds, strict=True) if old}
            async with self._redis.pipeline(transaction=True) as pipe:
                for event in events:
                    self._apply(pipe, event, kinds)
                await pipe.execute()
        except RedisError as error:
            raise Retriable(f"Redis: {type(error).__name__}") from error

    async def empty(self) -> None:
        """Forget everything of this city, before it is filled anew."""
        try:
            keys = [key async for key in self._redis.scan_iter(f"{self._prefix}:*", count=1_000)]
            if keys:
                await self._redis.delete(*keys)
        except RedisError as error:
            raise Retriable(f"Redis: {type(error).__name__}") from error

    async def mark(self, next_offset: int, *, anew: bool = False) -> None:
        """Remember how far the log is in here; unless *anew*, only where a mark still stands (none after a flush)."""
        try:
            await self._redis.set(f"{self._prefix}:view", next_offset, xx=not anew)
        except RedisError as error:
            raise Retriable(f"Redis: {type(error).__name__}") from error

    async def marked(self) -> int | None:
        """The offset up to which the log is in the view; ``None`` when the view is gone."""
        try:
            value = await self._redis.get(f"{self._prefix}:view")
        except RedisError as error:
            raise Retriable(f"Redis: {type(error).__name__}") from error
        return int(value) if value is not None else None

    async def close(self) -> None:
        await self._redis.aclose()

    def _key(self, situation_id: str) -> str:
        return f"{self._prefix}:situation:{situation_id}"

    def _apply(self, pipe: Pipeline, event: Event, kinds: dict[str, str]) -> None:
        if event.value is None:
            return
        one, value = event.key, event.value
        if old := kinds.pop(one, None):
            pipe.srem(f"{self._prefix}:kind:{old}", one)
        whole = to_json_value(self._schema, value)
        text = orjson.dumps(masked(CONTRACT, whole, identifying=self._identifying, located=True)).decode()
        pipe.zrem(f"{self._prefix}:open", one)
        if value["status"] == "closed":
            pipe.delete(self._key(one))
        else:
            pipe.set(self._key(one), text)
            pipe.sadd(f"{self._prefix}:kind:{value['kind']}", one)
            kinds[one] = value["kind"]
            self._place(pipe, one, value["position"])
        pipe.publish(f"{self._prefix}:events", text)

    def _place(self, pipe: Pipeline, one: str, position: Mapping[str, Any] | None) -> None:
        if position is not None and abs(position["lat"]) <= GEO_LATITUDE_MAX:
            pipe.geoadd(f"{self._prefix}:open", (position["lon"], position["lat"], one))
