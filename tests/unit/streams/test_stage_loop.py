"""A batch is repeated while Kafka or the registry is unavailable."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.errors import Fatal, Retriable, Unreachable
from streams.runtime import loop as module
from streams.runtime.loop import StageLoop
from streams.runtime.records import RecordBatch


class FaultyStage:
    """Takes a batch once its faults are used up."""

    group = "moie.situations"

    def __init__(self, *faults: Exception) -> None:
        self.calls: list[str] = []
        self._faults = list(faults)

    def assigned(self) -> None:
        self.calls.append("assigned")

    def take(self, _batch: RecordBatch) -> None:
        self.calls.append("take")
        if self._faults:
            raise self._faults.pop(0)


def answered(stage: FaultyStage) -> list[str]:
    nothing: Any = None
    given: Any = stage
    StageLoop(given, nothing, nothing)._answer(RecordBatch((), None))
    return stage.calls


def test_kafka_or_a_registry_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.001)
    stage = FaultyStage(Retriable("Kafka is away"), Unreachable("no registry answers (HTTP 500)"))
    assert answered(stage) == ["take", "assigned", "take", "assigned", "take"]


def test_a_registry_that_refuses_us_is_not() -> None:
    with pytest.raises(Fatal, match="refuses"):
        answered(FaultyStage(Fatal("the registry refuses it")))
