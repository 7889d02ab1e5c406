"""A candidate's rules compared with today's: joined reports, separated reports, changed alerts."""

from __future__ import annotations

from typing import Any

import pytest

from streams.journal.compare import Difference, RulesOutcome, compared
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from tests.unit.situations.a_city import a_camera, a_tick, an_action, an_incident, place, rules

JOURNAL = (
    Entry("rules", "demo.rules", 0, 0, rules().canonical()),
    an_incident("F1"),
    an_incident("P1", kind="crash", where=place(300)),
    an_incident("F2", where=place(4000)),
    an_incident("P2", kind="crash", where=place(4100)),
)


def surging(**family: Any) -> RulesConfig:
    numbers = {
        "families": {"crash": {"kinds": ["crash"], "per_hour": 0.01, "floor": 2, **family}},
        "raise_at": 2,
    }
    return rules(others=[{"name": "surge", "numbers": numbers}])


def test_rules_that_are_the_same_differ_in_nothing() -> None:
    assert compared(JOURNAL, rules(), rules()).is_none


def test_a_wider_radius_joins_more_and_a_narrower_one_less() -> None:
    wider = compared(JOURNAL, rules(), rules(radius_m=400))
    assert wider.joined == (("112 no P1", "119 no F1"),) and wider.parted == ()
    assert (wider.today["joined"], wider.candidate["joined"]) == (1, 2)
    narrower = compared(JOURNAL, rules(), rules(radius_m=50))
    assert narrower.parted == (("112 no P2", "119 no F2"),) and not narrower.is_none


def test_an_area_alert_more_is_a_difference_and_so_are_the_alerts_that_it_saves() -> None:
    found = compared(JOURNAL, rules(), surging())
    assert [kind for kind, _ in found.areas_more] == ["crash"]
    assert found.candidate["area alerts"] == 1
    assert found.today["alerts to operator"] > 0


def test_an_operators_action_on_what_the_candidate_does_not_know_is_counted() -> None:
    ours = compared(JOURNAL, rules(), rules())
    assert ours.today["actions not done"] == 0
    found = compared((*JOURNAL, an_action("note", "nobody's")), rules(), rules())
    assert found.today["actions not done"] == 1


def outcome(*entries: Entry) -> dict[str, int]:
    one = RulesOutcome(rules())
    for entry in (JOURNAL[0], *entries):
        one.take(entry)
    return one.counts()


def test_a_grant_is_counted_once_however_often_it_changes() -> None:
    begun = outcome(a_camera(), an_incident("F1"))
    ended = outcome(
        a_camera(), an_incident("F1"), an_incident("F1", status="closed", heard="12:20", revision=2)
    )
    assert (outcome()["grants"], begun["grants"], ended["grants"]) == (0, 1, 1)
    both = compared((JOURNAL[0], a_camera(), an_incident("F1"), a_tick("13:30")), rules(), rules())
    assert both.today["grants"] == both.candidate["grants"] == 1


def test_a_report_alone_is_a_situation_and_not_a_joined_one() -> None:
    assert outcome(an_incident("F1")) == outcome() | {
        "situations": 1,
        **{name: count for name, count in outcome(an_incident("F1")).items() if name.startswith("alerts")},
    }
    assert outcome(an_incident("F1"), an_incident("P1"))["joined"] == 1


def test_an_entry_of_rules_is_each_sets_own_and_never_the_journals() -> None:
    wide = rules(radius_m=400)
    found = compared(
        (JOURNAL[0], *JOURNAL[1:3], Entry("rules", "demo.rules", 0, 1, wide.canonical())), rules(), rules()
    )
    assert found.is_none
    assert found.today["joined"] == 0


SAME: dict[str, Any] = {
    "today": {"situations": 1},
    "candidate": {"situations": 1},
    "joined": (),
    "parted": (),
    "areas_more": (),
    "areas_less": (),
}


@pytest.mark.parametrize(
    ("changed", "is_none"),
    [
        ({}, True),
        ({"candidate": {"situations": 2}}, False),
        ({"joined": (("112 no P1", "119 no F1"),)}, False),
        ({"parted": (("112 no P1", "119 no F1"),)}, False),
        ({"areas_more": (("crash", 1),)}, False),
        ({"areas_less": (("crash", 1),)}, False),
    ],
)
def test_any_one_difference_is_one(changed: dict[str, Any], is_none: bool) -> None:
    assert Difference(**(SAME | changed)).is_none is is_none


def test_an_area_alert_less_is_one_too() -> None:
    found = compared(JOURNAL, surging(), rules())
    assert [kind for kind, _ in found.areas_less] == ["crash"] and found.areas_more == ()
    assert (found.today["area alerts"], found.candidate["area alerts"]) == (1, 0)
