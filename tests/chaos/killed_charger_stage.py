"""``python -m tests.chaos.killed_charger_stage POINT WORDS…``: ``bongsu WORDS…``, which kills itself at a commit.

*POINT* is ``before:N`` (the N-th transaction with events of sessions is not yet written), ``after:N`` (it is committed, and
nobody is answered) or ``held:N`` (Kafka's answer to it is held for ``HELD_S`` seconds, in which calls pile up; then as
``after``).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence

from deploy.cli import main
from schemas.event import Event
from streams.chargers.ledger import ChargerLedger

HELD_S = 1.5


def kill_at(point: str) -> None:
    """Let the process be killed at *point*."""
    when, _, number = point.partition(":")
    left = [int(number)]
    commit = ChargerLedger.commit

    def killed(ledger: ChargerLedger, events: Sequence[Event]) -> None:
        left[0] -= any(one.topic == "mobility.charge" for one in events)
        if not left[0] and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(ledger, events)
        if not left[0]:
            time.sleep(HELD_S if when == "held" else 0)
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(ChargerLedger, "commit", killed)  # noqa: B010 (the product has no points of failure of its own)


if __name__ == "__main__":
    kill_at(sys.argv[1])
    sys.argv[1:] = sys.argv[2:]
    main()
