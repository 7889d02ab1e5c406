"""The progress of a partition as text beside its committed offset, so that both are committed in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException, Producer, TopicPartition

from streams.log import log
from streams.match.core.flow import Partition
from streams.match.core.step import PartitionProgress
from streams.runtime.clients import consumer_of
from streams.runtime.kafka import answered, as_ours, transactional_producer

VERSION = "1"
RELEASED = "-"
COMMITTED_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Left:
    """The progress that a partition's last owner committed. *owner*: its transactional id; ``None`` if it
    released the partition.
    """

    standing: PartitionProgress
    owner: str | None


def text_of(standing: PartitionProgress, owner: str | None) -> str:
    parts = (standing.watch_offset, standing.first_offset, standing.watermark_ms)
    return " ".join([VERSION, owner or RELEASED, *map(str, parts)])


def left_from(text: str | None, next_offset: int) -> Left | None:
    """Parse *text*. ``None`` if it is not ours: a new group, or offsets set by hand."""
    words = (text or "").split(" ")
    if len(words) != 5 or words[0] != VERSION or not all(word.isdecimal() for word in words[2:]):
        return None
    watch_offset, first_offset, watermark_ms = map(int, words[2:])
    owner = None if words[1] == RELEASED else words[1]
    return Left(PartitionProgress(next_offset, watch_offset, first_offset, watermark_ms), owner)


def committed_of(standings: Mapping[Partition, PartitionProgress], owner: str | None) -> list[TopicPartition]:
    """Return *standings* as a transaction takes them."""
    return [
        TopicPartition(topic, partition, one.next_offset, metadata=text_of(one, owner))
        for (topic, partition), one in standings.items()
    ]


def taken_over(
    bootstrap: str, group: str, places: Sequence[Partition], *, us: str
) -> dict[Partition, Left | int]:
    """Return the committed progress of *places*, after no former owner can commit any more.

    An owner that did not release its partition is fenced, which aborts its open transaction, whether it died
    or hangs. An offset alone if it was committed without our text; no entry if nothing is committed.
    """
    before = _committed(bootstrap, group, places)
    owners = {one.owner for one in before.values() if isinstance(one, Left) and one.owner not in (None, us)}
    for owner in sorted(owner for owner in owners if owner is not None):
        _fence(bootstrap, owner)
    return _committed(bootstrap, group, places) if owners else before


def _committed(bootstrap: str, group: str, places: Collection[Partition]) -> dict[Partition, Left | int]:
    """Return the committed progress without waiting for an open transaction: its owner may be dead."""
    doing = f"reading the committed offsets of {group}"
    consumer = consumer_of(
        {
            "bootstrap.servers": bootstrap,
            "group.id": group,
            "isolation.level": "read_uncommitted",
            "log_level": 3,
        }
    )
    try:
        asked = [TopicPartition(topic, partition) for topic, partition in places]
        found = answered(consumer.committed(asked, timeout=COMMITTED_TIMEOUT_S), doing)
    except KafkaException as error:
        raise as_ours(error, doing) from error
    finally:
        consumer.close()
    return {
        (one.topic, one.partition): left_from(one.metadata, one.offset) or one.offset
        for one in found
        if one.offset >= 0
    }


def _fence(bootstrap: str, owner: str) -> None:
    producer: Producer = transactional_producer(bootstrap, owner)
    del producer
    log.info("fenced a worker that did not release its partitions", owner=owner)
