"""Compacted topics as they stand: of each key the newest row that can be read.

A record that cannot be read replaces nothing: the row before it stands, as long as the topic still has it. The stage whose
memory the topic is writes that row again over it, lest compaction keep the unreadable one alone.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from schemas.catalogue import contract_name
from schemas.errors import Fatal
from streams.dlq import aside_record
from streams.reading import Row, RowReader, Unreadable
from streams.runtime.kafka import newest_of, read_whole
from streams.runtime.transaction import Outbox

UNREADABLE_MAX = 100
"""So many rows may be unreadable by accident. Of more than that, and than can be read, something else is the cause."""


@dataclass(slots=True)
class Table:
    """*rows* by key, without tombstones; *unreadable*: the newest of their keys; *restored*: the rows that stand instead."""

    topic: str
    rows: dict[str, Row] = field(default_factory=dict)
    unreadable: list[Unreadable] = field(default_factory=list)
    restored: list[Row] = field(default_factory=list)

    def mend(self, outbox: Outbox, city: str) -> None:
        """Set aside what cannot be read, and write again what it stood over. Only for whoever writes this topic."""
        for one in self.unreadable:
            contract = contract_name(self.topic)
            outbox.put(aside_record(city, contract, one.record, one.error, now_ms=one.record.timestamp_ms))
        for row in self.restored:
            record = row.record
            outbox.put_bytes(self.topic, record.key, record.value, list(record.headers.items()))


def read_rows(bootstrap: str, topic: str, reader: RowReader, *, only: Collection[bytes] = ()) -> Table:
    """*topic* as it stands; with *only*, the rows of those keys alone.

    ``Fatal`` where hardly anything can be read: that is no accident, and to go on would be to forget it all.
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
    """The newest readable row of each key in *lost*, if the topic still has one."""
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
