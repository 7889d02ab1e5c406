"""The disk under the spool is full, by the spool itself or by another program. Published pushes are deleted all the same,
and the spool accepts pushes again as soon as there is room, without an operator.

Each runs on a small tmpfs in a mount namespace of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.gateway.spool import Spool
from connectors.gateway.spool_values import Full, Push
from tests.living_city import ROOT, wait_until

DISK = "40m"
RESERVE_BYTES = 12 << 20
BODY = b"x" * 100_000
HEALED_S = 10.0


def a_spool(disk: Path) -> Spool:
    return Spool(disk / "spool.sqlite", reserve_bytes=RESERVE_BYTES)


def fill(spool: Spool) -> int:
    """Push until the disk is full; return the number of acknowledged pushes."""
    for number in range(1_000):
        try:
            spool.append([Push("cad", number, BODY)]).result(10)
        except Full:
            return number
    raise AssertionError("the disk never was full")


def takes(spool: Spool) -> bool:
    try:
        spool.append([Push("cad", 1, b"after")]).result(10)
    except Full:
        return False
    return True


def fill_by_others(disk: Path) -> Path:
    other = disk / "other"
    with other.open("wb", buffering=0) as file:
        for size in (1 << 20, 4_096, 1):
            try:
                while True:
                    file.write(b"y" * size)
            except OSError:
                continue
    return other


def all_is_published(spool: Spool, count: int) -> None:
    waiting = spool.waiting("cad", pushes_max=10_000, bytes_max=1 << 30)
    assert len(waiting) == count, "what was acknowledged is not there"
    spool.done("cad", waiting[-1].seq).result(HEALED_S)
    assert not spool.waiting("cad")


def filled_by_itself(disk: Path) -> None:
    spool = a_spool(disk)
    count = fill(spool)
    assert count > 50
    assert spool.trouble is not None
    all_is_published(spool, count)
    wait_until(lambda: spool.trouble is None, HEALED_S)
    assert takes(spool)
    assert fill(spool) > 50, "the room is not given back"
    spool.close()


def filled_by_others(disk: Path) -> None:
    spool = a_spool(disk)
    for number in range(30):
        spool.append([Push("cad", number, BODY)]).result(10)
    other = fill_by_others(disk)
    fill(spool)
    count = len(spool.waiting("cad", pushes_max=10_000, bytes_max=1 << 30))
    all_is_published(spool, count)
    other.unlink()
    wait_until(lambda: takes(spool), HEALED_S)
    wait_until(lambda: spool.trouble is None, HEALED_S)
    spool.close()


def started_when_it_is_full(disk: Path) -> None:
    spool = a_spool(disk)
    count = fill(spool)
    spool.close()
    other = fill_by_others(disk)
    again = a_spool(disk)
    all_is_published(again, count)
    other.unlink()
    wait_until(lambda: takes(again), HEALED_S)
    again.close()


def deleted_before_there_is_any_room(disk: Path) -> None:
    """Check that with the reserve gone, deletions are remembered and done when there is room."""
    spool = a_spool(disk)
    count = fill(spool)
    (disk / "reserve").unlink()
    other = fill_by_others(disk)
    last = spool.waiting("cad", pushes_max=10_000, bytes_max=1 << 30)[-1].seq
    deleted = spool.done("cad", last)
    revoked = spool.keep_accounts([("a", b"revoked")])
    assert not takes(spool)
    other.unlink()
    deleted.result(HEALED_S)
    revoked.result(HEALED_S)
    assert spool.accounts() == [b"revoked"]
    assert count > 50
    wait_until(lambda: takes(spool), HEALED_S)
    spool.close()


CASES: dict[str, Callable[[Path], None]] = {
    one.__name__: one
    for one in (filled_by_itself, filled_by_others, started_when_it_is_full, deleted_before_there_is_any_room)
}


@pytest.mark.parametrize("case", CASES)
def test_a_full_disk_ends_no_spool(tmp_path: Path, case: str) -> None:
    script = (
        'mount -t tmpfs -o size="$1" tmpfs "$2" && exec "$3" -m tests.integration.test_full_disk "$4" "$2"'
    )
    command = ["unshare", "-rm", "sh", "-c", script, "-", DISK, str(tmp_path), sys.executable, case]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("no mount namespace may be made here")
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    CASES[sys.argv[1]](Path(sys.argv[2]))
