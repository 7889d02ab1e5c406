"""The match's transaction: committed by a thread of its own, and its error raised to the loop."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import pytest
from confluent_kafka import KafkaError

from schemas.errors import Retriable
from streams.match.core.step import PartitionProgress
from streams.match.worker.transaction import MatchTransaction
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
