"""A source's service: how long it waits after each outcome, when it is ready, and what its reports do meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from connectors.base import Heard, Place
from schemas.errors import Fatal, Retriable, Unreachable
from streams import metrics
from streams.ingest import worker as module
from streams.ingest.channel import Channel
from streams.ingest.place import SourcePlace
from streams.ingest.waits import backoff_s, wait_after
from streams.ingest.worker import ClockService, PolledService, SpeakingService
from streams.runtime.kafka import Fenced

NAME = "polling"


class Enough(Exception):
    """The test has seen what it wanted."""


class Ingesting:
    """Says what it is asked, and raises the faults of a method in order."""

    group = "daejeon.ingest.tried"

    def __init__(self, **faults: list[Exception]) -> None:
        self.said: list[Any] = []
        self.standing = SourcePlace()
        self.channel = Channel("daejeon", NAME)
        self.faults = faults
        self.is_retry = False
        self.may = [True] * 99

    def _called(self, name: str, *about: Any) -> None:
        self.said.append((name, *about) if about else name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    def open(self) -> None:
        self._called("open")

    def ask(self) -> None:
        self._called("ask")

    def tell(self) -> None:
        self._called("tell")

    def regained(self) -> bool:
        self._called("regained")
        return self.is_retry

    def may_hear(self) -> bool:
        if self.faults.get("may_hear"):
            raise self.faults["may_hear"].pop(0)
        return self.may.pop(0)

    def take(self, heard: Heard, *, played: bool) -> int:
        assert not played
        self._called("take", heard.body)
        return 1

    def failed(self, why: str, *, is_refused: bool = False) -> None:
        self._called("failed", why, is_refused)


class Answers:
    """A source that answers with these bodies, or fails."""

    def __init__(self, *answers: bytes | Exception) -> None:
        self._answers = list(answers)
        self.places: list[Place] = []
        self.is_closed = False

    async def poll(self, place: Place) -> Heard:
        self.places.append(place)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Heard(answer, 5)

    async def listen(self) -> AsyncIterator[Heard]:
        while self._answers:
            answer = self._answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            yield Heard(answer, 5)

    async def close(self) -> None:
        self.is_closed = True


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits of a service, of which none takes time."""
    asked: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        asked.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(module, "any_chance", lambda: 0.0)
    return asked


def polled(ingest: Ingesting, *answers: bytes | Exception) -> PolledService:
    source: Any = Answers(*answers)
    given: Any = ingest
    return PolledService(NAME, source, given, every_s=60)


def polls(outcome: str) -> float:
    return float(metrics.polls.labels(NAME, outcome)._value.get())


def after(service: PolledService, failures: int) -> tuple[float, int]:
    return asyncio.run(service._once(failures))


def test_a_source_that_answered_is_polled_again_after_its_interval_and_is_ready(waits: list[float]) -> None:
    ingest = Ingesting()
    ingest.standing = SourcePlace().after_moment(1, {"up to": 2})
    service = polled(ingest, b"a")
    before = polls("heard")
    assert not service.is_ready
    assert after(service, 7) == (60, 0)
    assert service.is_ready and ingest.said == [("take", b"a")]
    assert service._source.places == [{"up to": 2}]
    assert polls("heard") == before + 1


@pytest.mark.parametrize(
    ("error", "failures", "wait_s"),
    [
        (Retriable("it answered 500"), 0, 0.5),
        (Retriable("it answered 500"), 3, 4.0),
        (Retriable("it answered 503", retry_after_s=17), 3, 17.0),
        (Retriable("it answered 503", retry_after_s=9_999), 0, 3_600.0),
        (Retriable("it answered 500"), 99, 150.0),
    ],
)
def test_a_source_that_did_not_answer_is_polled_again_later_and_says_so(
    waits: list[float], error: Retriable, failures: int, wait_s: float
) -> None:
    ingest = Ingesting()
    service = polled(ingest, error)
    before = polls("failed")
    assert after(service, failures) == (wait_s, failures + 1)
    assert ingest.said == [("failed", error.what, False)] and not service.is_ready
    assert polls("failed") == before + 1


def test_a_back_off_is_spread_over_half_of_itself() -> None:
    assert [backoff_s(1, chance) for chance in (0.0, 0.5, 1.0)] == [1.0, 1.5, 2.0]
    assert [backoff_s(99, chance) for chance in (0.0, 1.0)] == [150.0, 300.0]
    assert wait_after(Retriable("x", retry_after_s=10), 0, 1.0) == pytest.approx(11.0)


