"""The simulated Bucheon: what its cameras and its police send is taken by the sources of its file, as it was seen."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Heard
from connectors.simulation.lost_child import BEFORE_S
from deploy.city.city import City, load_city
from deploy.cli.demo import seeded
from deploy.demo.field import ROUND_S, Said
from deploy.demo.search_devices import SearchDevices
from deploy.demo.search_script import LIVE_S, SearchScript, origin_ms, placed, town_of
from schemas.event import Event

NOON = round(datetime(2026, 3, 8, 3, tzinfo=UTC).timestamp() * 1000)
START = NOON + 20_000
"""The first round begins so long after the demo."""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    return seeded(load_city("bucheon"), 1, tmp_path_factory.mktemp("search"), SearchDevices(1, None))


def heard(city: City, messages: list[Said], start_ms: int) -> list[Event]:
    """The events of *messages* in their order; nothing may be set aside, or be noted."""
    sources: dict[str, Any] = {name: city.load(name) for name in {one.source for one in messages}}
    places: dict[str, Any] = defaultdict(dict)
    events: list[Event] = []
    for one in messages:
        at_ms = start_ms + round((one.after_s + 0.3) * 1_000)
        reading = sources[one.source].read(Heard(one.body, at_ms), places[one.source])
        assert not list(reading.aside), (one.source, [aside.reason for aside in reading.aside])
        assert not reading.noted, (one.source, reading.noted)
        events += reading.events
        places[one.source] = dict(reading.place)
    return events


@pytest.fixture(scope="module")
def script() -> tuple[list[Said], list[Said], list[Said]]:
    one = SearchScript()
    assert not one.begun.is_set()
    before, first = one.setup(1, NOON), one.a_round(1, 0, START)
    assert one.begun.is_set()
    return before, first, one.a_round(1, 1, START + ROUND_S * 1000)


@pytest.fixture(scope="module")
def told(city: City, script: tuple[list[Said], list[Said], list[Said]]) -> list[list[Event]]:
    """The events of each of them."""
    starts = (NOON, START, START + ROUND_S * 1000)
    return [heard(city, messages, start_ms) for messages, start_ms in zip(script, starts, strict=True)]


def values(events: list[Event], topic: str) -> list[dict[str, Any]]:
    return [dict(one.value) for one in events if one.topic == topic and one.value is not None]


def test_the_same_seed_says_the_same_bytes_and_another_does_not(
    script: tuple[list[Said], list[Said], list[Said]],
) -> None:
    again, other = SearchScript(), SearchScript()
    assert again.setup(1, NOON) == script[0] != other.setup(2, NOON)
    assert again.a_round(1, 0, START) == script[1] != other.a_round(2, 0, START)


def test_each_sighting_comes_out_as_the_words_that_its_camera_said(
    told: list[list[Event]],
) -> None:
    sightings = values(told[0], "cctv.person")
    seen = town_of(1).seen(-BEFORE_S, (NOON - origin_ms(1, NOON)) / 1000)
    by_id = {(one.camera.camera_id, str(one.object_id)): one for one in seen}
    assert len(sightings) == len(by_id) > 3_000
    for one in sightings:
        its = by_id[one["camera_id"], one["track_id"]]
        words = {row["name"]: row["word"] for row in one["attributes"]}
        silent = {name for name in ("bag", "backpack") if its.words[name] == "no"}  # no word of ONVIF says so
        assert words == {name: word for name, word in its.words.items() if name not in silent}
        assert one["event_time"] == origin_ms(1, NOON) + round(its.clock_s * 1000)
        assert one["clock_error_s"] == 3 and one["position"] is not None


def test_between_two_rounds_nothing_is_lost_or_told_twice(told: list[list[Event]]) -> None:
    sightings = [one for events in told for one in values(events, "cctv.person")]
    until_s = (START + 2 * ROUND_S * 1000 - origin_ms(1, NOON)) / 1000
    seen = town_of(1).seen(-BEFORE_S, until_s)
    assert Counter((one["camera_id"], one["track_id"]) for one in sightings) == Counter(
        (one.camera.camera_id, str(one.object_id)) for one in seen
    )


def test_the_child_is_seen_before_the_search_and_while_it_goes_on() -> None:
    now_s = (NOON - origin_ms(1, NOON)) / 1000
    before = [one for one in town_of(1).of_child if one.true_s < now_s]
    live = [one for one in town_of(1).of_child if one.true_s >= now_s]
    assert len(before) >= 5 and live
    assert live[-1].true_s <= town_of(1).end_s == pytest.approx(now_s + LIVE_S, abs=0.01)


def test_every_message_of_a_round_is_sent_within_it_and_none_before_it_was_seen(
    script: tuple[list[Said], list[Said], list[Said]],
) -> None:
    for messages in script[1:]:
        assert [one.after_s for one in messages] == sorted(one.after_s for one in messages)
        assert all(0 <= one.after_s < ROUND_S for one in messages)


def test_cameras_are_told_once_and_the_police_report_the_child(told: list[list[Event]]) -> None:
    cameras = values(told[0], "place.camera")
    assert len({one["camera_id"] for one in cameras}) == len(cameras) == 120
    assert all(one["generated"] for one in cameras)
    assert len(values(told[0], "place.hub")) == 5
    reports = values(told[1], "police.incident")
    assert Counter(one["kind"] for one in reports) == {"missing": 3, "crime.larceny": 3}


def test_the_list_of_cameras_names_each_with_its_clock_s_error(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("list")
    assert f'camera_list = "{folder}/cameras.csv"' in placed("people = true\n", folder, 1)
    with (folder / "cameras.csv").open(encoding="utf-8") as file:
        rows = [*csv.DictReader(file)]
    assert len(rows) == 120 and {one["clock_error_s"] for one in rows} == {"3.0"}
    with pytest.raises(ValueError, match="no one source of people"):
        placed("people = false\n", folder, 1)
