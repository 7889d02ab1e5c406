"""The desk of the simulated Bucheon, and the chapters that are told of it: each by the value that it waits for."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import httpx
import orjson
import pytest

from connectors.simulation.lost_child import ALIKE, CHILD
from connectors.simulation.street_sightings import SeenPerson
from deploy.demo.chapter import Chapter
from deploy.demo.search_desk import (
    ANSWER,
    CANDIDATES,
    CLOSED,
    GONE,
    OPENED,
    REFUSED,
    ROUTE,
    SECOND,
    SearchDesk,
    case_of_adult,
    case_of_child,
)
from deploy.demo.search_script import town_of
from deploy.demo.story_search import search_chapters

LEFT_MS = 1_772_964_000_000
TOWN = town_of(1)


class PretendedGateway:
    """A gateway that knows one case: it opens cases for children, ranks *seen*, and puts what is confirmed in a route."""

    def __init__(self, seen: list[SeenPerson], conflicts: int = 0, needed: int = 1) -> None:
        self.candidates: list[dict[str, Any]] = [
            {
                "candidate_id": f"c{number}",
                "revision": 3,
                "state": "open",
                "camera_id": one.camera.camera_id,
                "track_id": str(one.object_id),
            }
            for number, one in enumerate(seen)
        ]
        self.answers: list[dict[str, Any]] = []
        self.opened: list[dict[str, Any]] = []
        self.conflicts, self.needed = conflicts, needed
        self.confirmed = Counter[str]()
        self.closed: str | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1/bucheon/")
        body = orjson.loads(request.content) if request.content else {}
        match request.method, path.split("/"):
            case "POST", ["cases"]:
                return self._open(body)
            case "GET", ["cases", "k", _] if self.closed:
                return httpx.Response(404, json={"code": "no-case"})
            case "GET", ["cases", "k", "candidates"]:
                state = request.url.params.get("state", "open")
                found = [one for one in self.candidates if one["state"] == state]
                return httpx.Response(200, json={"candidates": found})
            case "GET", ["cases", "k", "route"]:
                hops = [one for one in self.candidates if self.confirmed[one["candidate_id"]] == self.needed]
                return httpx.Response(200, json={"route": {"hops": hops} if hops else None})
            case "POST", ["cases", "k", "candidates", its_id, "answers"]:
                return self._answer(its_id, body)
            case "POST", ["cases", "k", "close"]:
                self.closed = body["reason"]
                return httpx.Response(200, json={"case_id": "k"})
        raise AssertionError(request)

    def _open(self, body: dict[str, Any]) -> httpx.Response:
        self.opened.append(body)
        if body["ground"] != "under_18":
            return httpx.Response(403, json={"code": "case-refused", "other_grounds": {"consent": "…"}})
        return httpx.Response(201, json={"case_id": "k", "legal_ground": "under 18"})

    def _answer(self, its_id: str, body: dict[str, Any]) -> httpx.Response:
        if self.conflicts:
            self.conflicts -= 1
            return httpx.Response(409, json={"code": "candidate-changed"})
        candidate = next(one for one in self.candidates if one["candidate_id"] == its_id)
        assert body["revision"] == candidate["revision"]
        candidate["state"] = "confirmed" if body["answer"] == "confirm" else "rejected"
        candidate["revision"] += 1
        self.confirmed[its_id] += body["answer"] == "confirm"
        self.answers.append({**candidate, **body})
        return httpx.Response(202, json={"answer": body["answer"]})


def a_desk(gateway: PretendedGateway) -> SearchDesk:
    client = httpx.Client(base_url="http://gateway/v1/bucheon/", transport=httpx.MockTransport(gateway))
    return SearchDesk(client, 1, lambda: LEFT_MS, threading.Event())


def some() -> list[SeenPerson]:
    """The child's last two sightings, one of the other child, one of a passer-by."""
    seen = TOWN.seen(0, TOWN.end_s + 1)
    other = next(one for one in seen if one.who == ALIKE)
    passer_by = next(one for one in seen if one.who not in (CHILD, ALIKE))
    return [TOWN.of_child[-2], other, passer_by, TOWN.of_child[-1]]


