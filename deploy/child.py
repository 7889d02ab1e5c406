"""A city's worker as a child process: started, watched, and ended with its parent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deploy.city import City
from schemas.errors import Fatal

END_S = 15


@contextmanager
def worker_running(city: City, *options: str) -> Iterator[Callable[[], None]]:
    """``bongsu run CITY`` in a process of its own. Yields a check that raises when it has ended.

    It ends with us however we end: our end of its standard input closes with us.
    """
    command = [
        sys.executable,
        "-m",
        "deploy.cli",
        "run",
        str(city.path),
        "--quiet",
        "--while-stdin",
        *options,
    ]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=sys.stderr, start_new_session=True)

    def check() -> None:
        if worker.poll() is not None:
            raise Fatal(
                f"the worker of {city.name} ended with code {worker.returncode}", hint="see the lines above"
            )

    try:
        yield check
    finally:
        worker.terminate()
        try:
            worker.wait(END_S)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
