"""The current rows of compacted topics: for each key the newest row that can be read.

An unreadable record replaces nothing: the row before it counts, as long as the topic still has it. The stage
that owns the topic writes that row again, as compaction would otherwise keep only the unreadable record.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from schemas.catalogue import contract_name
from schemas.errors import Fatal
from streams.dlq.rows import aside_record
from streams.runtime.kafka import newest_of, read_whole
from streams.runtime.row_reader import Row, RowReader, Unreadable
from streams.runtime.transaction import Outbox

UNREADABLE_MAX = 100
"""The number of unreadable rows taken for accidents. More of them than this, and than readable ones, have
another cause.
"""


@dataclass(slots=True)
class Table:
    """The rows of a topic. *rows*: by key, without tombstones. *unreadable*: the newest of their keys. *restored*: rows used
    instead."""

    topic: str
    rows: dict[str, Row] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    restored: list[Row] = field(default_factory=list)

    def mend(self, outbox: Outbox, city: str) -> None:
        """Set unreadable records aside, and write the rows before them again. Only for the owner of the topic."""
        for one in self.unreadable:
            contract = contract_name(self.topic)
            outbox.put(aside_record(city, contract, one.record, one.error, now_ms=one.record.timestamp_ms))
        for row in self.restored:
            record = row.record
            outbox.put_bytes(self.topic, record.key, record.value, list(record.headers.items()))


def read_rows(bootstrap: str, topic: str, reader: RowReader, *, only: Collection[bytes] = ()) -> Table:
    """Return the rows of *topic*; with *only*, of those keys alone.

    ``Fatal`` if most rows cannot be read: that is no accident, and going on would lose the state.
    """
    table, lost = Table(topic), set[bytes]()
    for key, record in newest_of(bootstrap, topic).items():
        if only and key not in only:
            continue
        row = reader.read(record)
        if isinstance(row, Unreadable):
            table.unreadable.append(row)
            lost.add(key)
        elif row.value is not None:
            table.rows[row.key] = row
    if len(table.unreadable) > max(UNREADABLE_MAX, len(table.rows)):
        raise Fatal(
            f"{topic}: {len(table.unreadable)} rows cannot be read, {len(table.rows)} can:"
            f" {table.unreadable[0].error.what}",
            hint="is BONGSU_REGISTRY the registry that they were written with, and this version not older than theirs?",
        )
    if lost:
        _restore(bootstrap, table, reader, lost)
    return table


def _restore(bootstrap: str, table: Table, reader: RowReader, lost: Collection[bytes]) -> None:
    """Use the newest readable row of each key in *lost*, if the topic still has one."""
    stood: dict[bytes, Row] = {}
    worst = {(one.record.partition, one.record.offset) for one in table.unreadable}
    for record in read_whole(bootstrap, [table.topic]):
        key = record.key or b""
        if key in lost and (record.partition, record.offset) not in worst:
            row = reader.read(record)
            if isinstance(row, Row):
                stood[key] = row
    table.restored = [row for row in stood.values() if row.value is not None]
    table.rows |= {row.key: row for row in table.restored}
