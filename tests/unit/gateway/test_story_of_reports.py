"""Story of a situation: each report that was joined says so, whichever of them happened first."""

from __future__ import annotations

from typing import Any

from connectors.gateway.story import story

FIRE = {
    "incident_id": "fire", "agency": "119", "agency_case_no": "F-1", "kind": "crash.vehicle", "status": "reported",
    "revision": 0, "event_time": "2026-03-02T10:00:00Z", "position": {"lat": 36.35, "lon": 127.38},
}  # fmt: skip
CRIME = FIRE | {
    "incident_id": "crime", "agency": "112", "agency_case_no": "P-1", "event_time": "2026-03-02T10:00:01Z",
    "position": {"lat": 36.3501, "lon": 127.38},
}  # fmt: skip


def _revision(number: int, *reports: dict[str, Any]) -> dict[str, Any]:
    return {
        "revision": number, "kind": "crash.vehicle", "status": "reported", "merged_into": None, "reason": None,
        "rule": "joint-incident", "rule_version": "1", "event_time": f"2026-03-02T10:00:1{number}Z",
        "event_id": f"s-{number}", "incidents": list(reports), "evidence": [], "actions": [], "filings": [],
    }  # fmt: skip


def _joined(*revisions: dict[str, Any]) -> dict[str, tuple[str, int, int]]:
    told = [it["facts"] for it in story(revisions, [], []) if it["what"] == "incident"]
    return {
        it["agency_case_no"]: (it["beside"], it["apart_s"], it["apart_m"]) for it in told if "beside" in it
    }


def test_a_report_that_came_later_is_joined_with_the_one_that_was_there() -> None:
    assert _joined(_revision(0, FIRE), _revision(1, FIRE, CRIME)) == {"P-1": ("119", 1, 11)}


def test_so_is_one_that_happened_before_the_one_that_was_there() -> None:
    assert _joined(_revision(0, CRIME), _revision(1, FIRE, CRIME)) == {"F-1": ("112", 1, 11)}


def test_of_reports_that_came_together_the_second_is_joined() -> None:
    assert _joined(_revision(0, FIRE, CRIME)) == {"P-1": ("119", 1, 11)}
