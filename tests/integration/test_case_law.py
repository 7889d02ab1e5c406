"""The law of missing persons on the real bus, with all stages, real keys, and an account of each right.

No way but the cases' own shows a word of a case or of what it drew; after it is closed none does; and nothing of it stands
readable in a file, a record or Redis at any time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.gateway.read_documents import example_of
from deploy.settings import Endpoints, given
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.event import Event
from schemas.json_form import from_json_value
from streams.dlq.rows import aside_record
from streams.runtime.records import Record
from tests.hub_bus import whole
from tests.law_city import CASE, HOUR_MS, PEOPLE, SIGHTED, TRAIT, LawCity, now_ms
from tests.law_ways import (
    KNOWN_PATHS,
    LONG,
    OF_CASES,
    OWN,
    TRIED,
    UNDESCRIBED,
    path_of,
    printed,
)
from tests.living_city import wait_until
from tests.person_town import head

pytestmark = pytest.mark.cluster
GONE_WITHIN_S = 5.0
FOUND_WITHIN_S = 30.0


@pytest.fixture
def town(cluster: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LawCity]:
    made = LawCity("lawcity", tmp_path, cluster)
    for name, value in cluster.as_environment().items():
        monkeypatch.setenv(name, value)
    try:
        made.start()
        yield made
    finally:
        made.end()


def operations(town: LawCity) -> list[tuple[str, str]]:
    """(method, path) of all that the running gateway describes."""
    _, told = town.ask("nobody", "GET", "/openapi.json")
    paths: Mapping[str, Any] = orjson.loads(told)["paths"]
    return [
        (method.upper(), path) for path, item in paths.items() for method in item if method != "parameters"
    ]


def words_shown(told: bytes, sightings: set[str]) -> list[bytes]:
    """The words of a case, and of what it drew, that stand in an answer."""
    ids = [one.encode() for one in sightings]
    return [word for word in (CASE, TRAIT, SIGHTED, *ids) if word in told]


def asked_over_http(
    town: LawCity, words: Mapping[str, str], sightings: set[str]
) -> dict[tuple[str, str], list[str]]:
    """(method, path) → the accounts that were shown a word."""
    shown: dict[tuple[str, str], list[str]] = {}
    for who in PEOPLE:
        for method, template in (*operations(town), *(("GET", one) for one in UNDESCRIBED)):
            ends_it = who == "police" and template.endswith(("/close", "/answers"))
            if template == LONG or ends_it:
                continue
            status, told = town.ask(who, method, path_of(template, words))
            assert status != 429, (who, template)
            if template in OF_CASES and who not in ("police", "coast-guard"):
                assert status in (401, 403), (who, template)
            if words_shown(told, sightings):
                shown.setdefault((method, template), []).append(who)
    return shown


def printed_by_commands(town: LawCity, words: Mapping[str, str], sightings: set[str]) -> list[str]:
    """The commands that print a word; of the topic of sightings ``tail`` prints when and at which camera alone."""
    found = []
    for name in TRIED:
        for line in printed(name, words).splitlines():
            if words_shown(line.encode(), set() if ".cctv.person" in line else sightings):
                found.append(name)
    return found


def set_aside(town: LawCity) -> str:
    """Set a sighting aside that could not be read; returns the id under which commands show it."""
    record = Record(f"{town.name}.cctv.person", 0, 1_000_000, now_ms(), b"cam-1", b"sighted-aside", {})
    event = aside_record(town.name, "cctv.person", record, Invalid("no frame"), now_ms=now_ms())
    town.publisher.publish(event)
    return str((event.value or {})["event_id"])


def an_alert(town: LawCity) -> str:
    """Publish an alert for everybody, so that the ways of alerts carry something; returns its id."""
    value = from_json_value(load_catalogue()["core.alert"].newest, example_of("core.alert"))
    now = {"event_time": now_ms(), "received_time": now_ms(), "city": town.name, "audience": "public"}
    town.publisher.publish(Event("core.alert", value["alert_id"], {**value, **now}))
    return str(value["alert_id"])


@pytest.mark.long
@pytest.mark.timeout(300)
def test_no_way_shows_a_case_but_its_own_and_none_once_it_is_closed(town: LawCity) -> None:
    assert {path for _, path in operations(town)} <= KNOWN_PATHS, "a new way out: look at it in law_ways"
    assert town.status("police", "/sightings") == town.status("police", "/candidates") == 404
    alert_id = an_alert(town).encode()
    town.walk(0, 6, now_ms() - HOUR_MS)
    assert town.case("POST", "", {**town.body("0"), "ground": "other"})[0] == 403
    before = asked_over_http(town, {"city": town.name, "case_id": "0" * 32, "candidate_id": "c"}, set())
    assert before == {}, "without a case nobody is shown a sighting"

    status, opened = town.case("POST", "", town.body("1"))
    assert status == 201, opened
    case_id = opened["case_id"]
    path = f"/{case_id}"
    wait_until(lambda: len(town.case("GET", f"{path}/candidates")[1]["candidates"]) >= 4, FOUND_WITHIN_S, 0.2)
    first = town.case("GET", f"{path}/candidates")[1]["candidates"][0]
    its = {"city": town.name, "case_id": case_id, "candidate_id": first["candidate_id"]}
    answer = {"answer": "confirm", "revision": first["revision"], "note": "canary-note"}
    assert town.case("POST", f"{path}/candidates/{first['candidate_id']}/answers", answer)[0] == 202
    wait_until(lambda: (town.case("GET", f"{path}/route")[1]["route"] or {"hops": []})["hops"], 10.0, 0.2)
    candidates = town.case("GET", f"{path}/candidates")[1]["candidates"]
    sightings = {first["sighting_id"], *(one["sighting_id"] for one in candidates)}

    by_own_routes = {
        ("GET", f"{OWN}{one}"): ["police"] for one in ("", "/{case_id}", "/{case_id}/candidates")
    }
    assert asked_over_http(town, its, sightings) == by_own_routes, (
        "a hop of the route names its candidate alone"
    )
    commanded = its | {"file": str(town.city.file), "case": case_id, "aside": set_aside(town)}
    assert printed_by_commands(town, commanded, sightings) == []
    assert town.clear() == []

    assert town.case("POST", f"{path}/close", {"reason": "found"})[0] == 200
    begun = time.monotonic()
    reads = ["", *(f"{path}{one}" for one in ("", "/candidates", "/route"))]
    told = [town.ask("police", "GET", f"/v1/{town.name}/cases{one}") for one in reads]
    assert [status for status, _ in told] == [200, 200, 404, 404]
    assert not any(words_shown(answer, sightings) for _, answer in told)
    assert time.monotonic() - begun < GONE_WITHIN_S
    assert asked_over_http(town, its, sightings) == {}
    assert printed_by_commands(town, commanded, sightings) == []
    told_of_it = told_of(town, case_id)

    town.walk(100, 8, now_ms() - HOUR_MS)
    status, other = town.case("POST", "", town.body("2"))
    assert status == 201, other
    its_path = f"/{other['case_id']}/candidates"
    wait_until(lambda: len(town.case("GET", its_path)[1]["candidates"]) >= 4, FOUND_WITHIN_S, 0.2)
    assert told_of(town, case_id) == told_of_it, "the search goes on, and not for a case that is over"

    acts = town.city.values("core.access")
    (end,) = [one for one in acts if one["act"] == "key_destroyed"]
    assert (end["situation_id"], end["reason"], end["purpose"]) == (case_id, "found", "missing-person")
    assert end["account_id"] is not None and abs(end["at"] - now_ms()) < HOUR_MS
    assert {"case_opened", "case_read", "case_refused", "case_denied"} <= {one["act"] for one in acts}
    left_out = f"case {case_id}: closed, its key is destroyed; left out: 1 core.action, {told_of_it[0]} core.candidate"
    assert left_out in printed("replay", commanded)

    archived = (town.city.folder / "archive.jsonl").read_bytes()
    assert town.stream is not None
    assert alert_id in archived and alert_id in bytes(town.stream.told), (
        "the ways of alerts carried something"
    )
    assert words_shown(archived + town.stream.told, sightings) == []
    assert town.clear() == []
    in_clear = {"case_id": "in-clear", "revision": 0, "crop": {"ref": "sighted-crop", "expires_at": 1}}
    town.bus.put(whole([("core.candidate", "in-clear", {**head("candidate", now_ms(), 1), **in_clear})]))
    assert {one.partition(" ")[0] for one in town.clear()} >= {"record", *([] if given() else ["file"])}


def told_of(town: LawCity, case_id: str) -> tuple[int, int]:
    """The number of candidates, and of routes, that were written for a case."""
    candidates, routes = (town.city.records(one) for one in ("core.candidate", "core.route"))
    key = case_id.encode()
    return sum(one.key == key for one in candidates), sum(one.key == key for one in routes)
