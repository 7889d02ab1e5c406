"""Messages of the simulated city's devices and agencies, each in its maker's or agency's own form. Pure.

A round takes ``ROUND_S`` seconds and begins anew at other places. In each: a crash that buses crawl past; smoke that two
cameras see before anybody calls; an underpass that fills; a child who leaves the agreed zone; a wanted car that passes
three cameras; a person down whom nobody reports; and a burst of calls about power lines.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from connectors.simulation.chance import moved
from deploy.demo.lanes import LANES, Lane, Spot, lanes
from streams.speed.cells import cell_at, centre_of

ROUND_S = 120
BUSES = 8
CRAWL_MPS, USUAL_MPS = 1.8, 11.0
USUAL_MINUTES = 8
PLATES_EVERY_S = 12


@dataclass(frozen=True, slots=True)
class Said:
    """One message: when, in seconds after the round's start, to which source, and its body. *topic*: of MQTT."""

    after_s: float
    source: str
    body: bytes
    topic: str | None = None


def setup(seed: int, now_ms: int) -> list[Said]:
    """Messages before anything happens: hubs, the usual speeds of yesterday, the wanted car."""
    said = []
    for lane in lanes(seed):
        lat, lon = moved(*lane.crash, north_m=120, east_m=-80)
        hub = {
            "hub_id": f"hub-{lane.number}",
            "kind": "hub",
            "name": f"Hub {lane.number}",
            "operator": "city-hubs",
        }
        said.append(Said(0, "hubs", _json({**hub, "event_time": now_ms, "position": _at((lat, lon))})))
        said.append(Said(0, "usual-speeds", _lines(_usual(lane, now_ms))))
    entry = {
        "entry_id": f"wanted-{seed}",
        "plate": plate(seed),
        "agency": "112",
        "offence": "robbery",
        "legal_ground": "investigation of a robbery",
        "listed_at": _iso(now_ms),
    }
    return [*said, Said(0, "wanted-list", _json(entry))]


def plate(seed: int) -> str:
    return f"{10 + seed % 89}가{1_000 + seed * 7 % 9_000}"