def test_candidates_are_answered_by_the_truth_until_the_child_is_found_and_the_case_is_closed() -> None:
    gateway = PretendedGateway(some())
    desk = a_desk(gateway)
    turns = 0
    while not desk.is_done and turns < 20:
        turns += 1
        desk.step()
    assert [one["answer"] for one in gateway.answers] == ["confirm", "reject", "reject", "confirm"]
    assert gateway.closed == "found" and turns == 6
    told = list(desk.heard())
    names = [name for name, _, _ in told]
    assert names[:2] == [REFUSED, OPENED] and names[-2:] == [CLOSED, GONE]
    assert {name for name, _, _ in told} - {SECOND} == {
        REFUSED,
        OPENED,
        CANDIDATES,
        ANSWER,
        ROUTE,
        CLOSED,
        GONE,
    }
    assert [body["is_alike"] for name, body, _ in told if name == ANSWER] == [False, True, False, False]
    assert told[-1][1]["http"] == 404
    assert told[-1][2] == "GET /v1/bucheon/cases/k/candidates"


def test_a_candidate_that_changed_meanwhile_is_looked_at_again() -> None:
    gateway = PretendedGateway(some()[:1], conflicts=2)
    desk = a_desk(gateway)
    for _ in range(4):
        desk.step()
    assert [one["answer"] for one in gateway.answers] == ["confirm"]
    assert not desk.is_done, "the child is not there yet"


def test_a_confirmed_candidate_that_is_in_no_route_yet_is_confirmed_again_and_one_in_it_is_not() -> None:
    gateway = PretendedGateway([TOWN.of_child[-2], TOWN.of_child[-1]], needed=2)
    desk = a_desk(gateway)
    for _ in range(8):
        desk.step()
    assert [one["candidate_id"] for one in gateway.answers] == ["c0", "c0", "c1", "c1"]
    assert desk.is_done and gateway.closed == "found"


def test_the_child_s_case_tells_what_is_looked_for_and_nothing_of_where_it_is() -> None:
    child, adult = case_of_child(TOWN, LEFT_MS), case_of_adult(TOWN, LEFT_MS)
    assert child["ground"] == "under_18" and adult["ground"] == "other" and "other_ground" not in adult
    assert child["agency_case_no"] != adult["agency_case_no"]
    ring = child["area"]["coordinates"][0]
    assert ring[0] == ring[-1] and len(ring) == 5
    lons, lats = zip(*ring, strict=True)
    for crossing in TOWN.cameras:
        lat, lon = TOWN.grid.at(crossing)
        assert min(lats) < lat < max(lats) and min(lons) < lon < max(lons)
    last = child["last_seen"]["position"]
    assert (last["lat"], last["lon"]) == TOWN.grid.at(TOWN.playground)


def chapter(about: str) -> Chapter:
    (found,) = (one for one in search_chapters() if one.about == about)
    return found


@pytest.mark.parametrize(
    ("about", "its", "not_its"),
    [
        (
            "the case on the bus, sealed",
            {"state": "open", "sealed": b"x", "source": "gateway"},
            {"state": "open", "sealed": None},
        ),
        (
            "the record of the key's destruction",
            {"act": "key_destroyed", "sequence": 2},
            {"act": "case_read"},
        ),
        ("candidates that are gone", {"http": 404}, {"http": 200}),
        (
            "a route of 5 hops",
            {"route": {"hops": [{"camera_id": "c"}] * 5, "next_cameras": []}},
            {"route": {"hops": [{"camera_id": "c"}] * 4, "next_cameras": []}},
        ),
        (
            "a route that goes on after the ride",
            {"route": {"hops": [{"camera_id": "street-0408"}, {"camera_id": "street-1207"}]}},
            {"route": {"hops": [{"camera_id": "street-0408"}, {"camera_id": "street-0910"}]}},
        ),
        (
            "an adult for whom the act has no ground",
            {"http": 403, "other_grounds": {"consent": "…"}},
            {"http": 403, "other_grounds": {}},
        ),
        (
            "the answer in the log",
            {"action": "confirm", "case_id": "k"},
            {"action": "confirm", "case_id": None},
        ),
    ],
)
def test_a_chapter_is_told_by_its_value_and_by_none_that_only_looks_like_it(
    about: str, its: dict[str, Any], not_its: dict[str, Any]
) -> None:
    one = chapter(about)
    assert one.is_it(its) and one.words(its)
    assert not one.is_it(not_its)