def test_a_channel_that_stops_is_looked_at_again_at_once_and_waited_for(waits: list[float]) -> None:
    ingest = Ingesting(take=[Channel("daejeon", NAME).stopped(is_taken=True)], may_hear=[Retriable("away")])
    ingest.may = [False, False, True, True]
    service = polled(ingest, b"a")
    before = polls("stopped")
    assert after(service, 3) == (0.0, 0)
    assert waits == [5.0, 5.0, 5.0], "a state that cannot be read counts as stopped"
    assert polls("stopped") == before + 1 and not service.is_ready


def test_an_answer_that_never_ends_counts_as_none(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    class Endless(Answers):
        async def poll(self, place: Place) -> Heard:
            await asyncio.Event().wait()
            raise AssertionError

    asked: list[float] = []

    def timeout(seconds: float) -> Any:
        asked.append(seconds)
        return real(0.0)

    real = asyncio.timeout
    monkeypatch.setattr(asyncio, "timeout", timeout)
    service = polled(Ingesting())
    service._source = Endless()
    with pytest.raises(Retriable, match="no answer within 120 s"):
        asyncio.run(service._poll())
    assert asked == [120]


def test_a_commit_that_may_have_gone_through_is_looked_up_before_the_next_poll(waits: list[float]) -> None:
    ingest = Ingesting(take=[Unreachable("no registry answers")], open=[Retriable("away"), Retriable("away")])
    assert after(polled(ingest, b"a"), 0) == (0.5, 1)
    assert ingest.said == [
        ("take", b"a"), "open", "open", "open", ("failed", "no registry answers", False)
    ]  # fmt: skip
    assert waits == [0.5, 1.0]


@pytest.mark.parametrize("is_retry", [True, False])
def test_a_fenced_source_publishes_again_after_a_retry_only(waits: list[float], is_retry: bool) -> None:
    ingest = Ingesting(take=[Fenced("another")])
    ingest.is_retry = is_retry
    service = polled(ingest, b"a")
    service.is_ready = True
    if is_retry:
        assert after(service, 0) == (60, 0)
        assert ingest.said == [("take", b"a"), "regained", ("take", b"a")]
    else:
        with pytest.raises(Fenced, match=f"source {NAME}: another"):
            after(service, 0)
        assert not service.is_ready


def test_a_polled_source_goes_on_polling_and_counts_its_failures_in_a_row(
    monkeypatch: pytest.MonkeyPatch, waits: list[float]
) -> None:
    service = polled(Ingesting(), Retriable("1"), Retriable("2"), b"a", Retriable("3"), Enough())
    with pytest.raises(Enough):
        asyncio.run(service._hear())
    assert waits == [0.5, 1.0, 60, 0.5]


# -- reports --------------------------------------------------------------------------------------------------


def told(ingest: Ingesting, *, is_ready: bool = True, is_open: bool = True, rounds: int = 1) -> Any:
    """The service after so many rounds of its reports."""
    service = polled(ingest)
    service.is_ready, service._is_open = is_ready, is_open

    async def live() -> None:
        task = asyncio.create_task(service._tell())
        for _ in range(500):
            await real(0.001)
            if task.done() or ingest.said.count("ask") + ingest.said.count("nothing") >= rounds:
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    asyncio.run(live())
    return service


real = asyncio.sleep


def test_a_report_is_told_and_the_source_asked_for_every_five_seconds(waits: list[float]) -> None:
    ingest = Ingesting()
    told(ingest)
    assert ingest.said[:2] == ["tell", "ask"]
    assert waits[0] == 5.0


def test_a_source_that_has_not_answered_yet_tells_only_its_trouble(waits: list[float]) -> None:
    ingest = Ingesting()
    told(ingest, is_ready=False)
    assert ingest.said[0] == "ask"
    ingest = Ingesting()
    ingest.channel.report.failed("it answered 500", at_ms=5)
    told(ingest, is_ready=False)
    assert ingest.said[:2] == ["tell", "ask"]


def test_a_source_that_is_not_open_yet_owns_nothing_to_ask_for(waits: list[float]) -> None:
    ingest = Ingesting(tell=[Retriable("away"), Fatal("refused"), Enough()])
    with pytest.raises(Enough):
        told(ingest, is_open=False)
    assert ingest.said == ["tell"] * 3, "nor is it opened by a report"


@pytest.mark.parametrize("error", [Retriable("away"), Unreachable("no registry answers")])
def test_a_report_that_cannot_be_told_opens_the_source_again(waits: list[float], error: Exception) -> None:
    ingest = Ingesting(tell=[error])
    told(ingest)
    assert ingest.said[:4] == ["tell", "open", "tell", "ask"]


def test_a_report_that_is_refused_ends_nothing(waits: list[float]) -> None:
    ingest = Ingesting(tell=[Fatal("the registry refuses it")])
    told(ingest)
    assert ingest.said[:3] == ["tell", "tell", "ask"]


def test_a_source_that_another_took_ends_by_its_reports_too(waits: list[float]) -> None:
    with pytest.raises(Fenced, match=f"source {NAME}: another"):
        told(Ingesting(ask=[Fenced("another")]), rounds=2)
    ingest = Ingesting(ask=[Fenced("another")])
    ingest.is_retry = True
    service = told(ingest, rounds=2)
    assert ingest.said[:5] == ["tell", "ask", "regained", "tell", "ask"]
    assert service.is_ready


# -- the whole of a service -----------------------------------------------------------------------------------


def test_a_service_that_stops_says_so_closes_its_source_and_leaves_the_others(waits: list[float]) -> None:
    ingest = Ingesting(take=[Fatal("refused")], tell=[Retriable("away"), Fatal("refused")] * 9)
    service = polled(ingest, b"a")
    before = polls("refused")
    asyncio.run(service.run())
    assert ("failed", "refused", True) in ingest.said
    assert ingest.said[0] == "open" and service._is_open
    assert not service.is_ready and service._source.is_closed
    assert polls("refused") == before + 1


def test_a_service_that_is_cancelled_closes_its_source(waits: list[float]) -> None:
    service = polled(Ingesting(), *[b"a"] * 999)

    async def live() -> None:
        task = asyncio.create_task(service.run())
        while not service.is_ready:
            await real(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled()

    asyncio.run(live())
    assert service._source.is_closed


def speaking(ingest: Ingesting, *answers: bytes | Exception) -> tuple[SpeakingService, list[bool]]:
    """A service, and whether it was ready at each failure that it noted."""
    given: Any = ingest
    source: Any = Answers(*answers)
    service = SpeakingService(NAME, source, given)
    ready: list[bool] = []
    noted: Callable[..., None] = ingest.failed

    def failed(why: str, *, is_refused: bool = False) -> None:
        ready.append(service.is_ready)
        noted(why, is_refused=is_refused)

    ingest.failed = failed  # type: ignore[method-assign]  # looks
    return service, ready


def test_a_source_that_speaks_is_connected_to_again_ever_more_rarely_until_it_speaks(
    waits: list[float],
) -> None:
    away = Retriable("connection reset")
    ingest = Ingesting()
    service, ready = speaking(ingest, away, away, away, b"a", away, b"b")
    asyncio.run(service._hear())
    assert waits == [0.5, 1.0, 2.0, 0.5]
    assert ready == [False] * 4 and service.is_ready
    assert [one for one in ingest.said if one[0] == "take"] == [("take", b"a"), ("take", b"b")]


def test_what_cannot_be_published_is_tried_ever_more_rarely(waits: list[float]) -> None:
    ingest = Ingesting(take=[Retriable("away")] * 3)
    service, _ = speaking(ingest, b"a")
    before = polls("heard")
    asyncio.run(service._hear())
    assert waits == [0.5, 1.0, 2.0]
    assert polls("heard") == before + 1, "one body, however often"


def test_the_clock_opens_once_and_ticks_on_through_a_kafka_that_is_away(waits: list[float]) -> None:
    said: list[Any] = []
    faults: list[Exception | None] = [None, Retriable("away"), Unreachable("away"), None, Enough()]

    class Ticking:
        def open(self) -> None:
            said.append("open")

        def tick(self, time_ms: int) -> None:
            said.append(time_ms)
            if (fault := faults.pop(0)) is not None:
                raise fault

    ingest: Any = Ticking()
    clock = ClockService(ingest, now=iter([1.0, 2.0, 3.0, 4.5, 5.0]).__next__)
    assert not clock.is_ready
    with pytest.raises(Enough):
        asyncio.run(clock.run())
    assert said == ["open", 1_000, 2_000, 3_000, 4_500, 5_000]
    assert waits == [1.0] * 4 and clock.is_ready