def _usual(lane: Lane, now_ms: int) -> Iterator[dict[str, Any]]:
    """Minutes of yesterday, in this hour and the next, of the cell of the crash."""
    cell = cell_at(*lane.crash)
    hour_ms = 3_600_000
    for hour in (now_ms // hour_ms - 24, now_ms // hour_ms - 23):
        for minute in range(USUAL_MINUTES):
            yield {
                "cell": cell,
                "event_time": hour * hour_ms + (minute + 20) * 60_000,
                "position": _at(centre_of(cell)),
                "vehicles": 6,
                "mean_speed_mps": USUAL_MPS,
            }


def a_round(seed: int, number: int, start_ms: int) -> list[Said]:
    """All messages of one round, in order of time."""
    lane = lanes(seed)[number % LANES]
    case = f"{datetime.fromtimestamp(start_ms / 1000, UTC):%y%m%d%H%M}-{number}"
    said = [
        *_crash(lane, case, start_ms),
        *_buses(lane, start_ms),
        *_smoke(lane, case, start_ms),
        *_underpass(lane, start_ms),
        *_child(lane, case, start_ms),
        *_wanted(lane, seed, number, start_ms),
        *_fall(lane, number, start_ms),
        *_lines_down(lane, case, start_ms),
    ]
    return sorted(said, key=lambda one: one.after_s)


# -- agencies ----------------------------------------------------------------------------------------------------


def _crash(lane: Lane, case: str, start_ms: int) -> Iterator[Said]:
    near = moved(*lane.crash, north_m=40, east_m=25)
    for after_s, status in ((2, "접수"), (14, "출동"), (45, "도착"), (112, "종결")):
        yield _call(after_s, f"{case}-C", "교통사고", status, lane.crash, start_ms, 2)
    for revision, (after_s, status) in enumerate(((6, "open"), (20, "dispatched"), (113, "closed")), start=1):
        yield _report(after_s, f"{case}-P", status, near, start_ms, revision)


def _smoke(lane: Lane, case: str, start_ms: int) -> Iterator[Said]:
    frigate = f"frigate-{lane.number}"
    yield _onvif(8, f"onvif-{lane.number}", "Smoke", start_ms)
    yield _frigate(11, frigate, "smoke", start_ms)
    for after_s, status in ((26, "접수"), (34, "출동"), (114, "종결")):
        yield _call(after_s, f"{case}-F", "건물화재", status, lane.fire, start_ms, 26)


def _lines_down(lane: Lane, case: str, start_ms: int) -> Iterator[Said]:
    for number in range(9):
        at = moved(*lane.lines, north_m=(number % 3 - 1) * 330, east_m=(number // 3 - 1) * 330)
        after_s = 40 + number * 1.2
        yield _call(after_s, f"{case}-L{number}", "전선 단락", "접수", at, start_ms, after_s)
        yield _call(115, f"{case}-L{number}", "전선 단락", "종결", at, start_ms, after_s)


def _call(
    after_s: float, case_no: str, word: str, status: str, at: Spot, start_ms: int, called_s: float
) -> Said:
    row = {
        "case_no": case_no,
        "reported_at": _iso(start_ms + called_s * 1000),
        "type": word,
        "status": status,
        "units": ["펌프01"] if status == "출동" else [],
        "y": at[0],
        "x": at[1],
    }
    return Said(after_s, "dispatch-119", _json(row))


def _report(after_s: float, case_no: str, status: str, at: Spot, start_ms: int, revision: int) -> Said:
    record = {
        "event_time": _iso(start_ms + 6_000),
        "agency": "112",
        "agency_case_no": case_no,
        "kind": "crash",
        "kind_text": "교통사고",
        "status": status,
        "units": ["순찰07"] if status == "dispatched" else [],
        "revision": revision,
        "position": _at(at),
    }
    return Said(after_s, "reports-push", _json(record))


# -- cameras -----------------------------------------------------------------------------------------------------


def _onvif(after_s: float, camera: str, word: str, start_ms: int) -> Said:
    at = _iso(start_ms + after_s * 1000)
    its_class = {"Type": [{"@Likelihood": 0.86, "#text": word}]}
    seen = {"@ObjectId": "1", "Appearance": {"Class": its_class}}
    payload = {"Frame": [{"@UtcTime": at, "@Source": "analytics", "Object": [seen]}]}
    topic = f"{camera}/onvif-mj/VideoAnalytics/main"
    return Said(after_s, "cctv-onvif", _json(payload), topic)


def _frigate(after_s: float, camera: str, label: str, start_ms: int) -> Said:
    at_s = start_ms / 1000 + after_s
    after = {"camera": camera, "id": f"{at_s:.3f}-{label}", "label": label, "score": 0.83, "frame_time": at_s}
    return Said(after_s, "cctv-frigate", _json({"type": "new", "before": after, "after": after}))


def _fall(lane: Lane, number: int, start_ms: int) -> Iterator[Said]:
    """Two cameras, and nobody calls: it waits for an operator."""
    yield _onvif(30, f"onvif-{lane.number}-yard", "FallenPerson", start_ms)
    yield _frigate(33, f"frigate-{lane.number}-yard", "fallen_person", start_ms)


def _wanted(lane: Lane, seed: int, number: int, start_ms: int) -> Iterator[Said]:
    for step, _ in enumerate(lane.plates, start=1):
        after_s = 18.0 + (step - 1) * PLATES_EVERY_S
        data = {"text": plate(seed), "carID": str(number * 10 + step), "carState": "new", "confidence": 0.93}
        payload = {"timestamp": round(start_ms + after_s * 1000), "message": {"data": data}}
        yield Said(
            after_s, "cctv-plates", _json({"topic": f"plates-{lane.number}-{step}", "payload": payload})
        )


# -- sensors, wearables, vehicles --------------------------------------------------------------------------------


def _underpass(lane: Lane, start_ms: int) -> Iterator[Said]:
    for after_s, metres in ((10, 0.08), (15, 0.46), (25, 0.52), (50, 0.05), (112, 0.04)):
        record = {
            "event_time": _iso(start_ms + after_s * 1000),
            "sensor_id": f"underpass-{lane.number}",
            "quantity": "water level",
            "value": metres,
            "unit": "m",
            "threshold": 0.3,
            "place_name": f"Underpass {lane.number}",
            "position": _at(lane.underpass),
        }
        yield Said(after_s, "sensors", _json(record))


def _child(lane: Lane, case: str, start_ms: int) -> Iterator[Said]:
    away = moved(*lane.school, north_m=210, east_m=60)
    for after_s, cause, at in ((20, "zone_exit", away), (55, "zone_return", lane.school)):
        record = {
            "event_time": _iso(start_ms + after_s * 1000),
            "person_ref": f"child-{case}",
            "cause": cause,
            "consent_ref": "consent-1",
            "guardian_ref": "guardian-1",
            "photo_ref": "photo-1",
            "carrier": "telco",
            "position": _at(at),
        }
        yield Said(after_s, "wearables", _json(record))


def _buses(lane: Lane, start_ms: int) -> Iterator[Said]:
    """Buses that crawl past the crash, within its cell, from end to end and back."""
    for after_s in range(0, ROUND_S - 8, 5):
        rows = ["bus,at,lat,lon,speed"]
        for number in range(BUSES):
            way = (after_s * CRAWL_MPS + number * 40) % 320
            east_m = way - 80 if way < 160 else 240 - way
            lat, lon = moved(*lane.crash, north_m=number * 12 - 40, east_m=east_m)
            rows.append(
                f"{lane.number}{number:02d},{_iso(start_ms + after_s * 1000)},{lat},{lon},{CRAWL_MPS}"
            )
        yield Said(after_s, "buses", "\n".join(rows).encode())


def _at(spot: Spot) -> dict[str, float]:
    return {"lat": spot[0], "lon": spot[1]}


def _iso(at_ms: float) -> str:
    whole = datetime.fromtimestamp(math.floor(at_ms / 1000), UTC) + timedelta(
        milliseconds=round(at_ms % 1000)
    )
    return whole.isoformat(timespec="milliseconds")


def _json(value: Any) -> bytes:
    return orjson.dumps(value)


def _lines(values: Iterator[dict[str, Any]]) -> bytes:
    return b"\n".join(orjson.dumps(value) for value in values)
