"""The service of a source that listens: a body in hand is kept until it is published, and no more are read until then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from connectors.base import Heard
from schemas.errors import Fatal, Retriable
from streams.ingest import waits
from streams.ingest import worker as hearing
from streams.ingest.channel import Channel
from streams.ingest.place import SourcePlace
from streams.ingest.worker import SpeakingService
from streams.runtime.kafka import Fenced

NOON = 1_800_000_000_000


class Speaker:
    """A source of five bodies that records whether it was closed."""

    def __init__(self) -> None:
        self.said: list[int] = []
        self.is_closed = False

    async def listen(self) -> AsyncIterator[Heard]:
        for number in range(5):
            self.said.append(number)
            yield Heard(str(number).encode(), NOON + number)

    async def close(self) -> None:
        self.is_closed = True


class FaultyIngest:
    """Accepts bodies after the given number of faults, without Kafka."""

    group = "daejeon.ingest.tried"

    def __init__(self, *faults: Exception, borrowed: bool = False) -> None:
        self.standing = SourcePlace()
        self.channel = Channel("daejeon", "cameras")
        self.taken: list[bytes] = []
        self.opened = 0
        self.refused: list[str] = []
        self._faults = list(faults)
        self._borrowed = borrowed
        self.closed_for = 0

    def open(self) -> None:
        self.opened += 1

    def take(self, heard: Heard, *, played: bool) -> int:
        assert not played
        if self._faults:
            raise self._faults.pop(0)
        self.taken.append(heard.body)
        return 1

    def may_hear(self) -> bool:
        self.closed_for -= 1
        return self.closed_for < 0

    def ask(self) -> None:
        """Answer that we are not fenced."""

    def regained(self) -> bool:
        if self._borrowed:
            self.open()
        return self._borrowed

    def failed(self, why: str, *, is_refused: bool = False) -> None:
        self.refused.append(why)

    def tell(self) -> None:
        """Report to nobody."""


def run(ingest: FaultyIngest, monkeypatch: pytest.MonkeyPatch) -> Speaker:
    monkeypatch.setattr(waits, "BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(hearing, "LOOK_EVERY_S", 0.001)
    speaker = Speaker()
    asyncio.run(SpeakingService("cameras", speaker, ingest).run())  # type: ignore[arg-type]  # a fake
    assert speaker.is_closed
    return speaker


ALL = [b"0", b"1", b"2", b"3", b"4"]


def test_what_is_in_hand_is_published_when_kafka_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = FaultyIngest(Retriable("away"), Retriable("away"))
    run(ingest, monkeypatch)
    assert ingest.taken == ALL


def test_a_stopped_channel_takes_nothing_and_forgets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = FaultyIngest(Channel("daejeon", "cameras").stopped(is_taken=False))
    ingest.closed_for = 3
    run(ingest, monkeypatch)
    assert ingest.taken == ALL


def test_what_was_taken_as_the_channel_stopped_is_not_taken_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = FaultyIngest(Channel("daejeon", "cameras").stopped(is_taken=True))
    run(ingest, monkeypatch)
    assert ingest.taken == ALL[1:]


def test_a_source_that_was_borrowed_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = FaultyIngest(Fenced("another"), borrowed=True)
    run(ingest, monkeypatch)
    assert ingest.taken == ALL
    assert ingest.opened == 2


def test_a_source_that_another_worker_took_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    ingest = FaultyIngest(Fenced("another"))
    with pytest.raises(Fenced, match="source cameras: another"):
        run(ingest, monkeypatch)
    assert ingest.taken == []


@pytest.mark.parametrize("fault", [Fatal("refused"), KeyError("a fault of ours")])
def test_a_source_that_is_refused_or_breaks_stops_by_itself_alone(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    ingest = FaultyIngest(fault)
    speaker = run(ingest, monkeypatch)  # returns: the worker and its other sources continue
    assert ingest.taken == []
    assert ingest.refused == [fault.what if isinstance(fault, Fatal) else "it broke: KeyError"]
    assert speaker.said == [0]
