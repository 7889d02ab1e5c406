"""A follower of a topic: its records, the end it reached, and the errors that it passes over or reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError

from schemas.errors import BongsuError
from streams.runtime.follower import Follower
from streams.runtime.records import Record

EOF = KafkaError(KafkaError._PARTITION_EOF)
PASSING = KafkaError(KafkaError._TRANSPORT, "away", False, True, False)
FOR_GOOD = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)


class Message:
    """A message as confluent-kafka gives it."""

    def __init__(self, error: KafkaError | None = None, *, offset: int = 0, headers: Any = None) -> None:
        self._error, self._offset, self._headers = error, offset, headers

    def error(self) -> KafkaError | None:
        return self._error

    def headers(self) -> Any:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 77

    def topic(self) -> str:
        return "c.core.watch"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return b"v"


class Polled:
    """A consumer that holds these messages."""

    def __init__(self, *messages: Message) -> None:
        self._messages = list(messages)

    def poll(self, _seconds: float) -> Message | None:
        return self._messages.pop(0) if self._messages else None

    def consume(self, at_most: int, _seconds: float) -> list[Message]:
        found, self._messages = self._messages[:at_most], self._messages[at_most:]
        return found


def follower() -> tuple[Follower, list[tuple[list[int], bool]]]:
    """One that writes down what it passes on: offsets, and whether the end was reached."""
    taken: list[tuple[list[int], bool]] = []

    def take(records: Sequence[Record], is_whole: bool) -> None:
        taken.append(([one.offset for one in records], is_whole))

    return Follower("watches", "c.core.watch", bootstrap="", begin=lambda: None, take=take), taken


def look(at: Follower, *messages: Message) -> None:
    consumer: Any = Polled(*messages)
    at._look(consumer)


def test_records_are_passed_on_in_order_and_the_topic_is_whole_at_its_end_only() -> None:
    one, taken = follower()
    look(one, Message(offset=3), Message(offset=4))
    assert one.trouble is not None
    look(one, Message(offset=5), Message(EOF))
    assert one.trouble is None
    assert taken == [([3, 4], False), ([5], True)]


def test_the_end_of_an_empty_topic_is_told_once() -> None:
    one, taken = follower()
    look(one)
    look(one, Message(EOF))
    look(one, Message(EOF))
    look(one)
    assert taken == [([], True)]


@pytest.mark.parametrize("error", [PASSING, FOR_GOOD])
def test_no_error_is_taken_for_the_end(error: KafkaError) -> None:
    one, taken = follower()
    if error.retriable():
        look(one, Message(error))
    else:
        with pytest.raises(BongsuError):
            look(one, Message(error))
    assert one.trouble is not None
    assert taken == []
