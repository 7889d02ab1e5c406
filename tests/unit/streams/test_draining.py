"""A drain reports whether pushes will be published: not now, or never by this process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.spool import Spool
from connectors.gateway.spool_values import Push
from connectors.gateway.trouble import Trouble
from schemas.errors import Retriable
from streams.ingest import drain as draining
from streams.ingest.channel import Channel
from streams.ingest.drain import Drain
from streams.ingest.place import SourcePlace
from streams.ingest.slices import Pushed, Slice
from streams.runtime.kafka import Fenced

SOON_S = 10.0


class AskedIngest:
    """Raises the given faults in order; then succeeds. Without Kafka."""

    group = "daejeon.ingest.tried"

    def __init__(self, *faults: Exception, is_retry: bool = False) -> None:
        self.standing = SourcePlace()
        self.channel = Channel("daejeon", "calls")
        self.well = threading.Event()
        self.regained_times = 0
        self._faults = list(faults)
        self._is_retry = is_retry

    def open(self) -> None:
        """Fence nobody."""

    def ask(self) -> None:
        if self._faults:
            raise self._faults.pop(0)
        self.well.set()

    def regained(self) -> bool:
        self.regained_times += 1
        return self._is_retry

    def tell(self) -> None:
        """Report to nobody."""


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path / "spool.sqlite", reserve_bytes=1 << 20)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ASK_EVERY_S", "IDLE_S", "BACKOFF_S_MAX"):
        monkeypatch.setattr(draining, name, 0.001)


def a_drain(ingest: Any, spool: Spool, fenced: Callable[[Fenced], object] = lambda _: None) -> Drain:
    return Drain("calls", ingest, spool, fenced=fenced, now_ms=iter(range(1_000, 9_000)).__next__)


def test_an_idle_source_that_another_took_says_so_for_good(spool: Spool) -> None:
    told = threading.Event()
    drain = a_drain(AskedIngest(Fenced("fenced, another")), spool, lambda _: told.set())
    drain.start()
    assert told.wait(SOON_S)
    drain.end()
    assert drain.trouble == Trouble("source calls: fenced, another", 1_001, is_over=True)
    assert drain.over == "source calls: fenced, another"


def test_an_idle_source_that_a_retry_borrowed_goes_on(spool: Spool) -> None:
    ingest = AskedIngest(Fenced("fenced, another"), is_retry=True)
    drain = a_drain(ingest, spool, lambda _: pytest.fail("it was only a retry"))
    drain.start()
    assert ingest.well.wait(SOON_S)
    drain.end()
    assert (drain.trouble, drain.over, ingest.regained_times) == (None, None, 1)


def test_kafka_that_is_away_is_noticed_by_a_source_that_publishes_nothing(spool: Spool) -> None:
    seen: list[Trouble | None] = []

    class Watched(AskedIngest):
        def open(self) -> None:
            seen.append(drain.trouble)

    ingest = Watched(Retriable("no broker answers"))
    drain = a_drain(ingest, spool)
    drain.start()
    assert ingest.well.wait(SOON_S)
    drain.end()
    assert seen == [Trouble("its drain is starting", 1_000), Trouble("no broker answers", 1_001)]
    assert drain.trouble is None


def test_a_spool_that_cannot_be_read_is_told(spool: Spool) -> None:
    ingest = AskedIngest()
    drain = a_drain(ingest, spool)
    file = spool._path
    with sqlite3.connect(file) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(b"\xff" * file.stat().st_size)
    drain.start()
    drain._thread.join(SOON_S)
    assert drain.over is not None
    assert "is damaged on disk" in drain.over


class LoggedIngest(AskedIngest):
    """Publishes to a log. Of its first publishing an answer is lost: *is_committed* says whether it went through."""

    def __init__(self, *, is_committed: bool) -> None:
        super().__init__()
        self.log: list[int] = []
        self._stands = SourcePlace()
        self._is_first, self._is_committed = True, is_committed

    def open(self) -> None:
        self.standing = self._stands

    def pushed_parts(self, spool: str, pushes: Sequence[Pushed]) -> Iterator[Slice]:
        for push in pushes:
            if push.number > self.standing.spools.get(spool, 0):
                after = self.standing.after_push(spool, push.number, push.heard.at_ms or 0, {})
                yield Slice([], [], after, push.heard.at_ms)

    def publish(self, part: Slice, *, played: bool) -> None:
        is_lost, self._is_first = self._is_first, False
        if not is_lost or self._is_committed:
            self._stands = part.standing
            self.log += part.standing.spools.values()
        if is_lost:
            raise Retriable("transaction: _TIMED_OUT")
        self.standing = part.standing


@pytest.mark.parametrize("is_committed", [True, False], ids=["went through", "did not"])
def test_a_push_is_published_once_whether_its_failed_commit_went_through_or_not(
    spool: Spool, is_committed: bool
) -> None:
    pushes = [Push("calls", 1_000 + number, b"{}") for number in range(3)]
    numbers = [receipt.seq for receipt in spool.append(pushes).result(SOON_S)]
    ingest = LoggedIngest(is_committed=is_committed)
    drain = a_drain(ingest, spool)
    drain.start()
    assert ingest.well.wait(SOON_S)
    until = threading.Event()
    while spool.waiting("calls", after=0, pushes_max=10) and drain.over is None:
        until.wait(0.005)
    drain.end()
    assert ingest.log == numbers
    assert drain.trouble is None
