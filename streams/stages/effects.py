"""Publishing ``core.effect`` once a minute: measures of the last day of the log, compared with the day before.

A day ends with the newest event of the log, so a recording that is played gives the effects of its own days.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from schemas.catalogue import contract_name, topic_name
from schemas.errors import Retriable, Unreachable
from schemas.event import Event, derived_id, event_fields
from schemas.wire import Wire
from streams.effects import CoreEvents, Measure, compared
from streams.log import log
from streams.runtime.clients import idempotent_producer
from streams.runtime.kafka import partitions_of, reader
from streams.runtime.loop import is_record
from streams.runtime.records import Record, headers_of, record_of
from streams.runtime.row_reader import RowReader

PERIOD_MS = 24 * 3_600_000
KEPT_MS = 2 * PERIOD_MS
ROWS_MAX = 300_000
"""The limit of rows per topic. Beyond it the oldest rows go, and with them the control period."""
BATCH_MAX = 2_000
LOOK_S, QUIET_S, AGAIN_S, TELL_S = 0.5, 2.0, 5.0, 60.0
FIELDS = {
    "core.alert": ("alert_id", "audience", "message_type", "demands_attention"),
    "core.situation": ("situation_id", "opened_at", "revision", "status", "merged_into"),
    "core.grant": ("situation_id", "opened_at"),
    "core.access": ("situation_id",),
}


@dataclass(slots=True)
class Kept:
    """The fields needed of the last two days' events, without persons or places."""

    rows: Mapping[str, deque[dict[str, Any]]] = field(
        default_factory=lambda: {contract: deque(maxlen=ROWS_MAX) for contract in FIELDS}
    )
    newest_ms: int = 0
    since_ms: int | None = None
    whole_from_ms: int = 0
    """Rows before this time are incomplete, as some were dropped for lack of room."""
    _standing: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """The first rows of alerts that are older than the kept rows and not yet cancelled."""

    def put(self, contract: str, value: Mapping[str, Any]) -> None:
        if contract == "core.grant" and value["revision"] > 1:
            return
        if contract == "core.access" and value["act"] != "first_use":
            return
        row = {name: value[name] for name in ("event_time", *FIELDS[contract])}
        if contract == "core.situation":
            # the measures need only whether there are incidents, not which
            row["agencies"] = tuple(value["agencies"])
            row["incidents"] = (None,) * min(1, len(value["incidents"]))
        if (
            contract != "core.access"
        ):  # told by the wall clock, also while a recording of another day is played
            at = value["event_time"]
            self.newest_ms = max(self.newest_ms, at)
            self.since_ms = at if self.since_ms is None else min(self.since_ms, at)
        rows = self.rows[contract]
        if len(rows) == rows.maxlen:
            self.whole_from_ms = max(self.whole_from_ms, self._drop_oldest(contract)["event_time"] + 1)
        rows.append(row)
        while rows and rows[0]["event_time"] < self.newest_ms - KEPT_MS:
            self._drop_oldest(contract)

    def _drop_oldest(self, contract: str) -> dict[str, Any]:
        row = self.rows[contract].popleft()
        if contract == "core.alert":
            which = row["alert_id"], row["audience"]
            if row["message_type"] == "cancel":
                self._standing.pop(which, None)
            elif which in self._standing or len(self._standing) < ROWS_MAX:
                self._standing.setdefault(which, row)
        return row

    def told(self) -> CoreEvents:
        alerts, situations, grants, uses = (tuple(self.rows[contract]) for contract in FIELDS)
        since = max(self.since_ms or 0, self.whole_from_ms)
        return CoreEvents((*self._standing.values(), *alerts), situations, grants, since, uses)

    def measures(self) -> list[Measure]:
        """Return every measure; without values if rows of the period itself were dropped."""
        start, end = self.period
        found = compared(
            self.told(), from_ms=start, to_ms=end, control_from=start - PERIOD_MS, control_to=start
        )
        return found if self.whole_from_ms <= start else [replace(one, value=None) for one in found]

    @property
    def period(self) -> tuple[int, int]:
        return self.newest_ms + 1 - PERIOD_MS, self.newest_ms + 1


def effect_events(city: str, kept: Kept) -> list[Event]:
    """Return the events of ``core.effect`` for the log as it is now."""
    start, end = kept.period
    situations = kept.told().help(start, end).situations
    return [
        Event(
            "core.effect",
            one.name,
            event_fields(
                city,
                "effects",
                event_id=derived_id("effect", city, one.name, end),
                event_time_ms=end - 1,
                received_ms=end - 1,
            )
            | {
                "measure": one.name,
                "unit": one.unit,
                "from_time": start,
                "to_time": end,
                "value": one.value,
                "control_from": start - PERIOD_MS,
                "control_value": one.control,
                "situations": situations,
            },
        )
        for one in kept.measures()
    ]


class EffectService:
    """Reads the core topics from their beginning. Two services publish the same values, so neither fences the other."""

    def __init__(self, city: str, *, bootstrap: str, wire: Wire, tell_s: float = TELL_S) -> None:
        self.name = f"{city}.effects"
        self.is_ready = True  # no other service waits for measures
        self._city = city
        self._bootstrap = bootstrap
        self._wire = wire
        self._reader = RowReader(wire, self.name)
        self._tell_s = tell_s
        self._topics = [topic_name(city, contract) for contract in FIELDS]

    async def run(self) -> None:
        while True:
            try:
                await self._follow()
            except (Retriable, Unreachable) as error:
                log.warning("effects not published, Kafka unavailable", why=error.what)
                await asyncio.sleep(AGAIN_S)

    async def _follow(self) -> None:
        kept = Kept()
        consumer = await asyncio.to_thread(reader, self._bootstrap, **{"enable.partition.eof": False})
        try:
            places = await asyncio.to_thread(partitions_of, consumer, self._topics)
            await asyncio.to_thread(
                consumer.assign, [TopicPartition(one.topic, one.partition, 0) for one in places]
            )
            told_ms, due_s = 0, 0.0
            loop = asyncio.get_running_loop()
            is_quiet = False
            while True:
                if is_quiet:  # no thread waits: a measure of a day has time, and idle costs less
                    await asyncio.sleep(QUIET_S)
                    records = _next(consumer, 0)
                else:
                    records = await asyncio.to_thread(_next, consumer, LOOK_S)
                self._take(records, kept)
                is_quiet = not records
                if records:
                    continue
                if kept.newest_ms > told_ms and loop.time() >= due_s:
                    await asyncio.to_thread(self._tell, kept)
                    told_ms, due_s = kept.newest_ms, loop.time() + self._tell_s
        finally:
            await asyncio.to_thread(consumer.close)

    def _take(self, records: Sequence[Record], kept: Kept) -> None:
        for row in self._reader.rows(records):
            if row.value is not None:
                kept.put(contract_name(row.record.topic), row.value)

    def _tell(self, kept: Kept) -> None:
        producer = idempotent_producer(self._bootstrap)
        for event in effect_events(self._city, kept):
            topic, key, value = self._wire.encode(self._city, event)
            producer.produce(topic, value, key=key, headers=headers_of(event, topic=topic))
        if producer.flush(10):
            raise Retriable("Kafka did not acknowledge the effects")


def _next(consumer: Consumer, wait_s: float) -> list[Record]:
    first = consumer.poll(wait_s)
    if first is None:
        return []
    messages = [first, *consumer.consume(BATCH_MAX, 0)]
    return [record_of(message) for message in messages if is_record(message)]
