"""A batch is repeated while Kafka or the registry is unavailable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from schemas.errors import BongsuError, Fatal, Retriable, Unreachable
from streams.runtime import loop as module
from streams.runtime.loop import StageLoop, Work, is_record
from streams.runtime.records import RecordBatch
from tests.unit.streams.a_log import LogMessage, message


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
    assert is_record(message())
    for passing in (KafkaError._PARTITION_EOF, KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):
        assert not is_record(message(KafkaError(passing)))
    with pytest.raises(Fatal, match="a topic is missing"):
        is_record(message(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
    with pytest.raises(BongsuError):
        is_record(message(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))


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


MOIE = TopicPartition("moie.fire.incident", 0)


class Polled:
    """A consumer that gives out these batches of messages, one poll each, and then has the loop stopped."""

    def __init__(self, *batches: Sequence[LogMessage], fails_with: BaseException | None = None) -> None:
        self._batches, self._fails_with = list(batches), fails_with
        self._rest: list[LogMessage] = []
        self.loop: StageLoop
        self.is_closed = False
        self.topics: list[str] = []
        self.told: dict[str, Any] = {}

    def subscribe(self, topics: list[str], **told: Any) -> None:
        self.topics, self.told = topics, told

    def poll(self, timeout: float) -> LogMessage | None:
        assert 0 < timeout < 1, "a stop must be seen soon"
        if self._fails_with is not None:
            raise self._fails_with
        if not self._batches:
            self.loop.stop()
            return None
        first, *self._rest = self._batches.pop(0) or [None]  # type: ignore[list-item]  # nothing is there
        return first

    def consume(self, at_most: int, timeout: float) -> list[LogMessage]:
        assert (at_most, timeout) == (1_000, 0), "what is there already, and no waiting for more"
        return self._rest

    def consumer_group_metadata(self) -> str:
        return "member"

    def close(self) -> None:
        self.is_closed = True


class Kept(FaultyStage):
    """Keeps the batches that it takes."""

    topics = ("moie.fire.incident", "moie.core.tick")

    def __init__(self, *faults: Exception) -> None:
        super().__init__(*faults)
        self.batches: list[tuple[list[int], Any]] = []

    def take(self, batch: RecordBatch) -> None:
        super().take(batch)
        self.batches.append(([one.offset for one in batch.records], batch.group_metadata))


def polled(
    consumer: Polled, stage: FaultyStage, put: Callable[[Work], Future[None]] = done_at_once
) -> StageLoop:
    given: Any = consumer
    taking: Any = stage
    consumer.loop = StageLoop(taking, given, put)
    assert not consumer.loop.is_ready
    consumer.loop.poll_until_stopped()
    return consumer.loop


def test_batches_are_handed_on_in_order_and_nothing_is_no_batch() -> None:
    passing = message(KafkaError(KafkaError._TRANSPORT))
    stage = Kept()
    consumer = Polled([message(offset=1), passing, message(offset=2)], [], [message(offset=3)], [passing])
    loop = polled(consumer, stage)
    assert stage.batches == [([1, 2], "member"), ([3], "member")]
    assert consumer.topics == ["moie.fire.incident", "moie.core.tick"]
    assert consumer.told["on_lost"] == consumer.told["on_revoke"] == loop._revoked
    assert loop.fault is None and consumer.is_closed


def test_a_batch_is_not_waited_for_once_it_is_in_the_channel() -> None:
    works: list[Work] = []

    def put(work: Work) -> Future[None]:
        works.append(work)
        into: Future[None] = Future()
        into.set_result(None)
        return into

    polled(Polled([message(offset=1)], [message(offset=2)]), Kept(), put)
    assert len(works) == 2 and not any(work.done.done() for work in works)


def test_polling_waits_while_the_channel_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_CHECK_S", 0.001)
    seen: list[int] = []

    class Full(Future[None]):
        """Takes the work at the third look."""

        def result(self, timeout: float | None = None) -> None:
            seen.append(1)
            if len(seen) == 3:
                self.set_result(None)
            super().result(timeout)

    polled(Polled([message(offset=1)]), Kept(), lambda _work: Full())
    assert len(seen) == 3


@pytest.mark.parametrize(
    "error", [Fatal("a topic is missing"), KeyboardInterrupt(), ValueError("a fault of ours")]
)
def test_whatever_ends_the_polling_is_kept_for_the_worker(error: BaseException) -> None:
    consumer = Polled(fails_with=error)
    loop = polled(consumer, Kept())
    assert loop.fault is error and consumer.is_closed


def test_the_fault_of_a_batch_comes_before_the_one_that_follows_from_it() -> None:
    first = Fatal("a topic is missing")
    stage: Any = FaultyStage()
    stage.topics = ()
    consumer: Any = Polled(fails_with=ValueError("the channel is closed"))
    loop = StageLoop(stage, consumer, done_at_once)
    loop.fault = first
    loop.poll_until_stopped()
    assert loop.fault is first


def test_the_wait_before_a_batch_is_repeated_doubles_up_to_its_bound() -> None:
    stage, waits = FaultyStage(*[Retriable("away")] * 9), list[float]()
    given: Any = stage
    nothing: Any = None
    loop = StageLoop(given, nothing, nothing)

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 9

    loop._stopping.wait = wait  # type: ignore[method-assign,assignment]  # no test waits 15 s
    loop._answer(RecordBatch((), None))
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]
    assert stage.calls.count("take") == 9, "stopping, it is not tried again"


def test_a_batch_whose_partitions_are_taken_is_left_to_their_next_owner() -> None:
    stage = FaultyStage()
    loop, nothing = assigned(stage), None
    given: Any = nothing
    loop._revoked(given, [MOIE])
    loop._answer(RecordBatch((), None))
    assert stage.calls == ["assigned", "revoked"]


def test_a_stage_that_is_stopping_or_had_no_partition_has_no_state_to_give_up() -> None:
    given: Any = None
    stage = FaultyStage()
    assigned(stage)._revoked(given, [])
    loop = assigned(stage)
    loop.stop()
    loop._revoked(given, [MOIE])
    assert stage.calls == ["assigned", "assigned"]
    assert not loop.is_ready


def test_an_assignment_of_nothing_makes_no_stage_ready() -> None:
    stage, given = FaultyStage(), None
    nothing: Any = given
    taking: Any = stage
    loop = StageLoop(taking, nothing, done_at_once)
    loop._assigned(nothing, [])
    assert not loop.is_ready and stage.calls == []


def test_work_that_itself_times_out_is_raised_and_not_waited_for_again() -> None:
    with pytest.raises(TimeoutError, match="its own"):
        assigned(StageAssignedLate(TimeoutError("its own")))


def test_a_decision_tells_its_future_how_it_went() -> None:
    async def run(do: Callable[[], None]) -> None:
        do()

    async def told(work: Work) -> None:
        await module.decide(work, run)  # type: ignore[arg-type]  # a coroutine is awaited alike

    well = Work(lambda: None, Future())
    asyncio.run(told(well))
    assert well.done.result(0) is None
    badly = Work({}.popitem, Future())  # type: ignore[arg-type]  # it raises KeyError
    with pytest.raises(KeyError):
        asyncio.run(told(badly))
    assert isinstance(badly.done.exception(0), KeyError)
