"""A connection to one broker: a fetch sent, its response received. The protocol's messages are aiokafka's."""

from __future__ import annotations

import select
import ssl
import struct
from collections.abc import Mapping
from time import monotonic, sleep

from aiokafka.protocol.fetch import FetchRequest_v11, FetchResponse_v11

from streams.match.core.flow import Partition
from streams.match.native.secure_socket import Broker, Unanswered, opened
from streams.runtime.security import security

RESPONSE_BYTES, PLACE_BYTES = 2_000_000, 1_000_000
RESPONSE_BYTES_MAX = 1 << 30
COMMITTED, NO_SESSION, UNKNOWN = 1, (0, -1), -1
CONNECT_S, SILENT_S = 2.0, 10.0
PROOFS, PROOF_EVERY_S = 3, 0.3


class BrokerConnection:
    """A connection to one broker, with at most one request under way."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.requested: dict[Partition, int] = {}
        """The offset requested of each partition; empty when no request is under way."""
        self._moved_at = 0.0
        """The time of the last request sent or bytes received."""
        self._number = 0
        self._buffer = bytearray(4)
        self._got, self._need = 0, 4
        self.socket, self._ends_at = opened(broker, security(), timeout_s=CONNECT_S)
        self.socket.setblocking(False)

    def asks_for(self, wanted: Mapping[Partition, int]) -> bool:
        """Whether the request under way, if any, has all that is *wanted*, from those offsets."""
        return not self.requested or self.requested.items() >= wanted.items()

    @property
    def is_ending(self) -> bool:
        """Whether the broker will soon end it, since its principal must prove itself again: a new one does that."""
        return monotonic() > self._ends_at

    @property
    def has_unread(self) -> bool:
        """Whether TLS has bytes that it has read from the socket and we have not: a selector does not see them."""
        return isinstance(self.socket, ssl.SSLSocket) and self.socket.pending() > 0

    @property
    def is_midway(self) -> bool:
        return self._got > 0

    @property
    def is_silent(self) -> bool:
        return bool(self.requested) and monotonic() - self._moved_at > SILENT_S

    def request(self, wanted: Mapping[Partition, int], wait_ms: int) -> None:
        self.requested, self._moved_at = dict(wanted), monotonic()
        self._number += 1
        topics: dict[str, list[tuple[int, ...]]] = {}
        for (topic, number), offset in wanted.items():
            topics.setdefault(topic, []).append((number, UNKNOWN, offset, UNKNOWN, PLACE_BYTES))
        request = FetchRequest_v11(
            UNKNOWN, wait_ms, 1, RESPONSE_BYTES, COMMITTED, *NO_SESSION, list(topics.items()), [], ""
        )
        sent = request.build_request_header(self._number, "bongsu.match").encode() + request.encode()
        self.socket.sendall(struct.pack(">i", len(sent)) + sent)

    def response(self) -> FetchResponse_v11 | None:
        """Return the response once it is complete, else ``None``. Its records are valid until the next call."""
        while self._got < self._need:
            try:
                count = self.socket.recv_into(memoryview(self._buffer)[self._got : self._need])
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
            except (ConnectionError, ssl.SSLError) as error:
                raise Unanswered("the broker closed the connection") from error
            if count == 0:
                raise Unanswered("the broker closed the connection")
            self._got, self._moved_at = self._got + count, monotonic()
            if self._got == self._need == 4:
                self._need += int.from_bytes(self._buffer[:4])
                if self._need > RESPONSE_BYTES_MAX:
                    raise Unanswered("a response too long for a fetch")
                if self._need > len(self._buffer):
                    self._buffer = bytearray(self._buffer[:4]) + bytearray(self._need - 4)
        response = ResponseBytes(memoryview(self._buffer)[4 : self._need])
        self._got, self._need = 0, 4
        try:
            if int.from_bytes(response.read(4)) != self._number:
                raise Unanswered("a response to another request")
            return FetchResponse_v11.decode(response)
        except (struct.error, ValueError) as error:
            raise Unanswered("a response that cannot be decoded") from error


class ResponseBytes:
    """A response's bytes as a file that aiokafka reads; long parts are not copied."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer
        self._at = 0

    def read(self, count: int) -> bytes | memoryview:
        begin, self._at = self._at, self._at + count
        found = self._buffer[begin : self._at]
        return found if count > 1_000 else bytes(found)


def prove(broker: Broker) -> None:
    """Send *broker* an empty fetch. ``Unanswered`` if it does not support our version, ``OSError`` if it is
    unreachable.

    It is tried several times, as a broker that is shutting down also closes connections.
    """
    for _ in range(PROOFS - 1):
        try:
            _fetch_nothing(broker)
        except Unanswered:
            sleep(PROOF_EVERY_S)
        else:
            return
    _fetch_nothing(broker)


def _fetch_nothing(broker: Broker) -> None:
    connection = BrokerConnection(broker)
    try:
        connection.request({}, 0)
        deadline = monotonic() + CONNECT_S
        while connection.response() is None:
            if not select.select([connection.socket], [], [], max(0.0, deadline - monotonic()))[0]:
                raise Unanswered("no response to a fetch")
    finally:
        connection.socket.close()
