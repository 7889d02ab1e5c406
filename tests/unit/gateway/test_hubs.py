"""The boards of hubs by REST: pages, places, ages and rights."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.hub_boards import PARTS, aged, has_stale
from deploy.assembly.gateway_hubs import part_ttl_ms
from streams.hubs.hub_numbers import HubNumbers
from tests.unit.gateway.a_hub_city import TTL_MS, MemoryHubs, a_board, a_hub_city
from tests.unit.gateway.a_reading_city import ROLES, Reader
from tests.unit.gateway.an_app import NOON_MS

City = tuple[Reader, MemoryHubs]


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with a_hub_city(tmp_path) as (reader, hubs, _):
        yield reader, hubs


def ids(reader: Reader, query: str) -> list[str]:
    answer = reader.get(f"hubs{query}")
    assert answer.status_code == 200, answer.text
    return [one["hub"]["hub_id"] for one in answer.json()["hubs"]]


def at(lat: float, lon: float) -> dict[str, Any]:
    return {"lat": lat, "lon": lon, "accuracy_m": None}


@pytest.mark.parametrize("role", [one for one in ROLES if one not in ("publisher", "administrator")])
def test_every_reader_sees_the_board_as_it_was_told(city: City, role: str) -> None:
    reader, hubs = city
    hubs.put(a_board("H-1"))
    answer = reader.get("hubs/H-1", role=role)
    assert answer.status_code == 200
    hub = answer.json()["hub"]
    assert (hub["docks"]["free"], hub["vehicles"]["types"][0]["available"]) == (3, 4)
    assert hub["position"] is not None and not any(hub[name]["is_stale"] for name in PARTS)


def test_who_may_not_read_and_what_is_not_there_are_refused(city: City) -> None:
    reader, hubs = city
    hubs.put(a_board("H-1"))
    assert reader.get("hubs", role=None).status_code == 401
    for role in ("publisher", "administrator"):  # neither reads situations, either
        assert reader.get("hubs/H-1", role=role).status_code == 403
    missing = reader.get("hubs/H-9")
    assert (missing.status_code, missing.json()["code"]) == (404, "no-hub")
    assert reader.get("hubs?stale=perhaps").json()["field"] == "stale"
    assert reader.get("hubs/H-1?near=1,1").status_code == 422
    hubs.trouble = "the boards of hubs are being read"
    assert reader.get("hubs").status_code == 503


def test_what_is_older_than_it_may_be_is_stale_though_nobody_tells_so(city: City) -> None:
    reader, hubs = city
    hubs.put(a_board("old", at_ms=NOON_MS - 301_000), a_board("new", at_ms=NOON_MS - 60_000))
    old, new = (reader.get(f"hubs/{name}").json()["hub"] for name in ("old", "new"))
    assert [old[name]["is_stale"] for name in PARTS] == [True, True, True, True, False]
    assert not any(new[name]["is_stale"] for name in PARTS)
    assert (ids(reader, "?stale=true"), ids(reader, "?stale=false")) == (["old"], ["new"])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_stale_from_the_first_millisecond_beyond_its_ttl(part: str) -> None:
    board = a_board(at_ms=NOON_MS)
    assert not aged(board, NOON_MS + TTL_MS[part], TTL_MS)[part]["is_stale"]
    late = aged(board, NOON_MS + TTL_MS[part] + 1, TTL_MS)
    assert late[part]["is_stale"] and has_stale(late)
    told = {**board, part: {**board[part], "is_stale": True}}
    assert aged(told, NOON_MS, TTL_MS)[part]["is_stale"], "a part never becomes live by reading"


def test_rides_alone_have_the_age_of_rides_and_beside_a_feed_s_trips_that_of_the_feed() -> None:
    board = a_board(at_ms=NOON_MS)
    (first, *_) = board["arrivals"]["next"]
    rides = {**board["arrivals"], "next": [{**first, "on_demand": True}]}
    both = {**board["arrivals"], "next": [{**first, "on_demand": True}, {**first, "on_demand": False}]}

    def is_stale(arrivals: dict[str, Any], ttl_ms: dict[str, int], age_ms: int) -> bool:
        return bool(aged({**board, "arrivals": arrivals}, NOON_MS + age_ms, ttl_ms)["arrivals"]["is_stale"])

    assert not is_stale(rides, TTL_MS, 7_200_000) and is_stale(rides, TTL_MS, 7_200_001)
    assert not is_stale(both, TTL_MS, 90_000) and is_stale(both, TTL_MS, 90_001)
    of_a_feed = part_ttl_ms(HubNumbers.model_validate({"on_demand": ["drt"]}))
    assert is_stale(rides, of_a_feed, 90_001), "they may be a feed's, which may be silent"


def test_pages_hold_each_hub_once_in_the_order_of_ids(city: City) -> None:
    reader, hubs = city
    hubs.put(*(a_board(f"H-{number:02}") for number in range(7)))
    seen, query = [], "?limit=3"
    while query:
        answer = reader.get(f"hubs{query}")
        seen += [one["hub"]["hub_id"] for one in answer.json()["hubs"]]
        cursor = answer.json()["next"]
        assert (cursor is not None) == ("next" in answer.links)
        query = f"?limit=3&cursor={cursor}" if cursor else ""
    assert seen == [f"H-{number:02}" for number in range(7)]


def test_near_gives_the_nearest_first_with_its_distance(city: City) -> None:
    reader, hubs = city
    for name, lat in (("far", 33.52), ("near", 33.501), ("out", 34.5)):
        hubs.put(a_board(name, position=at(lat, 126.5)))
    hubs.put(a_board("nowhere", position=None))
    answer = reader.get("hubs?near=33.5,126.5&radius_m=5000").json()
    assert [one["hub"]["hub_id"] for one in answer["hubs"]] == ["near", "far"]
    assert answer["hubs"][0]["distance_m"] == pytest.approx(111.2, abs=0.1)
    first = reader.get("hubs?near=33.5,126.5&radius_m=5000&limit=1").json()
    assert ids(reader, f"?near=33.5,126.5&radius_m=5000&limit=1&cursor={first['next']}") == ["far"]


def test_an_answer_holds_until_a_board_changes_or_ages(city: City) -> None:
    reader, hubs = city
    hubs.put(a_board("H-1"))
    tag = reader.get("hubs").headers["etag"]
    assert reader.get("hubs", if_none_match=tag).status_code == 304
    hubs.put(a_board("H-1", at_ms=NOON_MS - 600_001))
    assert reader.get("hubs", if_none_match=tag).status_code == 200
