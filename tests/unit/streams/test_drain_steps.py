"""A drain's steps by the clock: what it asks, publishes, tells and waits for, and what each fault of Kafka leads to."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.gateway.spool_values import Kept
from connectors.gateway.trouble import Trouble
from schemas.errors import Fatal, Retriable, Unreachable
from streams import metrics
from streams.ingest import drain as module
from streams.ingest.breaker import STOPPED
from streams.ingest.channel import Channel
from streams.ingest.drain import Drain, heard_of
from streams.ingest.place import SourcePlace
from streams.ingest.slices import Pushed, Slice
from streams.runtime.kafka import Fenced

AWAY = [Retriable("Kafka is away"), Unreachable("no registry answers")]
NAME = "steps"


class Waits(threading.Event):
    """An event of which no wait takes time: it writes down how long each would be."""

    def __init__(self, said: list[Any], name: str) -> None:
        super().__init__()
        self._said, self._name = said, name

    def wait(self, timeout: float | None = None) -> bool:
        self._said.append((self._name, timeout))
        return self.is_set()


class Ingesting:
    """An ingest that says what it is asked, and raises the faults of a method in order."""

    group = "daejeon.ingest.tried"

    def __init__(self, said: list[Any]) -> None:
        self.said = said
        self.standing = SourcePlace()
        self.channel = Channel("daejeon", NAME)
        self.faults: dict[str, list[Exception]] = {}
        self.may = True
        self.is_retry = False

    def _called(self, name: str) -> None:
        self.said.append(name)
        if self.faults.get(name):
            raise self.faults[name].pop(0)

    def open(self) -> None:
        self._called("open")

    def ask(self) -> None:
        self._called("ask")

    def tell(self) -> None:
        self._called("tell")

    def may_hear(self) -> bool:
        self._called("may_hear")
        return self.may

    def regained(self) -> bool:
        self._called("regained")
        return self.is_retry

    def pushed_parts(self, spool: str, pushes: Sequence[Pushed]) -> Iterator[Slice]:
        self._called("parts")
        standing = self.standing
        for push in pushes:
            standing = standing.after_push(spool, push.number, push.heard.at_ms or 0, {})
            yield Slice([], [], standing, push.heard.at_ms)
        self._called("end of parts")

    def publish(self, part: Slice, *, played: bool) -> None:
        assert not played, "a push is news, never a recording"
        self._called("publish")
        self.standing = part.standing


class Steps:
    """A drain, what it said and did in order, its clock in seconds, and what waits in its spool."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.said: list[Any] = []
        self.now_s = 1_000.0
        self.kept: list[Kept] = []
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        monkeypatch.setattr(module, "any_chance", lambda: 0.0)
        self.ingest = Ingesting(self.said)
        self.fenced: list[Fenced] = []
        given: Any = self
        ingest: Any = self.ingest
        self.drain = Drain(
            NAME, ingest, given, before=self._before, fenced=self.fenced.append, now_ms=lambda: 7
        )
        self.drain._ends = Waits(self.said, "ends")
        self.drain._there_is_more = Waits(self.said, "more")
        self.before: Callable[[], object] = lambda: None

    spool_id = "spool-1"

    def _before(self) -> None:
        self.before()

    def waiting(self, source: str, *, after: int, pushes_max: int) -> list[Kept]:
        assert (source, pushes_max) == (NAME, 500)
        self.said.append(f"after {after}")
        return [one for one in self.kept if one.seq > after]

    def done(self, source: str, up_to: int) -> None:
        assert source == NAME
        self.said.append(f"done {up_to}")

    def push(self, count: int) -> None:
        first = len(self.kept) + 1
        self.kept += [Kept(seq, 5, b"{}", True) for seq in range(first, first + count)]

    def step(self) -> list[Any]:
        """Run one step; return what was done in it, in order."""
        self.said.clear()
        self.drain._step()
        return list(self.said)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def polls(outcome: str) -> float:
    return float(metrics.polls.labels(NAME, outcome)._value.get())


def test_a_source_without_a_push_asks_and_tells_by_the_clock_and_waits_for_one(steps: Steps) -> None:
    assert steps.step() == ["ask", "after 0", "tell", ("more", 3.0)]
    steps.now_s += 2.9
    assert steps.step() == ["after 0", ("more", 3.0)]
    steps.now_s += 0.1
    assert steps.step() == ["ask", "after 0", ("more", 3.0)]
    steps.now_s += 2.0
    assert steps.step() == ["after 0", "tell", ("more", 3.0)]


