"""The demo's devices: what they send is taken by the sources of the demo's city, and the story finds its twelve lines."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from connectors.base import Heard
from deploy.city.city import City, load_city
from deploy.cli.demo import seeded, shipped_demo
from deploy.demo.board import Board
from deploy.demo.devices import Devices, bridged
from deploy.demo.field import Said, a_round, setup
from deploy.demo.lanes import LANES, lanes
from deploy.demo.story import CHAPTERS, Story
from deploy.demo.tracks import way
from streams.geo import distance_m

NOON = round(datetime(2026, 3, 8, 12, tzinfo=UTC).timestamp() * 1000)


@pytest.fixture(scope="module", params=[1, 2024])
def seed(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def city(seed: int, tmp_path_factory: pytest.TempPathFactory) -> City:
    return seeded(load_city(str(shipped_demo())), seed, tmp_path_factory.mktemp("demo"), Devices(seed, None))


def heard(city: City, messages: list[Said]) -> Counter[str]:
    """Topic → events, of *messages* in their order; nothing may be set aside, or be said in an unknown word."""
    found: Counter[str] = Counter()
    sources: dict[str, Any] = {name: city.load(name) for name in {one.source for one in messages}}
    places: dict[str, Any] = {}
    for one in messages:
        body = one.body if one.topic is None else bridged(one)
        reading = sources[one.source].read(Heard(body, NOON + 1_000_000), places.get(one.source, {}))
        assert not list(reading.aside), (one.source, [aside.reason for aside in reading.aside])
        assert not reading.noted, (one.source, reading.noted)
        found.update(event.topic for event in reading.events)
        places[one.source] = dict(reading.place)
    return found


def test_every_message_of_every_round_is_taken_by_its_source(city: City, seed: int) -> None:
    before = heard(city, setup(seed, NOON))
    assert before["police.wanted"] == 1 and before["place.hub"] == LANES and before["mobility.speed"] > 0
    for number in range(LANES):
        found = heard(city, a_round(seed, number, NOON))
        assert {topic: found[topic] for topic in found if topic != "mobility.position"} == {
            "fire.incident": 4 + 3 + 18,
            "police.incident": 3,
            "cctv.detection": 4,
            "cctv.plate": 3,
            "civil.observation": 5,
            "civil.vulnerable": 2,
        }


def test_the_places_of_a_round_lie_in_the_city_and_too_far_apart_to_join(city: City, seed: int) -> None:
    for lane in lanes(seed):
        spots = [lane.crash, lane.fire, lane.underpass, lane.school, lane.fall, lane.plates[0], lane.lines]
        assert all(city.context("dispatch-119").bounds.holds(*at) for at in (*spots, *lane.plates))
        apart = [distance_m(*a, *b) for n, a in enumerate(spots) for b in spots[:n]]
        assert min(apart) > 1_000


def test_by_mqtt_the_cameras_are_heard_at_the_broker(seed: int, tmp_path: Path) -> None:
    city = seeded(load_city(str(shipped_demo())), seed, tmp_path, Devices(seed, 1883))
    (onvif,) = [one for one in city.file.source if one.name == "cctv-onvif"]
    assert not onvif.push and onvif.settings["mqtt"]["port"] == 1883
    (smoke, *_) = [one for one in a_round(seed, 0, NOON) if one.source == "cctv-onvif"]
    assert smoke.topic is not None and smoke.topic.split("/")[0] == "onvif-0"


def a_value(**said: Any) -> dict[str, Any]:
    return {
        "received_time": NOON,
        "rule": "",
        "audience": "",
        "kind": "",
        "source": "",
        "evidence": [],
        **said,
    }


HOP = {"speed_mps": 20.0, "is_impossible": False}
TWELVE = [
    ("cctv.detection", a_value(label="smoke", camera_id="onvif-0")),
    ("core.alert", a_value(rule="unconfirmed", kind="fire", headline="h")),
    ("fire.incident", a_value(kind="fire.building", source="dispatch-119", kind_text="t", agency_case_no="1")),
    (
        "core.situation",
        a_value(rule="joint-incident", kind="fire.building", evidence=[1, 2], incidents=[1], certainty="observed",
                reason="r", agencies=["119"]),
    ),
    (
        "core.situation",
        a_value(rule="joint-incident", kind="crash", agencies=["112", "119"], reason="r", incidents=[]),
    ),
    ("core.alert", a_value(rule="traffic-impact", audience="transit", headline="h")),
    ("core.alert", a_value(rule="disaster", audience="disaster-room", headline="h")),
    ("core.alert", a_value(rule="vulnerable", audience="protection-centre", headline="h")),
    ("core.track", a_value(rule="wanted", hits=[{"camera_id": "c"}] * 3, hops=[HOP] * 2, next_cameras=[])),
    ("core.grant", a_value(rule="disaster", revoked_at=None, camera_id="c", granted_to="g", purpose="p")),
    ("core.alert", a_value(rule="unconfirmed", kind="medical", headline="h")),
    ("core.alert", a_value(rule="surge", headline="h")),
]  # fmt: skip


def test_the_story_has_twelve_dated_lines_each_once_with_its_place() -> None:
    story = Story(UTC)
    lines = []
    for offset, (contract, value) in enumerate(TWELVE * 2):
        lines.append(story.take(contract, value, f"demo.{contract} 0:{offset}"))
    told = [line for line in lines if line is not None]
    assert len(told) == len(CHAPTERS) == 12 and story.is_told
    assert all(line.startswith("2026-03-08 12:00:00  ") for line in told)
    assert told[0].endswith("[demo.cctv.detection 0:0]") and told[-1].endswith("[demo.core.alert 0:11]")


def test_a_wanted_car_that_passed_two_cameras_and_a_grant_that_ended_are_no_lines() -> None:
    story = Story(UTC)
    two = a_value(rule="wanted", hits=[{"camera_id": "c"}] * 2, hops=[HOP], next_cameras=[])
    assert story.take("core.track", two, "x") is None
    ended = a_value(rule="disaster", revoked_at=NOON, camera_id="c", granted_to="g", purpose="p")
    assert story.take("core.grant", ended, "x") is None


def test_a_way_says_speeds_what_cannot_be_and_where_it_may_be_next() -> None:
    hits = [{"camera_id": one} for one in ("a", "b", "c", None)]
    hops = [HOP, {"speed_mps": None, "is_impossible": True}, {"speed_mps": None, "is_impossible": False}]
    coming = [{"camera_id": one, "seconds": 12.4} for one in ("x", "y", "z")]
    track = {"hits": hits, "hops": hops, "next_cameras": coming}
    assert way(track) == "a, 72 km/h to b, impossible to c, on to a camera; next: x in 12 s or y in 12 s"
    assert way({"hits": [], "hops": [], "next_cameras": []}) == ""


def test_the_board_says_which_source_said_what_in_one_line_of_80_columns() -> None:
    board = Board("Demo", UTC)
    for n, source in enumerate(("dispatch-119", "cctv-onvif")):
        board.take("fire.incident", {"event_id": f"e{n}", "source": source})
    value = {
        "situation_id": "s" * 32, "kind": "fire.building", "status": "dispatched", "opened_at": NOON,
        "received_time": NOON, "agencies": ["119"], "merged_into": None, "listed_under": None, "cameras": [],
        "rule": "joint-incident", "evidence": [{"event_id": "e0"}, {"event_id": "e1"}], "incidents": [],
    }  # fmt: skip
    line = board.take("core.situation", value)
    assert line is not None and line.endswith("opens: fire.building, dispatch-119, cctv-onvif")
    rows = [row for row in _shown(board).splitlines() if "12:00:00" in row]
    assert len(rows) == 1 and "fire.building dispatched" in rows[0] and "dispatch-119, cctv" in rows[0]
    board.take("core.situation", {**value, "listed_under": "t" * 32})
    assert "dispatched" not in _shown(board)


def _shown(board: Board) -> str:
    shown = io.StringIO()
    console = Console(file=shown, width=80, force_terminal=False)
    console.print(board.render())
    return shown.getvalue().split("as it happens")[0]
