"""A spell without the garbage collector."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Disable the garbage collector, which would search a growing state again and again.

    Objects created meanwhile are frozen: most live as long as the worker.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()
