"""Rows in memory: every revision comes back as it was put, and nothing is kept longer than it may be."""

from __future__ import annotations

import random
from typing import Any

from connectors.gateway import shelf as module
from connectors.gateway.read_documents import example_of
from connectors.gateway.shelf import Shelf

DAY_MS = 86_400_000


def put(shelf: Shelf, its_id: str, *, place: int, at_ms: int = 0, **about: Any) -> dict[str, Any]:
    value = {**example_of("core.situation"), "situation_id": its_id, "status": "open", **about}
    shelf.put(value, place=place, changed_ms=at_ms)
    return value


def test_every_revision_comes_back_as_it_was_put() -> None:
    shelf, chance = Shelf("core.situation"), random.Random(7)
    told = [
        put(shelf, "s", place=number, revision=number, reason="x" * chance.randrange(60_000))
        for number in range(40)
    ]
    row = shelf.row("s", now_ms=0)
    assert row is not None
    assert (row.value(), row.revisions()) == (told[-1], told)


def test_an_older_revision_changes_nothing() -> None:
    shelf = Shelf("core.situation")
    newest = put(shelf, "s", place=5, revision=2)
    put(shelf, "s", place=4, revision=1)
    row = shelf.row("s", now_ms=0)
    assert row is not None
    assert row.revisions() == [newest]


def test_the_revisions_of_a_row_are_bounded() -> None:
    shelf = Shelf("core.situation")
    for number in range(module.REVISIONS_MAX + 10):
        put(shelf, "s", place=number, revision=number)
    row = shelf.row("s", now_ms=0)
    assert row is not None
    kept = [one["revision"] for one in row.revisions()]
    assert kept == list(range(10, module.REVISIONS_MAX + 10))


def test_rows_are_forgotten_with_the_retention_and_closed_ones_when_the_law_says() -> None:
    shelf = Shelf("core.situation", keep_ms=30 * DAY_MS, keep_over_ms=lambda: 3 * DAY_MS)
    put(shelf, "closed", place=1, status="closed")
    put(shelf, "open", place=2)
    put(shelf, "later", place=3, at_ms=29 * DAY_MS)

    def kept(day: float) -> list[str]:
        return [row.key for row in shelf.rows(now_ms=round(day * DAY_MS))]

    assert kept(2.9) == ["later", "open", "closed"]
    assert kept(3.1) == ["later", "open"]
    assert kept(30.1) == ["later"]
    assert [row.key for row in shelf.of_situation("later", now_ms=0)] == ["later"]
    assert kept(60) == []
    assert not shelf._of_situation
