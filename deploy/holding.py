"""Who does what of a city in this home: a lock for each role that two processes cannot share.

Two that speak under one transactional id fence each other, and whoever was first stops without a word to anybody who
could help. So a command takes its roles' locks before it touches Kafka. The kernel lets go of them when their holder
ends, however it ends; the file says who holds it and since when. Two homes share no file: there Kafka alone tells, and
whoever is fenced ends.
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

from deploy.city import City
from deploy.cli.telling import tell
from deploy.settings import home_folder
from schemas.errors import Fatal

LOOK_S = 0.2
SLOT = 0
"""The first of a role, and so far the only one."""


class Held(Fatal):
    """Another process of this home has a role that cannot be shared."""

    def __init__(self, city: str, role: str, holder: str) -> None:
        super().__init__(
            f"{city}: {words_of(role)} by {holder}",
            hint="end that one first, or let this one wait for it with --wait",
        )


class Left(Fatal):
    """Nobody wants the role any more."""


def role_of_source(source: str) -> str:
    """Speaking for *source* is a role of its own: a worker, the gateway and a play can each have it."""
    return f"source.{source}"


def words_of(role: str) -> str:
    kind, _, source = role.partition(".")
    return f"source '{source}' is heard or played" if kind == "source" else f"the {role} stage is run"


def lock_path(city: str, role: str, slot: int = SLOT) -> Path:
    return home_folder() / "workers" / f"{city}.{role}.{slot}.lock"


@contextmanager
def holding(
    city: City, roles: Sequence[str], *, wait: bool = False, is_over: Callable[[], bool] = lambda: False
) -> Iterator[None]:
    """All of *roles*, or none of them. ``Held``: another process has one of them, and we do not *wait*.

    *is_over*: asked while we wait; once it is so, ``Left``.
    """
    is_told = False
    with ExitStack() as stack:
        while (held := _taken(city.name, roles, stack)) is not None:
            if not wait:
                raise held
            if not is_told:
                tell(f"waiting: {held.what}", err=True)
                is_told = True
            if is_over():
                raise Left(f"{city.name}: nobody waits for {', '.join(roles)} any more")
            time.sleep(LOOK_S)
        yield


def is_held(city: City, role: str) -> bool:
    """Whether a process of this home has *role* now."""
    with ExitStack() as stack:
        return _taken(city.name, [role], stack) is not None


def _taken(city: str, roles: Sequence[str], stack: ExitStack) -> Held | None:
    """All of *roles* into *stack*, or none and who is in the way: nobody waits with a lock that another waits for."""
    with ExitStack() as ours:
        for role in sorted(set(roles)):
            path = lock_path(city, role)
            path.parent.mkdir(parents=True, exist_ok=True)
            file = _locked(path)
            if file is None:
                return Held(city, role, _holder(path))
            ours.enter_context(file)
        stack.enter_context(ours.pop_all())
    return None


def _locked(path: Path) -> IO[bytes] | None:
    """The file at *path*, locked, with our name in it; ``None`` when another has it."""
    while True:
        file = path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            return None
        if _is_at(file, path):
            break
        file.close()  # somebody removed it in between: a lock that nobody else can see is none
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
    """Who has the lock, in words."""
    try:
        number, since = path.read_text(encoding="ascii").split()
    except (OSError, ValueError):  # it was taken, or let go of, this very moment
        return "another process"
    return f"process {int(number)} since {since}"
