"""A transactional producer on librdkafka's C API, which sends many records in one call of compiled code.

It has the methods of confluent-kafka's producer that a transaction needs, and raises the same errors.
"""

from __future__ import annotations

import ctypes as ct
import struct
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.match.native.librdkafka import Library, P

RKT, VALUE, KEY, FLAGS, HEADER = 2, 4, 5, 7, 9
"""``rd_kafka_vtype_t``: the kind of an argument of ``produceva``."""
COPIED = 2
BYTES = struct.Struct("=QQ")
"""An address and a size."""
ARGUMENT_WORDS, ARGUMENT_BYTES = 9, 72
"""``rd_kafka_vu_t`` in words of eight bytes: the kind, then room for the longest value."""
Arguments = npt.NDArray[np.int64]


class NativeProducer:
    """A producer that several threads may use, as librdkafka allows."""

    def __init__(self, library: Library, settings: Mapping[str, Any]) -> None:
        self._c = library
        self.handle = library.producer(settings)
        self._topics: dict[str, int] = {}
        self._templates: dict[tuple[str, tuple[str, ...]], tuple[bytes, list[int], list[Any]]] = {}
        self._end = weakref.finalize(self, _destroy, library, self.handle, self._topics)
        self._end.atexit = False  # a thread may still be in a call that never returns

    def topic(self, name: str) -> int:
        """Return the address of librdkafka's handle of a topic."""
        if name not in self._topics:
            self._topics[name] = self._c.topic_new(self.handle, name.encode(), None)
        return self._topics[name]

    def produce(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
        on_delivery: Any = None,  # a record that is not delivered fails the commit
    ) -> None:
        template, places = self._template(topic, tuple(name for name, _ in headers))
        texts = (key, value, *(text for _, text in headers))
        held = bytearray().join(text or b"" for text in texts) + b"\0"
        arguments, at = bytearray(template), _address(held)
        for place, text in zip(places, texts, strict=True):
            if text is not None:
                BYTES.pack_into(arguments, place, at, len(text))
                at += len(text)
        self.check(self._c.produceva(self.handle, _address(arguments), len(arguments) // ARGUMENT_BYTES))

    def _template(self, topic: str, names: tuple[str, ...]) -> tuple[bytes, list[int]]:
        """Return the arguments of a record to that topic with headers of those names, and the places to fill in.

        They are kept: there are few combinations.
        """
        known = self._templates.get((topic, names))
        if known is None:
            texts = [ct.create_string_buffer(name.encode()) for name in names]
            made = arguments_of(self.topic(topic), [ct.addressof(text) for text in texts])
            places = [8 * (row * ARGUMENT_WORDS + _told_at(made, row)) for row in range(2 + len(names))]
            known = made.tobytes(), places, texts
            self._templates[topic, names] = known
        return known[:2]

    def check(self, error: int | None) -> None:
        """Raise the error at that address, if any; ``BufferError`` when the queue is full."""
        try:
            self._c.check(error)
        except KafkaException as raised:
            if raised.args[0].code() == KafkaError._QUEUE_FULL:
                raise BufferError("the local queue is full") from raised
            raise

    @property
    def produceva(self) -> int:
        """The address of the function, for compiled code."""
        return self._c.address_of("produceva")

    def poll(self, timeout_s: float) -> int:
        return int(self._c.poll(self.handle, _ms(timeout_s)))

    def flush(self, timeout_s: float) -> int:
        code = self._c.flush(self.handle, _ms(timeout_s))
        if code and code != KafkaError._TIMED_OUT:
            raise KafkaException(KafkaError(code))
        return int(bool(code))

    def init_transactions(self, timeout_s: float) -> None:
        self._c.check(self._c.init_transactions(self.handle, _ms(timeout_s)))

    def begin_transaction(self) -> None:
        self._c.check(self._c.begin_transaction(self.handle))

    def commit_transaction(self, timeout_s: float) -> None:
        self._c.check(self._c.commit_transaction(self.handle, _ms(timeout_s)))

    def abort_transaction(self, timeout_s: float) -> None:
        self._c.check(self._c.abort_transaction(self.handle, _ms(timeout_s)))

    def send_offsets_to_transaction(
        self, offsets: Sequence[TopicPartition], group_metadata: bytes, timeout_s: float
    ) -> None:
        """Add *offsets* to the transaction. *group_metadata*: the bytes of a consumer's metadata."""
        group = P()
        self._c.check(
            self._c.consumer_group_metadata_read(ct.byref(group), group_metadata, len(group_metadata))
        )
        places = self._c.places([(one.topic, one.partition) for one in offsets])
        # with a zero byte behind it: confluent-kafka writes it, and needs it when it reads
        said = [ct.create_string_buffer((one.metadata or "").encode()) for one in offsets]
        elements = places.contents.elems
        try:
            for number, (one, text) in enumerate(zip(offsets, said, strict=True)):
                elements[number].offset = one.offset
                elements[number].metadata, elements[number].metadata_size = ct.addressof(text), len(text)
            self._c.check(self._c.send_offsets_to_transaction(self.handle, places, group, _ms(timeout_s)))
        finally:
            for number in range(len(offsets)):  # the texts are ours: destroying the list would free them
                elements[number].metadata, elements[number].metadata_size = None, 0
            self._c.topic_partition_list_destroy(places)
            self._c.consumer_group_metadata_destroy(group)


def arguments_of(topic: int, header_names: Sequence[int]) -> Arguments:
    """Return the arguments of a ``produceva``: key, value and headers, to be filled in; then the constant
    ones, topic and flags.
    """
    count = len(header_names)
    arguments = np.zeros((count + 4, ARGUMENT_WORDS), np.int64)
    arguments[:, 0] = [KEY, VALUE, *[HEADER] * count, RKT, FLAGS]
    arguments[2 : 2 + count, 1] = header_names
    arguments[2 + count, 1], arguments[3 + count, 1] = topic, COPIED
    return arguments


def put_bytes(arguments: Arguments, row: int, address: int, size: int) -> None:
    """Set the bytes of argument *row*."""
    at = _told_at(arguments, row)
    arguments[row, at], arguments[row, at + 1] = address, size


def _told_at(arguments: Arguments, row: int) -> int:
    """Return the word that holds the address of its bytes; in a header the name stands before it."""
    return 2 if arguments[row, 0] == HEADER else 1


def _address(held: bytearray) -> int:
    return ct.addressof(ct.c_char.from_buffer(held))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _destroy(library: Library, handle: int, topics: Mapping[str, int]) -> None:
    for topic in topics.values():
        library.topic_destroy(topic)
    library.destroy(handle)
