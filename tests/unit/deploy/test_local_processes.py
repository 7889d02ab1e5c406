"""Only what we started is ended, and all of it is."""

from __future__ import annotations

import os
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
    recycled = Process(pid=sleeper.pid, started_at=sleeper.started_at - 3600)
    Home(tmp_path).remember(Remembered(processes={"kafka": recycled}))
    assert not processes.is_running(recycled)
    cluster.down(tmp_path)
    assert processes.is_running(sleeper)
    assert Home(tmp_path).recall().processes == {}
    processes.end([sleeper])


def test_down_where_nothing_was_ever_started_makes_nothing(tmp_path: Path) -> None:
    cluster.down(tmp_path / "never", erase=True)
    assert not (tmp_path / "never").exists()
