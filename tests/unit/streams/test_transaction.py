"""One transaction: all of it or nothing, and whoever cannot give it up says so."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import Invalid, Retriable
from schemas.event import Event
from streams.runtime import transaction as module
from streams.runtime.kafka import Fenced
from streams.runtime.transaction import Outbox, ask_ours, transaction

WIRE: Any = None
AWAY = KafkaError(KafkaError._TIMED_OUT)
FENCED = KafkaError(KafkaError._FENCED)
AGAIN = KafkaError(KafkaError._TIMED_OUT, "again", False, True, False)


class TransactingProducer:
    """Writes down what it is asked, and answers with the faults that it is told: method → errors, in order."""

    def __init__(self, **faults: list[KafkaError]) -> None:
        self.calls: list[str] = []
        self.undelivered: KafkaError | None = None
        self._faults = faults
        self._waiting: list[Any] = []

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if self._faults.get(name):
            raise KafkaException(self._faults[name].pop(0))

    def begin_transaction(self) -> None:
        self._called("begin")

    def commit_transaction(self, _timeout_s: float) -> None:
        self._called("commit")

    def abort_transaction(self, _timeout_s: float) -> None:
        self._called("abort")

    def send_offsets_to_transaction(self, *_: object) -> None:
        self._called("offsets")

    def produce(self, _topic: str, _value: bytes, *, on_delivery: Any = None, **_: Any) -> None:
        self._called("produce")
        self._waiting.append(on_delivery)

    def flush(self, _timeout_s: float) -> None:
        waiting, self._waiting = self._waiting, []
        for told in waiting:
            told(self.undelivered, None)


def lives(producer: TransactingProducer, *, error: Exception | None = None, puts: bool = False) -> None:
    """One transaction of *producer*, in which something is put, or *error* happens."""
    anything: Any = producer
    with transaction(anything, WIRE, "city") as outbox:
        if puts:
            outbox.put_bytes("city.core.tick", b"k", b"v", [])
        if error is not None:
            raise error


def test_what_went_well_is_committed_once() -> None:
    producer = TransactingProducer()
    lives(producer)
    assert producer.calls == ["begin", "commit"]


@pytest.mark.parametrize("error", [Invalid("no value"), ValueError("a fault of ours"), KeyboardInterrupt()])
def test_whatever_breaks_a_transaction_aborts_it_and_comes_out_as_it_is(error: Any) -> None:
    producer = TransactingProducer()
    with pytest.raises(type(error)) as caught:
        lives(producer, error=error)
    assert caught.value is error
    assert producer.calls == ["begin", "abort"], "nothing of it is committed"


def test_an_error_of_kafka_s_own_aborts_it_too() -> None:
    producer = TransactingProducer()
    with pytest.raises(Retriable, match="transaction"):
        lives(producer, error=KafkaException(AWAY))
    assert producer.calls == ["begin", "abort"]


def test_a_record_that_was_not_delivered_aborts_all() -> None:
    producer = TransactingProducer()
    producer.undelivered = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    with pytest.raises(Retriable, match="producing"):
        lives(producer, puts=True)
    assert producer.calls == ["begin", "produce", "abort"]


def test_a_commit_that_may_be_asked_again_is_and_one_that_may_not_is_aborted() -> None:
    patient = TransactingProducer(commit=[AGAIN, AGAIN])
    lives(patient)
    assert patient.calls == ["begin", "commit", "commit", "commit"]
    refused = TransactingProducer(commit=[AWAY])
    with pytest.raises(Retriable):
        lives(refused)
    assert refused.calls == ["begin", "commit", "abort"]


@pytest.mark.parametrize("error", [Invalid("no value"), KafkaException(AWAY)])
def test_whoever_is_fenced_while_aborting_says_so(error: Exception) -> None:
    with pytest.raises(Fenced, match="aborting a transaction: fenced"):
        lives(TransactingProducer(abort=[FENCED]), error=error)


def test_an_abort_that_kafka_did_not_answer_hides_nothing() -> None:
    with pytest.raises(Invalid, match="no value"):
        lives(TransactingProducer(abort=[AWAY]), error=Invalid("no value"))


def test_one_that_cannot_begin_says_what_it_is() -> None:
    producer = TransactingProducer(begin=[FENCED])
    with pytest.raises(Fenced, match="beginning"):
        lives(producer)
    assert producer.calls == ["begin"]


def test_asking_whether_we_still_speak_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Member:
        def consumer_group_metadata(self) -> str:
            return "member"

        def close(self) -> None:
            """It never joined."""

    monkeypatch.setattr(module, "consumer_of", lambda _settings: Member())
    well: Any = TransactingProducer()
    ask_ours(well, "city.ingest.fire", "city.source.place", bootstrap="")
    assert well.calls == ["begin", "offsets", "abort"]
    fenced: Any = TransactingProducer(offsets=[FENCED])
    with pytest.raises(Fenced):
        ask_ours(fenced, "city.ingest.fire", "city.source.place", bootstrap="")
    assert fenced.calls == ["begin", "offsets", "abort"]


class Delivered:
    def __init__(self, partition: int, offset: int | None) -> None:
        self._partition, self._offset = partition, offset

    def topic(self) -> str:
        return "t"

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int | None:
        return self._offset


def test_places_that_were_written_are_the_next_offsets_of_all_partitions() -> None:
    producer: Any = TransactingProducer()
    outbox = Outbox(producer, WIRE, "city")
    for partition, offset in [(0, 4), (3, 9), (0, 5), (0, 3)]:
        told: Any = Delivered(partition, offset)
        outbox._delivered(None, told)
    assert outbox.flush() == {("t", 0): 6, ("t", 3): 10}


def test_a_record_without_a_known_offset_lets_the_transaction_be_done_again() -> None:
    producer: Any = TransactingProducer()
    outbox = Outbox(producer, WIRE, "city")
    for offset in (4, None):
        told: Any = Delivered(0, offset)
        outbox._delivered(None, told)
    with pytest.raises(Retriable, match="offset"):
        outbox.flush()


class Queue(TransactingProducer):
    """A producer whose local queue has room for the third try only."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[tuple[str, bytes | None, dict[str, Any]]] = []
        self.polled: list[float] = []

    def produce(self, topic: str, value: bytes | None, **about: Any) -> None:  # type: ignore[override]  # it has no callback
        if len(self.polled) < 2:
            raise BufferError
        self.sent.append((topic, value, about))

    def poll(self, seconds: float) -> None:
        self.polled.append(seconds)


