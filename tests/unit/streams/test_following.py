"""Following topics: their records, the ends reached, and the errors that are passed over or reported."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError

from streams.runtime import follower as module
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from tests.unit.streams.a_log import PASSING, REFUSED, Log, LogMessage

EOF = KafkaError(KafkaError._PARTITION_EOF)
TOPIC, OTHER = "c.core.watch", "c.core.alert"


class Polled:
    """A consumer that holds these messages."""

    def __init__(self, *messages: LogMessage) -> None:
        self._messages = list(messages)
        self.unassigned: list[str] = []

    def poll(self, _seconds: float) -> LogMessage | None:
        return self._messages.pop(0) if self._messages else None

    def consume(self, at_most: int, _seconds: float) -> list[LogMessage]:
        found, self._messages = self._messages[:at_most], self._messages[at_most:]
        return found

    def incremental_unassign(self, places: Sequence[Any]) -> None:
        self.unassigned += [one.topic for one in places]


class Taken:
    """A follower of *topic* that writes down what it passes on: offsets, and whether the end was reached."""

    def __init__(self, following: Following, topic: str = TOPIC) -> None:
        self.told: list[tuple[list[int], bool]] = []
        self.follower = Follower("watches", topic, following, begin=lambda: None, take=self._take)

    def _take(self, records: Sequence[Record], is_whole: bool) -> None:
        self.told.append(([one.offset for one in records], is_whole))


def a_following() -> Following:
    return Following("here", bootstrap="")


def record(offset: int, topic: str = TOPIC) -> LogMessage:
    return LogMessage((topic, 0, offset), (b"k", b"v"))


def failed(error: KafkaError, topic: str = TOPIC) -> LogMessage:
    return LogMessage((topic, 0, 0), failed=error)


def look(at: Following, *messages: LogMessage) -> Polled:
    consumer: Any = Polled(*messages)
    at._look(consumer)
    return consumer  # type: ignore[no-any-return]  # it stands for confluent-kafka's


def test_records_are_passed_on_in_order_and_the_topic_is_whole_at_its_end_only() -> None:
    at = a_following()
    one = Taken(at)
    look(at, record(3), record(4))
    assert one.follower.trouble is not None
    look(at, record(5), failed(EOF))
    assert one.follower.trouble is None
    assert one.told == [([3, 4], False), ([5], True)]


def test_a_topic_that_is_written_all_the_time_is_whole_once_all_of_before_is_read() -> None:
    at = a_following()
    one = Taken(at)
    at._ends_at[TOPIC] = 5
    look(at, record(3))
    assert one.follower.trouble is not None
    look(at, record(6))
    assert one.follower.trouble is None
    assert one.told == [([3], False), ([6], True)]


def test_the_topic_is_not_known_before_its_last_records_are_taken() -> None:
    at = a_following()
    told: list[str | None] = []
    one = Follower("keys", TOPIC, at, begin=lambda: None, take=lambda *_about: told.append(one.trouble))
    look(at, record(1), failed(EOF))
    assert told == ["the keys are being read"]
    assert one.trouble is None


def test_the_end_of_an_empty_topic_is_told_once() -> None:
    at = a_following()
    one = Taken(at)
    look(at)
    look(at, failed(EOF))
    look(at, failed(EOF))
    look(at)
    assert one.told == [([], True)]


@pytest.mark.parametrize("error", [PASSING, REFUSED])
def test_no_error_is_taken_for_the_end(error: KafkaError) -> None:
    at = a_following()
    one = Taken(at)
    consumer = look(at, failed(error))
    assert one.follower.trouble is not None
    assert one.told == []
    assert consumer.unassigned == ([TOPIC] if error is REFUSED else [])


def test_two_followers_of_one_topic_and_one_of_another_get_their_own_records() -> None:
    at = a_following()
    first, second, other = Taken(at), Taken(at), Taken(at, OTHER)
    look(at, record(1), record(7, OTHER), record(2), failed(EOF, OTHER))
    assert first.told == second.told == [([1, 2], False)]
    assert other.told == [([7], True)]


def test_a_topic_that_cannot_be_read_is_begun_again_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0.0)
    at = a_following()
    one, other = Taken(at), Taken(at, OTHER)
    look(at, failed(REFUSED), record(7, OTHER), failed(EOF, OTHER))
    assert one.follower.trouble == "reading c.core.watch: Kafka denied access (TOPIC_AUTHORIZATION_FAILED)"
    assert other.follower.trouble is None
    consumer = Log({(TOPIC, 0): [(b"a", b"1")], (OTHER, 0): []}).consumer_of({})
    at._begin_due(consumer)
    assert consumer.assigned == [(TOPIC, 0, 0)], "the other topic is still read"


def test_a_taker_that_fails_gets_the_topic_from_its_beginning_again() -> None:
    at = a_following()
    log = Log({(TOPIC, 0): [(b"a", b"1")]})
    told: list[str] = []

    def take(_records: Sequence[Record], _is_whole: bool) -> None:
        told.append("take")
        if told.count("take") == 1:
            raise KeyError("a name that must not be told")
        at._ends.set()

    one = Follower("watches", TOPIC, at, begin=lambda: told.append("begin"), take=take)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "AGAIN_S", 0.0)
        patch.setattr(module, "reader", lambda _bootstrap: log.consumer_of({}))
        at.start()
        at._thread.join(10)
    assert told == ["begin", "take", "begin", "take"]
    assert len(log.made) == 1
    assert one.trouble is None


@pytest.mark.parametrize("places", [[], [(TOPIC, 0), (TOPIC, 1)]])
def test_a_topic_that_is_missing_or_parted_does_not_keep_the_others_from_being_read(
    places: list[tuple[str, int]],
) -> None:
    at = a_following()
    one, other = Taken(at), Taken(at, OTHER)
    at._due = dict.fromkeys(at._followers, 0.0)
    consumer = Log({(OTHER, 0): [(b"a", b"1")], **{place: [] for place in places}}).consumer_of({})
    at._begin_due(consumer)
    at._look(consumer)
    assert other.told == [([0], True)]
    assert one.follower.trouble is not None
    assert TOPIC in one.follower.trouble
    assert list(at._due) == [TOPIC], "it is tried again"


class Followed:
    """A follower of *log* that writes down what happens, until the topic is whole."""

    def __init__(self, log: Log, monkeypatch: pytest.MonkeyPatch, **about: Any) -> None:
        self.said: list[Any] = []
        self.troubles: list[str | None] = []
        monkeypatch.setattr(module, "AGAIN_S", 0.0)
        monkeypatch.setattr(module, "reader", lambda _bootstrap: log.consumer_of({}))
        self.following = Following("here", bootstrap="", **about)
        self.follower = Follower(
            "watches", TOPIC, self.following, begin=lambda: self._say("begin"), take=self._take
        )

    def _say(self, one: Any) -> None:
        self.said.append(one)
        self.troubles.append(self.follower.trouble)

    def _take(self, records: Sequence[Record], is_whole: bool) -> None:
        self._say([one.offset for one in records])
        if is_whole:
            self.following._ends.set()

    def run(self) -> list[Any]:
        self.following.start()
        self.following._thread.join(10)
        assert not self.following._thread.is_alive()
        return self.said


def a_log(**about: Any) -> Log:
    return Log({(TOPIC, 0): [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]}, **about)


def test_a_topic_is_followed_from_its_first_record(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log()
    one = Followed(log, monkeypatch)
    assert one.run() == ["begin", [0, 1, 2]]
    assert log.made[0].assigned == [(TOPIC, 0, 0)]
    assert log.made[0].is_closed
    assert one.following._thread.daemon, "it must not keep a process from its end"


def test_after_a_failure_of_the_consumer_it_reads_anew_and_says_why_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = a_log(errors=[REFUSED])
    one = Followed(log, monkeypatch)
    assert one.run() == ["begin", "begin", [0, 1, 2]]
    first, second, last = one.troubles
    assert first == "the watches are being read"
    assert second is not None and "Kafka denied access" in second
    assert last == second, "until its records are taken the topic is not known"
    assert one.follower.trouble is None
    assert [made.is_closed for made in log.made] == [True, True]


def test_what_has_to_be_there_before_is_done_before_each_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[Callable[[], None]] = [{}.popitem, lambda: None]  # type: ignore[list-item]  # it raises KeyError
    one = Followed(a_log(), monkeypatch, before=lambda: left.pop(0)())  # noqa: PLW0108 (each time another)
    assert one.run() == ["begin", [0, 1, 2]]
    assert one.troubles[0] == "KeyError", "an exception's own text may hold personal data"
    assert left == []


def test_whoever_waits_for_news_is_woken_by_them_and_waits_no_longer_than_asked() -> None:
    at = a_following()
    one = Taken(at).follower
    woken = threading.Event()

    def wait() -> None:
        one.wait_for_news(10)
        woken.set()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    while not one._news._waiters:  # type: ignore[attr-defined]  # of threading.Condition
        pass
    look(at, record(1))
    assert woken.wait(5)
    one.wait_for_news(0.0)


def test_what_the_log_tells_is_found_at_once_after_some_news_or_not_in_time() -> None:
    one = Taken(a_following()).follower
    tries = iter([None, None, "told"])
    assert one.wait_until(lambda: next(tries), 10) == "told"
    assert one.wait_until(lambda: "known", 0) == "known"
    assert one.wait_until(lambda: None, 0.01) is None


def test_one_that_never_started_is_ended_without_a_word() -> None:
    a_following().end()


def test_an_end_waits_for_the_reading_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    log = a_log()
    one = Followed(log, monkeypatch)
    monkeypatch.setattr(one.follower, "_take", lambda *_about: None)
    one.following.start()
    one.following.end()
    assert not one.following._thread.is_alive()
    assert all(made.is_closed for made in log.made)
