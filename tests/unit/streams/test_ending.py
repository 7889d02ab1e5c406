"""The end of a worker: our own tasks within their grace, and Faust's whether it comes or not, and the log of librdkafka."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import faust
import pytest

from streams.log import KAFKA_LOGGER
from streams.runtime import clients
from streams.runtime.ending import EndingWorker


class Loop:
    """An event loop that keeps what is to be called later."""

    def __init__(self) -> None:
        self.later: list[tuple[float, Any]] = []
        self.is_stopped = False

    def call_later(self, seconds: float, do: Any) -> None:
        self.later.append((seconds, do))

    def stop(self) -> None:
        self.is_stopped = True


@pytest.fixture
def app() -> Any:
    return faust.App("town.rules", broker="kafka://127.0.0.1:1", store="memory://", autodiscover=False)


def test_a_signal_ends_our_own_tasks_first_and_faust_within_the_grace(
    app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[Any] = []
    monkeypatch.setattr(
        faust.Worker, "_schedule_shutdown", lambda _self, number: said.append(number), raising=True
    )

    async def live() -> None:
        task = asyncio.create_task(asyncio.sleep(0))

        def ending() -> list[asyncio.Task[None]]:
            said.append("ours")
            return [task]

        worker = EndingWorker(app, ending=ending, loop=Loop())
        await worker._sentinel_task()
        assert not worker.was_cut_short
        worker._schedule_shutdown(signal.SIGTERM)
        assert said == ["ours", signal.SIGTERM]
        ((grace_s, cut),) = worker.loop.later
        assert grace_s == 3 and not worker.loop.is_stopped
        await worker._sentinel_task()
        assert task.done(), "they are waited for"
        cut()
        assert worker.was_cut_short and worker.loop.is_stopped

    asyncio.run(live())


def test_librdkafka_writes_to_our_log_and_never_to_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[str, dict[str, Any]]] = []
    for name in ("Producer", "Consumer", "AdminClient"):
        monkeypatch.setattr(clients, name, lambda settings, name=name: made.append((name, settings)))
    clients.producer_of({"a": 1})
    clients.consumer_of({"a": 1})
    clients.admin_of("b:1", a=1)
    assert made == [
        ("Producer", {"a": 1, "logger": KAFKA_LOGGER}),
        ("Consumer", {"a": 1, "logger": KAFKA_LOGGER}),
        ("AdminClient", {"bootstrap.servers": "b:1", "log_level": 3, "a": 1, "logger": KAFKA_LOGGER}),
    ]
