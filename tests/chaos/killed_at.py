"""``python -m tests.chaos.killed_at POINT WORDS…``: the command ``bongsu WORDS…``, which kills itself at a point of an act.

*POINT* is ``before:ACT`` (the record is not yet written) or ``after:ACT`` (it is committed, and nothing is answered).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from deploy.cli import main
from streams.operators.access import LogAccess


def kill_at(point: str) -> None:
    """Let the process be killed at *point*."""
    when, _, act = point.partition(":")
    commit = LogAccess._commit

    def killed(log: LogAccess, acts: Sequence[Mapping[str, Any]], now_ms: int) -> None:
        is_it = any(one["act"] == act for one in acts)
        if is_it and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        commit(log, acts, now_ms)
        if is_it and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(LogAccess, "_commit", killed)  # noqa: B010 (the product has no points of failure of its own)


if __name__ == "__main__":
    kill_at(sys.argv[1])
    sys.argv[1:] = sys.argv[2:]
    main()
