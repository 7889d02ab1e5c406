"""Server-sent events to many clients at once: every event to each of them, with random clients cut and resumed.

The server is the gateway's application in a process of its own, pinned to one core, from a log in memory; the clients are in
another process on another core. ``python -m tests.bench.events`` prints what was measured. An event's id is a vector of
offsets whose sum grows by one with each event, so a gap or a double shows in the ids alone.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
import uvicorn

from connectors.gateway.accounts import new_key
from connectors.gateway.app import app_of
from connectors.gateway.connections import guarded
from connectors.gateway.door import Door
from connectors.gateway.live_hub import Hub
from deploy.assembly.gateway import FILES_MAX
from deploy.assembly.gateway_socket import allow_files
from tests.unit.gateway.a_live_log import ALERT, GRANT, SITUATION, MemoryLog
from tests.unit.gateway.an_app import NOON_MS, a_gateway

READY_S = 60.0
SETTLES_S = 60.0
ID = re.compile(rb"\nid: s(\d+)\.a(\d+)\.g(\d+)\n|\Aid: s(\d+)\.a(\d+)\.g(\d+)\n")
SUBJECT = re.compile(rb'"subject":"([0-9.]+)"')


# -- the server ----------------------------------------------------------------------------------------------


def serve() -> None:
    """Serve; print the port and a key. A line ``rate seconds`` on standard input begins the events, and its end ends all."""
    allow_files(FILES_MAX)
    log = MemoryLog()
    with tempfile.TemporaryDirectory() as folder, a_gateway(Path(folder)) as here:
        hub = here.gateway.live = Hub(log, now_ms=lambda: NOON_MS, is_ending=lambda: server.should_exit)
        key, account = new_key("springfield", "reader", [], now_ms=NOON_MS, subscribes=True, audience="*")
        here.gateway.accounts.put(account.value or {})
        hub.start()
        config = uvicorn.Config(
            app_of(here.gateway),
            port=0,
            log_level="error",
            ws="none",
            http=guarded(Door(known_max=5_000, of_account_max=5_000)),
            backlog=2_048,
            timeout_graceful_shutdown=10,
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=_write, args=[log, server, key], daemon=True)
        thread.start()
        server.run()


def _write(log: MemoryLog, server: uvicorn.Server, key: str) -> None:
    while not server.started:
        time.sleep(0.01)
    sys.stdout.write(f"{server.servers[0].sockets[0].getsockname()[1]} {key}\n")
    sys.stdout.flush()
    rate, seconds = map(float, sys.stdin.readline().split())
    begun = time.time()
    for number in range(round(rate * seconds)):
        time.sleep(max(0.0, begun + number / rate - time.time()))
        contract = (SITUATION, SITUATION, ALERT, GRANT)[number % 4]
        log.write(contract, situation_id=f"{time.time():.6f}")
    sys.stdin.read()
    server.should_exit = True


# -- the clients ---------------------------------------------------------------------------------------------


@dataclass
class Reader:
    """One client: *count* events so far, *faults* of their order, delays in seconds."""

    port: int
    key: str
    cuts: list[float]
    whole: int
    count: int = 0
    last: str = "s0.a0.g0"
    resumed: int = 0
    faults: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    has_joined: bool = False

    async def run(self) -> None:
        """Read until all events were seen; cut the connection at each time of *cuts* and resume a moment later."""
        while self.count < self.whole:
            cut_at = self.cuts.pop(0) if self.cuts else None
            left_s = None if cut_at is None else max(0.0, cut_at - time.time())
            with suppress(TimeoutError, asyncio.IncompleteReadError, ConnectionError):
                async with asyncio.timeout(left_s):
                    await self._read()
            if self.count < self.whole:
                self.resumed += 1
                await asyncio.sleep(random.random())

    async def _read(self) -> None:
        reading, writing = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            head = f"GET /v1/springfield/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.key}\r\n"
            writing.write(f"{head}last-event-id: {self.last}\r\n\r\n".encode())
            status = await reading.readuntil(b"\r\n\r\n")
            if b" 200 " not in status:
                self.faults.append(status[:40].decode())
            left = b""
            while self.count < self.whole:
                size = int(await reading.readuntil(b"\r\n"), 16)
                piece = await reading.readexactly(size + 2)
                self.has_joined = True
                *blocks, left = (left + piece[:-2]).split(b"\n\n")
                now = time.time()
                for block in blocks:
                    self._take(block, now)
        finally:
            writing.transport.abort()

    def _take(self, block: bytes, now: float) -> None:
        found, subject = ID.search(block), SUBJECT.search(block)
        if subject is None:
            if b"event:" in block:
                self.faults.append(block[:80].decode())
            return
        if found is None:
            self.faults.append("an event without an id")
            return
        numbers = [int(one) for one in found.groups() if one]
        if sum(numbers) != self.count + 1:
            self.faults.append(f"event {sum(numbers)} after {self.count}")
        self.count = sum(numbers)
        self.last = "s{}.a{}.g{}".format(*numbers)
        self.delays.append(now - float(subject[1]))


@dataclass(frozen=True, slots=True)
class Measured:
    """*memory*: MiB of the server over idle at most; *cpu*: its share of a core while events came."""

    clients: int
    events: int
    received: int
    resumed: int
    faults: tuple[str, ...]
    memory: float
    cpu: float
    p50_ms: float
    p99_ms: float

    def line(self) -> str:
        about = (
            f"{self.clients} clients, {self.events} events, {self.received} received, {self.resumed} resumed"
        )
        said = f"p50 {self.p50_ms:.0f} ms, p99 {self.p99_ms:.0f} ms"
        return f"{about}: {len(self.faults)} faults, {self.memory:.0f} MiB over idle, {self.cpu:.0%} of a core, {said}"


@contextmanager
def _server(core: int) -> Iterator[tuple[subprocess.Popen[str], int, str]]:
    words = [sys.executable, "-m", "tests.bench.events", "--serve"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        os.sched_setaffinity(process.pid, {core})
        port, key = _pipe(process.stdout).readline().split()
        yield process, int(port), key
        _pipe(process.stdin).close()
        process.wait(READY_S)
    finally:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            _pipe(pipe).close()


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def measure(clients: int, rate: float, seconds: float, cut: int, seed: int) -> Measured:
    """The clients in this process, pinned to the last core while it lasts; the server on the first."""
    cores = sorted(os.sched_getaffinity(0))
    allow_files(FILES_MAX)
    with _server(cores[0]) as (process, port, key):
        try:
            os.sched_setaffinity(0, {cores[-1]})
            return asyncio.run(_measure(process, port, key, clients, rate, seconds, cut, random.Random(seed)))
        finally:
            os.sched_setaffinity(0, cores)


async def _measure(
    process: subprocess.Popen[str],
    port: int,
    key: str,
    clients: int,
    rate: float,
    seconds: float,
    cut: int,
    chance: random.Random,
) -> Measured:
    server = psutil.Process(process.pid)
    idle = server.memory_info().rss
    events = round(rate * seconds)
    readers = [Reader(port, key, [], events) for _ in range(clients)]
    tasks = []
    for reader in readers:
        tasks.append(asyncio.create_task(reader.run()))
        await asyncio.sleep(0.002)
    async with asyncio.timeout(READY_S):
        while not all(one.has_joined for one in readers):  # noqa: ASYNC110 (a thousand of them)
            await asyncio.sleep(0.05)
    begun = time.time()
    for reader in chance.sample(readers, cut):  # a reader takes its cuts up when it is cut for the first time
        reader.cuts = sorted(begun + chance.uniform(0.1, 0.9) * seconds for _ in range(2))
    cutting = asyncio.create_task(_cut_first(readers, tasks))
    cpu = sum(server.cpu_times()[:2])
    pipe = _pipe(process.stdin)
    pipe.write(f"{rate} {seconds}\n")
    pipe.flush()
    most = idle
    until = time.time() + seconds + SETTLES_S
    while not all(task.done() for task in tasks) and time.time() < until:
        most = max(most, server.memory_info().rss)
        await asyncio.sleep(0.2)
    share = (sum(server.cpu_times()[:2]) - cpu) / (time.time() - begun)
    cutting.cancel()
    for task in tasks:
        task.cancel()
    delays = sorted(one for reader in readers if not reader.resumed for one in reader.delays)
    return Measured(
        clients,
        events,
        sum(len(reader.delays) for reader in readers),
        sum(reader.resumed for reader in readers),
        tuple(fault for reader in readers for fault in reader.faults),
        (most - idle) / (1 << 20),
        share,
        1000 * delays[len(delays) // 2],
        1000 * delays[len(delays) * 99 // 100],
    )


async def _cut_first(readers: list[Reader], tasks: list[asyncio.Task[None]]) -> None:
    """Cut each reader that is to be cut for the first time, by ending its task and beginning another one."""
    waiting = sorted((reader.cuts.pop(0), number) for number, reader in enumerate(readers) if reader.cuts)
    for at, number in waiting:
        await asyncio.sleep(max(0.0, at - time.time()))
        tasks[number].cancel()
        with suppress(asyncio.CancelledError):
            await tasks[number]
        readers[number].resumed += 1
        tasks[number] = asyncio.create_task(readers[number].run())


def main() -> None:
    reading = argparse.ArgumentParser()
    reading.add_argument("--serve", action="store_true")
    reading.add_argument("--clients", type=int, default=1_000)
    reading.add_argument("--rate", type=float, default=20.0)
    reading.add_argument("--seconds", type=float, default=30.0)
    reading.add_argument("--cut", type=int, default=100)
    reading.add_argument("--seed", type=int, default=22)
    given = reading.parse_args()
    if given.serve:
        serve()
    else:
        found = measure(given.clients, given.rate, given.seconds, given.cut, given.seed)
        sys.stdout.write(found.line() + "\n")
        sys.stdout.writelines(f"{one}\n" for one in found.faults[:10])


if __name__ == "__main__":
    main()
