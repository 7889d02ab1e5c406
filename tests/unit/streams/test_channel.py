"""One source's channel: its counts and its reports."""

from __future__ import annotations

import pytest

from connectors.base import Heard, Reading, SetAside
from schemas.event import Event
from streams.dlq.rows import asides_of
from streams.ingest.breaker import STOPPED, TRIAL
from streams.ingest.channel import Channel, Remembered

NOON = 1_800_000_000_000


def weigh(channel: Channel, *bad: bytes, good: int = 0, minute: int = 0) -> bool:
    at_ms = NOON + minute * 60_000
    events = [
        Event("fire.incident", str(n), {"event_id": f"{minute}-{n}", "event_time": at_ms, "position": None})
        for n in range(good)
    ]
    reading = Reading(events, {}, aside=[SetAside(one, "no number") for one in bad])
    asides = asides_of("daejeon", "cad", reading.aside, heard_at_ms=at_ms, time_ms=at_ms, now_ms=at_ms)
    return channel.weigh(Heard(b"x", at_ms), reading, asides, now_ms=at_ms)


def test_a_bad_row_that_stands_in_every_poll_is_one_bad_record() -> None:
    channel = Channel("daejeon", "cad")
    assert all(weigh(channel, b"a", b"b", minute=minute) for minute in range(500))


def test_ever_new_bad_records_stop_it() -> None:
    channel = Channel("daejeon", "cad")
    assert not all(weigh(channel, str(minute).encode(), minute=minute) for minute in range(101))
    assert channel.breaker.state == STOPPED
    assert "no number" in channel.stopped(is_taken=True).what


def test_what_is_published_in_vain_and_again_is_weighed_once() -> None:
    channel = Channel("daejeon", "cad")
    heard, reading = Heard(b"x", NOON), Reading((), {}, skipped={"said before": 3})
    for _ in range(5):
        assert channel.weigh(heard, reading, [], now_ms=NOON)
    assert channel.report.figures(now_ms=NOON)["skipped"] == 3


def test_a_worker_that_starts_anew_does_not_open_what_was_stopped() -> None:
    channel, again = Channel("daejeon", "cad"), Channel("daejeon", "cad")
    weigh(channel, *(str(number).encode() for number in range(101)))
    told = channel.news(now_ms=NOON)
    assert told is not None
    assert told.value is not None
    again.restore(told.value)
    assert not again.breaker.may_hear(NOON + 1)
    again.heed({**told.value, "state": TRIAL}, now_ms=NOON + 1)
    assert again.breaker.may_hear(NOON + 1)


def test_news_is_told_once() -> None:
    channel = Channel("daejeon", "cad")
    weigh(channel, good=1)
    told = channel.news(now_ms=NOON)
    assert told is not None
    channel.told(told)
    assert channel.news(now_ms=NOON + 5_000) is None
    weigh(channel, good=1, minute=1)
    assert channel.news(now_ms=NOON + 60_000) is not None


@pytest.mark.parametrize(("count", "is_too_much"), [(20, False), (21, True)])
def test_of_a_reading_that_stops_it_only_samples_are_kept(count: int, is_too_much: bool) -> None:
    channel = Channel("daejeon", "cad")
    weigh(channel, *(f"early {number}".encode() for number in range(100)))
    bad = [str(number).encode() for number in range(count)]
    weigh(channel, *bad, minute=1)
    asides = asides_of(
        "d", "c", [SetAside(one, "") for one in bad], heard_at_ms=None, time_ms=NOON, now_ms=NOON
    )
    assert channel.is_too_much(asides) is is_too_much


def state_of(channel: Channel) -> tuple[str, str | None]:
    news = channel.report.event("daejeon", "cad", channel.breaker, now_ms=NOON).value
    assert news is not None
    return news["state"], news["state_reason"]


def test_what_was_not_heard_of_an_answer_is_told_until_it_is_heard() -> None:
    channel = Channel("daejeon", "cad")
    part = Heard(b"x", NOON, missing=("free_bike_status: it answered 404",))
    channel.weigh(part, Reading((), {}), [], now_ms=NOON)
    assert state_of(channel) == ("hearing", "not heard: free_bike_status: it answered 404")
    channel.weigh(Heard(b"x", NOON + 1), Reading((), {}), [], now_ms=NOON)
    assert state_of(channel) == ("hearing", None)


def test_an_answer_without_content_is_counted_and_ends_a_failure() -> None:
    channel = Channel("daejeon", "cad")
    channel.report.failed("it answered 500", at_ms=NOON)
    channel.weigh(Heard(b"", NOON), Reading((), {}, skipped={"body without a record": 1}), [], now_ms=NOON)
    assert state_of(channel) == ("hearing", None)
    figures = channel.report.figures(now_ms=NOON)
    assert (figures["heard"], figures["skipped"]) == (1, 1)
    channel.weigh(Heard(b"", NOON, error="timed out"), Reading((), {}), [], now_ms=NOON)
    assert channel.report.figures(now_ms=NOON)["heard"] == 1


def test_the_newest_five_thousand_are_remembered_and_the_oldest_forgotten_first() -> None:
    some = Remembered()
    for number in range(5_000):
        some.add(str(number))
    some.add("0")
    some.add("new")
    assert ["0" in some, "1" in some, "2" in some, "new" in some] == [True, False, True, True]


def test_a_body_with_a_time_of_its_own_is_heard_then_and_a_file_when_it_is_read() -> None:
    for at_ms, heard_at, age in ((NOON - 5_000, NOON - 5_000, 1.0), (None, NOON, None)):
        channel = Channel("daejeon", "cad")
        event = Event("fire.incident", "1", {"event_id": "1", "event_time": NOON - 6_000, "position": None})
        channel.weigh(Heard(b"x", at_ms), Reading([event], {}), [], now_ms=NOON)
        figures = channel.report.figures(now_ms=NOON)
        assert figures["heard_at"] == heard_at
        assert (figures["age_p50_s"] is None) is (age is None)


def test_good_and_skipped_records_weigh_against_the_bad_ones() -> None:
    channel = Channel("daejeon", "cad")
    bad = [SetAside(str(number).encode(), "no number") for number in range(101)]
    asides = asides_of("daejeon", "cad", bad, heard_at_ms=NOON, time_ms=NOON, now_ms=NOON)
    events = [
        Event("fire.incident", str(n), {"event_id": str(n), "event_time": NOON, "position": None})
        for n in range(50)
    ]
    reading = Reading(events, {}, aside=bad, skipped={"said before": 51})
    assert channel.weigh(Heard(b"x", NOON), reading, asides, now_ms=NOON)
    assert sum(channel.breaker._recent) == 100


def test_a_new_channel_goes_on_and_tells_the_reason_it_met_most() -> None:
    channel = Channel("daejeon", "cad")
    assert not channel.is_too_much([Event("source.dlq", "x", {})] * 99)
    bad = [SetAside(str(n).encode(), "no time" if n % 3 else "no number") for n in range(120)]
    asides = asides_of("daejeon", "cad", bad, heard_at_ms=NOON, time_ms=NOON, now_ms=NOON)
    assert not channel.weigh(Heard(b"x", NOON), Reading((), {}, aside=bad), asides, now_ms=NOON)
    stopped = channel.stopped(is_taken=False)
    assert stopped.what.endswith("most often: no time")
    assert not stopped.is_taken
