"""Records as rows of their contracts: the one way to read our topics.

A record that cannot be read is counted and logged with its offset, and reading goes on.
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
"""The number of unreadable records whose offsets are kept, to be shown to an operator."""

Check = Callable[[str, Mapping[str, Any]], object]
"""Gets a row's key and value; raises ``Invalid`` if the reader cannot use them."""


@dataclass(frozen=True, slots=True)
class Row:
    """A readable record. *value* is ``None`` for a tombstone, which only a compacted topic has."""

    record: Record
    key: str
    value: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that cannot be read, and the reason."""

    record: Record
    error: Invalid


class RowReader:
    """Reads records for *group*, which is the label of its metrics. *check*: the conditions on a value beyond
    its contract.
    """

    def __init__(self, wire: Wire, group: str, *, check: Check = lambda _key, _value: None) -> None:
        self._wire = wire
        self._group = group
        self._check = check
        self._counts: Counter[str] = Counter()
        self.places: list[str] = []

    @property
    def refused(self) -> int:
        """The number of records that could not be read."""
        return self._counts.total()

    def read(self, record: Record) -> Row | Unreadable:
        """Return *record* as a row, or the reason why it is unreadable, which is counted and logged."""
        try:
            return self._row(record)
        except Invalid as error:
            return self.refuse(record, error)

    def rows(self, records: Iterable[Record]) -> Iterator[Row]:
        """Yield the readable ones of *records*."""
        for record in records:
            if isinstance(row := self.read(record), Row):
                yield row

    def values(self, records: Iterable[Record]) -> Iterator[dict[str, Any]]:
        """Yield the values of readable records, without tombstones."""
        for row in self.rows(records):
            if row.value is not None:
                yield dict(row.value)

    def refuse(self, record: Record, error: Invalid) -> Unreadable:
        """Count and log a record that cannot be used. Only the first, second, fourth, eighth … of a topic is logged."""
        self._counts[record.topic] += 1
        count = self._counts[record.topic]
        if len(self.places) < PLACES_MAX:
            self.places.append(place_of(record))
        reason = metrics.FIELD if error.field else metrics.UNREADABLE
        metrics.set_aside.labels(self._group, record.topic, reason).inc()
        metrics.errors.labels(self._group, metrics.INVALID).inc()
        if count.bit_count() == 1:
            where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.warning(
                "unreadable record left out", reader=self._group, **where, why=error.what, count=count
            )
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
    """Return the place of *record* as an operator reads it: topic[partition]@offset."""
    return f"{record.topic}[{record.partition}]@{record.offset}"


def left_out(readers: Sequence[RowReader]) -> str | None:
    """Return a command's line about records that could not be read; ``None`` if there are none."""
    count = sum(one.refused for one in readers)
    places = [place for one in readers for place in one.places][:PLACES_MAX]
    if not count:
        return None
    more = f" and {count - len(places)} more" if count > len(places) else ""
    return f"left out what cannot be read: {', '.join(places)}{more}"


def _text(key: bytes | None) -> str:
    """Decode the key of a compacted topic strictly: it decides which row is replaced."""
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        raise Invalid("a key that is no text", field="key", expected="UTF-8") from None
