"""Gathering of chargers' calls: many in one transaction, none told as durable that is not."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import pytest

from schemas.errors import Fatal, Retriable
from schemas.event import Event
from streams.chargers.commits import Commits, NotCommitted


class FakeLedger:
    """Keeps what is committed. *faults*: of the next commits, ``None`` for one that goes well."""

    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.batches: list[list[str]] = []
        self.opened = 0

    def open(self, charger_ids: Collection[str]) -> dict[str, dict[str, Any]]:
        self.opened += 1
        return {one: {"opened": self.opened} for one in charger_ids}

    def commit(self, events: Sequence[Event]) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.batches.append([one.key for one in events])


def an_event(key: str) -> Event:
    return Event("mobility.charge", key, {})


def run(ledger: FakeLedger, keys: Sequence[str]) -> tuple[list[Any], list[str], dict[str, Any]]:
    """The results of putting *keys* at once; the keys of which it was said that they are durable; the memories."""
    after: list[str] = []
    memories: dict[str, Any] = {}

    async def put() -> list[Any]:
        commits = Commits(ledger, ["C-1"], memories.update)
        running = asyncio.create_task(commits.run())
        puts = (commits.put([an_event(key)], lambda key=key: after.append(key)) for key in keys)  # type: ignore[misc] # a lambda
        found = asyncio.gather(*puts, return_exceptions=True)
        both: set[asyncio.Future[Any]] = {running, found}
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED, timeout=5)
        if running in done:
            await running
        running.cancel()
        return await found

    return asyncio.run(put()), after, memories


def test_calls_of_one_moment_are_one_transaction() -> None:
    ledger = FakeLedger()
    found, after, _ = run(ledger, ["a", "b", "c"])
    assert (found, after, ledger.batches) == ([None, None, None], ["a", "b", "c"], [["a", "b", "c"]])


def test_a_failed_commit_is_answered_to_nobody_and_the_memories_are_read_again() -> None:
    ledger = FakeLedger(Retriable("away"))
    found, after, memories = run(ledger, ["a", "b"])
    assert [type(one) for one in found] == [NotCommitted, NotCommitted]
    assert (after, memories) == ([], {"C-1": {"opened": 2}})


def test_another_owner_ends_it() -> None:
    with pytest.raises(Fatal, match="fenced"):
        run(FakeLedger(Fatal("fenced")), ["a"])


def test_who_waits_when_another_owner_takes_over_is_told_and_who_comes_later_too() -> None:
    async def end() -> list[Any]:
        commits = Commits(FakeLedger(Fatal("fenced")), ["C-1"], lambda _: None)
        waits = asyncio.create_task(commits.put([an_event("a")]))
        with pytest.raises(Fatal):
            await commits.run()
        later = asyncio.create_task(commits.put([an_event("b")]))
        assert not commits.is_open
        async with asyncio.timeout(2):
            return [*await asyncio.gather(waits, later, return_exceptions=True)]

    assert [type(one) for one in asyncio.run(end())] == [NotCommitted, NotCommitted]
