"""A file that is asked again and again."""

from __future__ import annotations

import asyncio
from pathlib import Path

from connectors.base import Heard
from schemas.errors import Retriable

BODY_BYTES_MAX = 256 * 1024 * 1024


def _bytes_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(BODY_BYTES_MAX + 1)


async def read_file(path: Path) -> Heard:
    """All of *path*, at no stated time: a file is the same whenever it is read.

    ``Retriable`` when it cannot be read: it may be put there yet.
    """
    try:
        body = await asyncio.to_thread(_bytes_of, path)
    except OSError as error:
        raise Retriable(f"{path}: {error.strerror}", hint="put it there, or set another path") from None
    if len(body) > BODY_BYTES_MAX:
        raise Retriable(f"{path} is larger than {BODY_BYTES_MAX} bytes")
    return Heard(body, at_ms=None, attributes={"name": path.name})
