"""A batch is repeated while Kafka or the registry is unavailable."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from schemas.errors import BongsuError, Fatal, Retriable, Unreachable
from streams.runtime import loop as module
from streams.runtime.loop import StageLoop, Work, is_record
from streams.runtime.records import RecordBatch
from tests.unit.streams.test_following import Message


class FaultyStage:
    """Takes a batch once its faults are used up."""

    group = "moie.situations"
    beside: Sequence[str] = ()

    def __init__(self, *faults: Exception) -> None:
        self.calls: list[str] = []
        self._faults = list(faults)

    def assigned(self) -> None:
        self.calls.append("assigned")

    def revoked(self) -> None:
        self.calls.append("revoked")

    def take(self, _batch: RecordBatch) -> None:
        self.calls.append("take")
        if self._faults:
            raise self._faults.pop(0)


class StageAssignedLate(FaultyStage):
    """Can be assigned once its faults are used up."""

    def assigned(self) -> None:
        super().assigned()
        if self._faults:
            raise self._faults.pop(0)


def done_at_once(work: Work) -> Future[None]:
    """Do *work* in the caller's thread, as the deciding thread would."""
    into: Future[None] = Future()
    into.set_result(None)
    try:
        work.do()
    except BaseException as error:
        work.done.set_exception(error)
    else:
        work.done.set_result(None)
    return into


def assigned(stage: FaultyStage, consumer: Any = None) -> StageLoop:
    given: Any = stage
    loop = StageLoop(given, consumer, done_at_once)
    loop._assigned(consumer, [TopicPartition("moie.fire.incident", 0)])
    return loop


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


def test_an_assignment_waits_for_kafka_and_the_registry_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.001)
    stage = StageAssignedLate(Retriable("Kafka is away"), Unreachable("no registry answers (HTTP 500)"))
    assert assigned(stage).is_ready
    assert stage.calls == ["assigned"] * 3


def test_a_passing_error_is_no_record_and_any_other_ends_the_worker() -> None:
    assert is_record(Message())
    for passing in (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):
        assert not is_record(Message(KafkaError(passing)))
    with pytest.raises(Fatal, match="a topic is missing"):
        is_record(Message(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    with pytest.raises(BongsuError):
        is_record(Message(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))


def test_a_stage_whose_partitions_are_taken_is_not_ready_and_gives_its_state_up() -> None:
    stage, nothing = FaultyStage(), None
    loop = assigned(stage)
    partition = TopicPartition("moie.fire.incident", 0)
    given: Any = nothing
    loop._revoked(given, [partition])
    assert not loop.is_ready
    assert stage.calls == ["assigned", "revoked"]
    loop._assigned(given, [partition])
    assert loop.is_ready


def test_an_assignment_that_is_refused_ends_the_worker() -> None:
    with pytest.raises(Fatal, match="refuses"):
        assigned(StageAssignedLate(Fatal("the registry refuses it")))


def test_the_topics_read_beside_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_FIRST_S", 0.001)
    evidence = TopicPartition("moie.core.evidence", 3)
    answers: list[Any] = [Unreachable("Kafka unavailable"), [evidence]]

    def partitions_of(_consumer: Any, _topics: Any) -> list[TopicPartition]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        found: list[TopicPartition] = answer
        return found

    class Assigning:
        """Keeps what it was assigned."""

        places: Sequence[TopicPartition] = ()

        def assign(self, places: Sequence[TopicPartition]) -> None:
            self.places = places

    monkeypatch.setattr(module, "partitions_of", partitions_of)
    stage, consumer = FaultyStage(), Assigning()
    stage.beside = [evidence.topic]
    assert assigned(stage, consumer).is_ready
    assert [one.topic for one in consumer.places] == ["moie.fire.incident", evidence.topic]
