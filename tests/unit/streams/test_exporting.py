"""The export of a running city: the journal up to its end at the beginning, and what came later marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import pytest

from streams.journal import export as module
from streams.journal.export import exported
from streams.journal.replay import COMPARED
from streams.runtime.records import Record
from streams.runtime.row_reader import Row
from tests.scenario.a_scenario import config_of

JOURNAL = "town.core.journal"
RULES = orjson.dumps(config_of({}).canonical())


class Rows:
    """Reads every record as the entry of its offset, and has no registry."""

    registry = None

    def rows(self, records: Iterator[Record]) -> Iterator[Row]:
        for record in records:
            value = {"entry": "rules", "sequence": record.offset, "origin_topic": "town.rules", "body": RULES}
            yield Row(record, "town", value)


def ends(_bootstrap: str, topics: Sequence[str], *, is_committed: bool) -> Mapping[tuple[str, int], int]:
    """Two entries are committed, a third is under way; no answer stands before the beginning but one."""
    return {(topic, 0): (2 if is_committed else 3) if topic == JOURNAL else 1 for topic in topics}


def log(_bootstrap: str, topics: Sequence[str], *, is_enough: Any) -> Iterator[Record]:
    """Every topic has five records: what came after the beginning stands there, too."""
    return (Record(topic, 0, offset, 7, b"key", None, {}) for topic in topics for offset in range(5))


def test_what_is_under_way_is_exported_as_later_and_what_comes_after_it_not_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "ends_of", ends)
    monkeypatch.setattr(module, "read_whole", log)
    monkeypatch.setattr(module, "beginnings_of", lambda _, topics: {(topic, 0): 0 for topic in topics})
    counts: list[int] = []
    rows: Any = Rows()
    header, *lines = exported("town", bootstrap="", wire=rows, reader=rows, progress=counts.append)
    entries = [one for one in map(orjson.loads, lines) if "sequence" in str(one)]
    answers = len(lines) - len(entries)
    assert b"town" in header
    assert ["later" in str(one) for one in entries] == [False, False, True]
    assert answers == len(COMPARED)
    assert counts[:3] == [1, 2, 3]
