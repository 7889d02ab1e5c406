"""The shared vehicles of a city for the gateway (``connectors.gateway.gbfs_paths.FleetReadings``).

Positions come by the thousand and are of use to GBFS alone: they are read from the first request on. The reading begins at
the city's midnight, from which the names of stands follow; a topic of several partitions is read in the order of each.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.gateway.gbfs_feeds import UNSAID, HubWord
from connectors.gateway.shared_fleet import ParkedVehicle, SharedFleet
from schemas.catalogue import contract_name, topic_name
from schemas.errors import BongsuError
from schemas.wire import Wire
from streams.log import log
from streams.runtime.kafka import METADATA_TIMEOUT_S, answered, as_ours, partitions_of, reader
from streams.runtime.records import Record, record_of
from streams.runtime.row_reader import RowReader

POSITION, COUNTS = "mobility.position", "mobility.hub"
AGAIN_S = 2.0
LOOK_S = 0.5
END_S = 10.0
FIRST_S = 5.0
"""The time for which the first request waits."""
HUBS_MAX = 20_000


class LogFleet:
    """Reads the positions of one city into *fleet*. *midnight_ms*: the last midnight before a time, there; *same_as*: hub of
    a feed → the hub whose board it is part of."""

    def __init__(
        self,
        city: str,
        fleet: SharedFleet,
        *,
        bootstrap: str,
        wire: Wire,
        now_ms: Callable[[], int],
        midnight_ms: Callable[[int], int],
        same_as: Mapping[str, str],
        before: Callable[[], object] = lambda: None,
    ) -> None:
        self._topics = [topic_name(city, contract) for contract in (POSITION, COUNTS)]
        self._fleet = fleet
        self._words: dict[str, HubWord] = {}
        self._bootstrap = bootstrap
        self._reader = RowReader(wire, f"{city}.gateway.fleet")
        self._now_ms = now_ms
        self._midnight_ms = midnight_ms
        self._same_as = same_as
        self._before = before
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._is_read = threading.Event()
        self._thread: threading.Thread | None = None
        self._trouble: str | None = "the shared vehicles are being read"

    @property
    def trouble(self) -> str | None:
        self._begin()
        return self._trouble

    def parked(self, now_ms: int) -> list[ParkedVehicle]:
        with self._lock:
            return self._fleet.parked(now_ms)

    def words(self) -> Mapping[str, HubWord]:
        with self._lock:
            return dict(self._words)

    def end(self) -> None:
        self._ends.set()
        if self._thread is not None:
            self._thread.join(END_S)

    def wait(self) -> None:
        """Wait until all is read, at most ``FIRST_S``."""
        self._begin()
        self._is_read.wait(FIRST_S)

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None and not self._ends.is_set():
                self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
                self._thread.start()

    # -- in the thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._ends.is_set():
            try:
                self._before()
                self._follow()
            except Exception as error:  # stopping would show old data as current
                self._trouble = error.what if isinstance(error, BongsuError) else type(error).__name__
                log.warning("the shared vehicles cannot be read", why=self._trouble)
                self._ends.wait(AGAIN_S)

    def _follow(self) -> None:
        consumer = reader(self._bootstrap)
        try:
            places = self._places(consumer)
            with self._lock:
                self._fleet.clear()
                self._words.clear()
            consumer.assign(places)
            left = {(one.topic, one.partition) for one in places}
            while not self._ends.is_set():
                first = consumer.poll(LOOK_S)
                messages = [] if first is None else [first, *consumer.consume(500, 0)]
                left -= self._look(messages)
                if not left:
                    self._trouble = None
                    self._is_read.set()
        finally:
            consumer.close()

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Return where the day begins in each partition."""
        doing = "reading the offsets of midnight"
        from_ms = max(0, self._midnight_ms(self._now_ms()))
        asked = [
            TopicPartition(one.topic, one.partition, from_ms) for one in partitions_of(consumer, self._topics)
        ]
        try:
            return answered(consumer.offsets_for_times(asked, METADATA_TIMEOUT_S), doing)
        except KafkaException as error:
            raise as_ours(error, doing) from error

    def _look(self, messages: Sequence[Message]) -> set[tuple[str, int]]:
        """Take the records; return the partitions whose ends were reached."""
        ends: set[tuple[str, int]] = set()
        records: list[Record] = []
        for message in messages:
            error = message.error()
            if error is None:
                records.append(record_of(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                ends.add((str(message.topic()), int(message.partition() or 0)))
            elif not error.retriable():
                raise as_ours(KafkaException(error), "reading the shared vehicles")
        with self._lock:
            for row in self._reader.rows(records):
                if row.value is not None:
                    self._take(contract_name(row.record.topic), row.value)
        return ends

    def _take(self, contract: str, value: Mapping[str, Any]) -> None:
        if contract == POSITION:
            self._fleet.take(value)
            return
        hub_id = self._same_as.get(value["hub_id"], value["hub_id"])
        word = HubWord(value["is_installed"], value["is_renting"], value["is_returning"])
        if word != UNSAID and (hub_id in self._words or len(self._words) < HUBS_MAX):
            self._words[hub_id] = word
