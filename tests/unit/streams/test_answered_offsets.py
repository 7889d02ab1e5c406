"""Offsets that Kafka could not tell are no offsets of 0, and no partitions without one."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from schemas.errors import Fatal, Retriable
from streams.runtime.kafka import answered


class Unanswered:
    """A partition as librdkafka gives it back when its coordinator could not answer."""

    def __init__(self, code: int) -> None:
        self.error = KafkaError(code)


def test_a_partition_without_an_answer_is_to_be_asked_again() -> None:
    known = TopicPartition("city.core.tick", 0, 7)
    assert answered([known], "reading offsets") == [known]
    with pytest.raises(Retriable, match="reading offsets: UNSTABLE_OFFSET_COMMIT"):
        silent: Any = Unanswered(KafkaError.UNSTABLE_OFFSET_COMMIT)
        answered([known, silent], "reading offsets")


def test_a_partition_that_kafka_denies_is_not_asked_for_without_end() -> None:
    denied: Any = Unanswered(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(Fatal, match="reading offsets: Kafka denied access"):
        answered([denied], "reading offsets")
