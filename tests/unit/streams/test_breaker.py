"""The stop of a source's channel, and its resumption."""

from __future__ import annotations

from streams.ingest.breaker import COOL_DOWN_MS, COOL_DOWN_MS_MAX, HEARING, STOPPED, TRIAL, Breaker

NOON = 1_800_000_000_000


def stopped() -> Breaker:
    breaker = Breaker()
    assert not breaker.judge(good=0, bad=101, now_ms=NOON, reason="no case number")
    return breaker


def test_half_of_the_last_two_hundred_may_be_bad_and_one_more_stops_the_channel() -> None:
    breaker = Breaker()
    assert breaker.judge(good=100, bad=100, now_ms=NOON)
    assert not breaker.judge(good=0, bad=101, now_ms=NOON + 1, reason="no case number")
    assert (breaker.state, breaker.since_ms, breaker.reason) == (STOPPED, NOON + 1, "no case number")


def test_a_hundred_bad_bodies_one_by_one_are_borne_and_the_next_is_not() -> None:
    breaker = Breaker()
    assert all(breaker.judge(good=0, bad=1, now_ms=NOON) for _ in range(100))
    assert not breaker.judge(good=0, bad=1, now_ms=NOON)


def test_what_went_wrong_long_ago_counts_no_more() -> None:
    breaker = Breaker()
    breaker.judge(good=0, bad=100, now_ms=NOON)
    breaker.judge(good=200, bad=0, now_ms=NOON)
    assert breaker.judge(good=0, bad=100, now_ms=NOON)


def test_a_long_list_with_some_bad_rows_at_its_end_goes_on() -> None:
    assert Breaker().judge(good=3_000, bad=1_000, now_ms=NOON)


def test_a_stopped_channel_is_tried_when_it_has_cooled_down() -> None:
    breaker = stopped()
    assert not breaker.may_hear(NOON + COOL_DOWN_MS - 1)
    assert breaker.may_hear(NOON + COOL_DOWN_MS)
    assert breaker.state == TRIAL


def test_a_good_trial_opens_it() -> None:
    breaker = stopped()
    breaker.resume(NOON + 1)
    assert breaker.judge(good=1, bad=1, now_ms=NOON + 2)
    assert (breaker.state, breaker.reason, breaker.trials) == (HEARING, None, 0)


def test_a_bad_trial_stops_it_for_twice_as_long_up_to_an_hour() -> None:
    breaker, now_ms = stopped(), NOON
    waits = []
    for _ in range(6):
        try_at_ms = breaker.try_at_ms()
        assert try_at_ms is not None
        waits.append(try_at_ms - now_ms)
        now_ms = try_at_ms
        assert breaker.may_hear(now_ms)
        assert not breaker.judge(good=0, bad=1, now_ms=now_ms)
    assert waits == [COOL_DOWN_MS * factor for factor in (1, 2, 4, 8)] + [COOL_DOWN_MS_MAX] * 2


def test_a_trial_in_which_nothing_is_said_decides_nothing() -> None:
    breaker = stopped()
    breaker.resume(NOON)
    assert breaker.judge(good=0, bad=0, now_ms=NOON)
    assert breaker.state == TRIAL


def test_resuming_a_channel_that_hears_changes_nothing() -> None:
    breaker = Breaker()
    breaker.resume(NOON)
    assert breaker.state == HEARING


def test_the_cool_down_is_five_minutes_and_never_more_than_an_hour() -> None:
    assert [Breaker(STOPPED, 0, trials).try_at_ms() for trials in (0, 1, 3, 4, 99)] == [
        minutes * 60_000 for minutes in (5, 10, 40, 60, 60)
    ]
    assert Breaker().try_at_ms() is None


def test_a_list_longer_than_the_window_counts_by_its_share() -> None:
    assert Breaker().judge(good=200, bad=200, now_ms=NOON)
    assert not Breaker().judge(good=198, bad=202, now_ms=NOON)
    one = Breaker()
    assert one.judge(good=300, bad=100, now_ms=NOON)
    assert (len(one._recent), sum(one._recent)) == (200, 50)
    assert one.judge(good=0, bad=50, now_ms=NOON)
    assert Breaker().judge(good=150, bad=50, now_ms=NOON)


def test_a_new_breaker_hears_since_ever_and_has_tried_nothing() -> None:
    one = Breaker()
    assert (one.state, one.since_ms, one.trials, one.reason) == (HEARING, 0, 0, None)


def test_a_trial_decides_by_its_own_majority_and_half_is_enough() -> None:
    for good, bad, is_open in ((3, 1, True), (2, 2, True), (1, 2, False), (0, 1, False)):
        breaker = stopped()
        breaker.resume(NOON + 1)
        assert breaker.judge(good=good, bad=bad, now_ms=NOON + 2) is is_open
        assert (breaker.state == HEARING) is is_open
