"""Fetch artefacts, several at a time. Each is checked against its pin before it gets its final name."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from deploy.local.artefacts import Artefact, Progress, check
from deploy.local.repositories import repositories
from schemas.errors import Fatal, Unreachable

AT_ONCE = 6
TRIES = 3
CHUNK_BYTES = 1 << 18
TIMEOUT_S = 20.0
PLAIN = {"Accept-Encoding": "identity"}  # no content encoding: the checksum is of the archive itself


@dataclass(slots=True)
class _Tally:
    """Counts bytes over all threads for *progress*; *stopped* ends every download at its next chunk."""

    total_bytes: int
    progress: Progress
    done_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    stopped: threading.Event = field(default_factory=threading.Event)

    def add(self, count: int) -> None:
        if self.stopped.is_set() and count > 0:
            raise Fatal("fetching was stopped")
        with self.lock:
            self.done_bytes += count
            self.progress.fetched(self.done_bytes, self.total_bytes)


def fetch(artefacts: Sequence[Artefact], folder: Path, progress: Progress) -> None:
    """Download *artefacts* into *folder*.

    Raises `Unreachable` when no repository answers, `Fatal` when a file there is not the pinned one.
    """
    bases = repositories()
    tally = _Tally(total_bytes=sum(artefact.bytes for artefact in artefacts), progress=progress)
    biggest_first = sorted(artefacts, key=lambda artefact: -artefact.bytes)
    with (
        httpx.Client(timeout=TIMEOUT_S, follow_redirects=True, headers=PLAIN) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        futures = [pool.submit(_bring, client, bases, artefact, folder, tally) for artefact in biggest_first]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:  # also for Ctrl-C: no download starts any more, and each running one ends at its next chunk
            tally.stopped.set()
            pool.shutdown(wait=True, cancel_futures=True)


def _bring(
    client: httpx.Client, bases: Sequence[str], artefact: Artefact, folder: Path, tally: _Tally
) -> None:
    fault: Exception | None = None
    for _ in range(TRIES):
        for base in bases:
            try:
                _download(client, f"{base}/{artefact.path}", artefact, folder, tally)
            except httpx.HTTPError as error:
                fault = error
            else:
                return
    reason = str(fault) or type(fault).__name__
    raise Unreachable(
        f"{artefact.file} could not be fetched: {reason}",
        hint="try again; without a network: bongsu fetch -o DIR elsewhere, then here: bongsu up --from DIR",
    ) from fault


def _download(client: httpx.Client, url: str, artefact: Artefact, folder: Path, tally: _Tally) -> None:
    goal = folder / artefact.path
    goal.parent.mkdir(parents=True, exist_ok=True)
    half = goal.with_name(f"{goal.name}.half")
    counted = 0
    try:
        with client.stream("GET", url) as answer, half.open("wb") as file:
            answer.raise_for_status()
            for chunk in answer.iter_bytes(CHUNK_BYTES):
                counted += file.write(chunk)
                tally.add(len(chunk))
        check(artefact, half)
        half.replace(goal)
    except BaseException:
        tally.add(-counted)
        half.unlink(missing_ok=True)
        raise
