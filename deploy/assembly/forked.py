"""Children of a worker that share its memory: forked once the modules are imported that both need, before anything runs.

An idle city's memory is mostly imported code. A child started anew has its own copy of it; a forked one shares the pages
that neither changes. Only the first child of a stage is forked: later the worker has threads, so what replaces a child
that ended is started anew.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

import psutil
from setproctitle import setproctitle

Main = Callable[[Sequence[str]], None]
"""``bongsu`` with its words; it ends by ``SystemExit``."""
SHARED = ("deploy.assembly.stages", "deploy.assembly.match", "deploy.topics", "streams.runtime.minute_line")


class Forked:
    """A forked child, with the methods of ``subprocess.Popen`` that its keeper needs. It waits for ``begin``."""

    def __init__(self, pid: int, pipe: int) -> None:
        self.returncode: int | None = None
        self._process = psutil.Process(pid)
        self._pipe = pipe

    def begin(self, words: Sequence[str]) -> None:
        """Have it run ``bongsu`` with *words*. Its standard input ends when this process does."""
        os.write(self._pipe, json.dumps(list(words)).encode() + b"\n")

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = self._process.wait(0)
            except psutil.TimeoutExpired:
                return None
        return self.returncode

    def wait(self, timeout_s: float | None = None) -> None:
        if self.returncode is None:
            try:
                self.returncode = self._process.wait(timeout_s)
            except psutil.TimeoutExpired:
                raise subprocess.TimeoutExpired("bongsu", timeout_s or 0) from None

    def terminate(self) -> None:
        if self.poll() is None:
            self._process.terminate()

    def kill(self) -> None:
        if self.poll() is None:
            self._process.kill()

    def close(self) -> None:
        """Let it end if it never began."""
        os.close(self._pipe)


def forked(names: Sequence[str], main: Main) -> dict[str, Forked]:
    """A waiting child for each of *names*, which will run *main* with its words.

    Call before the process has a thread, a log or an open file of its own.
    """
    for module in SHARED:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # a collection would write to every object, and copy its page
    found: dict[str, Forked] = {}
    pipes: list[int] = []
    for name in names:
        reading, writing = os.pipe()
        pipes.append(writing)
        pid = os.fork()
        if pid == 0:
            _wait_and_run(reading, pipes, main)
        os.close(reading)
        found[name] = Forked(pid, writing)
    return found


def _wait_and_run(reading: int, pipes: Sequence[int], main: Main) -> NoReturn:
    """Be the child. It leaves by ``os._exit`` alone: the frames below are the parent's."""
    code = 1
    try:
        for one in pipes:  # an end held here would keep a sibling from seeing that the parent is gone
            os.close(one)
        os.setsid()
        os.dup2(reading, 0)
        os.close(reading)
        os.dup2(2, 1)
        words = _line()
        code = _run(main, json.loads(words)) if words else 0
    except KeyboardInterrupt:
        code = 130
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _line() -> bytes:
    """The first line of standard input, byte by byte: what follows it belongs to the command."""
    line = b""
    while not line.endswith(b"\n"):
        if not (more := os.read(0, 1)):
            return b""
        line += more
    return line


def _run(main: Main, words: Sequence[str]) -> int:
    setproctitle(" ".join([Path(sys.argv[0]).name, *words]))
    try:
        main(words)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
