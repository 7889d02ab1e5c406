"""Processes that outlive the command that started them: start, recognise, end."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.home import Process
from schemas.errors import Fatal

POLL_S = 0.02
PATIENCE_S = 20.0
KILLED_S = 10.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

# The shell starts the program in a session of its own, prints its pid, and ends: the program is then nobody's
# child, so that no Ctrl-C and no closed terminal reaches it, and no long-lived caller has to reap it.
# Its data and logs hold what agencies sent: they are for their owner alone.
_DETACH = 'umask 077; "$@" >"$BONGSU_OUT" 2>&1 </dev/null & echo $!'


def start(
    command: Sequence[str], *, out: Path, folder: Path, env: Mapping[str, str] | None = None
) -> Process:
    """Start *command* in *folder*, its output going to the file *out* (emptied first)."""
    shell = subprocess.run(
        ["/bin/sh", "-c", _DETACH, "bongsu", *command],
        cwd=folder,
        env={**os.environ, **(env or {}), "BONGSU_OUT": str(out)},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    if (started := _living(int(shell.stdout))) is None:
        raise Fatal(f"{command[0]} ended at once; its output is in {out}")
    return started


def is_running(process: Process) -> bool:
    """Whether this same process runs: a later process with the same pid does not count."""
    return _living(process.pid) == process


def _living(pid: int) -> Process | None:
    """The process that has *pid* now; None when there is none, or only a zombie."""
    try:
        stat = Path("/proc", str(pid), "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # Fields 3 (state) and 22 (start); the second, the program's name, may hold blanks and brackets.
    after_name = stat.rpartition(")")[2].split()
    if after_name[0] in "ZX":
        return None
    return Process(pid=pid, boot=BOOT_ID.read_text(encoding="ascii").strip(), start=int(after_name[19]))


def end(processes: Iterable[Process], *, patience_s: float = PATIENCE_S) -> None:
    """Send SIGTERM to all, and SIGKILL to those left after *patience_s* seconds. Returns when none runs."""
    asked = [process for process in processes if _signal(process, signal.SIGTERM)]
    left = _wait(asked, patience_s)
    for process in left:
        _signal(process, signal.SIGKILL)
    if stuck := _wait(left, KILLED_S):
        raise Fatal(f"processes {[process.pid for process in stuck]} do not end, even killed")


def holding(folders: Iterable[Path]) -> list[int]:
    """The other processes of this user that have a file in one of *folders* open."""
    inside = tuple(f"{folder}/" for folder in folders)
    found = []
    for files in Path("/proc").glob("[0-9]*/fd"):
        pid = int(files.parent.name)
        with suppress(OSError):  # another user's, or it has just ended
            if pid != os.getpid() and any(str(one.readlink()).startswith(inside) for one in files.iterdir()):
                found.append(pid)
    return sorted(found)


def _signal(process: Process, number: signal.Signals) -> bool:
    if not is_running(process):
        return False
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def _wait(processes: Sequence[Process], patience_s: float) -> list[Process]:
    deadline = time.monotonic() + patience_s
    left = list(processes)
    while (left := [process for process in left if is_running(process)]) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return left
