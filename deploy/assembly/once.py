"""Work of several threads that is done once."""

from __future__ import annotations

import threading
from collections.abc import Callable


def once(work: Callable[[], object]) -> Callable[[], None]:
    """*work*, done once by the first thread; again by the next one if it raised."""
    lock, done = threading.Lock(), threading.Event()

    def do() -> None:
        with lock:
            if not done.is_set():
                work()
                done.set()

    return do
