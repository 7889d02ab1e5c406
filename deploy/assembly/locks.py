"""Locks of a city's roles in this home, one for each role that two processes cannot share.

Two producers of one transactional id fence each other, and the first one would stop without a clear reason. So a command
takes its roles' locks before it uses Kafka. The kernel releases a lock when its holder ends, even by kill -9; the file says
who holds it and since when. Two homes share no lock file: there only Kafka's fencing decides, and the fenced process ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from deploy.city.city import City
from deploy.settings import home_folder
from deploy.telling import tell
from schemas.errors import Fatal

LOOK_S = 0.2
SLOT = 0
"""The number of a role's only lock."""


class Held(Fatal):
    """Another process of this home holds a role that cannot be shared."""

    def __init__(self, city: str, role: str, holder: str) -> None:
        super().__init__(
            f"{city}: {words_of(role)} by {holder}",
            hint="end that one first, or let this one wait for it with --wait",
        )


class Left(Fatal):
    """The wait was given up: the role is not needed any more."""


def role_of_source(source: str) -> str:
    """The role of publishing for *source*: a worker, the gateway or a play can hold it."""
    return f"source.{source}"


def words_of(role: str) -> str:
    kind, _, source = role.partition(".")
    if kind == "source":
        return f"source '{source}' is read or played"
    if kind == "chargers" and source:
        return f"process '{source}' of the chargers stage is run"
    return f"replica '{source}' of the gateway is run" if source else f"the {role} stage is run"


def lock_path(city: str, role: str, slot: int = SLOT) -> Path:
    return home_folder() / "workers" / f"{city}.{role}.{slot}.lock"


@contextmanager
def holding(
    city: City, roles: Sequence[str], *, wait: bool = False, is_over: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """Hold all of *roles*, or none. Raises ``Held`` when another process has one of them and not *wait*.

    *is_over* is called during the wait; once it returns true, ``Left`` is raised.
    """
    has_said_so = False
    with ExitStack() as stack:
        while (held := _take(city.name, roles, stack)) is not None:
            if not wait:
                raise held
            if not has_said_so:
                tell(f"waiting: {held.what}", err=True)
                has_said_so = True
            if is_over():
                raise Left(f"{city.name}: {', '.join(roles)} is not needed any more")
            time.sleep(LOOK_S)
        yield


def is_held(city: City, role: str) -> bool:
    """Whether a process of this home holds *role* now."""
    with ExitStack() as stack:
        return _take(city.name, [role], stack) is not None


def _take(city: str, roles: Sequence[str], stack: ExitStack) -> Held | None:
    """Take all of *roles* into *stack*; or none, and return the holder. So nobody waits while holding a lock."""
    with ExitStack() as ours:
        for role in sorted(set(roles)):
            path = lock_path(city, role)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = _lock(path)
            if file is None:
                return Held(city, role, _holder(path))
            ours.enter_context(file)
        stack.enter_context(ours.pop_all())
    return None


def _lock(path: Path) -> IO[bytes] | None:
    """Lock the file at *path* and write our pid into it; ``None`` when another process has it."""
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        if _is_at(file, path):
            break
        file.close()  # it was removed in between: nobody else would see this lock
    file.truncate(0)
    file.write(f"{os.getpid()} {datetime.now(UTC).isoformat(timespec='seconds')}\n".encode())
    file.flush()
    return file


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _holder(path: Path) -> str:
    """The holder of the lock, for a person."""
    try:
        number, since = path.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # it is just being taken or released
        return "another process"
    return f"process {int(number)} since {since}"
