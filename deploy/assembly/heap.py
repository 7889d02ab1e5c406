"""Memory that the C library keeps though nobody uses it: one arena for all threads, and free pages given back.

glibc opens an arena for each thread that allocates, up to eight a processor, and keeps what the imports and the start freed.
In a city in which nothing happens that was 20 of 284 MB. Where the C library is another, nothing is done.
"""

from __future__ import annotations

import ctypes
import gc
import threading

M_ARENA_MAX = -8
"""Of glibc's malloc.h."""
COLLECT = (50_000, 20, 50)
"""Settings of the garbage collector: the young after so many more objects than were let go, the old seldom."""
START_S = 12.0
"""By then a worker has started and read what it holds."""


def one_arena() -> None:
    """Have all threads allocate from one arena. Not for a process whose threads allocate at once, without the GIL."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)


def collect_seldom() -> None:
    """Let the garbage collector leave alone all that is there now, and look at the rest seldom.

    Imports and the application are some hundred thousand objects that live as long as the process. Searching them whole
    holds every thread for tens of milliseconds: the longest answers of a gateway.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)


def trim_after_start(*, after_s: float = START_S) -> None:
    """Give free pages back to the system once the start is over."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        timer = threading.Timer(after_s, trim, (0,))
        timer.daemon = True
        timer.start()