def test_what_was_pushed_between_two_steps_is_seen_in_the_second(steps: Steps) -> None:
    steps.drain.wake()
    waiting = steps.waiting

    def looks(source: str, *, after: int, pushes_max: int) -> list[Kept]:
        steps.said.append(steps.drain._there_is_more.is_set())
        return waiting(source, after=after, pushes_max=pushes_max)

    steps.waiting = looks  # type: ignore[method-assign]  # looks
    assert False in steps.step(), "cleared before the spool is read, never after"


def test_a_push_is_published_and_leaves_the_spool_and_its_publishing_shows_that_we_own_the_source(
    steps: Steps,
) -> None:
    steps.step()
    before = polls("heard")
    steps.push(1)
    steps.now_s += 2.0
    assert steps.step() == ["after 0", "parts", "publish", "end of parts", "done 1"]
    steps.push(1)
    steps.now_s += 2.9
    assert steps.step() == ["after 1", "parts", "publish", "end of parts", "done 2"]
    assert polls("heard") == before + 2


@pytest.mark.parametrize(("took_s", "waits_s"), [(0.0, 0.05), (0.03, 0.02), (9.0, 0.0)])
def test_under_load_transactions_are_fewer_and_larger(steps: Steps, took_s: float, waits_s: float) -> None:
    steps.push(2)

    def publish(part: Slice, *, played: bool) -> None:
        assert not played
        steps.ingest.standing = part.standing
        steps.now_s += took_s / 2

    steps.ingest.publish = publish  # type: ignore[method-assign]  # it takes time
    *_, (event, seconds) = steps.step()
    assert (event, round(seconds, 6)) == ("ends", waits_s)


@pytest.mark.parametrize("fault", AWAY)
def test_a_publishing_that_fails_is_done_again_from_the_committed_place(
    steps: Steps, fault: Exception
) -> None:
    steps.push(1)
    steps.ingest.faults["publish"] = [fault]
    said = steps.step()
    assert said[2:] == [
        "parts",
        "publish",
        ("ends", 0.5),
        "open",
        "publish",
        "end of parts",
        "done 1",
        "tell",
    ]
    assert steps.drain.trouble is None


@pytest.mark.parametrize("fault", AWAY)
def test_pushes_that_could_not_be_read_stay_and_the_source_is_opened_again(
    steps: Steps, fault: Exception
) -> None:
    steps.push(2)
    steps.ingest.faults["end of parts"] = [fault]
    said = steps.step()
    assert said[2:9] == ["parts", "publish", "publish", "end of parts", "open", "done 2", "tell"]
    steps.ingest.faults["parts"] = [fault]
    steps.push(1)
    said = steps.step()
    assert said == ["after 2", "parts", "open"], "nothing new is published: nothing leaves the spool"


def test_a_channel_that_stops_keeps_what_it_published_out_of_the_spool(
    steps: Steps, caplog: pytest.LogCaptureFixture
) -> None:
    steps.push(1)
    before = polls("stopped")
    steps.ingest.faults["end of parts"] = [Channel("daejeon", NAME).stopped(is_taken=True)]
    assert steps.step()[-2:] == ["done 1", "tell"]
    assert polls("stopped") == before + 1


def test_a_stopped_channel_publishes_nothing_until_it_may(steps: Steps) -> None:
    steps.step()
    steps.push(1)
    assert not steps.drain.is_stopped
    steps.ingest.channel.breaker.state = STOPPED
    assert steps.drain.is_stopped
    steps.ingest.may = False
    assert steps.step() == ["may_hear", ("ends", 5.0)]
    for fault in AWAY:
        steps.ingest.faults["may_hear"] = [fault]
        assert steps.step() == ["may_hear", ("ends", 5.0)]
    steps.ingest.may = True
    assert steps.step()[:3] == ["may_hear", "after 0", "parts"]


@pytest.mark.parametrize("fault", AWAY)
def test_a_kafka_that_does_not_answer_is_told_and_the_source_is_opened_again(
    steps: Steps, fault: Retriable | Unreachable
) -> None:
    troubles: list[Trouble | None] = []
    steps.drain.trouble = None
    steps.ingest.faults["ask"] = [fault]
    steps.ingest.open = lambda: troubles.append(steps.drain.trouble)  # type: ignore[method-assign]  # looks
    steps.step()
    assert troubles == [Trouble(fault.what, 7)]
    assert steps.drain.trouble is None
    steps.now_s += 2.9
    assert "ask" not in steps.step(), "the opening has shown it"


