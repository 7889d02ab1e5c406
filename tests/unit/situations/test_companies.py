"""A company with an alarm of its own: what it is told, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from schemas.event import Event
from tests.scenario.a_scenario import scenarios
from tests.scenario.running import Running

OWN = {
    "event_id", "city", "source", "event_time", "event_time_accuracy_s", "received_time", "alert_id", "revision",
    "situation_id", "message_type", "audience", "headline", "kind", "situation_revision", "rule", "rule_version",
    "demands_attention",
}  # fmt: skip
EMPTY: dict[str, Any] = {"position": None, "area": None, "evidence": [], "references": [], "headlines": []}
WEIGHTS = ("severity", "urgency", "certainty")


@pytest.fixture(scope="module")
def said() -> list[Event]:
    (scenario,) = [one for one in scenarios() if one.name == "private-alarm"]
    return Running(scenario).run()


def alerts(said: list[Event], audience: str) -> Iterator[dict[str, Any]]:
    return (
        dict(e.value) for e in said if e.topic == "core.alert" and e.value and e.value["audience"] == audience
    )


def test_a_company_is_told_status_words_and_no_place_camera_agency_or_report_of_others(
    said: list[Event],
) -> None:
    told = list(alerts(said, "Guard"))
    assert [one["message_type"] for one in told] == ["alert", "update", "update", "cancel"]
    for one in told:
        assert set(one) == OWN | set(EMPTY) | set(WEIGHTS)
        assert {name: one[name] for name in EMPTY} == EMPTY
        assert {one[name] for name in WEIGHTS} == {"unknown"}
        assert one["kind"] == "alarm.intrusion"
        assert "112" not in one["headline"]
    assert next(alerts(said, "112"))["area"] is not None


def test_a_company_sees_no_camera_whatever_domain_it_reports_in() -> None:
    (scenario,) = [one for one in scenarios() if one.name == "private-alarm"]
    events = tuple({**one, "domain": "police"} if "domain" in one else one for one in scenario.events)
    said = Running(replace(scenario, events=events)).run()
    granted = {e.value["granted_to"] for e in said if e.topic == "core.grant" and e.value}
    assert granted == {"112"}
