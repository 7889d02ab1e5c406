"""A record on offer to receivers: read once, masked for each that wants it."""

from __future__ import annotations

from typing import Any

from schemas.catalogue import contract_name
from schemas.errors import BongsuError
from streams.deliver.bodies import delivery_of, shown_value
from streams.log import log
from streams.runtime.records import Record
from streams.runtime.row_reader import Row, RowReader
from streams.stages.deliver_receiver import RunningReceiver


class Offer:
    """A record on offer, read once for all receivers."""

    def __init__(self, record: Record, reader: RowReader) -> None:
        self._record = record
        row = reader.read(record)
        self._row = row if isinstance(row, Row) and row.value is not None else None
        self._shown: dict[str, Any] | None = None

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
            self._shown = self._shown or shown_value(contract, value)
            delivery = delivery_of(contract, value["situation_id"], value, self._shown, running.reader)
        except BongsuError as error:
            log.warning("event cannot be delivered", topic=record.topic, offset=record.offset, why=error.what)
            receiver.skip(record.topic, record.offset)
            return True
        receiver.offer(record.topic, record.offset, delivery)
        return True
