"""Fetches record batches as brokers hold them; compiled code decodes them.

The protocol's messages are aiokafka's; the waiting is ours. One request per broker is always under way. The
next one is sent before the last response is decoded, so that the broker works meanwhile. Without TLS and
SASL, like all our clients.
"""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Callable, Mapping, Sequence
from selectors import EVENT_READ, DefaultSelector
from time import monotonic, sleep
from typing import Any

from aiokafka.protocol.fetch import FetchRequest_v11, FetchResponse_v11
from confluent_kafka import KafkaError, KafkaException

from streams import metrics
from streams.log import log
from streams.match.core.flow import Partition
from streams.match.native.unpack import Part
from streams.runtime.kafka import as_ours

ANSWER_BYTES, PLACE_BYTES = 2_000_000, 1_000_000
ANSWER_BYTES_MAX = 1 << 30
COMMITTED, NO_SESSION, UNKNOWN = 1, (0, -1), -1
CONNECT_S, SILENT_S, LEADERS_EVERY_S = 2.0, 10.0, 0.2
RESTS = 4
"""A broker whose connect failed is left alone for this many times the time it took, so that others are read
meanwhile.
"""
PROOFS, PROVED_EVERY_S = 3, 0.3
MIDWAY_S = 0.05
"""The time to wait for the rest of a response that has begun, after the caller's timeout."""
MOVED = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.KAFKA_STORAGE_ERROR,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)

Broker = tuple[str, int]


class Unanswered(ConnectionError):
    """A broker sent no response, or one that cannot be decoded."""


class Link:
    """A connection to one broker, with at most one request under way."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.asked: dict[Partition, int] = {}
        """The offset requested of each partition; empty when no request is under way."""
        self._moved_at = 0.0
        """The time of the last request sent or bytes received."""
        self._number = 0
        self._held = bytearray(4)
        self._got, self._need = 0, 4
        self.socket = socket.create_connection(broker, CONNECT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)

    @property
    def is_midway(self) -> bool:
        return self._got > 0

    @property
    def is_silent(self) -> bool:
        return bool(self.asked) and monotonic() - self._moved_at > SILENT_S

    def ask(self, wanted: Mapping[Partition, int], wait_ms: int) -> None:
        self.asked, self._moved_at = dict(wanted), monotonic()
        self._number += 1
        topics: dict[str, list[tuple[int, ...]]] = {}
        for (topic, number), offset in wanted.items():
            topics.setdefault(topic, []).append((number, UNKNOWN, offset, UNKNOWN, PLACE_BYTES))
        request = FetchRequest_v11(
            UNKNOWN, wait_ms, 1, ANSWER_BYTES, COMMITTED, *NO_SESSION, list(topics.items()), [], ""
        )
        said = request.build_request_header(self._number, "bongsu.match").encode() + request.encode()
        self.socket.sendall(struct.pack(">i", len(said)) + said)

    def heard(self) -> FetchResponse_v11 | None:
        """Return the response once it is complete, else ``None``. Its records are valid until the next call."""
        while self._got < self._need:
            try:
                count = self.socket.recv_into(memoryview(self._held)[self._got : self._need])
            except BlockingIOError:
                return None
            except ConnectionError as error:
                raise Unanswered("the broker closed the connection") from error
            if count == 0:
                raise Unanswered("the broker closed the connection")
            self._got, self._moved_at = self._got + count, monotonic()
            if self._got == self._need == 4:
                self._need += int.from_bytes(self._held[:4])
                if self._need > ANSWER_BYTES_MAX:
                    raise Unanswered("a response too long for a fetch")
                if self._need > len(self._held):
                    self._held = bytearray(self._held[:4]) + bytearray(self._need - 4)
        answer = ResponseBytes(memoryview(self._held)[4 : self._need])
        self._got, self._need = 0, 4
        try:
            if int.from_bytes(answer.read(4)) != self._number:
                raise Unanswered("a response to another request")
            return FetchResponse_v11.decode(answer)
        except (struct.error, ValueError) as error:
            raise Unanswered("a response that cannot be decoded") from error


class ResponseBytes:
    """A response's bytes as a file that aiokafka reads; long parts are not copied."""

    def __init__(self, held: memoryview) -> None:
        self._held = held
        self._at = 0

    def read(self, count: int) -> bytes | memoryview:
        begin, self._at = self._at, self._at + count
        found = self._held[begin : self._at]
        return found if count > 1_000 else bytes(found)


def prove(broker: Broker) -> None:
    """Send *broker* an empty fetch. ``Unanswered`` if it does not support our version, ``OSError`` if it is
    unreachable.

    It is tried several times, as a broker that is shutting down also closes connections.
    """
    for _ in range(PROOFS - 1):
        try:
            _ask_for_nothing(broker)
        except Unanswered:
            sleep(PROVED_EVERY_S)
        else:
            return
    _ask_for_nothing(broker)


def _ask_for_nothing(broker: Broker) -> None:
    link = Link(broker)
    try:
        link.ask({}, 0)
        deadline = monotonic() + CONNECT_S
        while link.heard() is None:
            if not select.select([link.socket], [], [], max(0.0, deadline - monotonic()))[0]:
                raise Unanswered("no response to a fetch")
    finally:
        link.socket.close()


