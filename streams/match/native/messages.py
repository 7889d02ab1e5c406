"""confluent-kafka's own messages to a batch of observations by compiled kernels, through its public methods alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import Message

from schemas.errors import Retriable
from streams.match.core.batch import ObservationBatch
from streams.match.core.cells import Filter
from streams.match.core.flow import Partition
from streams.match.native.decode import PLACES_MAX, Decoder, FrameRows
from streams.runtime.records import record_of


def decoded(decoding: Decoder, messages: Sequence[Any], sieve: Filter | None) -> ObservationBatch:
    """Return the batch of *messages*, which must be records, not errors."""
    return decoding.batch(_taken(messages), sieve)


def _taken(messages: Sequence[Any]) -> FrameRows:
    count = len(messages)
    values = list(map(Message.value, messages))
    if None in values:
        values = [value or b"" for value in values]
    held = np.frombuffer(b"".join(values), np.uint8)
    size = np.fromiter(map(len, values), np.int64, count)
    offset = np.fromiter(map(Message.offset, messages), np.int64, count)
    places, place = _placed(messages)
    ends = {where: int(offset[place == number].max()) + 1 for number, where in enumerate(places)}
    return FrameRows(
        held.ctypes.data + np.cumsum(size) - size,
        size,
        offset,
        place,
        places,
        ends,
        lambda row: record_of(messages[row]),
        held,
    )


def _placed(messages: Sequence[Any]) -> tuple[list[Partition], npt.NDArray[np.uint8]]:
    """Return the partitions, and for each message the index of its partition."""
    names = sorted(set(map(Message.topic, messages)))
    number = np.fromiter(map(Message.partition, messages), np.int64, len(messages))
    width = int(number.max(initial=0)) + 1
    if len(names) > 1:
        firsts = {name: width * at for at, name in enumerate(names)}
        number += np.fromiter(map(firsts.__getitem__, map(Message.topic, messages)), np.int64, len(messages))
    found = np.flatnonzero(np.bincount(number, minlength=1))
    if len(found) > PLACES_MAX:
        raise Retriable("more partitions than the limit of one batch")
    place = np.zeros(width * len(names) or 1, np.uint8)
    place[found] = np.arange(len(found))
    return [(names[one // width], one % width) for one in found.tolist()], place[number]