def test_a_full_queue_is_waited_for_and_no_record_of_many_is_left_out() -> None:
    producer: Any = Queue()
    outbox = Outbox(producer, WIRE, "city")
    made = [(b"k1", b"v1", [("h", b"1")]), (b"k2", b"v2", [])]
    outbox.put_many("t", made)
    assert producer.sent == [
        ("t", b"v1", {"key": b"k1", "headers": [("h", b"1")]}),
        ("t", b"v2", {"key": b"k2", "headers": []}),
    ]
    assert all(0 < seconds < 1 for seconds in producer.polled)


def test_an_event_is_sent_with_its_own_headers_and_those_given_beside() -> None:
    class Encoded:
        """Encodes every event alike."""

        def encode(self, city: str, event: Event) -> tuple[str, bytes, bytes | None]:
            return f"{city}.{event.topic}", b"key", b"frame"

    producer: Any = Queue()
    wire: Any = Encoded()
    event = Event("core.tick", "k", {"event_id": "1", "event_time": 0, "city": "c", "source": "s"})
    outbox = Outbox(producer, wire, "city")
    outbox.put(event, more=[("more", b"1")])
    outbox.put(event, played=True, traceparent=b"00-1")
    (topic, value, plain), (_, _, played) = producer.sent
    assert (topic, value, plain["key"]) == ("city.core.tick", b"frame", b"key")
    names = [name for name, _ in plain["headers"]]
    assert names[-1] == "more" and "bongsu-played" not in names
    assert ("bongsu-played", b"1") in played["headers"] and ("traceparent", b"00-1") in played["headers"]


def test_the_offsets_that_were_read_are_those_of_their_partitions() -> None:
    sent: list[Any] = []

    class Sending(TransactingProducer):
        def send_offsets_to_transaction(self, *about: Any) -> None:
            sent.append(about)

    producer: Any = Sending()
    Outbox(producer, WIRE, "city").read_up_to({("t", 0): 5, ("u", 3): 9}, "member")
    ((offsets, member, timeout_s),) = sent
    assert [(one.topic, one.partition, one.offset) for one in offsets] == [("t", 0, 5), ("u", 3, 9)]
    assert (member, timeout_s) == ("member", 30)


def test_a_transaction_that_the_coordinator_lost_is_no_sign_of_another_worker() -> None:
    lost = KafkaError(KafkaError.INVALID_TXN_STATE, "lost", True, False, False)  # librdkafka calls it fatal
    with pytest.raises(Retriable, match="the coordinator lost the transaction"):
        lives(TransactingProducer(begin=[lost]))


def test_a_transaction_that_cannot_begin_has_nothing_to_abort() -> None:
    producer = TransactingProducer(begin=[FENCED])
    with pytest.raises(Fenced, match="beginning a transaction"):
        lives(producer)
    assert producer.calls == ["begin"]


def test_whoever_asks_about_a_source_publishes_nothing_and_closes_its_consumer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[Any] = []

    class Member:
        def consumer_group_metadata(self) -> str:
            return "member"

        def close(self) -> None:
            said.append("closed")

    class Asking(TransactingProducer):
        def send_offsets_to_transaction(self, *about: Any) -> None:
            offsets, member, timeout_s = about
            super().send_offsets_to_transaction()
            said.append(([(one.topic, one.partition, one.offset) for one in offsets], member, timeout_s))

    def consumer_of(settings: Any) -> Member:
        said.append(settings)
        return Member()

    monkeypatch.setattr(module, "consumer_of", consumer_of)
    for faults in ({}, {"begin": [AWAY]}, {"offsets": [AWAY]}, {"abort": [AWAY]}):
        said.clear()
        producer: Any = Asking(**faults)
        if faults:
            with pytest.raises(Retriable, match="checking the transactional id: _TIMED_OUT"):
                ask_ours(producer, "city.ingest.fire", "city.source.place", bootstrap="b:1")
        else:
            ask_ours(producer, "city.ingest.fire", "city.source.place", bootstrap="b:1")
            assert said[1] == ([("city.source.place", 0, 0)], "member", 5)
        assert said[0] == {"bootstrap.servers": "b:1", "group.id": "city.ingest.fire", "log_level": 0}
        assert said[-1] == "closed"
        assert "commit" not in producer.calls
