"""All processes that we started are ended, and no others."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import psutil

from deploy.local import cluster, processes
from deploy.local.home import Home, Process, Remembered


def a_sleeper(folder: Path) -> Process:
    return processes.start(["sleep", "60"], out=folder / "out", folder=folder)


def test_a_started_process_is_nobodys_child_and_ends_when_asked(tmp_path: Path) -> None:
    sleeper = a_sleeper(tmp_path)
    assert processes.is_running(sleeper)
    assert psutil.Process(sleeper.pid).ppid() != os.getpid()
    assert os.getsid(sleeper.pid) != os.getsid(0)
    processes.end([sleeper])
    assert not processes.is_running(sleeper)


def test_a_process_that_will_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = processes.start(
        ["sh", "-c", 'trap "" TERM; echo deaf; exec sleep 60'], out=tmp_path / "out", folder=tmp_path
    )
    processes.end([deaf], patience_s=0.2)
    assert not processes.is_running(deaf)


def test_a_pid_given_to_another_process_since_is_recognised_and_left_alone(tmp_path: Path) -> None:
    sleeper = a_sleeper(tmp_path)
    recycled = replace(sleeper, start=sleeper.start - 1)
    Home(tmp_path).remember(Remembered(processes={"kafka": recycled}))
    assert not processes.is_running(recycled)
    cluster.down(tmp_path)
    assert processes.is_running(sleeper)
    assert Home(tmp_path).recall().processes == {}
    processes.end([sleeper])


def test_a_start_is_told_on_a_clock_that_no_jump_of_the_wall_clock_moves(tmp_path: Path) -> None:
    odd = tmp_path / "odd ) 1 (name"  # a program's name may hold these, as proc(5) warns
    odd.symlink_to("/bin/sleep")
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    sleeper = processes.start([str(odd), "60"], out=tmp_path / "out", folder=tmp_path)
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert before - tick <= sleeper.start * tick <= after + tick
    assert processes.is_running(sleeper)
    processes.end([sleeper])
    assert not processes.is_running(sleeper)


def test_a_pid_of_another_boot_is_left_alone(tmp_path: Path) -> None:
    sleeper = a_sleeper(tmp_path)
    before = replace(sleeper, boot="another")
    processes.end([before])
    assert not processes.is_running(before)
    assert processes.is_running(sleeper)
    processes.end([sleeper])


def test_down_where_nothing_was_ever_started_makes_nothing(tmp_path: Path) -> None:
    cluster.down(tmp_path / "never", erase=True)
    assert not (tmp_path / "never").exists()
