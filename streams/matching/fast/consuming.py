"""Batches of messages as addresses, without a Python object for each: librdkafka's consumer as its C API has it."""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaError, KafkaException

from streams.match.flow import Partition
from streams.matching.fast.library import CONSUMER, REBALANCE, Library, Message, P, Place
from streams.runtime.records import Record

ASSIGN, REVOKE = KafkaError._ASSIGN_PARTITIONS, KafkaError._REVOKE_PARTITIONS
Addresses = npt.NDArray[np.int64]

Rebalanced = Callable[[Sequence[Partition]], Mapping[Partition, int]]


class NativeConsumer:
    """One consumer. Used from one thread; the callbacks come from within ``consume`` and ``close``."""

    def __init__(self, library: Library, settings: Mapping[str, Any]) -> None:
        self._c = library
        self._fault: BaseException | None = None
        self._callback = REBALANCE(self._rebalance)
        self._assigned: Rebalanced = lambda _: {}
        self._revoked: Callable[[], None] = lambda: None
        self._lost: Callable[[], None] = lambda: None
        self._handle = library.handle(
            CONSUMER, settings, lambda conf: library.conf_set_rebalance_cb(conf, self._callback)
        )
        self._c.poll_set_consumer(self._handle)
        self._queue = self._c.queue_get_consumer(self._handle)

    def subscribe(
        self,
        topics: Sequence[str],
        assigned: Rebalanced,
        revoked: Callable[[], None],
        lost: Callable[[], None],
    ) -> None:
        self._assigned, self._revoked, self._lost = assigned, revoked, lost
        places = self._c.places([(topic, -1) for topic in topics])
        self._check(self._c.subscribe(self._handle, places), "subscribing")
        self._c.topic_partition_list_destroy(places)

    def assign(self, begins: Mapping[Partition, int]) -> None:
        """Read these from there on, whatever any group says."""
        places = self._c.places(list(begins))
        for number, offset in enumerate(begins.values()):
            places.contents.elems[number].offset = offset
        self._check(self._c.assign(self._handle, places), "assigning")
        self._c.topic_partition_list_destroy(places)

    def consume(self, into: Addresses, timeout_s: float) -> int:
        """How many messages were put into *into*, waiting *timeout_s* for the first and for no more."""
        count = self._c.consume_batch_queue(self._queue, int(timeout_s * 1000), into.ctypes.data, len(into))
        fault, self._fault = self._fault, None
        if fault is not None:
            raise fault
        return max(0, int(count))

    def group_metadata(self) -> bytes:
        """As confluent-kafka's producer takes it."""
        group = self._c.consumer_group_metadata(self._handle)
        written, size = P(), ct.c_size_t()
        self._c.consumer_group_metadata_write(group, ct.byref(written), ct.byref(size))
        data = ct.string_at(written, size.value)
        self._c.mem_free(None, written)
        self._c.consumer_group_metadata_destroy(group)
        return data

    def ends(self, place: Partition, *, cached: bool, timeout_s: float = 10.0) -> tuple[int, int]:
        """First and next offset of *place*; -1001 for what the broker has not told yet, if it is not asked."""
        low, high = ct.c_int64(), ct.c_int64()
        about = (self._handle, place[0].encode(), place[1], ct.byref(low), ct.byref(high))
        if cached:
            self._check(self._c.get_watermark_offsets(*about), "asking for ends")
        else:
            self._check(self._c.query_watermark_offsets(*about, int(timeout_s * 1000)), "asking for ends")
        return low.value, high.value

    def topic_name(self, topic: int) -> str:
        name: bytes = self._c.topic_name(topic)
        return name.decode()

    def record(self, address: int) -> Record:
        """The message at *address*, copied."""
        message = Message.from_address(address)
        kind, stamp = ct.c_int(), 0
        stamp = self._c.message_timestamp(address, ct.byref(kind))
        return Record(
            self.topic_name(message.rkt),
            message.partition,
            message.offset,
            stamp,
            ct.string_at(message.key, message.key_len) if message.key else None,
            ct.string_at(message.payload, message.len) if message.payload else None,
            self._headers(address),
        )

    def _headers(self, address: int) -> dict[str, bytes]:
        headers, found = P(), dict[str, bytes]()
        if self._c.message_headers(address, ct.byref(headers)):
            return found
        name, value, size = ct.c_char_p(), P(), ct.c_size_t()
        at = 0
        while not self._c.header_get_all(headers, at, ct.byref(name), ct.byref(value), ct.byref(size)):
            if value.value is not None and name.value is not None:
                found[name.value.decode(errors="replace")] = ct.string_at(value.value, size.value)
            at += 1
        return found

    def close(self) -> None:
        """Leave the group, and let go of everything; messages must have been freed."""
        if self._handle is None:
            return
        self._c.queue_destroy(self._queue)
        self._c.consumer_close(self._handle)
        self._c.destroy(self._handle)
        self._handle = None

    def _rebalance(self, handle: int, code: int, places: Any, _opaque: int) -> None:
        """Called by librdkafka; what goes wrong is raised by ``consume``, as nothing may pass through C."""
        try:
            if code == ASSIGN:
                named = [(one.topic.decode(), one.partition) for one in _elements(places)]
                begins = self._assigned(named)
                for one in _elements(places):
                    begin = begins.get((one.topic.decode(), one.partition))
                    if begin is not None:
                        one.offset = begin
                self._c.assign(handle, places)
                return
            (self._lost if self._c.assignment_lost(handle) else self._revoked)()
        except BaseException as fault:  # C would swallow it
            self._fault = fault
        if code != ASSIGN or self._fault is not None:
            self._c.assign(handle, None)

    def _check(self, code: int, doing: str) -> None:
        if code:
            raise KafkaException(KafkaError(code, doing))


def _elements(places: Any) -> list[Place]:
    return list(places.contents.elems[: places.contents.cnt])