@pytest.mark.parametrize("fault", AWAY)
def test_a_report_that_cannot_be_published_opens_the_source_again(steps: Steps, fault: Exception) -> None:
    steps.ingest.faults["tell"] = [fault]
    assert steps.step() == ["ask", "after 0", "tell", "open", ("more", 3.0)]


def test_kafka_is_tried_again_ever_more_rarely_within_a_bound_and_its_trouble_keeps_its_begin(
    steps: Steps,
) -> None:
    steps.drain.trouble = Trouble("its drain is starting", 3)
    steps.ingest.faults["open"] = [Retriable(f"away {number}") for number in range(7)]
    troubles: list[Trouble | None] = []
    wait = steps.drain._ends.wait

    def waits(timeout: float | None = None) -> bool:
        troubles.append(steps.drain.trouble)
        return wait(timeout)

    steps.drain._ends.wait = waits  # type: ignore[method-assign]  # looks
    steps.drain._open()
    assert [one for one in steps.said if one != "open"] == [
        ("ends", seconds) for seconds in (0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0)
    ]
    assert troubles[:2] == [Trouble("away 0", 3), Trouble("away 1", 3)]
    assert steps.drain.trouble is None


def test_what_is_done_before_says_nothing_about_the_source(steps: Steps) -> None:
    steps.drain._ends.set()
    seen: list[Trouble | None] = []
    steps.ingest.open = lambda: seen.append(steps.drain.trouble)  # type: ignore[method-assign]  # looks
    steps.drain._run()
    assert seen == [Trouble("its drain is starting", 7)]
    assert steps.drain.trouble is None and steps.drain.over is None


def test_a_gateway_that_ends_leaves_the_rest_in_the_spool_and_no_fault(steps: Steps) -> None:
    steps.ingest.faults["open"] = [Retriable("Kafka is away")]
    steps.drain._ends.set()
    steps.drain._run()
    assert steps.said == ["open", ("ends", 0.5)]
    assert steps.drain.over is None and steps.fenced == []
    assert steps.drain.trouble == Trouble("Kafka is away", 7)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fenced("another"), f"source {NAME}: another"),
        (Fatal("the registry refuses it"), f"source {NAME}: the registry refuses it"),
        (sqlite3.DatabaseError("malformed"), f"source {NAME}: the spool cannot be read: malformed"),
        (KeyError("a person's name"), f"source {NAME}: it broke: KeyError"),
    ],
)
def test_a_source_that_breaks_says_why_and_only_a_fenced_one_ends_the_others(
    steps: Steps, fault: Exception, why: str
) -> None:
    steps.ingest.faults["tell"] = [fault]
    steps.drain._run()
    assert steps.drain.over == why
    assert steps.drain.trouble == Trouble(why, 7, is_over=True)
    assert steps.fenced == ([fault] if isinstance(fault, Fenced) else [])


def test_a_source_that_a_retry_borrowed_goes_on_with_the_next_step(steps: Steps) -> None:
    steps.ingest.faults["ask"] = [Fenced("another")]
    steps.ingest.is_retry = True
    steps.drain._step_if_ours()
    assert steps.said == ["ask", "regained"]
    steps.ingest.faults["ask"] = [Fenced("another")]
    steps.ingest.is_retry = False
    with pytest.raises(Fenced):
        steps.drain._step_if_ours()


def test_a_drain_stands_where_its_ingest_does_and_keeps_no_process_alive(steps: Steps) -> None:
    steps.ingest.standing = SourcePlace().after_moment(5, {"up to": 2})
    assert steps.drain.place == {"up to": 2}
    assert steps.drain._thread.daemon
    assert steps.drain.over is None, "trouble that may pass is not the end"


def test_a_body_with_another_checksum_is_heard_as_a_fault() -> None:
    assert heard_of(Kept(1, 5, b"{}", True)).error is None
    damaged = heard_of(Kept(1, 5, b"{}", False))
    assert (damaged.body, damaged.at_ms, damaged.error) == (b"{}", 5, "its checksum does not fit")
