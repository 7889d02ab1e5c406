"""Memory of a process: the arenas by glibc's own account, free pages that go back, and what is searched for garbage."""

from __future__ import annotations

import subprocess
import sys

import pytest

ARENAS = """
import ctypes, sys, threading
from deploy.assembly.heap import one_arena
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
if sys.argv[1] == "one":
    one_arena()
together = threading.Barrier(4)
def allocate():
    together.wait()
    for _ in range(2000):
        libc.malloc(2000)
threads = [threading.Thread(target=allocate) for _ in range(4)]
[one.start() for one in threads]
[one.join() for one in threads]
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fclose(ctypes.c_void_p(file))
"""
FREED = """
import ctypes, time
import psutil
from deploy.assembly.heap import trim_after_start
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
blocks = [libc.malloc(4000) for _ in range(20_000)]
[ctypes.memset(one, 1, 4000) for one in blocks]
[libc.free(ctypes.c_void_p(one)) for one in blocks[:-1]]  # the last one keeps the heap's top
held = psutil.Process().memory_info().rss
trim_after_start(after_s=0.05)
until = time.monotonic() + 10
while held - psutil.Process().memory_info().rss < 60_000_000 and time.monotonic() < until:
    time.sleep(0.02)
print(held - psutil.Process().memory_info().rss)
"""
SELDOM = """
import gc, weakref
from deploy.assembly.heap import COLLECT, collect_seldom
class Ring: pass
def ring():
    one = Ring()
    one.itself = one
    return weakref.ref(one)
there, gone = [[number] for number in range(100_000)], ring()
collect_seldom()
is_searched = any(one is there for one in gc.get_objects())
later = ring()
is_kept = later() is not None
gc.collect()
print(gone() is None, gc.get_freeze_count() > 100_000, not is_searched, gc.get_threshold() == COLLECT)
print(is_kept, later() is None, there[-1] == [99_999])
"""


def told(program: str, *words: str) -> str:
    run = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=True)
    return run.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_all_threads_share_one_arena() -> None:
    assert told(ARENAS, "one").count("<heap nr=") == 1
    assert told(ARENAS, "many").count("<heap nr=") > 1


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is Linux's")
def test_free_pages_are_given_back_after_the_start() -> None:
    assert int(told(FREED)) > 60_000_000


def test_what_the_start_made_is_not_searched_for_garbage_and_what_comes_later_is() -> None:
    assert told(SELDOM).split() == ["True"] * 7
