"""The reports to an agency about its own source."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from schemas.catalogue import load_catalogue
from schemas.event import Event
from schemas.rows import RowCodec
from streams.ingest.breaker import Breaker
from streams.ingest.report import HOUR_MS, IDS_MAX, SourceReport, age_bucket, age_quantile, shares

NOON = 1_800_000_000_000 // HOUR_MS * HOUR_MS


def an_event(
    number: int, *, age_s: float = 1.0, at_ms: int = NOON, placed: bool = True, **more: Any
) -> Event:
    value = {
        "event_id": str(number),
        "event_time": at_ms - round(age_s * 1000),
        "position": {"lat": 36.3, "lon": 127.4, "accuracy_m": None} if placed else None,
        **more,
    }
    return Event("fire.incident", str(number), value)


def told(report: SourceReport, now_ms: int = NOON) -> dict[str, Any]:
    return report.figures(now_ms=now_ms)


def test_what_is_told_keeps_its_contract() -> None:
    report = SourceReport()
    report.heard([an_event(1)], at_ms=NOON, reasons=["no case number"], noted={"kind unknown: CAT": 2})
    codec = RowCodec(load_catalogue()["core.source"].newest)
    for breaker in (Breaker(), Breaker("stopped", NOON, 2, "no case number")):
        event = report.event("daejeon", "cad", breaker, now_ms=NOON)
        assert event.value is not None
        assert codec.decode(codec.encode(event.value)) == event.value


@pytest.mark.parametrize("seed", range(5))
def test_an_age_is_told_at_most_a_tenth_too_high(seed: int) -> None:
    chance, report = Random(seed), SourceReport()
    ages = sorted(chance.lognormvariate(4, 2) + 0.2 for _ in range(2_000))
    report.heard([an_event(n, age_s=age) for n, age in enumerate(ages)], at_ms=NOON)
    for name, at in (("age_p50_s", 999), ("age_p99_s", 1979)):
        assert ages[at] - 0.1 <= told(report)[name] <= ages[at] * 1.1 + 0.1


def test_of_no_events_there_is_no_age() -> None:
    assert age_quantile({}, 0.5) is None
    assert (age_bucket(-5), age_bucket(0.1), age_bucket(1e12)) == (0, 0, 200)


def test_a_clock_that_runs_ahead_shows() -> None:
    report = SourceReport()
    report.heard([an_event(1, age_s=-42), an_event(2, age_s=3)], at_ms=NOON)
    assert told(report)["clock_skew_s"] == 42


def test_late_and_out_of_order_are_behind_what_was_heard_before() -> None:
    report = SourceReport()
    report.heard([an_event(1, age_s=1), an_event(2, age_s=900)], at_ms=NOON)  # in one report: no order
    report.heard([an_event(3, age_s=10), an_event(4, age_s=400)], at_ms=NOON)
    figures = told(report)
    assert (figures["timed"], figures["out_of_order"], figures["late"]) == (4, 2, 1)
    assert shares(figures)["late"] == 0.25


def test_a_later_revision_is_neither_old_nor_late() -> None:
    report = SourceReport()
    report.heard([an_event(1, revision=1)], at_ms=NOON)
    report.heard([an_event(2, age_s=9_000, revision=7)], at_ms=NOON)
    assert told(report)["late"] == 0
    assert told(report)["age_p99_s"] < 2


def test_the_same_event_again_is_a_duplicate_while_it_is_remembered() -> None:
    report = SourceReport()
    for _ in range(2):
        report.heard([an_event(n) for n in range(10)], at_ms=NOON)
    assert told(report)["duplicates"] == 10
    report.heard([an_event(n) for n in range(10, 10 + IDS_MAX)], at_ms=NOON)
    report.heard([an_event(0)], at_ms=NOON)
    assert told(report)["duplicates"] == 10


def test_the_three_most_frequent_reasons_and_the_share_set_aside_are_told() -> None:
    report = SourceReport()
    report.heard(
        [an_event(n, placed=n > 0) for n in range(4)], at_ms=NOON, reasons=["b", "a", "c", "d", "a", "c"]
    )
    figures = told(report)
    assert [(one["what"], one["count"]) for one in figures["reasons"]] == [("a", 2), ("c", 2), ("b", 1)]
    assert shares(figures)["set_aside"] == 0.6
    assert shares(figures)["unplaced"] == 0.25


def test_a_flood_of_different_reasons_takes_bounded_room() -> None:
    report = SourceReport()
    report.heard([], at_ms=NOON, reasons=[f"reason {n}" for n in range(100_000)])
    assert told(report)["reasons"][0]["what"] == "others"
    assert told(report)["set_aside"] == 100_000


def test_yesterday_is_forgotten() -> None:
    report = SourceReport()
    report.heard([an_event(1)], at_ms=NOON)
    report.heard([an_event(2)], at_ms=NOON + 24 * HOUR_MS)
    assert told(report)["events"] == 1
    assert told(report)["counted_since_at"] == NOON + 24 * HOUR_MS


def test_the_rate_is_by_the_clock_of_what_was_heard() -> None:
    report = SourceReport()
    for minute in range(11):
        report.heard([an_event(minute)], at_ms=NOON + minute * 60_000)
    assert told(report)["rate_per_min"] == 1.1


def test_a_file_without_a_clock_has_no_rate_and_no_age() -> None:
    report = SourceReport()
    report.heard([an_event(1)], at_ms=NOON, has_clock=False)
    assert (told(report)["events"], told(report)["rate_per_min"], told(report)["age_p50_s"]) == (1, 0, None)


def test_a_source_that_does_not_answer_says_since_when_until_it_does() -> None:
    report = SourceReport()
    report.failed("answered 503", at_ms=NOON)
    report.failed("answered 503", at_ms=NOON + 5)
    value = report.event("daejeon", "cad", Breaker(), now_ms=NOON).value
    assert value is not None
    assert (value["state"], value["state_since_at"], value["failed"]) == ("failing", NOON, 2)
    report.heard([], at_ms=NOON + 9)
    value = report.event("daejeon", "cad", Breaker(), now_ms=NOON).value
    assert value is not None
    assert value["state"] == "hearing"


def of_word(number: int, word: str, kind: str, kind_source: str | None, agency: str = "hfd") -> Event:
    return an_event(number, agency=agency, kind=kind, kind_text=word, kind_source=kind_source)


def test_where_kinds_come_from_is_counted_by_agency_and_words_without_a_table_by_how_often() -> None:
    report = SourceReport()
    report.heard(
        [
            of_word(1, "HOUSE FIRE", "fire.building.residential", "table"),
            of_word(2, "DRAGON SIGHTED", "other", "unknown"),
            of_word(3, "HIGHRISE ON FIRE", "fire.building", "parts"),
            of_word(4, "HIGHRISE ON FIRE", "fire.building", "parts"),
            of_word(5, "ROBBERY", "crime.robbery", "table", agency="hpd"),
            an_event(6),  # no incident, or one from before
        ],
        at_ms=NOON,
    )
    figures = told(report)
    assert [(one["agency"], one["kind_source"], one["count"]) for one in figures["kinds"]] == [
        ("hfd", "parts", 2),
        ("hfd", "table", 1),
        ("hfd", "unknown", 1),
        ("hpd", "table", 1),
    ]
    assert [(one["word"], one["kind"], one["count"]) for one in figures["words"]] == [
        ("HIGHRISE ON FIRE", "fire.building", 2),
        ("DRAGON SIGHTED", "other", 1),
    ]
    assert told(report, NOON + 25 * HOUR_MS)["words"] == figures["words"]  # nothing newer was received


def test_a_flood_of_different_words_takes_bounded_room() -> None:
    report = SourceReport()
    report.heard([of_word(n, f"word {n}", "other", "unknown", f"agency {n}") for n in range(500)], at_ms=NOON)
    figures = told(report)
    assert (len(figures["words"]), len(figures["kinds"])) == (20, 100)
    assert sum(one["count"] for one in figures["kinds"] if one["agency"] == "others") == 400


def reported(*events: Event, at_ms: int = NOON, **about: Any) -> dict[str, Any]:
    report = SourceReport()
    report.heard(events, at_ms=at_ms, **about)
    return told(report, at_ms)


def test_an_event_is_late_after_five_minutes_and_out_of_order_after_one_millisecond() -> None:
    def behind(ms: int) -> tuple[int, int]:
        report = SourceReport()
        report.heard([an_event(1)], at_ms=NOON)
        report.heard([an_event(2, at_ms=NOON - ms)], at_ms=NOON)
        return told(report)["out_of_order"], told(report)["late"]

    assert [behind(ms) for ms in (-1, 0, 1, 300_000, 300_001)] == [(0, 0), (0, 0), (1, 0), (1, 0), (1, 1)]


def test_each_age_is_counted_once() -> None:
    report = SourceReport()
    report.heard([an_event(1, age_s=100), an_event(2, age_s=1), an_event(3, age_s=1)], at_ms=NOON)
    assert sum(report._hours[-1].ages.values()) == 3
    assert told(report)["age_p50_s"] < 2


def test_a_report_of_one_moment_has_the_rate_of_one_minute() -> None:
    report = SourceReport()
    report.heard([an_event(n) for n in range(6)], at_ms=NOON)
    assert told(report)["rate_per_min"] == 6.0
    report.heard([an_event(n) for n in range(6, 10)], at_ms=NOON + 180_000)
    assert told(report)["rate_per_min"] == 3.333


def test_a_source_that_was_never_heard_counts_from_now() -> None:
    figures = told(SourceReport(), NOON + 5)
    assert (figures["counted_since_at"], figures["heard_at"], figures["rate_per_min"]) == (
        NOON + 5,
        None,
        0.0,
    )
    report = SourceReport()
    report.failed("it answered 500", at_ms=NOON + 5)
    figures = told(report, NOON + 99)
    assert (figures["counted_since_at"], figures["failed"], figures["heard"]) == (NOON + 5, 1, 0)


def test_what_is_noted_is_counted_by_its_word_and_equal_ones_stand_by_the_alphabet() -> None:
    figures = reported(noted={"c": 2, "b": 2, "d": 1, "a": 5}, reasons=["y", "x"], skipped=3)
    assert figures["noted"] == [
        {"what": "a", "count": 5},
        {"what": "b", "count": 2},
        {"what": "c", "count": 2},
    ]
    assert figures["reasons"] == [{"what": "x", "count": 1}, {"what": "y", "count": 1}]
    assert (figures["skipped"], figures["set_aside"], reported()["skipped"]) == (3, 2, 0)


def test_an_older_body_moves_no_time_back() -> None:
    report = SourceReport()
    report.heard([], at_ms=NOON)
    report.heard([], at_ms=NOON - 5)
    assert told(report)["heard_at"] == NOON
    assert told(report)["heard"] == 2


def test_the_shares_of_nothing_are_nothing() -> None:
    assert set(shares(reported()).values()) == {0.0}


def test_a_day_is_counted_and_the_hour_before_it_is_not() -> None:
    report = SourceReport()
    for hour in range(25):
        report.heard([an_event(hour)], at_ms=NOON + hour * HOUR_MS)
    assert told(report, NOON + 24 * HOUR_MS)["events"] == 24
    assert told(report)["counted_since_at"] == NOON + HOUR_MS


def test_a_channel_that_stopped_says_so_before_any_trouble_of_its_source() -> None:
    report = SourceReport()
    report.failed("it answered 500", at_ms=NOON)

    def state(breaker: Breaker) -> tuple[str, int, str | None]:
        value = report.event("daejeon", "cad", breaker, now_ms=NOON + 9).value or {}
        return value["state"], value["state_since_at"], value["state_reason"]

    assert state(Breaker("stopped", NOON + 1, 0, "bad")) == ("stopped", NOON + 1, "bad")
    assert state(Breaker()) == ("failing", NOON, "it answered 500")
    report.heard([], at_ms=NOON + 2, missing=["a", "b"])
    assert state(Breaker()) == ("hearing", NOON, "not heard: a; b")
    assert state(Breaker("trial", NOON + 3, 0, "bad")) == ("trial", NOON + 3, "bad")
