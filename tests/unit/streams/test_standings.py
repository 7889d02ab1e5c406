"""The metadata of a committed offset, and the names of workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.assembly.slots import take_slot
from streams.match.core.step import PartitionProgress
from streams.match.worker.offsets import left_from, text_of

STANDING = PartitionProgress(next_offset=90, watch_offset=7, first_offset=12, watermark_ms=1_772_967_600_000)


def test_what_is_left_is_found_again() -> None:
    left = left_from(text_of(STANDING, "town.match.host.0"), 90)
    assert left is not None
    assert (left.standing, left.owner) == (STANDING, "town.match.host.0")


def test_a_partition_that_was_given_up_names_nobody() -> None:
    left = left_from(text_of(STANDING, None), 90)
    assert left is not None
    assert left.owner is None


@pytest.mark.parametrize("text", [None, "", "by hand", "2 a 1 2 3", "1 a 1 2", "1 a 1 -2 3", "1 a b c d"])
def test_what_another_wrote_is_nothing_of_ours(text: str | None) -> None:
    assert left_from(text, 90) is None


def test_two_workers_have_two_names_and_the_next_has_the_name_of_one_that_ended(tmp_path: Path) -> None:
    first, held = take_slot(tmp_path, "town.match")
    second, other = take_slot(tmp_path, "town.match")
    assert first != second
    held.close()
    third, again = take_slot(tmp_path, "town.match")
    assert third == first
    other.close()
    again.close()


def test_a_worker_that_is_killed_leaves_its_name_to_the_next(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from deploy.assembly.slots import take_slot;"
        "print(take_slot(Path(sys.argv[1]), 'town.match')[0], flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    dead = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False, timeout=20
    )
    name, held = take_slot(tmp_path, "town.match")
    assert name == dead.stdout.strip()
    held.close()