class Fetcher:
    """Reads partitions from given offsets, committed records only. Used by one thread.

    *leaders* returns the leader of each of some partitions; *begin_of* the first offset of one.
    """

    def __init__(
        self,
        leaders: Callable[[Sequence[Partition]], Mapping[Partition, Broker]],
        begin_of: Callable[[Partition], int],
        *,
        wait_ms: int,
    ) -> None:
        self._leaders_of = leaders
        self._begin_of = begin_of
        self._wait_ms = wait_ms
        self._next: dict[Partition, int] = {}
        self._leaders: dict[Partition, Broker] = {}
        self._links: dict[Broker, Link] = {}
        self._away: dict[Broker, float] = {}
        """The brokers that failed, and the time from which each may be connected again."""
        self._selector = DefaultSelector()
        self._looked_at = -LEADERS_EVERY_S
        self.ends: dict[Partition, int] = {}
        """The last stable offset of each partition, from its broker's last response."""

    def begin(self, places: Mapping[Partition, int]) -> None:
        """Read these partitions, and no others, from the given offsets."""
        self._next = dict(places)
        self.ends = {place: end for place, end in self.ends.items() if place in places}

    def reached(self, place: Partition) -> int:
        """Return the next offset to fetch."""
        return self._next[place]

    def fetched(self, timeout_s: float) -> list[Part]:
        """Return the fetched parts, in the order of each partition; empty after *timeout_s*."""
        deadline = monotonic() + timeout_s
        while True:
            self._ask()
            ready = self._selector.select(max(0.0, self._until(deadline) - monotonic()))
            # read every ready connection, so that none starves
            parts = [part for key, _ in ready for part in self._receive(key.data)]
            for link in [one for one in self._links.values() if one.is_silent]:
                self._drop_broker(link.broker, Unanswered(f"no response within {SILENT_S:.0f} s"))
            if parts:
                self._ask()
                return parts
            if monotonic() >= self._until(deadline):
                return []

    def _until(self, deadline: float) -> float:
        return deadline + (MIDWAY_S if any(link.is_midway for link in self._links.values()) else 0.0)

    def close(self) -> None:
        for link in list(self._links.values()):
            self._drop(link)
        self._selector.close()

    def _ask(self) -> None:
        self._find_leaders()
        idle: dict[Broker, dict[Partition, int]] = {}
        for place, offset in self._next.items():
            broker = self._leaders.get(place)
            if broker is not None:
                idle.setdefault(broker, {})[place] = offset
        for broker, wanted in idle.items():
            link, begun = self._links.get(broker), monotonic()
            try:
                if link is None:
                    link = self._links[broker] = Link(broker)
                    self._selector.register(link.socket, EVENT_READ, link)
                if not link.asked:
                    link.ask(wanted, self._wait_ms)
            except OSError as error:
                self._drop_broker(broker, error, waited_s=monotonic() - begun)

    def _find_leaders(self) -> None:
        missing = [place for place in self._next if place not in self._leaders]
        if missing and monotonic() - self._looked_at >= LEADERS_EVERY_S:
            found = self._leaders_of(missing)
            now = self._looked_at = monotonic()
            self._leaders |= {place: one for place, one in found.items() if self._away.get(one, now) <= now}

    def _receive(self, link: Link) -> list[Part]:
        try:
            answer: Any = link.heard()
        except OSError as error:
            self._drop_broker(link.broker, error)
            return []
        if answer is None:
            return []
        self._away.pop(link.broker, None)
        asked, link.asked = link.asked, {}
        parts = []
        for topic, partitions in answer.topics or ():
            for number, code, _, stable, _, aborted, _, records in partitions:
                place = (topic, number)
                if place not in asked or self._next.get(place) != asked[place]:
                    continue  # revoked, or read from another offset by now
                if code:
                    self._handle_refusal(place, code)
                    continue
                self.ends[place] = stable
                if not records:
                    continue
                part = Part(place, asked[place], records, aborted or ())
                if part.next_offset > asked[place]:
                    # move it to the end of the next request, so that it starves no other partition
                    del self._next[place]
                    self._next[place] = part.next_offset
                    parts.append(part)
        return parts

    def _handle_refusal(self, place: Partition, code: int) -> None:
        if code == KafkaError.OFFSET_OUT_OF_RANGE:
            begin = self._begin_of(place)
            metrics.records_gone.labels(place[0]).inc(max(0, begin - self._next[place]))
            log.warning(
                "offset out of range, reading from the beginning of the partition",
                topic=place[0],
                partition=place[1],
                wanted=self._next[place],
                begin=begin,
            )
            self._next[place] = begin
        elif code in MOVED:
            self._leaders.pop(place, None)
        else:
            raise as_ours(KafkaException(KafkaError(code)), "reading observations")

    def _drop_broker(self, broker: Broker, error: OSError, *, waited_s: float = 0.0) -> None:
        """Drop the connection, and look for new leaders of its partitions."""
        link = self._links.get(broker)
        if link is None or link.asked:  # an idle connection may be closed by the broker at any time
            if broker not in self._away:
                log.warning("broker unavailable", broker=f"{broker[0]}:{broker[1]}", why=str(error))
            self._away[broker] = monotonic() + RESTS * waited_s
        if link is not None:
            self._drop(link)
        self._leaders = {place: leader for place, leader in self._leaders.items() if leader != broker}

    def _drop(self, link: Link) -> None:
        self._selector.unregister(link.socket)
        link.socket.close()
        del self._links[link.broker]
