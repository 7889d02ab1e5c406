"""Seeded flights of drones as rows of ``drone.position``: honest ones, and ten ways to contradict oneself.

Written from what receivers hear, not from the code that judges: a true way, and over it noise of 10 m, gaps, clocks that
are off, and a hand-over in which two receivers hear the same frame at different times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from schemas.catalogue import load_catalogue

Row = dict[str, Any]
NOON_MS = 1_772_960_400_000
LAT, LON = 16.54, 104.72
M_OF_DEG = 111_195.0
FAULT_S = 60
"""When a flight that lies begins to."""


def place(north_m: float, east_m: float, accuracy_m: float | None = None) -> dict[str, Any]:
    lat = LAT + north_m / M_OF_DEG
    lon = LON + east_m / (M_OF_DEG * math.cos(math.radians(LAT)))
    return {"lat": round(lat, 7), "lon": round(lon, 7), "accuracy_m": accuracy_m}


def a_position(at_ms: int, **said: Any) -> Row:
    fields = [one["name"] for one in load_catalogue()["drone.position"].newest["fields"]]
    return dict.fromkeys(fields) | {
        "event_id": f"{said.get('drone_id', 'D')} {at_ms} {said.get('receiver')}",
        "city": "mukdahan",
        "source": "remote-id",
        "event_time": at_ms,
        "received_time": at_ms,
        "drone_id": "D",
        "id_kind": "serial",
        "id_verdict": "valid",
        "known_as": "unknown",
        "flight_status": "airborne",
        "faults": [],
        **said,
    }


def true_way(chance: Random, seconds: int) -> Iterator[tuple[float, float, float, float]]:
    """Metres north, east and up, and the speed, each second: on the ground, up, legs and hovering, down."""
    north = east = up = 0.0
    speed, track, wanted = 0.0, chance.uniform(0, 2 * math.pi), 0.0
    for second in range(seconds):
        if second < 5 or second > seconds - 5:
            wanted, up = 0.0, 0.0
        elif second < 15:
            up += 6
        elif second > seconds - 25:
            wanted, up = 0.0, max(0.0, up - 4)
        elif second % 20 == 15:
            wanted = chance.choice((0.0, 5.0, 12.0, 18.0, 25.0))
            track += chance.uniform(-2.5, 2.5)
        speed += max(-6.0, min(6.0, wanted - speed))
        north, east = north + speed * math.cos(track), east + speed * math.sin(track)
        yield north, east, up, speed


def honest(seed: int, seconds: int = 150) -> list[Row]:
    """The rows of one honest flight in the order of their hearing."""
    chance = Random(seed)
    accuracy = chance.choice((3.0, 10.0, 30.0, None))
    says_speed, pilot_kind = chance.random() < 0.8, chance.choice((None, "takeoff", "live"))
    clocks = {"mast-1": chance.uniform(-2, 2), "mast-2": chance.uniform(-2, 2)}
    hand_over, gap_s = chance.randrange(50, 100), chance.randrange(20, seconds)
    heard: list[tuple[float, Row]] = []
    for second, (north, east, up, speed) in enumerate(true_way(chance, seconds)):
        frame = {
            "position": place(north + chance.gauss(0, 7), east + chance.gauss(0, 7), accuracy),
            "speed_mps": max(0.0, speed + chance.gauss(0, 0.5)) if says_speed else None,
            "speed_accuracy_mps": chance.choice((None, 1.0)),
            "above_ground_m": up + chance.gauss(0, 3),
            "flight_status": "ground" if up == 0 else "airborne",
            "transmitter": "tx-1",
            "operator_position_kind": pilot_kind,
            "operator_position": _pilot(chance, second, pilot_kind),
        }
        if gap_s <= second < gap_s + 10:
            continue
        hearing = [
            one for one, on in (("mast-1", second < hand_over + 15), ("mast-2", second >= hand_over)) if on
        ]
        for receiver in hearing:
            delay_s = chance.uniform(0.05, 0.4) if receiver == "mast-1" else chance.uniform(0.5, 3.0)
            at_ms = NOON_MS + round((second + clocks[receiver] + chance.uniform(-0.1, 0.1)) * 1000)
            arrives_ms = NOON_MS + round((second + delay_s) * 1000)
            row = a_position(at_ms, receiver=receiver, **frame)
            row["received_time"] = max(at_ms, arrives_ms)
            heard.append((arrives_ms, row))
    return [row for _, row in sorted(heard, key=lambda one: one[0])]


def _pilot(chance: Random, second: int, kind: str | None) -> dict[str, Any] | None:
    if kind is None:
        return None
    walked = second * 1.3 if kind == "live" else 0.0
    return place(20 + walked + chance.gauss(0, 5), -15 + chance.gauss(0, 5), 10.0)


def lying(kind: str, seed: int) -> list[Row]:
    """A flight that is honest and plain (one receiver, sound clock) for ``FAULT_S``, and then lies as *kind* says."""
    chance = Random(f"{kind} {seed}")
    cruise, track = chance.uniform(9, 22), chance.uniform(0, 2 * math.pi)
    has_speed, known_as = chance.random() < 0.7, "own" if kind == "address_changed" else "unknown"
    rows: list[Row] = []
    for second in range(FAULT_S + 20):
        north, east = cruise * second * math.cos(track), cruise * second * math.sin(track)
        at_ms = NOON_MS + second * 1000 + chance.randrange(-100, 100)
        where = place(north + chance.gauss(0, 7), east + chance.gauss(0, 7), chance.choice((3.0, 10.0, None)))
        row = a_position(
            at_ms,
            position=where,
            receiver="mast-1",
            transmitter="tx-1",
            known_as=known_as,
            speed_mps=cruise if has_speed or kind == "frozen" else None,
            operator_position=place(10, 10, 10.0),
            operator_position_kind="live" if kind == "operator_follows" else "takeoff",
            above_ground_m=80.0,
        )
        if second >= FAULT_S:
            LIES[kind](row, second - FAULT_S, rows, Random(f"{kind} {seed} lie"), (north, east, track))
        rows.append(row)
    return rows


Way = tuple[float, float, float]


def _jump(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    off_m, towards = chance.uniform(600, 20_000), chance.uniform(0, 6.28)
    row["position"] = place(way[0] + off_m * math.cos(towards), way[1] + off_m * math.sin(towards), 10.0)


def _speed(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    mps, is_said = chance.uniform(150, 250), chance.random() < 0.5
    row["speed_mps"] = mps if is_said else None
    more = 0 if is_said else mps * (since + 1)
    row["position"] = place(way[0] + more * math.cos(way[2]), way[1] + more * math.sin(way[2]), 10.0)


def _two_places(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    off_m, by_receiver = chance.uniform(2_000, 30_000), chance.random() < 0.5
    if since % 2 == 0:
        row["receiver" if by_receiver else "transmitter"] = "another"
        row["position"] = place(way[0] + off_m, way[1], 10.0)


def _operator_far(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    row["operator_position"] = place(
        way[0] + chance.uniform(50_000, 300_000), way[1], chance.choice((10.0, None))
    )


def _operator_follows(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    off_lat, off_lon = chance.uniform(-1e-4, 1e-4), chance.uniform(-1e-4, 1e-4)
    at = row["position"]
    row["operator_position"] = {"lat": at["lat"] + off_lat, "lon": at["lon"] + off_lon, "accuracy_m": 5.0}


def _bad_serial(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    row["id_verdict"] = "invalid"


def _replayed(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    back_s, is_old_time = chance.randrange(20, FAULT_S), chance.random() < 0.5
    before = rows[FAULT_S - back_s + since]
    for name in ("position", "speed_mps"):
        row[name] = before[name]
    if is_old_time:
        row["event_time"] = before["event_time"]


def _frozen(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    row["position"] = rows[FAULT_S - 1]["position"]


def _too_high(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    row[chance.choice(("above_ground_m", "above_sea_m", "above_wgs84_m"))] = chance.uniform(10_000, 31_000)


def _address_changed(row: Row, since: int, rows: list[Row], chance: Random, way: Way) -> None:
    row["transmitter"] = f"tx-{chance.randrange(2, 99)}"


LIES: Mapping[str, Callable[[Row, int, list[Row], Random, Way], None]] = {
    "jump": _jump,
    "speed": _speed,
    "two_places": _two_places,
    "operator_far": _operator_far,
    "operator_follows": _operator_follows,
    "bad_serial": _bad_serial,
    "replayed": _replayed,
    "frozen": _frozen,
    "too_high": _too_high,
    "address_changed": _address_changed,
}
