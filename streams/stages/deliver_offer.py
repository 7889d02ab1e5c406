"""A record on offer to receivers: read once, masked for each that wants it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, TypeVar

from connectors.base import Delivery
from schemas.catalogue import contract_name
from schemas.errors import BongsuError
from streams.deliver.bodies import delivery_of, shown_value
from streams.deliver.cap_bodies import CapBodies
from streams.deliver.subscriptions import ALERT
from streams.log import log
from streams.runtime.records import Record
from streams.runtime.row_reader import Row, RowReader
from streams.stages.deliver_receiver import RunningReceiver

A_TURN = 20
"""Records that are offered in one turn of the loop: a backlog must not hold up the tries of other receivers."""
T = TypeVar("T")


async def in_turns(records: Sequence[T]) -> AsyncIterator[T]:
    """Yield *records*, and let others go on after every few."""
    for number, record in enumerate(records, 1):
        yield record
        if number % A_TURN == 0:
            await asyncio.sleep(0)


class Offer:
    """A record on offer, read once for all receivers."""

    def __init__(self, record: Record, reader: RowReader, cap: CapBodies) -> None:
        self._record = record
        self._cap = cap
        row = reader.read(record)
        self._row = row if isinstance(row, Row) and row.value is not None else None
        self._shown: dict[str, Any] | None = None

    def keep(self) -> None:
        """Keep it, if it is an alert, for the messages of CAP that follow it."""
        if self._row is not None and self._row.value is not None and is_alert(self._record.topic):
            self._cap.put(self._row.value)

    def to(self, running: RunningReceiver) -> bool:
        """Queue it for *running* if that wants it; ``False`` where there is no room."""
        receiver, record = running.receiver, self._record
        contract = contract_name(record.topic)
        if self._row is None or self._row.value is None:
            receiver.skip(record.topic, record.offset)
            return True
        value = self._row.value
        if not running.subscription.wants(contract, value, reader=running.reader):
            receiver.skip(record.topic, record.offset)
            return True
        if not receiver.has_room:
            return False
        try:
            delivery = self._delivery(contract, value, running)
        except BongsuError as error:
            log.warning("event cannot be delivered", topic=record.topic, offset=record.offset, why=error.what)
            receiver.skip(record.topic, record.offset)
            return True
        receiver.offer(record.topic, record.offset, delivery, record.traceparent)
        return True

    def _delivery(self, contract: str, value: Mapping[str, Any], running: RunningReceiver) -> Delivery:
        if running.subscription.format == "cap":
            return self._cap.delivery(value)
        self._shown = self._shown or shown_value(contract, value)
        key, language = value["situation_id"], running.subscription.language
        return delivery_of(contract, key, value, self._shown, running.reader, language=language)


def is_alert(topic: str) -> bool:
    return contract_name(topic) == ALERT
