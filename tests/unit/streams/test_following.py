"""A follower of a topic: its records, the end it reached, and the errors that it passes over or reports."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError

from schemas.errors import BongsuError
from streams.runtime import follower as module
from streams.runtime.follower import Follower
from streams.runtime.records import Record
from tests.unit.streams.a_log import REFUSED, Log

EOF = KafkaError(KafkaError._PARTITION_EOF)
PASSING = KafkaError(KafkaError._TRANSPORT, "away", False, True, False)
FOR_GOOD = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)


class Message:
    """A message as confluent-kafka gives it."""

    def __init__(self, error: KafkaError | None = None, *, offset: int = 0, headers: Any = None) -> None:
        self._error, self._offset, self._headers = error, offset, headers

    def error(self) -> KafkaError | None:
        return self._error

    def headers(self) -> Any:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, 77

    def topic(self) -> str:
        return "c.core.watch"

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return b"v"


class Polled:
    """A consumer that holds these messages."""

    def __init__(self, *messages: Message) -> None:
        self._messages = list(messages)

    def poll(self, _seconds: float) -> Message | None:
        return self._messages.pop(0) if self._messages else None

    def consume(self, at_most: int, _seconds: float) -> list[Message]:
        found, self._messages = self._messages[:at_most], self._messages[at_most:]
        return found


def follower() -> tuple[Follower, list[tuple[list[int], bool]]]:
    """One that writes down what it passes on: offsets, and whether the end was reached."""
    taken: list[tuple[list[int], bool]] = []

    def take(records: Sequence[Record], is_whole: bool) -> None:
        taken.append(([one.offset for one in records], is_whole))

    return Follower("watches", "c.core.watch", bootstrap="", begin=lambda: None, take=take), taken


def look(at: Follower, *messages: Message) -> None:
    consumer: Any = Polled(*messages)
    at._look(consumer)


def test_records_are_passed_on_in_order_and_the_topic_is_whole_at_its_end_only() -> None:
    one, taken = follower()
    look(one, Message(offset=3), Message(offset=4))
    assert one.trouble is not None
    look(one, Message(offset=5), Message(EOF))
    assert one.trouble is None
    assert taken == [([3, 4], False), ([5], True)]


def test_the_end_of_an_empty_topic_is_told_once() -> None:
    one, taken = follower()
    look(one)
    look(one, Message(EOF))
    look(one, Message(EOF))
    look(one)
    assert taken == [([], True)]


@pytest.mark.parametrize("error", [PASSING, FOR_GOOD])
def test_no_error_is_taken_for_the_end(error: KafkaError) -> None:
    one, taken = follower()
    if error.retriable():
        look(one, Message(error))
    else:
        with pytest.raises(BongsuError):
            look(one, Message(error))
    assert one.trouble is not None
    assert taken == []


TOPIC = "c.core.watch"


class Followed:
    """A follower of *log* that writes down what happens, until *enough* of it has."""

    def __init__(self, log: Log, monkeypatch: pytest.MonkeyPatch, **about: Any) -> None:
        self.said: list[Any] = []
        self.troubles: list[str | None] = []
        monkeypatch.setattr(module, "AGAIN_S", 0.0)
        monkeypatch.setattr(module, "reader", lambda _bootstrap: log.consumer_of({}))
        self.follower = Follower(
            "watches", TOPIC, bootstrap="", begin=lambda: self._say("begin"), take=self._take, **about
        )

    def _say(self, one: Any) -> None:
        self.said.append(one)
        self.troubles.append(self.follower.trouble)

    def _take(self, records: Sequence[Record], is_whole: bool) -> None:
        self._say([one.offset for one in records])
        if is_whole:
            self.follower._ends.set()

    def run(self) -> list[Any]:
        self.follower.start()
        self.follower._thread.join(10)
        assert not self.follower._thread.is_alive()
        return self.said


def a_log(**about: Any) -> Log:
    return Log({(TOPIC, 0): [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]}, **about)


def test_a_topic_is_followed_from_its_first_record(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log()
    one = Followed(log, monkeypatch)
    assert one.run() == ["begin", [0, 1, 2]]
    assert log.made[0].assigned == [(TOPIC, 0, 0)]
    assert log.made[0].is_closed
    assert one.follower._thread.daemon, "it must not keep a process from its end"


def test_after_a_failure_it_reads_anew_from_the_beginning_and_says_why_meanwhile(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = a_log(errors=[REFUSED])
    one = Followed(log, monkeypatch)
    assert one.run() == ["begin", "begin", [0, 1, 2]]
    first, second, last = one.troubles
    assert first == "the watches are being read"
    assert second is not None and "reading c.core.watch: Kafka denied access" in second
    assert last is None
    assert [made.is_closed for made in log.made] == [True, True]


def test_what_has_to_be_there_before_is_done_before_each_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Callable[[], None]] = [{}.popitem, lambda: None]  # type: ignore[list-item]  # it raises KeyError
    one = Followed(a_log(), monkeypatch, before=lambda: left.pop(0)())  # noqa: PLW0108 (each time another)
    assert one.run() == ["begin", [0, 1, 2]]
    assert one.troubles[0] == "KeyError", "an exception's own text may hold personal data"
    assert left == []


def test_whoever_waits_for_news_is_woken_by_them_and_waits_no_longer_than_asked() -> None:
    one, _ = follower()
    woken = threading.Event()

    def wait() -> None:
        one.wait_for_news(10)
        woken.set()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    while not one._news._waiters:  # type: ignore[attr-defined]  # of threading.Condition
        pass
    look(one, Message(offset=1))
    assert woken.wait(5)
    one.wait_for_news(0.0)


def test_one_that_never_started_is_ended_without_a_word() -> None:
    one, _ = follower()
    one.end()


def test_an_end_waits_for_the_reading_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log()
    one = Followed(log, monkeypatch)
    monkeypatch.setattr(one.follower, "_take", lambda *_about: None)
    one.follower.start()
    one.follower.end()
    assert not one.follower._thread.is_alive()
    assert all(made.is_closed for made in log.made)
