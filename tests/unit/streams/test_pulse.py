"""A worker's pulse: the time at which it last heard a tick, looked for every few seconds."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from confluent_kafka import OFFSET_END

from streams import metrics
from streams.runtime import pulse as module
from streams.runtime.pulse import Pulse


class Ticks:
    """A consumer of which each look finds the next of *found*: whether a record, an error, or nothing is there."""

    def __init__(self, *found: list[bool]) -> None:
        self.left = list(found)
        self.assigned: list[Any] = []
        self.is_closed = False

    def assign(self, places: list[Any]) -> None:
        self.assigned += places

    def consume(self, _count: int, timeout_s: float) -> list[Any]:
        assert timeout_s == 0, "the loop must not wait"
        return [Message(is_record) for is_record in self.left.pop(0)]

    def close(self) -> None:
        self.is_closed = True


class Message:
    def __init__(self, is_record: bool) -> None:
        self._is_record = is_record

    def error(self) -> object | None:
        return None if self._is_record else "away"


def test_a_pulse_is_the_time_of_the_last_look_that_found_a_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = Pulse("town", "town.rules", bootstrap="b:1")
    ticks: Any = Ticks([], [False], [False, True], [], [True])
    seen = []
    for at_s in range(5):
        monkeypatch.setattr(time, "time", lambda at_s=at_s: 100.0 + at_s)
        pulse.look(ticks)
        seen.append(pulse.at_ms)
    assert seen == [None, None, 102_000, 102_000, 104_000]
    assert metrics.pulse_at.labels("town.rules")._value.get() == 104


def test_it_begins_with_new_ticks_and_closes_its_consumer_when_it_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = Ticks(*[[True]] * 9)
    monkeypatch.setattr(module, "reader", lambda _bootstrap, **_settings: ticks)
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    pulse = Pulse("town", "town.rules", bootstrap="b:1")

    async def live() -> None:
        task = asyncio.create_task(pulse.run())
        for _ in range(3):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(live())
    assert pulse.at_ms is not None
    (place,) = ticks.assigned
    assert (place.topic, place.partition, place.offset) == ("town.core.tick", 0, OFFSET_END)
    assert ticks.is_closed
