"""After a broker was killed: have the controller fence its old registration before the broker starts again.

A single node that starts after a kill takes itself for its dead predecessor until that one's session runs
out. Meanwhile it loads the transactions that were committed but whose markers were not written yet, and
fails to reach itself; when the session ends it takes the leaderless partitions for deleted ones, drops the
markers, and calls the transactions complete: for every `read_committed` reader these partitions end there
for ever. Seen with Kafka 4.3.1 after half of the kills that followed a commit closely. So the controller
runs alone first, with a short session, until the predecessor is fenced. The broker then finds its
partitions without a leader, is given them, and writes the markers. This takes three seconds, and spares the
wait for the session.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.local.java import environment
from schemas.errors import Fatal

FENCED = "because its session has timed out"
ACTIVE = "Becoming the active controller"
HELD = "Failed to acquire lock on file"
ALONE = {
    "process.roles": "controller",
    "broker.session.timeout.ms": "600",
    "broker.heartbeat.interval.ms": "200",
}
DROPPED = ("advertised.listeners", "listeners")
START_S = 60.0
FENCE_S = 15.0
"""By then there was nothing to fence, as after a kill during an earlier start. Eight sessions would do on a quiet machine;
on one with ten busy processes 5 s were once too short, and a committed transaction was lost to its readers."""
STOP_S = 10.0
POLL_S = 0.05


def was_killed(data: Path) -> bool:
    """Whether the broker that kept *data* ended without saying so to its own disk."""
    return (data / "__cluster_metadata-0").is_dir() and not (data / ".kafka_cleanshutdown").exists()


def alone(settings: str) -> str:
    """The same node's settings, as a controller only, with a session of less than a second."""
    kept = dict(line.split("=", 1) for line in settings.splitlines() if line)
    listeners = [address for address in kept["listeners"].split(",") if address.startswith("CONTROLLER")]
    for name in DROPPED:
        kept.pop(name)
    kept |= {**ALONE, "listeners": ",".join(listeners)}
    return "".join(f"{name}={value}\n" for name, value in kept.items())


def fence(command: Sequence[str], log: Path, *, folder: Path) -> None:
    """Run the controller *command* in *folder* until its *log* tells that the dead broker is fenced; then end it."""
    log.unlink(missing_ok=True)
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as controller:
        try:
            _wait_until_fenced(controller, log)
            controller.terminate()
            controller.wait(STOP_S)
        finally:
            if controller.poll() is None:
                controller.kill()


def _wait_until_fenced(controller: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    active_at: float | None = None
    while FENCED not in (told := log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""):
        now = time.monotonic()
        if active_at is None and ACTIVE in told:
            active_at = now
        if active_at is not None and now > active_at + FENCE_S:
            return
        if HELD in told:
            raise Fatal(
                "another Kafka holds this cluster's data", hint=f"end that one first; {log} names the file"
            )
        if controller.poll() is not None or now > deadline:
            raise Fatal("Kafka's controller could not put its data in order after a kill", hint=f"see {log}")
        time.sleep(POLL_S)
