"""librdkafka's public C API by ctypes, from the library that ships with confluent-kafka.

``NativeMissing`` if the library, or a function of it, is missing: the plain producer is used then.
"""

from __future__ import annotations

import ctypes as ct
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from streams.log import KAFKA_LOGGER

PRODUCER = 0
TEXT_BYTES = 512

P = ct.c_void_p


def _logged(_client: int | None, level: int, facility: bytes | None, words: bytes | None) -> None:
    """Write a line of librdkafka to our log. Called on its threads; levels are those of syslog."""
    ours = logging.ERROR if level <= 3 else logging.WARNING if level == 4 else logging.INFO
    KAFKA_LOGGER.log(ours, "%s %s", *((one or b"").decode(errors="replace") for one in (facility, words)))


_LOGGED = ct.CFUNCTYPE(None, P, ct.c_int, ct.c_char_p, ct.c_char_p)(_logged)
"""Kept for the life of the module: librdkafka's threads call it."""


class NativeMissing(Exception):
    """The reason why the native producer is not available."""


class Place(ct.Structure):
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


class Places(ct.Structure):
    _fields_ = [("cnt", ct.c_int), ("size", ct.c_int), ("elems", ct.POINTER(Place))]


_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    "conf_new": (P,),
    "conf_set": (ct.c_int, P, ct.c_char_p, ct.c_char_p, ct.c_char_p, ct.c_size_t),
    "conf_destroy": (None, P),
    "conf_set_log_cb": (None, P, P),
    "new": (P, ct.c_int, P, ct.c_char_p, ct.c_size_t),
    "topic_partition_list_new": (ct.POINTER(Places), ct.c_int),
    "topic_partition_list_add": (ct.POINTER(Place), ct.POINTER(Places), ct.c_char_p, ct.c_int32),
    "topic_partition_list_destroy": (None, ct.POINTER(Places)),
    "consumer_group_metadata_destroy": (None, P),
    "consumer_group_metadata_read": (P, ct.POINTER(P), ct.c_char_p, ct.c_size_t),
    "topic_new": (P, P, ct.c_char_p, P),
    "topic_destroy": (None, P),
    "produceva": (P, P, P, ct.c_size_t),
    "poll": (ct.c_int, P, ct.c_int),
    "flush": (ct.c_int, P, ct.c_int),
    "init_transactions": (P, P, ct.c_int),
    "begin_transaction": (P, P),
    "send_offsets_to_transaction": (P, P, ct.POINTER(Places), P, ct.c_int),
    "commit_transaction": (P, P, ct.c_int),
    "abort_transaction": (P, P, ct.c_int),
    "error_code": (ct.c_int, P),
    "error_string": (ct.c_char_p, P),
    "error_is_fatal": (ct.c_int, P),
    "error_is_retriable": (ct.c_int, P),
    "error_txn_requires_abort": (ct.c_int, P),
    "error_destroy": (None, P),
    "destroy": (None, P),
    "version": (ct.c_int,),
}


class Library:
    """The functions by name, with their types."""

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
        return function  # type: ignore[no-any-return]  # ctypes gives Any

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return self._functions[name]

    def address_of(self, name: str) -> int:
        """Return the address of a function, for compiled code to call."""
        function: Any = self._functions[name]
        return int(ct.cast(function, P).value or 0)

    def producer(self, settings: Mapping[str, Any]) -> Any:
        """Return the handle of a new producer."""
        text = ct.create_string_buffer(TEXT_BYTES)
        configuration = self.conf_new()
        self.conf_set_log_cb(configuration, ct.cast(_LOGGED, P))
        for name, value in settings.items():
            said = str(value).lower() if isinstance(value, bool) else str(value)
            if self.conf_set(configuration, name.encode(), said.encode(), text, TEXT_BYTES):
                self.conf_destroy(configuration)
                raise NativeMissing(f"librdkafka refuses the setting {name}")
        handle = self.new(PRODUCER, configuration, text, TEXT_BYTES)
        if not handle:
            raise NativeMissing("librdkafka cannot create a client")
        return handle

    def places(self, places: Sequence[tuple[str, int]]) -> Any:
        """Return a list of librdkafka's, to be destroyed by the caller."""
        made = self.topic_partition_list_new(len(places))
        for topic, partition in places:
            self.topic_partition_list_add(made, topic.encode(), partition)
        return made

    def check(self, error: int | None) -> None:
        """Raise the ``rd_kafka_error_t`` at that address as confluent-kafka does, and destroy it."""
        if not error:
            return
        reason = self.error_string(error) or b""
        raised = KafkaError(
            self.error_code(error),
            reason.decode(errors="replace"),
            fatal=bool(self.error_is_fatal(error)),
            retriable=bool(self.error_is_retriable(error)),
            txn_requires_abort=bool(self.error_txn_requires_abort(error)),
        )
        self.error_destroy(error)
        raise KafkaException(raised)
