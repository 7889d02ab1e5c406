"""Rides on demand as a gateway lists them: by the log, for their operator, without what an account may not see."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import orjson
import pytest

from schemas.catalogue import load_catalogue
from streams.runtime.records import Record
from tests.unit.gateway.an_app import NOON_MS
from tests.unit.gateway.test_ride_desk import RIDE, TOPIC, Doors, doors

__all__ = ["doors"]  # the fixture
PERSONAL = ("position", "pickup", "dropoff", "vehicle_id", "assigned_by")
RETENTION_MS = load_catalogue()["mobility.booking"].retention_ms or 0


def get(doors: Doors, path: str = "", *, reader: str = "cleared", **headers: str) -> httpx.Response:
    """The answer of the other gateway, which reads the log before it."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(doors.other.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
            sent = {"authorization": f"Bearer {doors.other.keys[reader]}", **headers}
            return await client.get(f"/v1/springfield/bookings{path}", headers=sent)

    doors.other.follow()
    return asyncio.run(ask())


def tell(doors: Doors, number: int, state: str = "requested", *, at_ms: int = NOON_MS, **about: Any) -> None:
    row = {**RIDE, "booking_id": f"r-{number}", "state": state, **about}
    place = len(doors.log.records)
    record = Record(TOPIC, 0, place, at_ms, row["booking_id"].encode(), orjson.dumps(row), {})
    doors.log.records.append(record)


def listed(doors: Doors, query: str = "", *, reader: str = "cleared") -> list[str]:
    answer = get(doors, query, reader=reader)
    assert answer.status_code == 200, answer.text
    return [one["booking_id"] for one in answer.json()["bookings"]]


def test_a_ride_stands_as_the_log_decided_and_an_assignment_that_lost_is_not_told(doors: Doors) -> None:
    doors.one.assign("van-1")
    winner = doors.log.commands()[0]["assigned_by"]
    lost = {**doors.log.commands()[0], "command_id": "c-2", "vehicle_id": "van-2"}
    doors.log.put(lost)
    [ride] = get(doors).json()["bookings"]
    assert (ride["state"], ride["vehicle_id"], ride["revision"]) == ("assigned", "van-1", 2)
    assert (ride["assigned_by"], ride["pickup"]) == (winner, RIDE["pickup"])
    assert get(doors, "/r-1").json()["booking"] == ride


def test_what_is_personal_is_null_without_a_purpose_of_the_law(doors: Doors) -> None:
    doors.one.assign("van-1")
    plain, cleared = (get(doors, "/r-1", reader=one).json()["booking"] for one in ("plain", "cleared"))
    assert all(plain[name] is None for name in PERSONAL)
    assert all(cleared[name] is not None for name in PERSONAL)
    assert {k: v for k, v in plain.items() if k not in PERSONAL} == {
        k: v for k, v in cleared.items() if k not in PERSONAL
    }
    assert get(doors, reader="plain").json()["bookings"] == [plain]


def test_a_ride_is_its_operators_and_the_citys(doors: Doors) -> None:
    tell(doors, 2, operator="taxis")
    assert listed(doors) == ["r-2", "r-1"]
    assert (listed(doors, reader="taxis"), listed(doors, reader="jeju-drt")) == (["r-2"], ["r-1"])
    missing = get(doors, "/r-1", reader="taxis")
    assert (missing.status_code, missing.json()["code"]) == (404, "no-booking")
    for path in ("", "/r-1"):
        assert get(doors, path, reader="public").json()["code"] == "public-only"
        assert get(doors, path, reader="agency").status_code == 403


def test_rides_come_by_state_by_time_and_in_pages_the_newest_changed_first(doors: Doors) -> None:
    for number in range(2, 8):
        tell(doors, number, at_ms=NOON_MS + number * 1_000)
    tell(doors, 3, "cancelled", revision=2, at_ms=NOON_MS + 9_000)
    everything = ["r-3", "r-7", "r-6", "r-5", "r-4", "r-2", "r-1"]
    assert listed(doors) == everything
    assert listed(doors, "?state=cancelled") == ["r-3"]
    assert listed(doors, "?state=cancelled&state=requested") == everything
    newest = get(doors, "?limit=3").json()["newest_change"]
    assert listed(doors, f"?since={newest.replace('+', '%2B')}") == ["r-3"]
    found, query = [], "?limit=3"
    while query:
        answer = get(doors, query)
        found += [one["booking_id"] for one in answer.json()["bookings"]]
        cursor = answer.json()["next"]
        assert (cursor is None) == ("link" not in answer.headers)
        query = f"?limit=3&cursor={cursor}" if cursor else ""
    assert found == everything
    other = get(doors, f"?state=requested&cursor={get(doors, '?limit=3').json()['next']}")
    assert (other.status_code, other.json()["field"]) == (422, "cursor")


def test_an_answer_that_still_holds_is_not_sent_again(doors: Doors) -> None:
    for path in ("", "/r-1"):
        tag = get(doors, path).headers["etag"]
        assert get(doors, path, **{"if-none-match": tag}).status_code == 304
        assert get(doors, path, reader="plain", **{"if-none-match": tag}).status_code == 200
    tag = get(doors).headers["etag"]
    doors.one.assign("van-1")
    assert get(doors, **{"if-none-match": tag}).status_code == 200


def test_a_refused_assignment_is_no_change_of_the_ride(doors: Doors) -> None:
    doors.one.assign("van-1")
    tell(doors, 2)
    assert doors.one.assign("van-2").status_code == 409
    assert listed(doors) == ["r-2", "r-1"]


def test_a_ride_is_forgotten_with_the_log(doors: Doors) -> None:
    tell(doors, 2, at_ms=NOON_MS + 60_000)
    doors.other.now_ms = NOON_MS + RETENTION_MS + 30_000
    assert listed(doors) == ["r-2"]
    assert get(doors, "/r-1").status_code == 404


REFUSED = {
    "?state=away": (422, "wrong-parameter"),
    "?since=yesterday": (422, "wrong-parameter"),
    "?colour=red": (422, "wrong-parameter"),
    "/r-1?state=requested": (422, "wrong-parameter"),
    "/r-9": (404, "no-booking"),
}


@pytest.mark.parametrize("path", REFUSED)
def test_a_question_is_refused_with_its_word(doors: Doors, path: str) -> None:
    answer = get(doors, path)
    assert (answer.status_code, answer.json()["code"]) == REFUSED[path]


def test_while_the_log_is_not_read_nothing_is_told(doors: Doors) -> None:
    doors.other.follow()
    doors.other.desk._follower.trouble = "the bookings are being read"
    doors.other.follow = lambda: None  # type: ignore[method-assign]  # it stays so
    for path in ("", "/r-1"):
        answer = get(doors, path)
        assert (answer.status_code, answer.json()["code"]) == (503, "not-ready")


def test_the_routes_are_described(doors: Doors) -> None:
    paths = doors.one.app.openapi()["paths"]
    said = paths["/v1/{city}/bookings"]["get"]
    assert {one["name"] for one in said["parameters"]} >= {"state", "since", "limit", "cursor"}
    for path in ("/v1/{city}/bookings", "/v1/{city}/bookings/{booking_id}"):
        assert {"200", "304", "403", "404", "422", "503"} <= paths[path]["get"]["responses"].keys()
    assert "mobility.booking" in doors.one.app.openapi()["components"]["schemas"]
