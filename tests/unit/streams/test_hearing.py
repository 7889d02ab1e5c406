"""The backoff of a source that does not respond."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.base import Heard
from schemas.errors import Fatal, Retriable, Unreachable
from streams.ingest import waits
from streams.ingest import worker as hearing
from streams.ingest.waits import BACKOFF_MAX_S, RETRY_AFTER_S_MAX, wait_after
from streams.ingest.worker import later_than
from streams.log import facts_of, log


@pytest.mark.parametrize("chance", [0.0, 0.5, 0.999])
def test_a_wish_to_wait_is_heard_and_never_cut_short(chance: float) -> None:
    assert 17 <= wait_after(Retriable("503", retry_after_s=17), 0, chance) <= 18.7


def test_a_wish_to_wait_for_ever_ends_after_an_hour() -> None:
    assert wait_after(Retriable("503", retry_after_s=1e300), 0, 0.0) == RETRY_AFTER_S_MAX


def test_failures_wait_longer_and_longer_within_a_bound_and_apart_from_each_other() -> None:
    waits = [wait_after(Retriable("no"), failures, 0.0) for failures in range(2_000)]
    assert waits[:4] == [0.5, 1, 2, 4]
    assert max(waits) == BACKOFF_MAX_S / 2
    assert wait_after(Retriable("no"), 3, 0.0) != wait_after(Retriable("no"), 3, 0.7)


def test_what_ended_a_source_is_told_with_how_to_mend_it() -> None:
    assert facts_of(Fatal("refused", hint="delete it")) == {"why": "refused", "how_to_mend": "delete it"}
    assert facts_of(Retriable("away")) == {"why": "away"}
    assert facts_of(KeyError("a person's name")) == {"why": "it broke: KeyError"}


def test_a_source_that_is_stopped_for_good_says_how_to_mend_it(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, object]] = []
    monkeypatch.setattr(log, "error", lambda _event, **facts: told.append(facts))

    class Refused(hearing._Service):
        async def _hear(self) -> None:
            raise Fatal("the registry refuses it", hint="delete that subject")

    def nothing(*_: object, **__: object) -> None:
        """Nobody listens."""

    ingest: Any = SimpleNamespace(group="daejeon.ingest.calls", open=nothing, failed=nothing, tell=nothing)
    asyncio.run(Refused("calls", None, ingest)._hear_or_stop())
    assert told == [
        {"source": "calls", "why": "the registry refuses it", "how_to_mend": "delete that subject"}
    ]


def test_a_registry_that_goes_away_while_a_source_runs_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(waits, "BACKOFF_FIRST_S", 0.001)
    faults = [Unreachable("no registry answers"), Retriable("Kafka is away")]

    def work() -> str:
        if faults:
            raise faults.pop(0)
        return "done"

    nothing: Any = None
    ingest: Any = SimpleNamespace(group="daejeon.ingest.calls")
    service = hearing.SpeakingService("calls", nothing, ingest)
    assert asyncio.run(service._again_and_again(work)) == "done"


def test_the_clock_waits_for_kafka_at_its_start() -> None:
    faults, ticks = [Unreachable("Kafka unavailable"), Retriable("Kafka is away")], list[int]()

    def open_it() -> None:
        if faults:
            raise faults.pop(0)

    def tick(time_ms: int) -> None:
        ticks.append(time_ms)
        raise Fatal("enough")

    ingest: Any = SimpleNamespace(open=open_it, tick=tick)
    with pytest.raises(Fatal, match="enough"):
        asyncio.run(hearing.ClockService(ingest, every_s=0.0, now=lambda: 5.0).run())
    assert ticks == [5_000]


def test_two_things_said_in_one_millisecond_are_both_heard() -> None:
    assert later_than(1_000, Heard(b"second", 1_000)).at_ms == 1_001
    assert later_than(1_000, Heard(b"by a clock set back", 10)).at_ms == 1_001
    assert later_than(1_000, Heard(b"later", 2_000)).at_ms == 2_000
    assert later_than(None, Heard(b"first", 5)).at_ms == 5
    assert later_than(1_000, Heard(b"a file", None)).at_ms is None
