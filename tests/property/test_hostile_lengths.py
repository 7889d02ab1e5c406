"""No kernel reads beyond its bytes, whatever the lengths in them say."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEYOND = (
    "import ctypes; from tests.property.hostile_lengths import Edge; ctypes.string_at(Edge().put(b'abc'), 4)"
)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.timeout(300)
def test_lengths_that_lie_lead_no_kernel_beyond_its_bytes() -> None:
    done = run("-m", "tests.property.hostile_lengths")
    assert done.returncode == 0, done.stderr
    frames, batches = map(int, done.stdout.split())
    assert frames > 1_000
    assert batches > 2_000


def test_one_byte_beyond_the_edge_ends_the_process() -> None:
    assert run("-c", BEYOND).returncode == -signal.SIGSEGV
