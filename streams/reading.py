"""Records as rows of their contracts: the one way of everything that reads a topic of ours.

What cannot be read says nothing: it is counted and told with its place, and whoever reads goes on with the rest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schemas.catalogue import contract_of
from schemas.errors import Invalid
from schemas.wire import Wire
from streams import metrics
from streams.log import log
from streams.runtime.records import Record

PLACES_MAX = 10
"""So many places of what could not be read are remembered, to be named to a person."""

Check = Callable[[str, Mapping[str, Any]], object]
"""Given a row's key and value; raises ``Invalid`` where whoever reads could make nothing of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record that can be read. *value* is ``None`` for a tombstone, which only a compacted topic has."""

    record: Record
    key: str
    value: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be read, and why."""

    record: Record
    error: Invalid


class RowReader:
    """Reads for *group*, under whose name it counts. *check*: what a value must be beyond its contract."""

    def __init__(self, wire: Wire, group: str, *, check: Check = lambda _key, _value: None) -> None:
        self._wire = wire
        self._group = group
        self._check = check
        self._counts: Counter[str] = Counter()
        self.places: list[str] = []

    @property
    def refused(self) -> int:
        """How many records could not be read."""
        return self._counts.total()

    def read(self, record: Record) -> Row | Unreadable:
        """*record* as a row, or why it is none, which is counted and told."""
        try:
            return self._row(record)
        except Invalid as error:
            return self.refuse(record, error)

    def rows(self, records: Iterable[Record]) -> Iterator[Row]:
        """Those of *records* that can be read."""
        for record in records:
            if isinstance(row := self.read(record), Row):
                yield row

    def values(self, records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        """The values of those of *records* that can be read; tombstones have none."""
        for row in self.rows(records):
            if row.value is not None:
                yield dict(row.value)

    def refuse(self, record: Record, error: Invalid) -> Unreadable:
        """Count and tell that *record* is of no use. The log has a line for the first, second, fourth, eighth …"""
        self._counts[record.topic] += 1
        count = self._counts[record.topic]
        if len(self.places) < PLACES_MAX:
            self.places.append(place_of(record))
        metrics.set_aside.labels(self._group, record.topic).inc()
        if count.bit_count() == 1:
            where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.warning("a record is left out", reader=self._group, **where, why=error.what, count=count)
        return Unreadable(record, error.with_traceback(None))

    def _row(self, record: Record) -> Row:
        contract = contract_of(record.topic)
        is_table = contract.cleanup == "compact"
        key = _text(record.key) if is_table else (record.key or b"").decode(errors="replace")
        if record.value is None:
            if is_table:
                return Row(record, key, None)
            raise Invalid("a tombstone", field="value", expected="a value: this topic is not compacted")
        value = self._wire.decode(record.topic, record.value)
        if is_table and value.get(contract.key, key) != key:
            raise Invalid("a row under another's key", field=contract.key, expected="the record's key")
        self._check(key, value)
        return Row(record, key, value)


def place_of(record: Record) -> str:
    """Where *record* stands, as a person reads it."""
    return f"{record.topic}[{record.partition}]@{record.offset}"


def left_out(readers: Sequence[RowReader]) -> str | None:
    """What a command says of records that could not be read; ``None`` when all could."""
    count = sum(one.refused for one in readers)
    places = [place for one in readers for place in one.places][:PLACES_MAX]
    if not count:
        return None
    more = f" and {count - len(places)} more" if count > len(places) else ""
    return f"left out what cannot be read: {', '.join(places)}{more}"


def _text(key: bytes | None) -> str:
    """The key of a compacted topic decides what a row replaces: it must be one."""
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        raise Invalid("a key that is no text", field="key", expected="UTF-8") from None
