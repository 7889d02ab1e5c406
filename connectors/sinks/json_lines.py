"""Appends each delivery as a line of JSON to a file: an operator's archive.

A line holds ``id``, ``topic``, ``contract``, ``key``, ``time_ms``, ``media_type`` and the body, as ``data`` where it is
JSON and as ``text`` otherwise. A delivery that is repeated stands there twice, with the same ``id``.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import orjson
from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Delivery, RefusedEvent, SinkContext
from schemas.errors import Fatal, Retriable

LINE_END = b"\n"


class Config(BaseModel):
    """Settings of a sink of type ``json_lines``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    path: Path = Field(description="the file to which the lines are added; it is made where it is not there")


class JsonLines:
    """Sink of a file. It writes where its path says, so only the city's file may name it."""

    is_open = False

    def __init__(self, config: Config, context: SinkContext) -> None:
        self._path = config.path

    async def deliver(self, events: Sequence[Delivery]) -> None:
        """Add the lines in order and wait until they are on the disk."""
        lines = []
        for event in events:
            try:
                lines.append(_line(event))
            except ValueError:
                await self._write(lines)
                what = f"event {event.event_id} has a body that is no {event.media_type}"
                raise RefusedEvent(what, event_id=event.event_id) from None
        await self._write(lines)

    async def close(self) -> None:
        """Do nothing: the file is open only while lines are added, so that it may be moved away at any time."""

    async def _write(self, lines: list[bytes]) -> None:
        if not lines:
            return
        try:
            await asyncio.to_thread(self._append, b"".join(lines))
        except (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError) as error:
            raise Fatal(f"{self._path} cannot be written: {error.strerror}", hint="mend its path") from None
        except OSError as error:
            raise Retriable(f"{self._path} cannot be written: {error.strerror}") from None

    def _append(self, data: bytes) -> None:
        """Append *data* whole, or cut the file back to where it ended before. Locked: two subscriptions may share it."""
        file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            _append_whole(file, data)
        finally:
            os.close(file)


def _append_whole(file: int, data: bytes) -> None:
    before = os.fstat(file).st_size
    if before and os.pread(file, 1, before - 1) != LINE_END:
        data = LINE_END + data  # a killed process left half a line: the next begins on one of its own
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(file, left) :]
        os.fsync(file)
    except OSError:
        with suppress(OSError):
            os.ftruncate(file, before)
        raise


def _line(event: Delivery) -> bytes:
    """The line of *event*. ``ValueError`` where its body is not what its media type says."""
    told = {
        "id": event.event_id,
        "topic": event.topic,
        "contract": event.contract,
        "key": event.key,
        "time_ms": event.time_ms,
        "media_type": event.media_type,
    }
    if event.media_type.partition(";")[0].strip().endswith("json"):
        orjson.loads(event.body)
        told["data"] = orjson.Fragment(event.body.replace(b"\n", b" ").replace(b"\r", b" "))
    else:
        told["text"] = event.body.decode("utf-8")
    return orjson.dumps(told, option=orjson.OPT_APPEND_NEWLINE)


SINK = JsonLines
