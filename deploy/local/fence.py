"""Have the controller fence the broker's old registration before the broker of a single node starts again.

Until the session of the broker's last run times out, the controller takes the restarted node for the old one. In that time
the node loads transactions that were committed but whose markers were not written, and cannot reach itself. When
the session times out, it takes the partitions without a leader for deleted ones, drops the markers, and marks the
transactions complete. No `read_committed` consumer can then read past that point of these partitions, until their producer
ends another transaction there; if it aborts that one, the committed records are lost with it. Seen with Kafka 4.3.1 after
half of the kills that closely followed a commit. So the controller first runs alone, with a
short session, until the old registration is fenced. The broker then finds its partitions without a leader, becomes
their leader, and writes the markers. This takes three seconds, and saves the wait for the session.

A controlled shutdown would fence it too, but the same fault then strikes while it goes on: the node has taken the leader of
its partitions away, and still accepts commits. So it is turned off (`kafka.LEADERS_KEPT`), and this runs before each start
but the first.
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
DROPPED = ("advertised.listeners", "listeners", "inter.broker.listener.name")
START_S = 60.0
FENCE_S = 15.0
"""The wait after which there is nothing to fence, as after a kill during an earlier start. Eight sessions are enough on a
quiet machine. With ten busy processes 5 s were once too short, and consumers lost a committed transaction."""
STOP_S = 10.0
POLL_S = 0.05


def has_run(data: Path) -> bool:
    """Whether a broker of *data* was ever started."""
    return (data / "__cluster_metadata-0").is_dir()


def was_killed(data: Path) -> bool:
    """Whether the broker of *data* ended without a clean shutdown."""
    return has_run(data) and not (data / ".kafka_cleanshutdown").exists()


def alone(settings: str) -> str:
    """The node's settings as a controller only, with a session of less than a second."""
    kept = dict(line.split("=", 1) for line in settings.splitlines() if line)
    listeners = [address for address in kept["listeners"].split(",") if address.startswith("CONTROLLER")]
    for name in DROPPED:
        kept.pop(name, None)
    kept |= {**ALONE, "listeners": ",".join(listeners)}
    return "".join(f"{name}={value}\n" for name, value in kept.items())


def fence(command: Sequence[str], log: Path, *, folder: Path) -> None:
    """Run the controller *command* in *folder* until its *log* says that the dead broker is fenced; then end it."""
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
