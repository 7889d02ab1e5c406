"""Choose ports on loopback."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from schemas.errors import Fatal

FIRST, COUNT = 20_000, 12_000  # below the ephemeral ports of outgoing connections


def choose_ports(names: Iterable[str], *, kept: Mapping[str, int], home: Path) -> dict[str, int]:
    """A free port for each name: the one *kept* from before if it is free again, else the next free one.

    The search begins at a port derived from the home's path, so that two homes rarely collide.
    """
    chosen: dict[str, int] = {}
    for name in names:
        before = kept.get(name)
        chosen[name] = (
            before if before and is_free(before) else _next_free(home, {*chosen.values(), *kept.values()})
        )
    return chosen


def is_free(port: int) -> bool:
    """Whether a server could listen on *port* of loopback now."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port just left is free
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _next_free(home: Path, taken: set[int]) -> int:
    begin = zlib.crc32(str(home).encode()) % COUNT
    for step in range(COUNT):
        port = FIRST + (begin + step) % COUNT
        if port not in taken and is_free(port):
            return port
    raise Fatal(f"no port from {FIRST} to {FIRST + COUNT} is free", hint="end what listens there")
