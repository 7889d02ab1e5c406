"""Messages of the simulated Mukdahan: a river that is a border, a park, and drones over both. Pure.

The river bend, the park and the town are drawn by hand; nothing that happens on them is real. A round takes ``ROUND_S``
seconds. In each: a patrol drone flies along the river and films; a visitor's drone flies where it may; one that nobody
registered comes over the park; another contradicts itself; smoke rises, and 199 is called; a boat crosses, and people
are seen on the bank. The night in which nobody may cross is drawn around the moment at which the demo begins.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from connectors.simulation.chance import moved
from deploy.demo.field import ROUND_S, Said
from deploy.demo.signals import Flying, capture, klv, mavlink, remote_id
from streams.geo import distance_m

Spot = tuple[float, float]
BANGKOK = timezone(timedelta(hours=7))
RIVER: tuple[Spot, ...] = (
    (16.600, 104.752), (16.580, 104.747), (16.560, 104.744), (16.545, 104.745), (16.530, 104.749),
    (16.515, 104.757), (16.500, 104.768), (16.480, 104.782), (16.460, 104.795), (16.440, 104.805),
)  # fmt: skip
"""Its middle, from north to south: a bend drawn by hand."""
HALF_WIDTH_M = 350.0
BORDER_M = 5_000.0
PARK: tuple[Spot, ...] = (
    (16.470, 104.735), (16.472, 104.755), (16.462, 104.768), (16.448, 104.770), (16.440, 104.752), (16.452, 104.736),
)  # fmt: skip
PIER: Spot = (16.5445, 104.7385)
TOWN: Spot = (16.5440, 104.7220)
PATROL, VISITOR, STRANGER, LIAR = "patrol-1", "1581B3S1MV1S1T01", "1581B3S1MSTRANG1", "1581B3S1MJUMPER1"
MISSION = "river-patrol"
PATROL_MPS, PATROL_M = 14.0, 110.0
WATER = {"stroke": "#4d8fc4", "stroke-width": 1, "fill": "#4d8fc4", "fill-opacity": 0.35}
WOOD = {"stroke": "#4f8f5b", "stroke-width": 1.5, "fill": "#4f8f5b", "fill-opacity": 0.25}
ADDRESSES = {VISITOR: 1, STRANGER: 2, LIAR: 3}


def setup(seed: int, now_ms: int) -> list[Said]:
    """Messages before anything happens: the zones, and the patrol's mission."""
    return [
        Said(0, "zones", _json({"type": "FeatureCollection", "features": list(_zones(now_ms))})),
        _mission(now_ms),
    ]


def a_round(seed: int, number: int, start_ms: int) -> list[Said]:
    """All messages of one round, in order of time."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - repeatable on purpose
    fire = moved(*_on_river(0.35), north_m=chance.uniform(-60, 60), east_m=-500 + chance.uniform(-60, 60))
    said = [
        _mission(start_ms),
        *_patrol(number, start_ms),
        *_remote(number, start_ms),
        *_smoke(fire, number, start_ms),
        *_crossing(number, start_ms, chance),
    ]
    return sorted(said, key=lambda one: one.after_s)


# -- places ------------------------------------------------------------------------------------------------------


def _zones(now_ms: int) -> Iterator[dict[str, Any]]:
    """The park, the border and the river, with their limits; the night is that of the demo."""
    now = datetime.fromtimestamp(now_ms / 1_000, BANGKOK)
    night = {
        "days": [],
        "from": f"{now - timedelta(hours=1):%H:00}",
        "until": f"{now + timedelta(hours=4):%H:00}",
    }
    west, east = _bank(-HALF_WIDTH_M), _bank(HALF_WIDTH_M)
    river = [*west, *reversed(east)]
    border = [*_bank(-BORDER_M), *reversed(east)]
    yield _feature("park", "อุทยาน (วาด)", "park", PARK, applies_to=["unknown_drone"], priority=5)
    yield _feature(
        "border", "ชายแดน 5 กม. (วาด)", "border", border, applies_to=["unknown_drone"], ceiling=4_000.0,
        ceiling_reference="above_ground", priority=1,
    )  # fmt: skip
    yield _feature(
        "river", "แม่น้ำ (วาด)", "border", river, applies_to=["boat", "person"], hours=[night], priority=8
    )


def _feature(
    zone_id: str, name: str, kind: str, ring: list[Spot] | tuple[Spot, ...], **said: Any
) -> dict[str, Any]:
    corners = [[round(lon, 6), round(lat, 6)] for lat, lon in (*ring, ring[0])]
    properties = {"id": zone_id, "name": name, "kind": kind, "sense": "exclusion", **said}
    return {
        "type": "Feature",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [corners]},
    }


def _bank(east_m: float) -> list[Spot]:
    return [moved(*one, north_m=0, east_m=east_m) for one in RIVER]


def _on_river(share: float) -> Spot:
    """The place at that share of the river's length, in its middle."""
    legs = [distance_m(*one, *other) for one, other in pairwise(RIVER)]
    left = max(0.0, min(1.0, share)) * sum(legs)
    for number, leg in enumerate(legs):
        if left <= leg:
            return _between(RIVER[number], RIVER[number + 1], left / leg)
        left -= leg
    return RIVER[-1]


