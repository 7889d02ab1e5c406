"""The figures of the board: counted by hand, and against brute force on random lives."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from math import ceil
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.effects import Load, help_of, load_of
from streams.figures import known as facts_module
from streams.figures.board import board_of, level_of
from streams.figures.known import Facts

SEOUL = ZoneInfo("Asia/Seoul")
DAY = date(2026, 3, 8)
MINUTE = 60_000
HOUR = 60 * MINUTE
BEGIN = round(datetime(2026, 3, 8, tzinfo=SEOUL).timestamp() * 1000)
LATER = BEGIN + 30 * 24 * HOUR
HELPS = ("dispatch", "arrival", "video", "within_goal_share", "joined_share")

Value = dict[str, Any]


def a_revision(its_id: str, at: int, *, revision: int = 1, opened_at: int = BEGIN, **about: Any) -> Value:
    return {
        "situation_id": its_id,
        "event_time": at,
        "opened_at": opened_at,
        "revision": revision,
        "status": "open",
        "kind": "crash.vehicle",
        "agencies": ["119"],
        "incidents": [{"incident_id": its_id}],
        "merged_into": None,
        **about,
    }


def a_life(its_id: str, opened_at: int, *, after: dict[str, float], **about: Any) -> list[Value]:
    """A situation told of when it was reported, then of each status *after* so many minutes."""
    found = [a_revision(its_id, opened_at, opened_at=opened_at, **about)]
    for number, (status, minutes) in enumerate(after.items(), 2):
        at = opened_at + round(minutes * MINUTE)
        found.append(a_revision(its_id, at, opened_at=opened_at, revision=number, status=status, **about))
    return found


def a_first_use(its_id: str, at: int, act: str = "first_use") -> Value:
    return {"situation_id": its_id, "at": at, "event_time": at, "act": act}


def an_alert(at: int, name: str = "a", *, audience: str = "operator", **about: Any) -> Value:
    return {
        "event_time": at,
        "alert_id": name,
        "audience": audience,
        "kind": "crash.vehicle",
        "message_type": "alert",
        "demands_attention": True,
        **about,
    }


def facts_of(situations: Sequence[Value], uses: Sequence[Value] = (), alerts: Sequence[Value] = ()) -> Facts:
    found = Facts()
    for one in situations:
        found.put_situation(one)
    for one in uses:
        found.put_access(one)
    for one in alerts:
        found.put_alert(one)
    return found


def board(facts: Facts, *, first: date = DAY, last: date = DAY, now_ms: int = LATER) -> dict[str, Any]:
    return board_of(facts, first=first, last=last, zone=SEOUL, now_ms=now_ms)


def test_times_of_help_are_those_counted_by_hand() -> None:
    arrivals = (5, 6, 7, 8, 20)
    lives = [
        one
        for number, minutes in enumerate(arrivals)
        for one in a_life(f"s{number}", BEGIN + number * HOUR, after={"dispatched": 1, "arrived": minutes})
    ]
    lives += a_life("joint", BEGIN + 9 * HOUR, after={}, kind="fire.building", agencies=["112", "119"])
    uses = [a_first_use("s0", BEGIN + 3 * MINUTE), a_first_use("s0", BEGIN + 2 * MINUTE)]
    uses.append(a_first_use("s1", BEGIN + HOUR, "redeemed"))  # a ticket that nobody used shows no picture
    told = board(facts_of(lives, uses))
    whole = told["whole"]
    assert whole["situations"] == 6
    assert whole["dispatch"] == {"count": 5, "median_s": 60, "p90_s": 60}
    assert whole["arrival"] == {"count": 5, "median_s": 420, "p90_s": 1200}
    assert whole["within_goal_share"] == 3 / 5
    assert whole["video"] == {"count": 1, "median_s": 120, "p90_s": 120}
    assert whole["joined_share"] == 1 / 6
    assert [(one["kind"], one["situations"]) for one in told["kinds"]] == [("crash", 5), ("fire", 1)]
    fire = told["kinds"][1]
    assert (fire["joined_share"], fire["arrival"], fire["within_goal_share"]) == (1, None, None)


def test_what_is_not_reported_is_null_and_never_zero() -> None:
    whole = board(facts_of(a_life("s", BEGIN, after={"closed": 30})))["whole"]
    assert whole["situations"] == 1
    assert {name: whole[name] for name in HELPS} == dict.fromkeys(HELPS)
    assert (whole["alerts"], whole["loads"]) == (None, [])
    nothing = board(Facts())
    assert nothing["whole"] == {**dict.fromkeys((*HELPS, "situations", "alerts")), "loads": []}
    assert nothing["kinds"] == []


def test_a_status_that_a_situation_had_when_it_was_first_heard_of_tells_no_time() -> None:
    sent = a_revision("s", BEGIN + MINUTE, status="dispatched", revision=4)
    again = a_revision("s", BEGIN + 2 * MINUTE, status="dispatched", revision=5)
    there = a_revision("s", BEGIN + 3 * MINUTE, status="arrived", revision=6)
    whole = board(facts_of([sent, again, there]))["whole"]
    assert (whole["dispatch"], whole["arrival"]["median_s"]) == (None, 180)


def test_a_time_before_the_report_is_no_wait() -> None:
    lives = a_life("s", BEGIN + HOUR, after={"arrived": -2})
    assert board(facts_of(lives))["whole"]["arrival"] is None


def test_a_merged_situation_and_one_without_reports_are_not_counted() -> None:
    lives = [
        *a_life("s", BEGIN, after={}),
        *a_life("t", BEGIN, after={"closed": 1}, merged_into="s"),
        *a_life("area", BEGIN, after={}, incidents=[]),
    ]
    assert board(facts_of(lives))["whole"]["situations"] == 1


def test_a_day_begins_at_midnight_of_the_city() -> None:
    lives = [*a_life("before", BEGIN - 1, after={}), *a_life("at", BEGIN, after={})]
    days = board(facts_of(lives), first=DAY - timedelta(days=2))["days"]
    assert [(one["date"], one["situations"]) for one in days] == [
        ("2026-03-06", None),  # the log begins later: unknown, not empty
        ("2026-03-07", 1),
        ("2026-03-08", 1),
    ]
    assert (
        board(facts_of(lives), last=DAY + timedelta(days=1), now_ms=BEGIN + HOUR)["days"][1]["situations"]
        is None
    )


def test_a_day_on_which_clocks_change_has_its_23_hours() -> None:
    zone = ZoneInfo("America/Chicago")
    day = date(2026, 3, 8)
    start = datetime(2026, 3, 8, 6, tzinfo=UTC)
    end = datetime(2026, 3, 9, 5, tzinfo=UTC)
    times = [round(one.timestamp() * 1000) for one in (start, end - timedelta(milliseconds=1), end)]
    lives = [one for at in times for one in a_life(f"s{at}", at, after={})]
    told = board_of(facts_of(lives), first=day, last=day + timedelta(days=1), zone=zone, now_ms=LATER)
    assert [one["situations"] for one in told["days"]] == [2, 1]


def test_the_load_of_an_audience_is_that_counted_by_hand() -> None:
    flood = [an_alert(BEGIN + number * 50_000, f"a{number}") for number in range(11)]
    quiet = [an_alert(BEGIN + HOUR, "q", audience="119"), an_alert(BEGIN, "p", audience="119")]
    shown = an_alert(BEGIN + 2 * HOUR, "q", audience="119", message_type="update", demands_attention=False)
    told = board(facts_of([], alerts=[*flood, *quiet, shown]), now_ms=BEGIN + 2 * HOUR)
    busy, calm = told["whole"]["loads"]
    assert (busy["audience"], busy["alerts"], busy["most_in_10_min"], busy["level"]) == (
        "operator",
        11,
        11,
        "flood",
    )
    assert busy["flood_share"] == pytest.approx(1 / 12)
    assert busy["per_10_min"] == pytest.approx(11 / 12)
    assert (calm["alerts"], calm["level"], calm["flood_share"]) == (2, "acceptable", 0)
    assert told["whole"]["alerts"] == 13
    assert told["whole"]["situations"] is None  # alerts are told of, situations are not
    assert [(one["kind"], one["alerts"]) for one in told["kinds"]] == [("crash", 13)]


@pytest.mark.parametrize(
    ("alerts", "floods", "level"),
    [(6, 0, "acceptable"), (7, 0, "manageable"), (12, 0, "manageable"), (13, 0, "too_many"), (1, 1, "flood")],
)
def test_a_load_has_the_word_of_the_standard(alerts: int, floods: int, level: str) -> None:
    assert level_of(Load(alerts, 60, alerts, floods, 0, 0, 0)) == level


def test_the_facts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LIVES_MAX", "USES_MAX", "ALERTS_MAX", "AUDIENCES_MAX"):
        monkeypatch.setattr(facts_module, name, 3)
    found = Facts()
    for number in range(9):
        found.put_situation(a_revision(f"s{number}", BEGIN))
        found.put_access(a_first_use(f"s{number}", BEGIN))
        found.put_alert(an_alert(BEGIN + number, audience=f"to {number}"))
        found.put_alert(an_alert(BEGIN + number, audience="to 0"))
    assert (list(found.lives), list(found.uses)) == (["s6", "s7", "s8"],) * 2
    assert list(found.alerts) == ["to 0", "to 1", "to 2"]
    assert len(found.alerts["to 0"]) == 3


# -- against brute force ---------------------------------------------------------------------------------------------

MINUTES = st.integers(0, 3 * 24 * 60)
LIVES = st.lists(
    st.fixed_dictionaries(
        {
            "opened": MINUTES,
            "kind": st.sampled_from(["crash.vehicle", "crash", "fire.building", "medical"]),
            "agencies": st.sampled_from([["112"], ["119"], ["112", "119"]]),
            "steps": st.lists(
                st.tuples(st.sampled_from(["open", "dispatched", "arrived", "closed"]), st.integers(0, 30)),
                max_size=5,
            ),
            "merged": st.booleans(),
            "used": st.none() | st.integers(0, 40),
        }
    ),
    max_size=25,
)
ALERTS = st.lists(st.tuples(MINUTES, st.sampled_from(["operator", "119"]), st.integers(0, 5)), max_size=60)


def events_of(lives: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    told, uses = [], []
    for number, life in enumerate(lives):
        its_id, opened_at = f"s{number}", BEGIN + life["opened"] * MINUTE
        about = {"opened_at": opened_at, "kind": life["kind"], "agencies": life["agencies"]}
        told.append(a_revision(its_id, opened_at, **about))
        at = opened_at
        for revision, (status, minutes) in enumerate(life["steps"], 2):
            at += minutes * MINUTE
            told.append(a_revision(its_id, at, revision=revision, status=status, **about))
        if life["merged"] and life["steps"]:
            told[-1]["merged_into"] = "another"
        if life["used"] is not None:
            uses.append(a_first_use(its_id, opened_at + life["used"] * MINUTE))
    return told, uses


def waits_of(told: Sequence[Value], ids: set[str], status: str) -> list[int]:
    """Brute force: search the whole list for each situation."""
    found = []
    for its_id in ids:
        own = [one for one in told if one["situation_id"] == its_id]
        reached = [one["event_time"] for one in own if one["status"] == status]
        if reached:
            found.append(reached[0] - own[0]["opened_at"])
    return sorted(found)


def summary(waits: Sequence[int]) -> dict[str, Any] | None:
    if not waits:
        return None
    least = next(one for one in waits if sum(other <= one for other in waits) >= ceil(0.9 * len(waits)))
    return {"count": len(waits), "median_s": median(waits) / 1000, "p90_s": least / 1000}


@settings(max_examples=60)
@given(LIVES)
def test_times_of_help_are_those_of_brute_force(lives: list[Value]) -> None:
    told, uses = events_of(lives)
    found = board(facts_of(told, uses), last=DAY + timedelta(days=3))
    merged = {one["situation_id"] for one in told if one["merged_into"]}
    opened = {one["situation_id"]: one for one in told if one["situation_id"] not in merged}
    joint = len({agency for one in told for agency in one["agencies"]}) > 1

    def check(shown: dict[str, Any], ids: set[str]) -> None:
        assert shown["dispatch"] == summary(waits_of(told, ids, "dispatched"))
        arrived = waits_of(told, ids, "arrived")
        assert shown["arrival"] == summary(arrived)
        within = sum(one <= 7 * MINUTE for one in arrived) / len(arrived) if arrived else None
        assert shown["within_goal_share"] == within
        used = [
            one["at"] - opened[one["situation_id"]]["opened_at"] for one in uses if one["situation_id"] in ids
        ]
        assert shown["video"] == summary(sorted(used))
        share = sum(len(opened[one]["agencies"]) > 1 for one in ids) / len(ids) if ids and joint else None
        assert shown["joined_share"] == share
        assert shown["situations"] in ({len(ids)} if ids else {0, None})

    check(found["whole"], set(opened))
    for day in found["days"]:
        of_day = {
            its_id
            for its_id, one in opened.items()
            if datetime.fromtimestamp(one["opened_at"] / 1000, SEOUL).date().isoformat() == day["date"]
        }
        check(day, of_day)
    assert {one["kind"] for one in found["kinds"]} == {one["kind"].split(".")[0] for one in opened.values()}
    for kind in found["kinds"]:
        check(kind, {its_id for its_id, one in opened.items() if one["kind"].split(".")[0] == kind["kind"]})
    effects = help_of(told, from_ms=BEGIN, to_ms=LATER, uses=uses)  # the command's figures are the same
    assert (found["whole"]["situations"] or 0) == effects.situations
    assert found["whole"]["joined_share"] == effects.joined_share
    assert found["whole"]["within_goal_share"] == effects.arrived_within_7_min


@settings(max_examples=30)
@given(ALERTS)
def test_loads_are_those_of_the_events_within_each_day(rung: list[tuple[int, str, int]]) -> None:
    alerts = [
        an_alert(BEGIN + at * MINUTE, f"{audience} {name}", audience=audience)
        for at, audience, name in sorted(rung)
    ]
    facts = facts_of(a_life("first", BEGIN, after={}), alerts=alerts)
    found = board(facts, last=DAY + timedelta(days=3))
    for number, day in enumerate(found["days"]):
        start, end = (BEGIN + days * 24 * HOUR for days in (number, number + 1))
        of_day = [one for one in alerts if start <= one["event_time"] < end]
        assert day["alerts"] == (len(of_day) if alerts else None)
        for load in day["loads"]:
            own = [one for one in of_day if one["audience"] == load["audience"]]
            windows = [
                sum(at <= one["event_time"] < at + 10 * MINUTE for one in own)
                for at in range(start, end, 10 * MINUTE)
            ]
            assert (load["alerts"], load["most_in_10_min"]) == (len(own), max(windows))
            assert load["per_10_min"] == pytest.approx(len(own) / 144)
            assert load["stale"] == load_of(alerts, load["audience"], from_ms=start, to_ms=end).stale
