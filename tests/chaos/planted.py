"""A worker that dies at a named point, correct or with a planted bug: shows that the harness finds the bug.

Run as ``python -m tests.chaos.planted run CITY …``; ``BONGSU_PLANTED`` says which.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from typing import Any

from confluent_kafka import TopicPartition

from deploy.cli import main
from deploy.settings import endpoints
from streams.runtime.inbox import Partition
from streams.runtime.kafka import transactional_producer
from streams.runtime.transaction import COMMIT_TIMEOUT_S, Outbox

SOUND, OUTSIDE = "sound", "offsets outside the transaction"

_sound = Outbox.read_up_to


def dying(self: Outbox, places: Mapping[Partition, int], group_metadata: Any) -> None:
    """Commit the offsets in the transaction or, with the bug, alone; die once answers wait for the commit."""
    if os.environ["BONGSU_PLANTED"] == SOUND:
        _sound(self, places, group_metadata)
    else:
        _commit_alone(places, group_metadata)
    if any(topic.endswith(".core.situation") for topic, _ in self.delivered):
        os.kill(os.getpid(), signal.SIGKILL)


def _commit_alone(places: Mapping[Partition, int], group_metadata: Any) -> None:
    producer = transactional_producer(endpoints().kafka, "planted")
    producer.begin_transaction()
    offsets = [TopicPartition(topic, partition, offset) for (topic, partition), offset in places.items()]
    producer.send_offsets_to_transaction(offsets, group_metadata, COMMIT_TIMEOUT_S)
    producer.commit_transaction(COMMIT_TIMEOUT_S)


if __name__ == "__main__":
    Outbox.read_up_to = dying  # type: ignore[method-assign]  # the planted death
    main()
