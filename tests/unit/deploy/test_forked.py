"""Forked children: what they run, how they end, and that a waiting one ends with its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import psutil
import pytest

PARENT = """
import sys, time
from deploy.assembly.forked import forked
from deploy.cli import main
children = forked(["match", "speed"], main)
{then}
"""
END_S = 20.0


def parent(then: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT.format(then=then)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + END_S
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_child_runs_its_command_and_tells_how_it_ended() -> None:
    one = parent(
        """
for name, words in (("match", ["kinds", "fire"]), ("speed", ["city", "check", "no-such-city"])):
    children[name].begin(words)
    children[name].wait(20)
    print(name, children[name].poll(), children[name].returncode)
"""
    )
    told, errors = one.communicate(timeout=60)
    assert told.split("\n")[:2] == ["match 0 0", "speed 2 2"]
    assert "fire.building" in errors, "its standard output goes where its parent's errors go"
    assert "no-such-city" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_child_that_never_began_ends_with_its_parent(number: signal.Signals) -> None:
    one = parent(
        """
print(*(child._process.pid for child in children.values()))
time.sleep(60)
"""
    )
    assert one.stdout is not None
    children = [psutil.Process(int(pid)) for pid in one.stdout.readline().split()]
    assert len(children) == 2
    os.kill(one.pid, number)
    one.communicate(timeout=60)
    wait_until(lambda: not any(child.is_running() for child in children))


def test_a_child_that_is_told_to_end_does() -> None:
    one = parent(
        """
child = children["match"]
assert child.poll() is None
child.terminate()
child.wait(20)
child.kill()
child.close()
print(child.poll())
"""
    )
    told, errors = one.communicate(timeout=60)
    assert told.split() == ["-15"], errors
