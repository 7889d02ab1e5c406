"""A city's worker as a child process: started, watched, and ended with its parent."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from deploy.assembly.forked import Forked
from deploy.city.city import City
from schemas.errors import Fatal
from streams.log import log
from streams.log_file import LogOutput

END_S = 15
LOOK_S = 0.5
AGAIN_FIRST_S, AGAIN_MAX_S = 0.5, 30.0


@contextmanager
def worker_running(city: City, *options: str) -> Iterator[Callable[[], None]]:
    """``bongsu run CITY`` in a process of its own. Yields a check that raises when it has ended.

    It ends when we end, even by kill -9: its standard input is a pipe from us, which then closes.
    """
    worker = _start(city, ("--quiet", *options))

    def check() -> None:
        if worker.poll() is not None:
            raise Fatal(
                f"the worker of {city.name} ended with code {worker.returncode}", hint="see the lines above"
            )

    try:
        yield check
    finally:
        _end(worker)


@contextmanager
def worker_kept(city: City, stage: str, output: LogOutput, first: Forked | None = None) -> Iterator[None]:
    """``bongsu run CITY --stage`` *stage* in a process of its own, started again whenever it ends. A thread watches it.

    *output*: our log; the child's is like it, in a file of its own. *first*: a forked child that waits to be it.
    """
    over, options = threading.Event(), ("--stage", stage, "--wait", *output.options_of(stage))

    def keep() -> None:
        delay_s = AGAIN_FIRST_S
        waiting = first
        while not over.is_set():
            started_s = time.monotonic()
            if waiting is None:
                worker: Forked | subprocess.Popen[bytes] = _start(city, options)
            else:
                worker, waiting = waiting, None
                worker.begin(words_of(city, options))
            while worker.poll() is None and not over.wait(LOOK_S):
                pass
            if over.is_set():
                _end(worker)
                return
            if time.monotonic() - started_s > AGAIN_MAX_S:
                delay_s = AGAIN_FIRST_S
            log.warning("a worker ended: starting it again", stage=stage, wait_s=delay_s)
            over.wait(delay_s)
            delay_s = min(delay_s * 2, AGAIN_MAX_S)

    keeper = threading.Thread(target=keep, name="keeper", daemon=True)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join(END_S + LOOK_S)
        if first is not None:
            first.close()


def words_of(city: City, options: Sequence[str]) -> list[str]:
    return ["run", str(city.path), "--while-stdin", *options]


def _start(city: City, options: Sequence[str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "deploy.cli", *words_of(city, options)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr, start_new_session=True)


def _end(worker: Forked | subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(END_S)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
