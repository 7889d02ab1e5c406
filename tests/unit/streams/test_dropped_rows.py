"""Rows that a bounded table let go are counted once, and the log is not flooded."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from streams.dropped_rows import DroppedRows
from streams.log import log


def counted() -> float:
    labels = {"group": "a-group", "topic": "energy.surplus"}
    return REGISTRY.get_sample_value("bongsu_rows_dropped_total", labels) or 0.0


def test_each_row_is_counted_once_and_told_at_each_doubling(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    monkeypatch.setattr(log, "warning", lambda _what, **about: told.append(about["count"]))
    dropped, before = DroppedRows("a-group", "energy.surplus"), counted()
    for count in (0, 1, 2, 2, 3, 5, 6):
        dropped.seen(count)
    assert counted() - before == 6
    assert told == [1, 2, 5]
    dropped.begin()
    dropped.seen(1)
    assert counted() - before == 7
