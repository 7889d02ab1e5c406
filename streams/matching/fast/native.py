"""librdkafka's public C consumer, reached by ctypes in the very library that confluent-kafka brings: batches of messages
as addresses, without a Python object for each. Nothing here speaks Kafka's protocol.

``NativeMissing`` where the library, or a function of it, is not to be had: the plain reader is taken then.
"""

from __future__ import annotations

import ctypes as ct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import confluent_kafka
import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaError, KafkaException

from streams.match.flow import Partition
from streams.runtime.records import Record

CONSUMER = 1
ASSIGN, REVOKE = KafkaError._ASSIGN_PARTITIONS, KafkaError._REVOKE_PARTITIONS
TEXT_BYTES = 512
Addresses = npt.NDArray[np.int64]

P = ct.c_void_p


class NativeMissing(Exception):
    """Why the quick way cannot be had."""


class _Place(ct.Structure):
    _fields_ = [
        ("topic", ct.c_char_p),
        ("partition", ct.c_int32),
        ("offset", ct.c_int64),
        ("metadata", P),
        ("metadata_size", ct.c_size_t),
        ("opaque", P),
        ("err", ct.c_int),
        ("_private", P),
    ]


class _Places(ct.Structure):
    _fields_ = [("cnt", ct.c_int), ("size", ct.c_int), ("elems", ct.POINTER(_Place))]


class Message(ct.Structure):
    """``rd_kafka_message_t``; `kernel` reads it by the same offsets."""

    _fields_ = [
        ("err", ct.c_int),
        ("rkt", P),
        ("partition", ct.c_int32),
        ("payload", P),
        ("len", ct.c_size_t),
        ("key", P),
        ("key_len", ct.c_size_t),
        ("offset", ct.c_int64),
        ("_private", P),
    ]


_REBALANCE = ct.CFUNCTYPE(None, P, ct.c_int, ct.POINTER(_Places), P)
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "conf_new": (P,),
    "conf_set": (ct.c_int, P, ct.c_char_p, ct.c_char_p, ct.c_char_p, ct.c_size_t),
    "conf_destroy": (None, P),
    "conf_set_rebalance_cb": (None, P, _REBALANCE),
    "new": (P, ct.c_int, P, ct.c_char_p, ct.c_size_t),
    "poll_set_consumer": (ct.c_int, P),
    "topic_partition_list_new": (ct.POINTER(_Places), ct.c_int),
    "topic_partition_list_add": (ct.POINTER(_Place), ct.POINTER(_Places), ct.c_char_p, ct.c_int32),
    "topic_partition_list_destroy": (None, ct.POINTER(_Places)),
    "subscribe": (ct.c_int, P, ct.POINTER(_Places)),
    "assign": (ct.c_int, P, ct.POINTER(_Places)),
    "assignment_lost": (ct.c_int, P),
    "queue_get_consumer": (P, P),
    "queue_destroy": (None, P),
    "consume_batch_queue": (ct.c_ssize_t, P, ct.c_int, P, ct.c_size_t),
    "message_destroy": (None, P),
    "message_timestamp": (ct.c_int64, P, ct.POINTER(ct.c_int)),
    "message_headers": (ct.c_int, P, ct.POINTER(P)),
    "message_errstr": (ct.c_char_p, P),
    "header_get_all": (
        ct.c_int,
        P,
        ct.c_size_t,
        ct.POINTER(ct.c_char_p),
        ct.POINTER(P),
        ct.POINTER(ct.c_size_t),
    ),
    "topic_name": (ct.c_char_p, P),
    "consumer_group_metadata": (P, P),
    "consumer_group_metadata_write": (P, P, ct.POINTER(P), ct.POINTER(ct.c_size_t)),
    "consumer_group_metadata_destroy": (None, P),
    "get_watermark_offsets": (
        ct.c_int,
        P,
        ct.c_char_p,
        ct.c_int32,
        ct.POINTER(ct.c_int64),
        ct.POINTER(ct.c_int64),
    ),
    "query_watermark_offsets": (
        ct.c_int,
        P,
        ct.c_char_p,
        ct.c_int32,
        ct.POINTER(ct.c_int64),
        ct.POINTER(ct.c_int64),
        ct.c_int,
    ),
    "mem_free": (None, P, P),
    "err2name": (ct.c_char_p, ct.c_int),
    "consumer_close": (ct.c_int, P),
    "destroy": (None, P),
    "version": (ct.c_int,),
}


class Library:
    """The functions by name, each with its types."""

    def __init__(self) -> None:
        folder = Path(confluent_kafka.__file__).parent.parent / "confluent_kafka.libs"
        found = sorted(folder.glob("librdkafka-*.so*"))
        if len(found) != 1:
            raise NativeMissing("confluent-kafka's wheel brings no librdkafka of its own here")
        try:
            self._library = ct.CDLL(str(found[0]))
            self._functions = {name: self._function(name, *types) for name, types in _FUNCTIONS.items()}
        except (OSError, AttributeError) as error:
            raise NativeMissing(f"its librdkafka cannot be used: {type(error).__name__}") from error
        if self.version() != confluent_kafka.libversion()[1]:
            raise NativeMissing("its librdkafka is not the one that confluent-kafka itself uses")

    def _function(self, name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
        function: Any = getattr(self._library, f"rd_kafka_{name}")
        function.restype, function.argtypes = result, arguments
        return function  # type: ignore[no-any-return]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._functions[name]

    def address_of(self, name: str) -> int:
        """Where a function is, for compiled code to call."""
        function: Any = self._functions[name]
        return int(ct.cast(function, P).value or 0)


Rebalanced = Callable[[Sequence[Partition]], Mapping[Partition, int]]


class NativeConsumer:
    """One consumer. Used from one thread; the callbacks come from within ``consume`` and ``close``."""

    def __init__(self, library: Library, settings: Mapping[str, Any]) -> None:
        self._c = library
        self._fault: BaseException | None = None
        self._callback = _REBALANCE(self._rebalance)
        self._assigned: Rebalanced = lambda _: {}
        self._revoked: Callable[[], None] = lambda: None
        self._lost: Callable[[], None] = lambda: None
        text = ct.create_string_buffer(TEXT_BYTES)
        configuration = self._c.conf_new()
        for name, value in settings.items():
            said = str(value).lower() if isinstance(value, bool) else str(value)
            if self._c.conf_set(configuration, name.encode(), said.encode(), text, TEXT_BYTES):
                self._c.conf_destroy(configuration)
                raise NativeMissing(f"librdkafka refuses the setting {name}")
        self._c.conf_set_rebalance_cb(configuration, self._callback)
        self._handle = self._c.new(CONSUMER, configuration, text, TEXT_BYTES)
        if not self._handle:
            raise NativeMissing("librdkafka makes no consumer")
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
        places = self._list([(topic, -1) for topic in topics])
        self._check(self._c.subscribe(self._handle, places), "subscribing")
        self._c.topic_partition_list_destroy(places)

    def assign(self, begins: Mapping[Partition, int]) -> None:
        """Read these from there on, whatever any group says."""
        places = self._list(list(begins))
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

    def _list(self, places: Sequence[Partition]) -> Any:
        made = self._c.topic_partition_list_new(len(places))
        for topic, partition in places:
            self._c.topic_partition_list_add(made, topic.encode(), partition)
        return made

    def _check(self, code: int, doing: str) -> None:
        if code:
            raise KafkaException(KafkaError(code, doing))


def _elements(places: Any) -> list[_Place]:
    return list(places.contents.elems[: places.contents.cnt])
