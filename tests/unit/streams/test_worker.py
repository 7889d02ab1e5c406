"""The worker around stages and services: what its pages answer, what ends it, and how it comes to its end."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import faust
import pytest
from mode.utils.queues import FlowControlEvent

from schemas.errors import Fatal, Retriable
from streams.runtime import worker as module
from streams.runtime.loop import Work
from streams.runtime.pulse import Pulse
from streams.runtime.worker import Worker


class App:
    """Keeps what a worker registers, as Faust's does."""

    def __init__(self, name: str, **settings: Any) -> None:
        self.name, self.settings = name, settings
        self.pages: dict[str, Any] = {}
        self.agents: dict[str, Any] = {}
        self.tasks: list[Any] = []
        self.sent: list[Any] = []
        self.loop: Any = None
        self.flow_control = FlowControlEvent(initially_suspended=True)

    def page(self, path: str) -> Callable[[Any], None]:
        return lambda page: self.pages.update({path: page})

    def agent(self, _source: Any, *, name: str) -> Callable[[Any], None]:
        return lambda agent: self.agents.update({name: agent})

    def task(self) -> Callable[[Any], None]:
        return self.tasks.append

    def topic(self, name: str, **_settings: Any) -> str:
        return name

    def channel(self, *, maxsize: int) -> App:
        self.maxsize = maxsize
        return self

    async def send(self, *, value: Any) -> None:
        self.sent.append(value)


class View:
    """Gives a page's answer back."""

    def json(self, value: Any, *, status: int) -> tuple[int, Any]:
        return status, value

    def bytes(self, value: Any, *, content_type: str) -> tuple[str, Any]:
        return content_type, value


class Loop:
    """A stage's loop that is polled until it is stopped."""

    def __init__(self, *, is_ready: bool = True) -> None:
        self.is_ready = is_ready
        self.fault: BaseException | None = None
        self.stopped = threading.Event()
        self.polled = threading.Event()

    def poll_until_stopped(self) -> None:
        self.polled.set()
        self.stopped.wait(10)

    def stop(self) -> None:
        self.stopped.set()


class Service:
    """A service that does *work*."""

    name = "clock"

    def __init__(self, work: Callable[[], Any] = lambda: None, *, is_ready: bool = True) -> None:
        self.is_ready = is_ready
        self._work = work

    async def run(self) -> None:
        self._work()


async def forever(_pulse: Any) -> None:
    await asyncio.Event().wait()


