"""A candidate's rules compared with today's: joined reports, separated reports, changed alerts."""

from __future__ import annotations

from typing import Any

from streams.journal.compare import compared
from streams.situations.config import RulesConfig
from streams.situations.entry import Entry
from tests.unit.situations.a_city import an_action, an_incident, place, rules

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
