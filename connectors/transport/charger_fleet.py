"""Simulated chargers over the network: thousands of connections in one process.

    fleet = ChargerFleet(chargers, url="ws://127.0.0.1:9220/ocpp/jeju", keys={"CP-1": "…"}, seed=1)
    running = asyncio.create_task(fleet.run())
    …
    await fleet.finish(30)  # the sessions end, and what is kept is delivered
    fleet.stop()
    await running

A charger that is cut, or not let in, comes again after 0.2 to 5 s, drawn by the seed and longer with each failure.
"""

from __future__ import annotations

import asyncio
import random
import time
from base64 import b64encode
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

from connectors.formats.ocpp_calls import FRAME_BYTES_MAX, SUBPROTOCOLS
from connectors.simulation.chargers import SimulatedCharger
from connectors.transport.charger_doors import LeastConnections
from connectors.transport.web_page import wall_clock_ms

BACK_OFF_S = (0.2, 5.0)
OPENING_MAX = 64
"""Connections that are being opened at once."""
LOOK_S = 1.0
"""A charger looks at least so often whether it was told to finish."""
DELAYS_MAX = 1_000_000
NO_ROOM = 503
_PROTOCOLS = {version: Subprotocol(name) for name, version in SUBPROTOCOLS.items()}


def back_off_s(chance: random.Random, failures: int) -> float:
    """The wait before the next try, after so many *failures* in a row."""
    least, most = BACK_OFF_S
    return chance.uniform(least, min(most, 2 * least * 2 ** min(failures, 10)))


class ChargerFleet:
    """*chargers* that connect to *url* with their id as the last part of the path, and their own of *keys*; of several URLs
    each time to the one with the fewest connections.

    *connected*: now. *at*: charger → the URL of its connection. *answered_s*: charger → when it had its last answer.
    *delays*: the action and the seconds from each call to its answer, at most a million. *counted*: calls, answers,
    cuts, and by its HTTP status each connection that was not let in.
    """

    def __init__(
        self,
        chargers: Sequence[SimulatedCharger],
        *,
        url: str | Sequence[str],
        keys: Mapping[str, str],
        seed: int,
        now_ms: Callable[[], int] = wall_clock_ms,
        look_s: float = LOOK_S,
    ) -> None:
        self.chargers, self._keys, self._seed = chargers, keys, seed
        self._doors = LeastConnections([url] if isinstance(url, str) else url)
        self._now_ms, self._look_s = now_ms, look_s
        self._ended = asyncio.Event()
        self._opening = asyncio.Semaphore(OPENING_MAX)
        self.connected = 0
        self.delays: deque[tuple[str, float]] = deque(maxlen=DELAYS_MAX)
        self.counted: Counter[str] = Counter()
        self.at: dict[str, str] = {}
        self.answered_s: dict[str, float] = {}

    async def run(self) -> None:
        """Live until ``stop`` or cancelled; all connections are closed then."""
        async with asyncio.TaskGroup() as group:
            lives = [group.create_task(self._live(one)) for one in self.chargers]
            await self._ended.wait()
            for life in lives:
                life.cancel()

    def stop(self) -> None:
        """End ``run``; what is kept and not yet delivered stays so."""
        self._ended.set()

    async def finish(self, seconds: float) -> bool:
        """End all sessions and wait until their messages are answered, at most *seconds*; whether they are."""
        for one in self.chargers:
            one.finish(self._now_ms())
        try:
            async with asyncio.timeout(seconds):
                while self.pending:  # noqa: ASYNC110 (each charger's queue is its own)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    @property
    def pending(self) -> int:
        """Messages of sessions that were not answered yet."""
        return sum(len(one.outbox) for one in self.chargers)

    async def _live(self, charger: SimulatedCharger) -> None:
        chance = random.Random(f"{self._seed}/{charger.plan.charger_id}/back-off")  # noqa: S311 (a simulation's)
        failures = 0
        while True:
            door = ""
            try:
                async with self._opening:
                    door = self._doors.chosen(self._now_ms())
                    connection = await self._opened(charger, door)
                failures = 0
                self.at[charger.plan.charger_id] = door
                await self._served(charger, connection)
            except InvalidStatus as refusal:
                self.counted[f"HTTP {refusal.response.status_code}"] += 1
                if refusal.response.status_code == NO_ROOM:
                    self._doors.failed(door, self._now_ms())
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed, EOFError):
                self.counted["not reached"] += 1
                self._doors.failed(door, self._now_ms())
            finally:
                if door:
                    self._doors.left(door)
                self.at.pop(charger.plan.charger_id, None)
            failures += 1
            charger.advance(self._now_ms())
            await asyncio.sleep(back_off_s(chance, failures))

    async def _opened(self, charger: SimulatedCharger, door: str) -> ClientConnection:
        name = charger.plan.charger_id
        word = b64encode(f"{name}:{self._keys[name]}".encode()).decode()
        return await connect(
            f"{door}/{name}",
            subprotocols=[_PROTOCOLS[charger.plan.version]],
            additional_headers={"Authorization": f"Basic {word}"},
            compression=None,  # chargers have none, and a thousand windows of zlib take memory
            proxy=None,
            max_size=FRAME_BYTES_MAX,
            close_timeout=1,
            ping_interval=60,
        )

    async def _served(self, charger: SimulatedCharger, connection: ClientConnection) -> None:
        self.connected += 1
        charger.connected(self._now_ms())
        try:
            await self._talk(charger, connection)
        except ConnectionClosed:
            self.counted["cut"] += 1
        finally:
            self.connected -= 1
            charger.disconnected(self._now_ms())
            await connection.close()

    async def _talk(self, charger: SimulatedCharger, connection: ClientConnection) -> None:
        sent_s = time.perf_counter()
        while True:
            now_ms = self._now_ms()
            charger.advance(now_ms)
            call = charger.next_frame(now_ms)
            if call is not None:
                self.counted["calls"] += 1
                sent_s = time.perf_counter()
                await connection.send(call, text=True)
            wait_s = min(self._look_s, max(0.0, (charger.next_ms() - self._now_ms()) / 1_000))
            try:
                async with asyncio.timeout(wait_s):
                    frame = await connection.recv()
            except TimeoutError:
                continue
            answer = charger.hear(frame, self._now_ms())
            if answer.reply is not None:
                await connection.send(answer.reply, text=True)
            if answer.action is not None:
                self.counted["answers"] += 1
                self.answered_s[charger.plan.charger_id] = time.monotonic()
                self.delays.append((answer.action, time.perf_counter() - sent_s))
