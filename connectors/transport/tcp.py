"""TCP for sources: the bytes that a server sends to whoever connects, those of half a second taken together.

The promise is TCP's: what the server sends while nobody is connected is lost. A connection that ends, is refused, or says
nothing for ``silent_s`` is ``Retriable``: whoever listens connects again after a wait, which grows with each failure. While
what was taken is being published, nothing is read, and the server's own buffers fill.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Heard, SourceContext
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import Fatal, Retriable

CONNECT_S_MAX = 10.0
TOGETHER_S = 0.5
CHUNK_BYTES = 64 * 1024
BODY_BYTES_MAX = 1024 * 1024
"""The most that is taken together: a busy receiver of aircraft sends some 30 kB a second."""


class TcpSettings(BaseModel):
    """The server to which a source connects."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", min_length=1, description="the server; without it, this machine")
    port: int = Field(30005, ge=1, le=65535, description="its port; 30005 is usual for Beast")
    silent_s: float = Field(
        120, gt=0, le=86_400, description="seconds without a byte after which it is connected to anew"
    )


class TcpReader:
    """The bytes of one source's server. *whole*: how many of the bytes at hand are whole; the rest waits for more."""

    def __init__(
        self,
        context: SourceContext,
        settings: TcpSettings | None,
        *,
        whole: Callable[[bytes], int],
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._who = f"source {context.source!r}"
        self._settings, self._whole, self._now_ms = settings, whole, now_ms
        self._writer: asyncio.StreamWriter | None = None
        self._said_ms = 0

    async def listen(self) -> AsyncIterator[Heard]:
        """Bytes, until ``close``. ``Fatal`` without settings, ``Retriable`` when the connection fails or ends."""
        settings = self._settings
        if settings is None:
            raise Fatal(
                f"{self._who} has no tcp",
                hint="set tcp under its [[source]], or live = false if it is only played or pushed",
            )
        reader = await self._connected(settings)
        kept = b""
        try:
            while True:
                kept += await self._some(reader, settings)
                count = self._whole(kept)
                if not count and len(kept) > BODY_BYTES_MAX:
                    count = len(kept)  # whatever it is, it has no end
                if count:
                    body, kept = kept[:count], kept[count:]
                    self._said_ms = max(self._now_ms(), self._said_ms + 1)
                    yield Heard(body, self._said_ms)
        finally:
            await self.close()

    async def close(self) -> None:
        """Close the connection, whether or not somebody listens."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _connected(self, settings: TcpSettings) -> asyncio.StreamReader:
        try:
            async with asyncio.timeout(CONNECT_S_MAX):
                reader, self._writer = await asyncio.open_connection(
                    settings.host, settings.port, limit=CHUNK_BYTES
                )
        except (OSError, TimeoutError) as error:
            raise Retriable(
                f"{self._who}: port {settings.port} of {settings.host} does not answer: {type(error).__name__}"
            ) from None
        return reader

    async def _some(self, reader: asyncio.StreamReader, settings: TcpSettings) -> bytes:
        """Wait for bytes, then take what else comes within ``TOGETHER_S``."""
        try:
            async with asyncio.timeout(settings.silent_s):
                found = await reader.read(CHUNK_BYTES)
        except TimeoutError:
            raise Retriable(f"{self._who}: no byte came for {settings.silent_s:.0f} s") from None
        except OSError as error:
            raise Retriable(f"{self._who}: the connection broke: {type(error).__name__}") from None
        if not found:
            raise Retriable(f"{self._who}: the server closed the connection")
        with contextlib.suppress(TimeoutError, OSError):  # an end or a fault is met again by the next call
            async with asyncio.timeout(TOGETHER_S):
                while len(found) < BODY_BYTES_MAX and (more := await reader.read(CHUNK_BYTES)):
                    found += more
        return found
