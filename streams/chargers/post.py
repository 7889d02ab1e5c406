"""One charger of the list as this process knows it: its memory, its connection, and a call to it that waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from connectors.formats.ocpp_calls import Call, ChargerAnswer, Version, call_frame
from connectors.subjects.charger_list import ListedCharger
from connectors.subjects.charging_replies import Terms
from connectors.subjects.charging_sessions import Charger
from schemas.errors import Retriable

ANSWER_S = 30.0
"""The time in which a charger answers a call, before it counts as silent."""


class ChargerSilent(Retriable):
    """The charger is not connected, or did not answer in time."""


@dataclass(slots=True)
class Post:
    """*lock*: its calls are taken one after another. *heard_ms*: when any message of it came; ``None``: not since our start.
    *terms*: of answers to it. *is_joined*: what other processes wrote of it is known, so its calls are taken. *seen_offset*:
    of the newest row of another process that is known here."""

    listed: ListedCharger
    charger: Charger
    terms: Terms
    memory: Mapping[str, Any] = field(default_factory=dict)
    connection: ServerConnection | None = None
    version: Version = "1.6"
    heard_ms: int | None = None
    is_joined: bool = False
    seen_offset: int = -1
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waits_for: str | None = None
    _answer: asyncio.Future[ChargerAnswer] | None = None
    _asked: int = 0

    async def ask(
        self, action: str, payload: Mapping[str, Any], *, within_s: float = ANSWER_S
    ) -> ChargerAnswer:
        """The charger's answer to a call, one call at a time. ``ChargerSilent``: ask again once it is back. ``ValueError``:
        the call is not valid by the charger's version."""
        async with self._asking:
            connection = self.connection
            if connection is None:
                raise ChargerSilent("the charger is not connected")
            self._asked += 1
            unique_id = f"bongsu-{self._asked}"
            frame = call_frame(Call(self.version, unique_id, action, payload))
            self._waits_for, self._answer = unique_id, asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(within_s):
                    await connection.send(frame, text=True)
                    return await self._answer
            except (TimeoutError, ConnectionClosed):
                raise ChargerSilent("no answer of the charger in time") from None
            finally:
                self._waits_for = self._answer = None

    def take(self, answer: ChargerAnswer) -> bool:
        """Whether *answer* is the one that is waited for; any other is dropped."""
        if self._answer is None or answer.unique_id != self._waits_for or self._answer.done():
            return False
        self._answer.set_result(answer)
        return True

    def hung_up(self) -> None:
        """End the wait for an answer: its connection is gone."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ChargerSilent("the connection ended before the answer"))
