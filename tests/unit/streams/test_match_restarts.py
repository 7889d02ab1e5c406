"""The match starts again after a fault that may pass, and ends after one that does not."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.errors import BongsuError, Fatal, Retriable, Unreachable
from schemas.registry import Registry
from schemas.wire import Wire
from streams.match.core.config import MatchConfig
from streams.match.worker import loop as module
from streams.match.worker.loop import MatchLoop
from streams.match.worker.reader import Reader
from streams.match.worker.restarts import FENCED_MAX, YOUNG_S, Restarts, may_restart
from streams.runtime.kafka import Fenced
from streams.runtime.loop import RETRY_FIRST_S, RETRY_MAX_S


class NoWatches:
    """Stands for the reader of ``core.watch``; no run comes so far as to read it."""

    def __init__(self, _city: str, **_settings: Any) -> None:
        pass

    def close(self) -> None:
        pass


class NoProducer:
    """Stands for a producer that Kafka accepts."""

    def init_transactions(self, _timeout_s: float) -> None:
        pass


@pytest.fixture(autouse=True)
def _the_collector_of_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


def runs_of(monkeypatch: pytest.MonkeyPatch, *faults: BongsuError) -> int:
    """Run a match whose runs end with *faults*, and stop it in the run after them; return the number of runs."""
    left, runs = list(faults), 0

    def open_reader(_group: str) -> Reader:
        nonlocal runs
        runs += 1
        if left:
            raise left.pop(0)
        loop.stop()
        raise Retriable("stopped")

    monkeypatch.setattr(module, "WatchReader", NoWatches)
    loop = MatchLoop(
        "town",
        MatchConfig.model_validate({}),
        bootstrap="",
        wire=Wire(Registry("http://127.0.0.1:9")),
        name="town.match.test",
        open_reader=open_reader,
        make_producer=lambda _settings: NoProducer(),
    )
    loop.run()
    return runs


def test_kafka_or_a_registry_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Unreachable("Kafka unavailable"), Unreachable("no registry answers (HTTP 500)")
    assert runs_of(monkeypatch, *faults) == len(faults) + 1


def test_a_topic_that_is_missing_ends_the_match(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Fatal, match="missing"):
        runs_of(monkeypatch, Fatal("a topic is missing"))


def test_the_wait_doubles_until_a_run_lasts() -> None:
    restarts, away = Restarts(), Unreachable("Kafka unavailable")
    waits = [restarts.wait_s(away, ran_s=0.0) for _ in range(9)]
    assert waits[:3] == [RETRY_FIRST_S, 2 * RETRY_FIRST_S, 4 * RETRY_FIRST_S]
    assert waits[-1] == RETRY_MAX_S
    assert restarts.wait_s(away, ran_s=RETRY_MAX_S + 1) == RETRY_FIRST_S


@pytest.mark.parametrize(
    ("error", "ran_s", "fenced", "is_so"),
    [
        (Fenced("transaction"), 2.0, 1, True),
        (Fenced("transaction"), 2.0, FENCED_MAX, True),
        (Fenced("transaction"), 2.0, FENCED_MAX + 1, False),  # two workers have one name
        (Fenced("transaction"), YOUNG_S + 1, 1, False),  # another worker has taken over the name for good
        (Fatal("a topic is missing"), 2.0, 0, False),
        (Retriable("the partitions were lost"), YOUNG_S + 1, 0, True),
        (Unreachable("Kafka unavailable"), YOUNG_S + 1, 0, True),
    ],
)
def test_a_worker_that_is_fenced_young_takes_over_anew(
    error: BongsuError, ran_s: float, fenced: int, is_so: bool
) -> None:
    assert may_restart(error, ran_s=ran_s, fenced=fenced) == is_so


def test_fencings_in_a_row_are_counted_and_an_old_run_begins_the_count_anew() -> None:
    fenced, restarts = Fenced("transaction"), Restarts()
    waits = [restarts.wait_s(fenced, ran_s=1.0) for _ in range(6)]
    assert [one is None for one in waits] == [False] * 5 + [True]
    restarts = Restarts()
    for _ in range(5):
        assert restarts.wait_s(fenced, ran_s=1.0) is not None
    assert restarts.wait_s(Unreachable("away"), ran_s=60.0) is not None
    assert restarts.wait_s(fenced, ran_s=59.9) is not None
    assert restarts.wait_s(fenced, ran_s=60.0) is None, "by then another owns its name for good"


def test_the_waits_by_figures() -> None:
    restarts, away = Restarts(), Unreachable("away")
    assert [restarts.wait_s(away, ran_s=5.0) for _ in range(8)] == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert restarts.wait_s(away, ran_s=5.1) == 0.05
