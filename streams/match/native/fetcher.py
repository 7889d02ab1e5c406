"""Fetches record batches as brokers hold them; compiled code decodes them.

One request per broker is always under way. The next one is sent before the last response is decoded, so that
the broker works meanwhile. A request waits for records at the ends of its partitions, so when there are others to
read it is given up, and its connection with it. Where a principal must prove itself again after a time, a new connection
does it, between two requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from selectors import EVENT_READ, DefaultSelector
from time import monotonic
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from streams import metrics
from streams.log import log
from streams.match.core.flow import Partition
from streams.match.native.connection import SILENT_S, BrokerConnection
from streams.match.native.secure_socket import Broker, Unanswered
from streams.match.native.unpack import Part
from streams.runtime.kafka import as_ours

LEADERS_EVERY_S = 0.2
RESTS = 4
"""A broker whose connect failed is left alone for this many times the time it took, so that others are read
meanwhile.
"""
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
        self._connections: dict[Broker, BrokerConnection] = {}
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
            # read every ready connection, so that none starves
            parts = [part for one in self._ready(deadline) for part in self._receive(one)]
            for connection in [one for one in self._connections.values() if one.is_silent]:
                self._drop_broker(connection.broker, Unanswered(f"no response within {SILENT_S:.0f} s"))
            if parts:
                self._ask()
                return parts
            if monotonic() >= self._until(deadline):
                return []

    def _ready(self, deadline: float) -> list[BrokerConnection]:
        """Wait for connections with bytes to read: in their sockets, or read by TLS already."""
        unread = [one for one in self._connections.values() if one.has_unread]
        wait_s = 0.0 if unread else max(0.0, self._until(deadline) - monotonic())
        ready = [key.data for key, _ in self._selector.select(wait_s)]
        return ready + [one for one in unread if one not in ready]

    def _until(self, deadline: float) -> float:
        return deadline + (MIDWAY_S if any(one.is_midway for one in self._connections.values()) else 0.0)

    def close(self) -> None:
        for connection in list(self._connections.values()):
            self._drop(connection)
        self._selector.close()

    def _ask(self) -> None:
        self._find_leaders()
        idle: dict[Broker, dict[Partition, int]] = {}
        for place, offset in self._next.items():
            broker = self._leaders.get(place)
            if broker is not None:
                idle.setdefault(broker, {})[place] = offset
        for broker, wanted in idle.items():
            connection, begun = self._connections.get(broker), monotonic()
            is_over = connection is not None and not connection.requested and connection.is_ending
            if connection is not None and (is_over or not connection.asks_for(wanted)):
                self._drop(connection)
                connection = None
            try:
                if connection is None:
                    connection = self._connections[broker] = BrokerConnection(broker)
                    self._selector.register(connection.socket, EVENT_READ, connection)
                if not connection.requested:
                    connection.request(wanted, self._wait_ms)
            except OSError as error:
                self._drop_broker(broker, error, waited_s=monotonic() - begun)

    def _find_leaders(self) -> None:
        missing = [place for place in self._next if place not in self._leaders]
        if missing and monotonic() - self._looked_at >= LEADERS_EVERY_S:
            found = self._leaders_of(missing)
            now = self._looked_at = monotonic()
            self._leaders |= {place: one for place, one in found.items() if self._away.get(one, now) <= now}

    def _receive(self, connection: BrokerConnection) -> list[Part]:
        try:
            response: Any = connection.response()
        except OSError as error:
            self._drop_broker(connection.broker, error)
            return []
        if response is None:
            return []
        self._away.pop(connection.broker, None)
        requested, connection.requested = connection.requested, {}
        parts = []
        for topic, partitions in response.topics or ():
            for number, code, _, stable, _, aborted, _, records in partitions:
                place = (topic, number)
                if place not in requested or self._next.get(place) != requested[place]:
                    continue  # revoked, or read from another offset by now
                if code:
                    self._handle_refusal(place, code)
                    continue
                self.ends[place] = stable
                if not records:
                    continue
                part = Part(place, requested[place], records, aborted or ())
                if part.next_offset > requested[place]:
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
        connection = self._connections.get(broker)
        if (
            connection is None or connection.requested
        ):  # an idle connection may be closed by the broker at any time
            if broker not in self._away:
                log.warning("broker unavailable", broker=f"{broker[0]}:{broker[1]}", why=str(error))
            self._away[broker] = monotonic() + RESTS * waited_s
        if connection is not None:
            self._drop(connection)
        self._leaders = {place: leader for place, leader in self._leaders.items() if leader != broker}

    def _drop(self, connection: BrokerConnection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        del self._connections[connection.broker]
