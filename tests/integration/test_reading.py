"""Subscribers read over HTTP what the log tells: two agencies' reports, the situation's revisions, the grants."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.settings import Endpoints
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from tests.a_gateway import PushedCity
from tests.integration.test_actions import FILE
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

SEEN_S = 20.0
CAMERAS = """
[[source]]
name = "cameras"
type = "city_events"
contract = "place.camera"
push = true
"""


class Readers(PushedCity):
    """The city, and what its readers get."""

    def read(self, key: str, path: str) -> tuple[int, Any]:
        status, body = self.ask("GET", f"/v1/{self.city.name}/{path}", authorization=f"Bearer {key}")
        return status, orjson.loads(body)

    def report(self, key: str, source: str, **about: Any) -> None:
        value = {
            "kind": "crash.vehicle",
            "kind_text": "교통사고",
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": int(time.time() * 1000) - 5_000,
            "position": {"lat": 36.5, "lon": 127.5},
            **about,
        }
        status, told = self.push(key, source, value)
        assert status == 202, told


@pytest.fixture
def town(cluster: Endpoints, tmp_path: Path) -> Iterator[Readers]:
    gateway = Readers(
        LivingCity("read", tmp_path, cluster), form=FILE.replace("[[rule]]", f"{CAMERAS}[[rule]]")
    )
    with gateway.city.running():
        wait_until(lambda: gateway.status("GET", "/readyz") == 200, SEEN_S)
        yield gateway
    gateway.city.remove()


def test_two_reports_are_read_as_one_situation_with_revisions_and_grants(town: Readers) -> None:
    agency = town.key("--source", "police-reports", "--source", "fire-reports", "--source", "cameras")
    reader, viewer = town.key("--subscribe", "--audience", "119"), town.user("desk", "viewer")
    camera = {
        "camera_id": "C-1",
        "name": "station",
        "owner": "city",
        "purposes": ["crime-prevention", "disaster-response", "traffic"],
        "azimuth_deg": None,
        "status": "ok",
        "event_time": int(time.time() * 1000) - 60_000,
        "position": {"lat": 36.5001, "lon": 127.5001},
    }
    assert town.push(agency, "cameras", camera)[0] == 202
    near = "cameras?near=36.5,127.5&radius_m=100"
    wait_until(lambda: bool(town.read(reader, near)[1].get("cameras")), SEEN_S)
    ((away_m, found),) = [(one["distance_m"], one["camera"]) for one in town.read(reader, near)[1]["cameras"]]
    assert (found["camera_id"], 10 < away_m < 20) == ("C-1", True)

    town.report(agency, "police-reports", agency="112", agency_case_no="P-1")
    town.report(agency, "fire-reports", agency="119", agency_case_no="F-1")

    def both() -> bool:
        _, told = town.read(reader, "situations?kind=crash")
        return any(len(one["incidents"]) == 2 for one in told.get("situations", ()))

    wait_until(both, SEEN_S)
    _, told = town.read(reader, "situations?kind=crash&text=F-1")
    (listed,) = told["situations"]
    its_id = listed["situation_id"]
    wait_until(lambda: bool(town.read(viewer, "grants")[1]["grants"]), SEEN_S)
    status, shown = town.read(reader, f"situations/{its_id}")
    assert status == 200

    schema = load_catalogue()["core.situation"].newest
    logged = [
        to_json_value(schema, one)
        for one in town.city.values("core.situation")
        if one["situation_id"] == its_id
    ]
    unseen = {"acknowledged_by", "taken_by", "reason"}
    _, everything = town.read(viewer, f"situations/{its_id}")
    its_own = [one for one in logged if "119" in one["agencies"]]
    assert its_own and len(its_own) <= len(logged)
    for read, expected in (shown, its_own), (everything, logged):
        for ours, theirs in zip(read["revisions"], expected, strict=True):
            incidents = [{**it, "address": None} for it in theirs["incidents"]]
            assert {**theirs, **dict.fromkeys(unseen), "incidents": incidents} == ours
    assert {one["what"] for one in shown["story"]} >= {"revision", "incident"}
    assert {one["what"] for one in everything["story"]} >= {"revision", "incident", "alert", "grant"}
    _, grants = town.read(viewer, f"grants?situation_id={its_id}")
    everyones = {one["grant_id"] for one in town.city.values("core.grant")}
    assert {one["grant_id"] for one in grants["grants"]} == everyones
    assert all(one["granted_to"].startswith("119") for one in town.read(reader, "grants")[1]["grants"])
