"""Every scenario of this folder, and the proof that a wrong one fails."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from schemas.errors import Invalid
from streams.situations.terms import JOINT_INCIDENT
from tests.scenario.a_scenario import HERE, Scenario, Wrong, scenarios, scenarios_of
from tests.scenario.running import Running
from tests.scenario.telling import differences


def named(one: Scenario) -> str:
    return f"{one.name} under {one.under}" if one.under else one.name


@pytest.mark.parametrize("scenario", scenarios(), ids=named)
def test_it_goes_as_the_file_says(scenario: Scenario) -> None:
    city = Running(scenario)
    found = differences(scenario, city.run())
    assert not found, "\n".join([scenario.says, *found])
    for one in city.state.situations.values():
        assert one.holds_reports is (one.rule == JOINT_INCIDENT), (
            "reports stand behind joint-incident's alone"
        )


@pytest.mark.parametrize("scenario", scenarios(), ids=named)
def test_a_restart_after_every_entry_changes_nothing(scenario: Scenario) -> None:
    whole, again = Running(scenario).run(), Running(scenario, restarts=True).run()
    assert [(e.topic, e.key, e.value) for e in again] == [(e.topic, e.key, e.value) for e in whole]


def test_the_example_of_the_readme_is_right() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (HERE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found(example) == []


def test_each_file_of_the_table_is_there_and_each_file_stands_in_the_table() -> None:
    table = (HERE / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([\w-]+)\.toml`", table)) == {path.stem for path in HERE.glob("*.toml")}


A_CRASH = """
says = "A crash that 119 and 112 report."
events = [
  { at = "12:00", camera = "c1", where = "40 m N" },
  { at = "12:00:10", report = "119 F1", kind = "crash.injury" },
  { at = "+90 s", report = "112 P1", kind = "crash", where = "30 m E" },
  { at = "12:20", report = "119 F1", status = "closed" },
  { at = "12:30", report = "112 P1", status = "closed" },
]
[[situation]]
reports = ["119 F1", "112 P1"]
kind = "crash.injury"
status = "closed"
closed_at = "12:30:00"
alerts = [
  "12:00:10 119, operator alert!",
  "12:01:40 112 alert!",
  "12:01:40 119, operator update: Crash with injury",
  "12:30 112, 119, operator cancel",
]
grants = ["119 sees c1 12:00:10-12:30: every report is closed", "112 sees c1 12:01:40-12:30: PIPA Art. 25(1)2"]
"""


def found(text: str) -> list[str]:
    (scenario,) = scenarios_of("a crash", tomllib.loads(text))
    return differences(scenario, Running(scenario).run())


def test_a_right_scenario_passes() -> None:
    assert found(A_CRASH) == []


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ('reports = ["119 F1", "112 P1"]', 'reports = ["119 F1"]'),
        ('kind = "crash.injury"\nstatus', 'kind = "crash"\nstatus'),
        ('closed_at = "12:30:00"', 'closed_at = "12:31"'),
        ('status = "closed"\nclosed_at', 'status = "open"\nclosed_at'),
        ('"12:30 112, 119, operator cancel",', ""),  # an alert that was not expected
        ("119, operator update", "119, operator update!"),
        ("update: Crash with injury", "update: Fire"),
        (
            '"12:01:40 112 alert!"',
            '"12:01 112 alert!", "12:01:40 112 alert!"',
        ),  # an expected alert that is missing
        ("12:00:10 119, operator alert!", "12:00:10 operator alert!"),
        ("119 sees c1 12:00:10-12:30", "119 sees c1 12:00:10-"),
        ("every report is closed", "expired"),
        ("119 sees c1", "119 sees c2"),
        (', "112 sees c1 12:01:40-12:30: PIPA Art. 25(1)2"', ""),  # a grant that was not expected
        ("[[situation]]", "[[situation]]\nreports = []\n[[situation]]"),
        ("says =", 'nowhere = ["c1"]\nsays ='),
        ("[[situation]]", '[[also]]\ntopic = "core.shadow"\n[[situation]]'),
    ],
)
def test_a_wrong_expectation_fails(said: str, instead: str) -> None:
    assert said in A_CRASH
    assert found(A_CRASH.replace(said, instead))


def test_a_trace_of_a_plate_is_found_in_words_and_as_its_token() -> None:
    hit = (HERE / "wanted-hit.toml").read_text(encoding="utf-8")
    assert found(hit) == []
    assert found(hit.replace('nowhere = ["12가3456"', 'nowhere = ["plate 12가3456"'))
    assert found(A_CRASH.replace("says =", 'nowhere = ["교통"]\ncity.language = "ko"\nsays ='))


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("3000 m 46 km/h", "3000 m 47 km/h"),
        ("bridge 09:20:05, 3000 m", "bridge? 09:20:05, 3000 m"),
        (', "09:30 over"]', "]"),
    ],
)
def test_a_wrong_track_fails(said: str, instead: str) -> None:
    hit = (HERE / "wanted-hit.toml").read_text(encoding="utf-8")
    assert said in hit
    assert found(hit.replace(said, instead))


@pytest.mark.parametrize(
    ("said", "instead", "error"),
    [
        ('at = "12:20"', 'at = "noon"', Wrong),
        ('where = "30 m E"', 'where = "nearby"', Wrong),
        ('where = "40 m N"', 'wheer = "40 m N"', Wrong),
        ('kind = "crash.injury" }', 'kind = "crash.injuries" }', Wrong),
        ("says =", "sayss =", Wrong),
        ('closed_at = "12:30:00"', 'closed = "12:30:00"', Wrong),
        ('report = "112 P1", status = "closed"', 'report = "112 P1", status = "gone"', Invalid),
        ('report = "112 P1", status = "closed"', 'report = "112 P1", refused = "status"', AssertionError),
    ],
)
def test_a_scenario_that_cannot_be_read_says_so(said: str, instead: str, error: type[Exception]) -> None:
    assert said in A_CRASH
    with pytest.raises(error):
        found(A_CRASH.replace(said, instead))


def test_a_refusal_must_be_for_the_reason_that_is_expected() -> None:
    action = '{ at = "13:00", action = "close", on = "119 F1", refused = "%s" },\n]'
    events: Any = A_CRASH.replace("]\n[[situation]]", action % "closed already" + "\n[[situation]]", 1)
    assert found(events) == []
    with pytest.raises(AssertionError):
        found(events.replace("closed already", "role"))
