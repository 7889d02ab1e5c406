"""Memory that the C library keeps though nobody uses it: one arena for all threads, and free pages given back.

glibc opens an arena for each thread that allocates, up to eight a processor, and keeps what the imports and the start freed.
In a city in which nothing happens that was 20 of 284 MB. Where the C library is another, nothing is done.
"""

from __future__ import annotations

import ctypes
import threading

M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
START_S = 12.0
"""By then a worker has started and read what it holds."""


def one_arena() -> None:
    """Have all threads allocate from one arena. Not for a process whose threads allocate at once, without the GIL."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)


def trim_after_start(*, after_s: float = START_S) -> None:
    """Give free pages back to the system once the start is over."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        timer = threading.Timer(after_s, trim, (0,))
        timer.daemon = True
        timer.start()
