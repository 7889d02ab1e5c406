"""Names for workers of one kind on one machine: a restarted worker gets the name of the one that died.

The name is part of the transactional id. So Kafka ends the dead worker's open transaction as soon as the new one starts.
"""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path
from typing import IO

from connectors.transport.private_files import private_folder
from schemas.errors import Fatal

SLOTS_MAX = 256


def take_slot(folder: Path, kind: str) -> tuple[str, IO[bytes]]:
    """(name, open file): the first name of *kind* that no living process of this machine has, held as long as the file is
    open. ``BONGSU_WORKER`` names the machine where its host name changes, as in a container."""
    private_folder(folder)
    machine = re.sub(r"[^A-Za-z0-9-]", "-", os.environ.get("BONGSU_WORKER") or socket.gethostname())
    for number in range(SLOTS_MAX):
        file = (folder / f"{kind}.{number}.slot").open("wb")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
        else:
            return f"{kind}.{machine}.{number}", file
    raise Fatal(f"{SLOTS_MAX} workers of {kind} run on this machine", hint="run more on another machine")
