"""Lists that a rule keeps, read again when the rule comes into force: what was told while it was not is not lost."""

from __future__ import annotations

from schemas.catalogue import topic_name
from streams.runtime.inbox import DueRecord
from streams.runtime.kafka import read_whole
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader, Unreadable
from streams.situations.fold import CityState
from streams.situations.reports.notices import NOTICES
from streams.situations.rule import KeepsList, Notices
from streams.situations.rules.in_force import is_kept


def _missing(state: CityState) -> list[str]:
    """The contracts of lists of which a rule in force remembers nothing at all: it may be new."""
    keepers = [one for one in state.rules_in_force if isinstance(one, KeepsList)]
    empty = [one for one in keepers if not any(is_kept([one], name) for name in state.memories)]
    found = {name for one in empty if isinstance(one, Notices) for name in one.notices}
    return sorted(name for name in found if NOTICES[name].is_list)


def listed_again(state: CityState, bootstrap: str, city: str, reader: RowReader) -> list[DueRecord]:
    """The newest record of each entry of the lists that are missing, in the order in which they were told, as far as it can
    be read."""
    contracts = _missing(state)
    if not contracts:
        return []
    newest: dict[tuple[str, bytes | None], Record] = {}
    for record in read_whole(bootstrap, [topic_name(city, one) for one in contracts]):
        newest.pop((record.topic, record.key), None)
        newest[record.topic, record.key] = record
    rows = [(record, reader.read(record)) for record in newest.values() if record.value is not None]
    return [
        DueRecord(record, row.value)
        for record, row in rows
        if not isinstance(row, Unreadable) and row.value is not None
    ]
