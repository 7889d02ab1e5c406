"""A gateway's rides in a process of their own, which may be killed: commands by lines of JSON in, answers out.

``python -m tests.ride_gateways CITY KAFKA REGISTRY`` is such a process.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson

from connectors.gateway.booking_desk import RideAnswer, RideWish
from schemas.errors import Invalid, Retriable
from schemas.registry import Registry
from schemas.wire import Wire
from streams.operators.ride_desk import LogBookings
from streams.runtime.follower import Following

THREADS = 8
"""So many assignments at once, as the threads of a gateway."""
READY = b"ready\n"


class Killed(Exception):
    """The gateway is away: what was asked may or may not be decided."""


@dataclass
class RideGateway:
    """The process, seen from outside. *asked*: the questions that it has not answered."""

    words: tuple[str, str, str]
    process: subprocess.Popen[bytes] = field(init=False)
    hears: threading.Thread = field(init=False)
    asked: dict[int, Future[RideAnswer]] = field(default_factory=dict)
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_ready: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "tests.ride_gateways", *self.words]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.hears = threading.Thread(target=self._hear, args=(self.process,), daemon=True)
        self.hears.start()

    def kill(self) -> int:
        """SIGKILL it, and start it anew. The number of questions that it took with it."""
        with self.lock:
            self.is_ready.clear()
        self.end()
        with self.lock:
            lost, self.asked = self.asked, {}
        for one in lost.values():
            one.set_exception(Killed())
        self.start()
        return len(lost)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.hears.join()
        with self.lock, contextlib.suppress(OSError):  # what was not yet written died with it
            assert self.process.stdin is not None
            self.process.stdin.close()

    def assign(self, wish: RideWish) -> RideAnswer:
        """``Killed``, or ``Retriable``, when it may or may not be decided."""
        answer: Future[RideAnswer] = Future()
        with self.lock:
            if not self.is_ready.is_set():
                raise Killed
            self.count += 1
            number = self.count
            self.asked[number] = answer
            told = {name: getattr(wish, name) for name in RideWish.__slots__}
            try:
                assert self.process.stdin is not None
                self.process.stdin.write(orjson.dumps({"number": number, **told}) + b"\n")
                self.process.stdin.flush()
            except (OSError, ValueError):  # its pipe broke, or is closed
                raise Killed from None
        return answer.result(30)

    def _hear(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        with process.stdout as lines:
            for line in lines:
                if line == READY:
                    self.is_ready.set()
                elif line.endswith(b"\n"):
                    self._take(line)

    def _take(self, line: bytes) -> None:
        said = orjson.loads(line)
        with self.lock:
            asked = self.asked.pop(said.pop("number"), None)
        if asked is None:
            return
        if "error" in said:
            asked.set_exception(Retriable(said["error"]))
        else:
            asked.set_result(RideAnswer(**said))


def _answered(desk: LogBookings, line: bytes) -> bytes:
    asked: dict[str, Any] = orjson.loads(line)
    number = asked.pop("number")
    try:
        answer = desk.assign(RideWish(**asked))
    except (Invalid, Retriable) as error:
        return orjson.dumps({"number": number, "error": error.what}) + b"\n"
    told = {name: getattr(answer, name) for name in RideAnswer.__slots__}
    return orjson.dumps({"number": number, **told}) + b"\n"


def main(city: str, kafka: str, registry: str) -> None:
    following = Following("rides", bootstrap=kafka)
    desk = LogBookings(
        city,
        following,
        bootstrap=kafka,
        wire=Wire(Registry(registry)),
        now_ms=lambda: time.time_ns() // 1_000_000,
    )
    following.start()
    while desk.trouble is not None:
        time.sleep(0.02)
    out, lock = sys.stdout.buffer, threading.Lock()

    def tell(line: bytes) -> None:
        answer = _answered(desk, line)
        with lock:
            out.write(answer)
            out.flush()

    out.write(READY)
    out.flush()
    with ThreadPoolExecutor(THREADS) as threads:
        for line in sys.stdin.buffer:
            threads.submit(tell, line)


if __name__ == "__main__":
    main(*sys.argv[1:])
