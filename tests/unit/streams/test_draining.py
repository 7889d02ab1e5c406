"""A drain says whether what was pushed will be published: not now, or never by this process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.spool import Spool
from connectors.gateway.trouble import Trouble
from schemas.errors import Retriable
from streams import draining
from streams.channel import Channel
from streams.draining import Drain
from streams.runtime.kafka import Fenced
from streams.standing import Standing

SOON_S = 10.0


class AskedIngest:
    """Answers with the faults that it is told, in order; then all is well. No Kafka behind it."""

    def __init__(self, *faults: Exception, is_retry: bool = False) -> None:
        self.standing = Standing()
        self.channel = Channel("daejeon", "calls")
        self.well = threading.Event()
        self.regained_times = 0
        self._faults = list(faults)
        self._is_retry = is_retry

    def open(self) -> None:
        """Nobody is fenced."""

    def ask(self) -> None:
        if self._faults:
            raise self._faults.pop(0)
        self.well.set()

    def regained(self) -> bool:
        self.regained_times += 1
        return self._is_retry

    def tell(self) -> None:
        """Nobody listens."""


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
