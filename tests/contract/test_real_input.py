"""The cities' own recordings, and known facts about them. Skips where they are missing."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.recordings import read_recording
from schemas.event import Event
from tests.contract.an_example import read_all

HOUSTON = SourceContext(
    "houston", "active-incidents", ZoneInfo("America/Chicago"), Bounds(29.40, -95.95, 30.20, -94.95)
)
DAEJEON = SourceContext("daejeon", "cameras", ZoneInfo("Asia/Seoul"), Bounds(36.18, 127.24, 36.51, 127.56))


def houston() -> Any:
    return load_source("houston_active_incidents", HOUSTON, {"url": "http://127.0.0.1:1/"})


def recording(data_dir: Path, name: str) -> list[Heard]:
    path = data_dir / "houston" / name
    if not path.is_file():
        pytest.skip(f"no recording at {path}")
    return list(read_recording(path))


@pytest.fixture(scope="module")
def derecho(data_dir: Path) -> list[Heard]:
    return recording(data_dir, "houston_active_incidents_2024-05-15_17_derecho.jsonl.gz")


def by_incident(events: Sequence[Event]) -> dict[str, list[dict[str, Any]]]:
    incidents: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        incidents[event.key].append(dict(event.value or {}))
    return incidents


def keys_heard(heard: Sequence[Heard]) -> set[tuple[Any, ...]]:
    lines = [line["attributes"] for one in heard for line in json.loads(one.body)["features"]]
    return {(line["Agency"], line["CALL_TIME"], line["UID"], line["IncidentType"]) for line in lines}


def test_a_storm_of_6815_keys_is_5160_incidents(derecho: list[Heard]) -> None:
    events, readings, place = read_all(houston(), derecho)
    incidents = by_incident(events)
    topics = Counter(event.topic for event in events if event.value and event.value["revision"] == 1)

    assert len(keys_heard(derecho)) == 6815
    assert (len(incidents), topics["fire.incident"], topics["police.incident"]) == (5160, 4072, 1088)
    assert not [aside for reading in readings for aside in reading.aside], "nothing in the DLQ"
    assert not [word for reading in readings for word in reading.noted], "every word of the city is known"
    assert len(json.dumps(place)) < 150_000


def test_revisions_count_up_and_each_says_something_new(derecho: list[Heard]) -> None:
    events, _, _ = read_all(houston(), derecho)
    for revisions in by_incident(events).values():
        assert [one["revision"] for one in revisions] == list(range(1, len(revisions) + 1))
        assert len({one["event_time"] for one in revisions}) == 1
        assert len({one["agency_case_no"] for one in revisions}) == 1
        for before, after in pairwise(revisions):
            apart = {"event_id", "received_time", "revision"}
            assert {k: v for k, v in before.items() if k not in apart} != {
                k: v for k, v in after.items() if k not in apart
            }


def test_the_crashes_that_the_fire_department_went_to_are_127(derecho: list[Heard]) -> None:
    events, _, _ = read_all(houston(), derecho)
    kinds = {"crash.vehicle", "crash.motorcycle", "crash.pedestrian"}
    crashes = {e.key for e in events if e.value and e.value["agency"] == "hfd" and e.value["kind"] in kinds}
    assert len(crashes) == 127


def test_the_first_half_then_the_rest_is_the_storm_at_once(derecho: list[Heard]) -> None:
    whole, _, whole_place = read_all(houston(), derecho)
    first, _, place = read_all(houston(), derecho[:138])
    rest, _, rest_place = read_all(houston(), derecho[138:], json.loads(json.dumps(place)))
    assert first + rest == whole
    assert rest_place == whole_place


def test_nothing_closes_by_polls_that_failed(derecho: list[Heard]) -> None:
    failing: list[Heard] = []
    for number, heard in enumerate(derecho):
        at = (heard.at_ms or 0) + 1
        failing += [heard, Heard((b"", b"<html>", heard.body[: len(heard.body) // 2])[number % 3], at)]
    plain, _, _ = read_all(houston(), derecho)
    events, readings, _ = read_all(houston(), failing)
    assert events == plain
    assert sum(len(reading.aside) for reading in readings) == 2 * len(derecho) // 3


def test_the_form_of_2022_is_read_with_12_rows_without_a_place(data_dir: Path) -> None:
    heard = recording(data_dir, "houston_active_incidents_legacy_2022-01-01.jsonl.gz")
    events, readings, _ = read_all(houston(), heard)
    assert not [aside for reading in readings for aside in reading.aside]
    assert not [word for reading in readings for word in reading.noted]
    nowhere = [r for r in by_incident(events).values() if r[0]["position"] is None]
    assert nowhere
    rows = [line for one in heard for line in json.loads(one.body)["ActiveIncidentDataTable"]]
    assert sum(line["XCoord"] == "" for line in rows) == 12
    first = min(int(one["event_time"]) for one in (r[0] for r in by_incident(events).values()))
    assert first < int(heard[0].at_ms or 0) < first + 12 * 3600_000, "local time was read as Houston's"


def test_the_form_of_2022_places_every_row_that_has_coordinates_and_its_empty_table_closes_nothing(
    data_dir: Path,
) -> None:
    heard = recording(data_dir, "houston_active_incidents_legacy_2022-01-01.jsonl.gz")
    (empty,) = [one for one in heard if not json.loads(one.body)["ActiveIncidentDataTable"]]
    assert empty.at_ms == 1_641_020_280_000, "1 January 2022 06:58 UTC"
    source, place = houston(), dict[str, Any]()
    for one in heard:
        reading = source.read(one, place)
        place = dict(reading.place)
        if one is empty:
            assert not reading.events
    rows = [line for one in heard for line in json.loads(one.body)["ActiveIncidentDataTable"]]
    stands = {(float(line["YCoord"]) / 1e6, float(line["XCoord"]) / 1e6) for line in rows if line["XCoord"]}
    events, _, _ = read_all(houston(), heard)
    told = {
        (event.value["position"]["lat"], event.value["position"]["lon"])
        for event in events
        if event.value is not None and event.value["position"] is not None
    }
    assert told == {(lat, lon if lon < 0 else -lon) for lat, lon in stands}


def test_single_bodies_play_too(data_dir: Path) -> None:
    for path in sorted((data_dir / "houston" / "raw").glob("*.json")):
        events, readings, _ = read_all(houston(), list(read_recording(path)))
        assert len(events) > 20
        assert not readings[0].aside


def test_of_5624_devices_1799_are_placed_cameras(data_dir: Path) -> None:
    path = data_dir / "korea" / "daejeon_cctv_cp949.csv"
    if not path.is_file():
        pytest.skip(f"no device list at {path}")
    source: Any = load_source("daejeon_devices", DAEJEON, {"path": str(path)})
    (heard,) = read_recording(path)
    reading = source.read(heard, {})
    placed = [event for event in reading.events if event.value["position"] is not None]
    in_cameras = sum("CTV" in aside.original.decode("cp949").split(",")[0] for aside in reading.aside)
    assert len(reading.events) + in_cameras == 4102
    assert len(reading.aside) == 5
    assert len(reading.events) + len(reading.aside) + sum(reading.skipped.values()) == 5624
    assert len(placed) == 1799
