"""UDP for sources: the datagrams that come to a port, those that wait taken together.

UDP promises nothing: what comes while nobody listens is lost, and so is what finds more than ``WAITING_MAX`` waiting;
the latter is said in the next ``Heard``. Whoever may send to the port may say anything: without another word it is bound
to this machine alone, and ``senders`` names the addresses that are heard.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Heard, SourceContext
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import Fatal, Retriable

WAITING_MAX = 2_000
BATCH_MAX = 500
DATAGRAM_BYTES_MAX = 65_507


class UdpSettings(BaseModel):
    """The port that is listened to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    port: int = Field(ge=0, le=65535, description="the port; 14550 is usual for MAVLink")
    address: str = Field(
        "127.0.0.1", min_length=1, description="the address of ours that is bound; 0.0.0.0: every one"
    )
    senders: tuple[str, ...] = Field((), description="IP addresses that are heard; empty: every one")


class UdpListener:
    """The datagrams to one source's port. *joined* makes a body of datagrams, each with its time in milliseconds."""

    def __init__(
        self,
        context: SourceContext,
        settings: UdpSettings | None,
        *,
        joined: Callable[[list[tuple[bytes, int]]], bytes],
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._who = f"source {context.source!r}"
        self._settings, self._joined, self._now_ms = settings, joined, now_ms
        self._transport: asyncio.DatagramTransport | None = None
        self._said_ms = 0

    @property
    def port(self) -> int | None:
        """The port that is bound; ``None`` while nobody listens."""
        return None if self._transport is None else int(self._transport.get_extra_info("sockname")[1])

    async def listen(self) -> AsyncIterator[Heard]:
        """The datagrams, until ``close``. ``Fatal`` without settings, ``Retriable`` where the port cannot be bound."""
        settings = self._settings
        if settings is None:
            raise Fatal(
                f"{self._who} has no udp",
                hint="set udp under its [[source]], or live = false if it is only played or pushed",
            )
        inbox = _Inbox(frozenset(settings.senders), self._now_ms)
        try:
            self._transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: inbox, local_addr=(settings.address, settings.port)
            )
        except OSError as error:
            raise Retriable(
                f"{self._who}: UDP port {settings.port} of {settings.address} cannot be bound: {error.strerror}"
            ) from None
        try:
            while (found := await inbox.next_ones()) is not None:
                self._said_ms = max(self._now_ms(), self._said_ms + 1)
                yield Heard(self._joined(found), self._said_ms, missing=inbox.lost())
        finally:
            await self.close()

    async def close(self) -> None:
        """Free the port; who listens gets no more."""
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()


class _Inbox(asyncio.DatagramProtocol):
    """Datagrams that have come and were not yet taken."""

    def __init__(self, senders: frozenset[str], now_ms: Callable[[], int]) -> None:
        self._senders, self._now_ms = senders, now_ms
        self._waiting: asyncio.Queue[tuple[bytes, int] | None] = (
            asyncio.Queue()
        )  # bounded by hand: the end always fits
        self._lost = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._senders and addr[0] not in self._senders:
            return
        if self._waiting.qsize() >= WAITING_MAX:
            self._lost += 1
        else:
            self._waiting.put_nowait((data, self._now_ms()))

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.put_nowait(None)

    async def next_ones(self) -> list[tuple[bytes, int]] | None:
        """The waiting datagrams, at least one; ``None`` after the end."""
        one = await self._waiting.get()
        if one is None:
            return None
        found = [one]
        while len(found) < BATCH_MAX and not self._waiting.empty():
            one = self._waiting.get_nowait()
            if one is None:
                self._waiting.put_nowait(None)
                break
            found.append(one)
        return found

    def lost(self) -> tuple[str, ...]:
        """Say what was lost since it was last asked."""
        count, self._lost = self._lost, 0
        return ("datagrams that found no room",) if count else ()
