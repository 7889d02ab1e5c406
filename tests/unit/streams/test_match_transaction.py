"""The match's transaction: committed by a thread of its own, and its error raised to the loop."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError

from schemas.errors import Retriable
from streams.match.core.step import PartitionProgress
from streams.match.worker.transaction import MatchTransaction
from streams.runtime.kafka import Fenced
from tests.unit.streams.test_transaction import TransactingProducer

PROGRESS = {("t", 0): PartitionProgress(next_offset=90, watch_offset=7, first_offset=12, watermark_ms=3)}


def transaction_of(producer: TransactingProducer) -> MatchTransaction:
    opened: Future[Any] = Future()
    opened.set_result(producer)
    wire: Any = None
    return MatchTransaction(opened, wire, "town", group="town.match", name="town.match.0")


def test_a_commit_takes_the_offsets_with_it_and_raises_nothing() -> None:
    producer = TransactingProducer()
    one = transaction_of(producer)
    one.outbox()
    assert one.is_open
    one.commit(PROGRESS, None)
    one.settle()
    assert producer.calls == ["begin", "offsets", "commit"]
    assert not one.is_open
    assert not one.is_closing


def test_without_progress_no_offsets_are_sent() -> None:
    producer = TransactingProducer()
    one = transaction_of(producer)
    one.commit({}, None)
    one.settle()
    assert producer.calls == ["begin", "commit"]


def test_a_commit_that_fails_is_raised_once() -> None:
    producer = TransactingProducer(offsets=[KafkaError(KafkaError._TIMED_OUT)])
    one = transaction_of(producer)
    one.commit(PROGRESS, None)
    with pytest.raises(Retriable):
        one.settle()
    one.settle()
    assert producer.calls == ["begin", "offsets", "abort"]


def test_an_abort_publishes_nothing_and_a_second_does_nothing() -> None:
    producer = TransactingProducer()
    one = transaction_of(producer)
    one.outbox()
    one.abort(ValueError("stopped"))
    one.abort(ValueError("stopped"))
    assert producer.calls == ["begin", "abort"]
    assert (one.is_open, one.age_ms) == (False, 0.0)


def test_a_transaction_has_an_age_while_it_is_open_and_the_next_waits_for_its_commit() -> None:
    producer = TransactingProducer()
    one = transaction_of(producer)
    assert (one.is_open, one.is_closing, one.age_ms) == (False, False, 0.0)
    first = one.outbox()
    assert one.outbox() is first
    assert 0 <= one.age_ms < 60_000
    one._opened_at -= 5
    assert 5_000 <= one.age_ms < 60_000
    one.commit(PROGRESS, None)
    assert one.outbox() is not first
    assert producer.calls == ["begin", "offsets", "commit", "begin"]


def test_the_error_of_a_commit_is_raised_by_the_next_transaction() -> None:
    one = transaction_of(TransactingProducer(commit=[KafkaError(KafkaError._TIMED_OUT)]))
    one.commit({}, None)
    with pytest.raises(Retriable):
        one.outbox()


def test_a_name_is_left_beside_the_offsets_unless_they_are_given_up() -> None:
    sent: list[Any] = []

    class Sending(TransactingProducer):
        def send_offsets_to_transaction(self, *about: object) -> None:
            sent.append(about)

    one = transaction_of(Sending())
    for giving_up in (False, True):
        one.commit(PROGRESS, "member", giving_up=giving_up)
        one.settle()
    (named, member, timeout_s), (released, _, _) = sent
    assert (member, timeout_s) == ("member", 30)
    assert [each[0].metadata.split()[1] for each in (named, released)] == ["town.match.0", "-"]


def test_an_abort_forgives_a_commit_that_failed_and_not_one_that_was_fenced() -> None:
    one = transaction_of(TransactingProducer(commit=[KafkaError(KafkaError._TIMED_OUT)]))
    one.commit({}, None)
    one.abort(ValueError("stopped"))
    one = transaction_of(TransactingProducer(commit=[KafkaError(KafkaError._FENCED)]))
    one.commit({}, None)
    with pytest.raises(Fenced):
        one.abort(ValueError("stopped"))
    one = transaction_of(TransactingProducer(abort=[KafkaError(KafkaError._FENCED)]))
    one.outbox()
    with pytest.raises(Fenced):
        one.abort(ValueError("stopped"))


def test_a_producer_that_could_not_be_opened_says_so_to_whoever_needs_it() -> None:
    one = transaction_of(TransactingProducer())
    opening: Future[Any] = Future()
    opening.set_exception(Retriable("away"))
    one._opening = opening
    with pytest.raises(Retriable, match="away"):
        one.outbox()
    assert not one.is_open
    with pytest.raises(ValueError, match="no transaction is open"):
        one._take_open()