def _between(one: Spot, other: Spot, share: float) -> Spot:
    return one[0] + (other[0] - one[0]) * share, one[1] + (other[1] - one[1]) * share


def _flying(at: Spot, ahead: Spot, at_ms: float, above_m: float, speed_mps: float) -> Flying:
    north = ahead[0] - at[0]
    east = (ahead[1] - at[1]) * math.cos(math.radians(at[0]))
    return Flying(round(at_ms), at[0], at[1], above_m, speed_mps, math.degrees(math.atan2(east, north)) % 360)


def ground_text(folder: Path) -> str:
    """Write the drawn ground into *folder*; the part of the city's file that names it."""
    bed = [*_bank(-HALF_WIDTH_M), *reversed(_bank(HALF_WIDTH_M))]
    shapes = (("river.geojson", bed, WATER), ("park.geojson", list(PARK), WOOD))
    for name, ring, style in shapes:
        feature = _feature(name, name, "ground", ring)
        feature["properties"] = style
        (folder / name).write_bytes(_json({"type": "FeatureCollection", "features": [feature]}))
    names = ", ".join(f'"{name}"' for name, _, _ in shapes)
    return f"[map]\nlayers = [{names}]\n"


# -- our own drone -----------------------------------------------------------------------------------------------


def _mission(at_ms: int) -> Said:
    record = {
        "event_time": _iso(at_ms),
        "mission_id": MISSION,
        "drone_id": PATROL,
        "agency": "191",
        "status": "active",
        "notice_id": "exercise-notice-1",
        "legal_ground": "PDPA s. 24(4)",
        "purposes": ["crime-prevention", "fire-safety"],
        "registration": "exercise-TH-1",
        "video_ref": PATROL,
        "cruise_mps": PATROL_MPS,
        "endurance_s": 1_500.0,
        "starts_at": _iso(at_ms),
        "ends_at": _iso(at_ms + 1_800_000),
    }
    return Said(0, "missions", _json(record))


def _patrol(number: int, start_ms: int) -> Iterator[Said]:
    """Along the Thai bank and back, over the first part of the river; each second its link and its film."""
    length = ROUND_S * PATROL_MPS
    for second in range(ROUND_S):
        way = (number * ROUND_S + second) * PATROL_MPS
        at, ahead = (_bank_at(_there_and_back(way + more, length)) for more in (0, 5))
        flying = _flying(at, ahead, start_ms + second * 1_000, PATROL_M, PATROL_MPS)
        yield Said(second, "patrol-link", mavlink([flying], 1))
        corners = [
            moved(*at, north_m=north, east_m=east)
            for north, east in ((140, -190), (140, 190), (-140, 190), (-140, -190))
        ]
        yield Said(second, "patrol-video", klv(flying, PATROL, MISSION, corners, at))


def _there_and_back(way_m: float, length_m: float) -> float:
    left = way_m % (2 * length_m)
    return left if left <= length_m else 2 * length_m - left


def _bank_at(way_m: float) -> Spot:
    """The place on the Thai bank after so many metres from a place above the town."""
    whole = sum(distance_m(*one, *other) for one, other in pairwise(RIVER))
    return moved(*_on_river(0.25 + way_m / whole), north_m=0, east_m=-HALF_WIDTH_M)


