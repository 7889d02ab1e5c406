"""The health of a city: which figure of a source or a stage is a fault, and what comes first. And the offsets behind it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from connectors.gateway.health_documents import FAULTS, LEVELS, described
from connectors.gateway.read_documents import example_of
from connectors.sinks.console.city import LANGUAGES
from connectors.sinks.console.console import pages
from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value
from streams.operators import health as judged
from streams.operators.health import AsideLook, Expected, Look, Receivers, StageLook, health, silent_after_s
from streams.runtime.group_lag import GroupLook, lag_s, unread
from streams.runtime.records import Record

NOW_MS = 1_780_000_000_000
CALLS = Expected("calls", is_pushed=True)


def told(**about: Any) -> dict[str, Any]:
    """The ``core.source`` of a source that does well."""
    value = from_json_value(load_catalogue()["core.source"].newest, example_of("core.source"))
    well = {
        "source": "calls",
        "state": "hearing",
        "state_since_at": NOW_MS - 60_000,
        "state_reason": None,
        "heard_at": NOW_MS - 1_000,
        "events": 100,
        "timed": 100,
        "skipped": 0,
        "set_aside": 0,
        "age_p50_s": 1.0,
        "age_p99_s": 2.0,
        "clock_skew_s": -0.5,
        "rate_per_min": 3.0,
        "reasons": [],
        "words": [],
        "kinds": [{"agency": "119", "kind_source": "table", "count": 100}],
    }
    return {**value, **well, **about}


def shown(*rows: dict[str, Any], expected: tuple[Expected, ...] = (CALLS,), **about: Any) -> dict[str, Any]:
    receivers = Receivers(about.pop("receivers", {}))
    by_key = {one["source"]: one for one in rows}
    return health(expected, by_key, receivers, Look(NOW_MS, **about), now_ms=NOW_MS)


def codes(one: dict[str, Any]) -> list[str]:
    return [it["code"] for it in one["faults"]]


def test_a_source_that_does_well_has_no_fault() -> None:
    (one,) = shown(told())["sources"]
    assert (one["level"], one["faults"]) == ("well", [])
    assert (one["heard_at"], one["agencies"]) == ("2026-05-28T20:26:39.000+00:00", ["119"])


@pytest.mark.parametrize(
    ("about", "code", "level"),
    [
        ({"state": "failing", "state_reason": "timeout"}, "failing", "broken"),
        ({"state": "refused", "state_reason": "401"}, "refused", "broken"),
        ({"state": "stopped", "state_reason": "no case number"}, "stopped", "broken"),
        ({"state": "trial"}, "trial", "look"),
        ({"state_reason": "not heard: page 2"}, "part-missing", "look"),
        ({"heard_at": NOW_MS - 901_000}, "silent", "broken"),
        ({"age_p99_s": 301.0}, "old", "look"),
        ({"clock_skew_s": 31.0}, "clock-ahead", "look"),
        ({"clock_skew_s": -31.0}, "clock-behind", "look"),
        ({"set_aside": 1, "reasons": [{"what": "no case number", "count": 1}]}, "set-aside", "look"),
        ({"set_aside": 101}, "set-aside", "broken"),
        (
            {
                "kinds": [{"agency": "119", "kind_source": "unknown", "count": 2}],
                "words": [{"word": "LIFT", "kind": "unknown", "agency": "119", "count": 2}],
            },
            "unknown-words",
            "look",
        ),
    ],
)
def test_each_fault_of_a_source_is_told_with_its_level(about: dict[str, Any], code: str, level: str) -> None:
    (one,) = shown(told(**about))["sources"]
    assert codes(one) == [code]
    assert one["level"] == one["faults"][0]["level"] == level


@pytest.mark.parametrize(
    "about",
    [
        {"heard_at": NOW_MS - 899_000},
        {"age_p99_s": 300.0},
        {"age_p99_s": 9_999.0, "timed": 9},
        {"age_p99_s": None, "clock_skew_s": None},
        {"clock_skew_s": 30.0},
        {"clock_skew_s": -30.0},
    ],
)
def test_at_its_bound_nothing_is_a_fault_yet(about: dict[str, Any]) -> None:
    assert shown(told(**about))["sources"][0]["faults"] == []


def test_silence_is_judged_by_the_usual_rate() -> None:
    assert silent_after_s(0.0) is None
    assert silent_after_s(0.1) == 6_000
    assert silent_after_s(100.0) == 900


def test_a_source_that_said_nothing_yet_is_not_well() -> None:
    (one,) = shown()["sources"]
    assert (one["level"], one["state"], one["faults"]) == ("not-heard", None, [])
    (one,) = shown(told(heard_at=None))["sources"]
    assert one["level"] == "not-heard"


def test_the_worst_comes_first_then_the_name_and_each_replica_has_a_row() -> None:
    names = [Expected(name) for name in ("a", "b", "c", "d")]
    rows = [
        told(source="a"),
        told(source="d", state="stopped"),
        told(source="c@east", set_aside=1),
        told(source="c@west"),
    ]
    found = shown(*rows, expected=tuple(names))["sources"]
    assert [(one["source"], one["replica"], one["level"]) for one in found] == [
        ("d", None, "broken"),
        ("c", "east", "look"),
        ("b", None, "not-heard"),
        ("a", None, "well"),
        ("c", "west", "well"),
    ]


@pytest.mark.parametrize(
    ("look", "faults", "level"),
    [
        (StageLook("match", 10.0, 3, 1), [], "well"),
        (StageLook("match", 10.1, 3, 1), ["lag"], "broken"),
        (StageLook("match", 0.0, 0, 0), ["no-worker"], "broken"),
        (StageLook("match", None, None, 0), ["no-worker"], "broken"),
        (StageLook("match", None, None, 1), [], "not-heard"),
        (StageLook("ingest", 15.0), [], "well"),
        (StageLook("ingest", 15.1), ["no-tick"], "broken"),
    ],
)
def test_a_stage_is_broken_by_its_lag_or_without_a_worker(
    look: StageLook, faults: list[str], level: str
) -> None:
    (one,) = [it for it in shown(stages=[look])["stages"] if it["stage"] == look.stage]
    assert (codes(one), one["level"]) == (faults, level)


def test_receivers_that_do_not_answer_are_counted_without_their_names() -> None:
    rows = {
        "desk": {"state": "waiting", "failing_since": NOW_MS - 90_000},
        "old": {"state": "dead", "failing_since": NOW_MS - 90_000_000},
        "well": {"state": "active", "failing_since": None},
    }
    (one,) = shown(receivers=rows)["stages"]
    assert (one["stage"], one["lag_s"], one["level"]) == ("deliver", 90.0, "broken")
    assert [(it["code"], it["about"]) for it in one["faults"]] == [
        ("receivers-dead", {"count": 1}),
        ("receivers-wait", {"count": 1}),
    ]
    assert "desk" not in str(one)


def test_without_kafka_the_sources_are_told_and_why_the_stages_are_not() -> None:
    found = shown(told(), trouble="Kafka unavailable")
    assert (found["trouble"], found["sources"][0]["level"]) == ("Kafka unavailable", "well")


def test_the_newest_set_aside_comes_first() -> None:
    looks = [AsideLook("c.a.dlq", 3), AsideLook("c.b.dlq", 1, NOW_MS, [("no case number", 1)])]
    first, second = shown(asides=looks)["set_aside"]
    assert (first["topic"], first["reasons"]) == ("c.b.dlq", [{"what": "no case number", "count": 1}])
    assert second["newest_at"] is None


def test_the_first_unread_record_makes_the_lag_and_what_is_read_none() -> None:
    look = GroupLook({("a", 0): 5, ("a", 1): 7, ("gone", 0): 3}, 1)
    assert unread(look, {("a", 0): 5, ("a", 1): 9}) == {("a", 1): 7}
    records = [Record("a", 1, 7, NOW_MS - age_ms, None, b"", {}) for age_ms in (2_000, 9_500)]
    assert lag_s(records, now_ms=NOW_MS) == 9.5
    assert lag_s([], now_ms=NOW_MS) == lag_s(records[:1], now_ms=NOW_MS - 60_000) == 0.0


def test_what_is_told_is_described_field_by_field_and_each_code_has_a_meaning() -> None:
    schema = described()["responses"][200]["content"]["application/json"]["schema"]
    found = shown(told(set_aside=1), stages=[StageLook("match", 0.0, 0, 1)], asides=[AsideLook("c.a.dlq", 3)])
    assert set(found) == set(schema["properties"])
    for part in ("sources", "stages", "set_aside"):
        described_fields = set(schema["properties"][part]["items"]["properties"])
        assert {frozenset(one) for one in found[part]} == {frozenset(described_fields)}
    unheard = shown()["sources"][0]
    assert set(unheard) == set(schema["properties"]["sources"]["items"]["properties"])
    assert judged.LEVELS == LEVELS
    example = described()["responses"][200]["content"]["application/json"]["example"]
    assert set(example) == set(found)
    assert {it["code"] for one in example["sources"] for it in one["faults"]} <= set(FAULTS)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_fault_has_words_that_name_only_what_it_is_about(language: str) -> None:
    words = json.loads(pages()[f"words/{language}.json"].body)
    for code, meaning in FAULTS.items():
        named = set(re.findall(r"\{(\w+)\}", words[f"fault.{code}"]))
        assert named <= ABOUT[code], (code, meaning)
        assert words[f"fault.{code}.do"]


ABOUT = {
    "failing": {"since_s", "reason"},
    "refused": {"since_s", "reason"},
    "stopped": {"since_s", "reason"},
    "trial": {"since_s", "reason"},
    "part-missing": {"reason"},
    "silent": {"for_s", "rate_per_min"},
    "old": {"age_s", "objective_s"},
    "clock-ahead": {"skew_s"},
    "clock-behind": {"skew_s"},
    "set-aside": {"count", "share", "reason"},
    "unknown-words": {"count", "word"},
    "no-worker": set[str](),
    "lag": {"lag_s", "unread"},
    "no-tick": {"lag_s"},
    "receivers-wait": {"count"},
    "receivers-dead": {"count"},
}
"""The names of each fault's ``about``, as the judgement makes it: held below."""


def test_the_judgement_makes_what_the_words_name() -> None:
    stages = [StageLook("match", 99.0, 3, 0), StageLook("ingest", 99.0)]
    receivers = {
        "a": {"state": "waiting", "failing_since": NOW_MS},
        "b": {"state": "dead", "failing_since": NOW_MS},
    }
    unknown = [{"agency": "119", "kind_source": "unknown", "count": 2}]
    bad = {"state_reason": "x", "age_p99_s": 999.0, "set_aside": 1, "kinds": unknown}
    rows = [
        told(**bad, clock_skew_s=99.0, state=state) for state in ("failing", "refused", "stopped", "trial")
    ]
    rows += [told(**bad, clock_skew_s=-99.0, heard_at=0)]
    made: dict[str, set[str]] = {}
    for row in rows:
        found = shown(row, stages=stages, receivers=receivers)
        for one in (*found["sources"], *found["stages"]):
            made |= {it["code"]: set(it["about"]) for it in one["faults"]}
    assert made == ABOUT
    assert made.keys() == FAULTS.keys()