@pytest.fixture
def signals(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The signals that a worker sends to its own process."""
    sent: list[int] = []
    monkeypatch.setattr(signal, "raise_signal", sent.append)
    return sent


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signals: list[int]) -> Any:
    monkeypatch.setattr(faust, "App", App)
    monkeypatch.setattr(Pulse, "run", forever)
    return Worker("rules", city="town", bootstrap="b:1", web_port=8123, data_dir=tmp_path / "a{b}")


def answer(worker: Any, path: str, *, peer: str = "127.0.0.1", **headers: str) -> tuple[Any, Any]:
    request = SimpleNamespace(remote=peer, headers=headers)
    found: tuple[Any, Any] = asyncio.run(worker._app.pages[path](View(), request))
    return found


def test_a_worker_starts_faust_without_clients_and_answers_on_its_own_machine_only(
    worker: Any, tmp_path: Path
) -> None:
    settings = worker._app.settings
    assert worker._app.name.startswith("town.rules.worker.")
    assert (settings["broker"], settings["web_bind"], settings["web_port"]) == (
        "kafka://b:1",
        "127.0.0.1",
        8123,
    )
    assert settings["datadir"].format() == str(tmp_path / "a{b}")
    assert (tmp_path / "a{b}").stat().st_mode & 0o777 == 0o700
    assert settings["topic_disable_leader"] and not settings["topic_allow_declare"]
    assert not settings["autodiscover"]
    boot = worker._app.boot_strategy
    assert not list(boot.kafka_consumer()) and not list(boot.kafka_producer()), "it has clients of its own"


@pytest.mark.parametrize(
    ("loop", "service", "fault", "status"),
    [
        (True, True, None, 200),
        (False, True, None, 503),
        (True, False, None, 503),
        (True, True, Fatal("a topic is missing"), 503),
    ],
)
def test_a_worker_is_ready_while_all_that_it_runs_is(
    worker: Any, loop: bool, service: bool, fault: Exception | None, status: int
) -> None:
    worker._loops = [Loop(), Loop(is_ready=loop)]
    worker.add_service(Service())
    worker.add_service(Service(is_ready=service))
    worker.fault = fault
    assert answer(worker, "/readyz") == (status, {"ready": status == 200})


def test_a_worker_is_alive_until_it_has_a_fault_and_shows_its_last_tick(worker: Any) -> None:
    assert answer(worker, "/healthz") == (200, {"alive": True, "pulse_ms": None})
    worker._pulse.at_ms = 1_700_000_000_500
    assert answer(worker, "/healthz") == (200, {"alive": True, "pulse_ms": 1_700_000_000_500})
    worker.fault = Fatal("a topic is missing")
    assert answer(worker, "/healthz") == (500, {"alive": False, "pulse_ms": 1_700_000_000_500})


def test_the_figures_are_served_as_plain_text(worker: Any) -> None:
    content_type, text = answer(worker, "/metrics")
    assert content_type == "text/plain"
    assert b"python_info{" in text


def test_a_stranger_is_told_no_more_than_whether_the_process_is_well(
    worker: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    monkeypatch.setenv("BONGSU_METRICS_KEY_FILE", str(key))
    elsewhere = {"peer": "10.0.0.9"}
    strangers = [elsewhere, {**elsewhere, "Authorization": "Bearer "}, {"peer": ""}]
    strangers += [{"peer": "127.0.0.1", "X-Forwarded-For": "10.0.0.9"}]
    for written in (None, "", "the key\n"):  # a file that is missing or empty is nobody's key
        if written is not None:
            key.write_text(written)
        for stranger in strangers:
            assert answer(worker, "/healthz", **stranger) == (200, {"alive": True})
            assert answer(worker, "/readyz", **stranger)[1] in ({"ready": True}, {"ready": False})
            assert answer(worker, "/metrics", **stranger)[0] == 401
        assert answer(worker, "/metrics", peer="10.0.0.9", Authorization="Bearer another")[0] == 401
    named = {"peer": "10.0.0.9", "authorization": "Bearer the key"}
    assert answer(worker, "/metrics", **named)[0] == "text/plain"
    assert "pulse_ms" in answer(worker, "/healthz", **named)[1]
    for here in ("127.0.0.1", "127.8.0.1", "::1", "::ffff:127.0.0.1"):
        assert answer(worker, "/metrics", peer=here)[0] == "text/plain"


def test_all_that_was_added_is_started_and_ends_when_it_is_asked(worker: Any, signals: list[int]) -> None:
    done = threading.Event()
    loop = Loop()
    worker._loops = [loop]
    worker.add_service(Service(done.set))

    async def live() -> None:
        (start,) = worker._app.tasks
        await start()
        assert worker._app.flow_control.is_active(), "else a real channel takes no batch"
        await asyncio.sleep(0)
        tasks = worker._stop_all()
        await asyncio.wait(tasks)
        assert [task.get_name() for task in tasks] == ["clock", "watch", "pulse"]
        assert tasks[1].cancelled() and tasks[2].cancelled()

    asyncio.run(live())
    worker._join()
    assert done.is_set() and loop.polled.is_set() and loop.stopped.is_set()
    assert not any(thread.is_alive() for thread in worker._threads) and len(worker._threads) == 1
    assert all(thread.daemon for thread in worker._threads)
    assert signals == [] and worker.fault is None


def test_nothing_is_started_once_the_end_has_come(worker: Any) -> None:
    worker._stop_all()
    loop = Loop()
    worker._loops = [loop]
    asyncio.run(worker._start_all())
    assert worker._threads == [] and worker._tasks == []


def refuses() -> None:
    raise Retriable("away")


def test_a_service_that_breaks_ends_the_worker_and_its_first_fault_is_the_one_told(
    worker: Any, signals: list[int]
) -> None:
    worker.add_service(Service(refuses))
    worker.add_service(Service(list[int]().pop))

    async def live() -> None:
        await worker._start_all()
        await asyncio.wait(worker._tasks[:2])
        await asyncio.wait(worker._stop_all())

    asyncio.run(live())
    assert isinstance(worker.fault, Retriable)
    assert signals == [signal.SIGTERM], "once"


def test_a_loop_that_broke_and_a_task_that_is_done_end_the_worker(
    worker: Any, signals: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WATCH_S", 0.0)

    async def watched() -> None:
        task = asyncio.create_task(worker._watch())
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()

    worker._loops = [Loop()]
    is_done = False
    worker.stop_when(lambda: is_done)
    asyncio.run(watched())
    assert signals == [] and worker.fault is None
    is_done = True
    asyncio.run(watched())
    assert signals == [signal.SIGTERM] and worker.fault is None
    worker._loops[0].fault = Fatal("a topic is missing")
    asyncio.run(watched())
    assert worker.fault is worker._loops[0].fault
    assert signals == [signal.SIGTERM], "it is ending already"


def stage_of(group: str) -> Any:
    return SimpleNamespace(group=group, topics=[], beside=())


@pytest.fixture
def with_stage(worker: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    asked: list[Any] = []
    monkeypatch.setattr(module, "group_consumer", lambda *about, **more: asked.append((about, more)))
    worker.add_stage(stage_of("town.rules"), more=1)
    assert asked == [(("b:1", "town.rules"), {"more": 1})]
    return worker


def answered(worker: Any, *works: Any) -> list[BaseException | None]:
    async def channel() -> AsyncIterator[Work]:
        for work in works:
            yield Work(work, futures.pop(0))

    made: list[Future[None]] = [Future() for _ in works]
    futures = list(made)
    asyncio.run(worker._app.agents["town.rules.answer"](channel()))
    return [one.exception(0) for one in made]


def test_the_stage_goes_on_with_the_next_batch_after_one_that_broke_and_the_worker_ends(
    with_stage: Any, signals: list[int]
) -> None:
    threads: list[str] = []
    good, bad, last = answered(
        with_stage, lambda: threads.append(threading.current_thread().name), refuses, lambda: None
    )
    assert (good, type(bad), last) == (None, Retriable, None)
    assert threads[0].startswith("town.rules.decide")
    assert with_stage.fault is bad and signals == [signal.SIGTERM]


def test_what_is_polled_reaches_the_channel_from_another_thread(with_stage: Any) -> None:
    assert with_stage._app.maxsize == 2
    (loop,) = with_stage._loops
    work = Work(lambda: None, Future())

    async def live() -> None:
        with_stage._app.loop = asyncio.get_running_loop()
        await asyncio.to_thread(lambda: loop._put(work).result(5))

    asyncio.run(live())
    assert with_stage._app.sent == [work]


class Faust:
    """Faust's worker, which ends with *ending*; ``was_cut_short`` as ours says it."""

    ends_with: BaseException | None = None
    was_cut_short = False

    def __init__(self, _app: Any, **options: Any) -> None:
        self.options = options

    def execute_from_commandline(self) -> None:
        assert self.options["loglevel"] == "CRITICAL" and self.options["quiet"]
        assert not self.options["redirect_stdouts"] and not self.options["override_logging"]
        if self.ends_with is not None:
            raise self.ends_with


def because(error: BaseException, cause: BaseException) -> BaseException:
    error.__context__ = cause
    return error


OVER = because(SystemExit(1), KeyError("gone"))


@pytest.mark.parametrize(
    ("ends_with", "was_cut_short", "raised"),
    [
        (None, False, None),
        (SystemExit(0), False, None),
        (SystemExit(None), False, None),
        (OVER, False, "worker town.rules ended: KeyError: 'gone'"),
        (OVER, True, None),
        (RuntimeError("the loop was stopped"), True, None),
        (RuntimeError("a fault of ours"), False, "a fault of ours"),
    ],
)
def test_an_end_that_was_asked_for_is_no_fault_and_any_other_is(
    worker: Any,
    monkeypatch: pytest.MonkeyPatch,
    ends_with: BaseException | None,
    was_cut_short: bool,
    raised: str | None,
) -> None:
    ending = type("Ending", (Faust,), {"ends_with": ends_with, "was_cut_short": was_cut_short})
    monkeypatch.setattr(module, "EndingWorker", ending)
    loop = Loop()
    worker._loops = [loop]
    if raised is None:
        worker.run()
    else:
        with pytest.raises((Fatal, RuntimeError), match=raised):
            worker.run()
    assert loop.stopped.is_set()


def test_the_fault_that_ended_the_worker_is_raised_not_the_one_that_follows_from_it(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EndingWorker", type("Ending", (Faust,), {"ends_with": OVER}))
    worker.fault = Retriable("away")
    with pytest.raises(Retriable, match="away"):
        worker.run()
