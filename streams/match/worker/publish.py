"""Puts a step's results into the transaction: evidence, counts of matches left out, and records set aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from schemas.catalogue import contract_name, load_catalogue, topic_name
from schemas.errors import Invalid
from schemas.event import Event
from schemas.framing import frame
from schemas.wire import Wire
from streams import metrics
from streams.dlq.rows import aside_record
from streams.log import log
from streams.match.core.evidence import CONTRACT, EvidenceColumns, evidence_event, summary_event
from streams.match.core.flow import Second
from streams.match.worker.watches import CONTRACT as WATCH
from streams.runtime.records import Record, headers_of
from streams.runtime.row_reader import RowReader
from streams.runtime.transaction import Made, Outbox

if TYPE_CHECKING:
    from streams.match.native.evidence_frames import EvidenceFrames


class EvidencePublisher:
    """Writes the events of one city's match as records."""

    def __init__(self, city: str, group: str, wire: Wire) -> None:
        self._city = city
        self._group = group
        self._wire = wire
        self._reader = RowReader(wire, group)
        self._topic = topic_name(city, CONTRACT)
        self._quick = self._quickest()

    def evidence(self, found: Iterable[EvidenceColumns], outbox: Outbox) -> None:
        for columns in found:
            if self._quick is None:
                outbox.put_many(self._topic, self._plainly(columns))
            else:
                self._quick.put(columns, self._topic, outbox)

    def left_out(self, seconds: Iterable[Second], outbox: Outbox) -> None:
        for second in seconds:
            outbox.put(summary_event(self._city, second))
            metrics.left_out.labels(self._group).inc(second.left_out)

    def aside(self, records: Iterable[tuple[Record, Invalid]], outbox: Outbox) -> None:
        for record, error in records:
            contract = contract_name(record.topic)
            outbox.put(aside_record(self._city, contract, record, error, now_ms=record.timestamp_ms))
            if contract != WATCH:  # refused watches were counted when they were read
                self._reader.refuse(record, error)

    def _quickest(self) -> EvidenceFrames | None:
        contract = load_catalogue()[CONTRACT]
        head = frame(self._wire.registry.id_of(self._topic, contract), b"")
        try:
            from streams.match.native.evidence_frames import EvidenceFrames, agree  # noqa: PLC0415 (numba may be missing)

            quick = EvidenceFrames(self._city, head)
            if agree(quick.made, self._plainly):
                return quick
            why = "its contract has changed"
        except Exception as error:  # any failure: the plain way works
            why = str(error) or type(error).__name__
        log.warning("no kernel for evidence, encoding it row by row", stage=self._group, why=why)
        return None

    def _plainly(self, columns: EvidenceColumns) -> Iterator[Made]:
        for one in columns.each():
            event: Event = evidence_event(self._city, one)
            topic, key, value = self._wire.encode(self._city, event)
            yield key, value or b"", headers_of(event, topic=topic)