# -- others' drones ----------------------------------------------------------------------------------------------


def _remote(number: int, start_ms: int) -> Iterator[Said]:
    """One capture a second, of all that the receivers hear: a visitor, a stranger over the park, and one that jumps."""
    entry = moved(*PARK[0], north_m=400, east_m=-300)
    for second in range(0, ROUND_S - 20):
        at_ms = start_ms + second * 1_000
        frames = []
        angle = math.radians((number * ROUND_S + second) * 2)
        ring = moved(*TOWN, north_m=300 * math.cos(angle), east_m=300 * math.sin(angle))
        ahead = moved(*TOWN, north_m=300 * math.cos(angle + 0.1), east_m=300 * math.sin(angle + 0.1))
        frames.append(_beacon(_flying(ring, ahead, at_ms, 60, 10.5), VISITOR, TOWN))
        if 15 <= second < 75:
            at = _between(entry, PARK[3], (second - 15) / 90)
            frames.append(_beacon(_flying(at, PARK[3], at_ms, 80, 13), STRANGER, entry))
        if 45 <= second < 80:
            at = moved(*TOWN, north_m=-600 + second * 5, east_m=-900)
            if second >= 55:
                at = moved(*at, north_m=0, east_m=2_600)
            frames.append(_beacon(_flying(at, moved(*at, north_m=50, east_m=0), at_ms, 70, 5), LIAR, TOWN))
        yield Said(second, "remote-id", capture(frames))


def _beacon(flying: Flying, serial: str, pilot: Spot) -> tuple[int, bytes]:
    return remote_id(flying, bytes((2, 0, 0, 0, 0, ADDRESSES[serial])), serial, pilot)


# -- smoke, boats, people ----------------------------------------------------------------------------------------


def _smoke(fire: Spot, number: int, start_ms: int) -> Iterator[Said]:
    for after_s, camera in ((30, "mast-1"), (33, "mast-2")):
        yield _seen(after_s, camera, "smoke", fire, start_ms, f"s{number}")
    for revision, (after_s, status) in enumerate(
        ((40, "open"), (52, "dispatched"), (112, "closed")), start=1
    ):
        record = {
            "event_time": _iso(start_ms + 40_000),
            "agency": "199",
            "agency_case_no": f"F{start_ms // 1_000}",
            "kind": "fire.vegetation",
            "kind_text": "ไฟไหม้หญ้า",
            "status": status,
            "units": ["รถดับเพลิง 2"] if status == "dispatched" else [],
            "revision": revision,
            "position": _at(fire),
        }
        yield Said(after_s, "calls-199", _json(record))


def _crossing(number: int, start_ms: int, chance: random.Random) -> Iterator[Said]:
    """A boat from bank to bank, seen by a thermal camera, and two people who wait for it."""
    share = 0.3 + chance.uniform(0, 0.1)
    near, far = (moved(*_on_river(share), north_m=0, east_m=side * 420) for side in (-1, 1))
    for step in range(12):
        yield _seen(
            60 + step * 4, "thermal-1", "boat", _between(far, near, step / 11), start_ms, f"b{number}"
        )
    waiting = moved(*near, north_m=0, east_m=110)
    for after_s in range(70, 108, 5):
        for who in (1, 2):
            at = moved(*waiting, north_m=6 * who, east_m=0)
            yield _seen(after_s, "thermal-1", "person", at, start_ms, f"p{number}-{who}")


def _seen(after_s: float, camera: str, label: str, at: Spot, start_ms: int, track: str) -> Said:
    record = {
        "event_time": _iso(start_ms + after_s * 1_000),
        "camera_id": camera,
        "track_id": track,
        "label": label,
        "confidence": 0.86,
        "position": _at(at),
        "position_source": "analytics",
    }
    return Said(after_s, "cameras-ai", _json(record))


def _at(spot: Spot) -> dict[str, float]:
    return {"lat": round(spot[0], 7), "lon": round(spot[1], 7)}


def _iso(at_ms: float) -> str:
    return datetime.fromtimestamp(round(at_ms) / 1_000, UTC).isoformat(timespec="milliseconds")


def _json(value: Any) -> bytes:
    return orjson.dumps(value)
