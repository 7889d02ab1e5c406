"""Offsets that Kafka could not tell are no offsets of 0, and no partitions without one."""

from __future__ import annotations

from typing import Any

import pytest
from confluent_kafka import KafkaError, TopicPartition

from schemas.errors import Retriable
from streams.runtime.kafka import answered


class Unanswered:
    """A partition as librdkafka gives it back when its coordinator could not answer."""

    error = KafkaError(KafkaError.UNSTABLE_OFFSET_COMMIT)


def test_a_partition_without_an_answer_is_to_be_asked_again() -> None:
    known = TopicPartition("city.core.tick", 0, 7)
    assert answered([known], "reading offsets") == [known]
    with pytest.raises(Retriable, match="reading offsets: UNSTABLE_OFFSET_COMMIT"):
        silent: Any = Unanswered()
        answered([known, silent], "reading offsets")
