"""Choose ports on loopback."""

from __future__ import annotations

import socket
import zlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from deploy.local.home import Remembered
from schemas.errors import Fatal

FIRST, COUNT = 20_000, 12_000  # below the ephemeral ports of outgoing connections


def choose_ports(
    names: Iterable[str], *, kept: Mapping[str, int], home: Path, fixed: Collection[str] = ()
) -> dict[str, int]:
    """A free port for each name: the one *kept* from before if it is free again, else the next free one.

    The search begins at a port derived from the home's path, so that two homes rarely collide. A name in *fixed* gets
    the one that is kept and no other: ``Fatal`` when that is taken.
    """
    chosen: dict[str, int] = {}
    for name in names:
        before = kept.get(name)
        if name in fixed and before and not is_free(before):
            raise Fatal(
                f"port {before} is fixed for {name} and cannot be had: another program listens on it, or it needs root",
                hint=f"end that program, or fix another: bongsu up --port {name}={before + 1}",
            )
        chosen[name] = (
            before if before and is_free(before) else _next_free(home, {*chosen.values(), *kept.values()})
        )
    return chosen


def with_fixed(remembered: Remembered, wanted: Mapping[str, int], *, running: Collection[str]) -> Remembered:
    """*remembered* with the ports *wanted* by name, from now on fixed. *running*: the names of the ports in use.

    ``Fatal`` when a component would have to move while it runs, and when two would share a port. One that is neither fixed
    nor in use gives way, and gets another at its next start.
    """
    for name, port in wanted.items():
        if name in running and remembered.ports.get(name) != port:
            before = f"on port {remembered.ports[name]}" if name in remembered.ports else "without a port"
            raise Fatal(
                f"{name} runs {before}",
                hint=f"bongsu down, then bongsu up --port {name}={port}",
            )
    fixed = {*remembered.fixed, *wanted}
    ports = {**remembered.ports, **wanted}
    staying = {name: port for name, port in ports.items() if name in fixed or name in running}
    if shared := [name for name in staying if list(staying.values()).count(staying[name]) > 1]:
        raise Fatal(
            f"{' and '.join(shared)} would share port {staying[shared[0]]}",
            hint="give each a port of its own",
        )
    free = {name: port for name, port in ports.items() if port not in staying.values()}
    return replace(remembered, ports={**free, **staying}, fixed=tuple(sorted(fixed)))


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
