"""Aircraft as JSON: state rows and aircraft.json, none backwards, none a drone, and no value invented."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source
from schemas.errors import Fatal
from tests.unit.connectors.telemetry import lost_on_the_wire, values

CITY = SourceContext("springfield", "adsb", ZoneInfo("America/Chicago"), Bounds(29.4, -95.95, 30.2, -94.95))
NOON_MS = 1_772_971_200_000
"""8 March 2026, 12:00 UTC."""
NOON_S = NOON_MS / 1000
KNOT_MPS = 0.514444444
"""1,852 m an hour."""


def row(at_s: float = 0, **about: Any) -> dict[str, Any]:
    usual = {
        "timestamp": NOON_MS + round(at_s * 1000),
        "icao24": "a0b0c1",
        "latitude": 29.7,
        "longitude": -95.3,
        "altitude": 1200.0,
        "geoaltitude": None,
        "groundspeed": 100.0,
        "track": 90.0,
        "vertical_rate": -64.0,
        "callsign": "MADEUP1 ",
        "squawk": "1200",
        "onground": None,
    }
    return usual | about


def craft(**about: Any) -> dict[str, Any]:
    usual = {"hex": "a0b0c1", "lat": 29.7, "lon": -95.3, "seen_pos": 0.0, "gs": 100.0, "track": 90.0}
    return usual | about


def reads(body: object, *, at_ms: int | None = None, place: Any = None, **config: Any) -> Reading:
    source: Any = load_source("adsb_json", CITY, config)
    reading: Reading = source.read(Heard(orjson.dumps(body), at_ms), {} if place is None else place)
    return reading


def receiver(*aircraft: dict[str, Any], at_s: float = 0, place: Any = None, **config: Any) -> Reading:
    return reads({"now": NOON_S + at_s, "messages": 7, "aircraft": aircraft}, place=place, **config)


def test_a_state_row_is_a_position_of_a_manned_aircraft() -> None:
    (event,) = reads([row(flight_id="MADEUP1_001")], vehicle_types={"A0B0C1": "helicopter"}).events
    assert (event.topic, event.key) == ("mobility.position", "a0b0c1")
    assert event.value is not None
    told = {
        name: event.value[name]
        for name in ("event_time", "vehicle_type", "operator", "label", "trip_id", "bearing_deg", "is_stale")
    }
    assert told == {
        "event_time": NOON_MS,
        "vehicle_type": "helicopter",
        "operator": "unknown",
        "label": "MADEUP1",
        "trip_id": "MADEUP1_001",
        "bearing_deg": 90.0,
        "is_stale": False,
    }
    assert event.value["position"] == {"lat": 29.7, "lon": -95.3, "accuracy_m": None}
    assert event.value["speed_mps"] == pytest.approx(100 * KNOT_MPS)
    assert not lost_on_the_wire([event])


def test_an_aircraft_of_a_receiver_is_placed_when_its_place_was_heard() -> None:
    reading = receiver(
        craft(seen_pos=2.5, flight="MADEUP2 ", category="A3"), craft(hex="a0b0c2", category="A7")
    )
    helicopter, aircraft = sorted(values(reading), key=lambda one: -one["event_time"])
    assert (aircraft["event_time"], aircraft["label"], aircraft["vehicle_type"]) == (
        NOON_MS - 2_500,
        "MADEUP2",
        "aircraft",
    )
    assert (helicopter["vehicle_type"], helicopter["label"]) == ("helicopter", None)


def test_an_unmanned_aircraft_is_counted_and_never_a_vehicle() -> None:
    reading = receiver(craft(category="B6"), craft(hex="a0b0c2", category="C2"))
    assert [(one["vehicle_id"], one["vehicle_type"]) for one in values(reading)] == [("a0b0c2", "other")]
    assert reading.skipped == {"unmanned aircraft": 1}


def test_rows_in_any_order_are_told_in_order_and_no_aircraft_goes_back() -> None:
    first = reads([row(5), row(0), row(3, icao24="a0b0c2"), row(5)])
    assert [one["event_time"] - NOON_MS for one in values(first)] == [0, 3_000, 5_000]
    assert first.skipped == {"said twice of one vehicle and moment": 1}
    second = reads([row(4), row(5), row(6), row(2, icao24="a0b0c3")], place=first.place)
    assert [event.key for event in second.events] == ["a0b0c3", "a0b0c1"]
    assert second.skipped == {"no newer than what its vehicle said before": 2}


@pytest.mark.parametrize(("at_s", "seen_pos", "told"), [(1, 1.1, 0), (1, 1.0, 0), (1, 0.8, 0), (1, 0.5, 1)])
def test_one_place_told_by_two_polls_is_told_once(at_s: float, seen_pos: float, told: int) -> None:
    """``seen_pos`` is rounded to a tenth: the same moment may seem a little newer."""
    place = receiver(craft()).place
    assert len(receiver(craft(seen_pos=seen_pos), at_s=at_s, place=place).events) == told


def test_what_is_unknown_is_null_and_noted_never_a_number() -> None:
    reading = reads(
        [
            row(0, latitude=0.0, longitude=0.0, groundspeed=4095.0, track=361.0),
            row(1, groundspeed=-1.0, track=None, callsign="@@@@@@@@"),
            row(2, groundspeed=None, track=360.0, callsign=None),
        ]
    )
    first, second, third = values(reading)
    assert (first["position"], first["speed_mps"], first["bearing_deg"]) == (None, None, None)
    assert (second["speed_mps"], second["bearing_deg"], second["label"]) == (None, None, None)
    assert (third["speed_mps"], third["bearing_deg"], third["label"]) == (None, 360.0, None)
    assert reading.noted == {
        "position unknown": 1,
        "speed beyond what can be": 1,
        "speed below zero": 1,
        "bearing beyond the compass": 1,
    }


def test_a_fast_aircraft_is_no_train() -> None:
    (value,) = values(reads([row(groundspeed=600.0)]))
    assert value["speed_mps"] == pytest.approx(600 * KNOT_MPS)


def test_what_lies_beyond_the_city_or_has_no_place_is_counted() -> None:
    reading = receiver(
        craft(lat=40.0), craft(hex="~b0b0b0"), {"hex": "a0b0c4", "alt_baro": 30_000}, craft(hex="a0b0c5")
    )
    assert [event.key for event in reading.events] == ["a0b0c5"]
    assert reading.skipped == {
        "aircraft outside the city": 1,
        "address that is none of ICAO's": 1,
        "aircraft without a position": 1,
    }
    assert not reading.aside
    assert reads([row(latitude=None, longitude=None)]).skipped == {"aircraft without a position": 1}


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (row(icao24="ffffff"), "icao24"),
        (row(icao24="a0b0c"), "icao24"),
        (row(icao24=None), "icao24"),
        (row(latitude=95.0), "position.lat"),
        (row(longitude=None), "position.lon"),
        (row(timestamp=None), "timestamp"),
        (row(timestamp=NOON_MS // 1000), "timestamp"),
        (row(timestamp=NOON_MS + 10**6), "timestamp"),
        (row(groundspeed="fast"), "groundspeed"),
    ],
)
def test_a_bad_row_alone_is_set_aside(bad: dict[str, Any], field: str) -> None:
    reading = reads([bad, row(icao24="a0b0c2")], at_ms=NOON_MS + 1_000)
    (aside,) = reading.aside
    assert [event.key for event in reading.events] == ["a0b0c2"]
    assert (orjson.loads(aside.original), aside.field) == (bad, field)


def test_a_bad_aircraft_can_be_read_again_with_the_moment_of_its_list() -> None:
    (aside,) = receiver(craft(hex="a0b0c1", lat=95.0, seen_pos=2.0), craft(hex="a0b0c2")).aside
    mended = aside.before + aside.original.replace(b"95.0", b"29.5") + aside.after
    (value,) = values(reads(orjson.loads(mended)))
    assert value["event_time"] == NOON_MS - 2_000


def test_a_body_of_another_kind_is_set_aside_whole() -> None:
    bodies: list[dict[str, Any]] = [{"aircraft": []}, {"now": NOON_S}, {"now": "soon", "aircraft": []}]
    for body in bodies:
        assert len(reads(body).aside) == 1


def test_an_old_place_is_stale_on_arrival() -> None:
    (fresh,) = values(reads([row()], at_ms=NOON_MS + 60_000))
    (stale,) = values(reads([row()], at_ms=NOON_MS + 60_001))
    assert (fresh["is_stale"], stale["is_stale"]) == (False, True)


def test_a_setting_that_cannot_be_is_refused() -> None:
    with pytest.raises(Fatal, match="hexadecimal"):
        reads([], vehicle_types={"N342WN": "helicopter"})


def test_no_more_aircraft_than_a_bound_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.subjects.aircraft.AIRCRAFT_MAX", 2)
    reading = reads([row(number, icao24=f"a0b0c{number}") for number in range(5)])
    assert list(reading.place["newest"]) == ["a0b0c3", "a0b0c4"]


def test_a_rescue_helicopter_s_day_is_told_whole(data_dir: Path) -> None:
    rows = orjson.loads(gzip.decompress((data_dir / "drone/adsb/rega_sg_2019-05-23.json.gz").read_bytes()))
    swiss = SourceContext("st-gallen", "adsb", ZoneInfo("Europe/Zurich"), Bounds(45.8, 5.9, 47.9, 10.6))
    source: Any = load_source("adsb_json", swiss, {"vehicle_types": {"4b43ac": "helicopter"}})
    reading = source.read(Heard(orjson.dumps(rows), None), {})
    assert len(reading.events) == len(rows) == 1_080
    assert Counter(one["vehicle_type"] for one in values(reading)) == {"helicopter": 1_080}
    assert {one["label"] for one in values(reading)} == {"REGA1"}
    fastest = max(row["groundspeed"] for row in rows)
    assert max(one["speed_mps"] for one in values(reading)) == pytest.approx(fastest * KNOT_MPS)
    assert not lost_on_the_wire(list(reading.events))
