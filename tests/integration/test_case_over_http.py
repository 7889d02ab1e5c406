"""A missing person's case at a real gateway: opened, read, confirmed, closed; its words stand in no file at any time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from connectors.transport.case_keys import CaseKeys
from deploy.settings import Endpoints, given, home_folder
from deploy.topics import ensure_topics
from schemas.event import Event, event_fields
from streams.cases.sealing import sealed
from streams.operators.publisher import Publisher
from tests.a_gateway import FILE, PushedCity
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster
CITY = "casecity"
CANARY = b"canary"
HOUR = 3_600_000
AREA = {
    "type": "Polygon",
    "coordinates": [[[127.4, 36.4], [127.6, 36.4], [127.6, 36.6], [127.4, 36.4]]],
}
GONE_WITHIN_S = 5.0


class CaseHouse:
    """The gateway's cases, asked by one officer."""

    def __init__(self, gateway: PushedCity, key: str) -> None:
        self._gateway, self._key = gateway, key
        self.keys = CaseKeys(gateway.city.folder / "home" / "cases" / CITY)

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        headers = {"content_type": "application/json", "authorization": f"Bearer {self._key}"}
        sent = None if body is None else orjson.dumps(body)
        status, answer = self._gateway.ask(method, f"/v1/{CITY}/cases{path}", sent, **headers)
        return status, orjson.loads(answer)


def a_candidate(case_id: str) -> Event:
    now_ms = time.time_ns() // 1_000_000
    fields = event_fields(CITY, "persons", event_id="e-1", event_time_ms=now_ms, received_ms=now_ms)
    about = {
        "case_id": case_id,
        "candidate_id": "c-1",
        "revision": 0,
        "state": "open",
        "rank": 1,
        "sighting_id": "canary-sighting",
        "camera_id": "canary-camera",
        "track_id": None,
        "seen_at": now_ms,
        "appearance_log_ratio": 1.0,
        "travel_log_ratio": 0.5,
        "score": None,
        "crop": {"ref": "canary-crop", "expires_at": now_ms + HOUR},
        "sealed": None,
    }
    return Event("core.candidate", case_id, {**fields, **about})


def files(city: LivingCity) -> Iterator[Path]:
    """The raw segments of the city's topics, where its broker runs here, and all that its processes keep."""
    for home in [home_folder(), *Path(tempfile.gettempdir()).glob("bongsu-*")]:
        yield from home.rglob(f"{CITY}.*/*.log")
    yield from (one for one in city.folder.rglob("*") if one.is_file())


def clear_in(city: LivingCity) -> list[str]:
    """The files in which the canary stands readable."""
    return [str(one) for one in files(city) if CANARY in one.read_bytes()]


def test_a_case_is_read_and_confirmed_while_open_and_stands_in_clear_nowhere(
    cluster: Endpoints, tmp_path: Path
) -> None:
    form = FILE.replace("[gateway]", '[cases]\nagencies = ["112"]\n[gateway]')
    gateway = PushedCity(LivingCity(CITY, tmp_path, cluster), form=form)
    city = gateway.city
    ensure_topics(cluster.kafka, [CITY])
    person = ("--role", "operator", "--audience", "112", "--purpose", "missing-person")
    key = city.bongsu("user", "add", "desk-1", *person, "--city", str(city.file)).stdout.strip()
    house = CaseHouse(gateway, key)
    body = {
        "agency_case_no": "canary-number",
        "ground": "dementia",
        "requester": "canary-unit",
        "area": AREA,
        "from_time": "2026-01-01T00:00:00Z",
        "until_time": "2199-01-01T00:00:00Z",
        # numbers that the log rounds: the same request again is the same all the same
        "last_seen": {
            "seen_at": "2026-01-01T00:00:00Z",
            "position": {"lat": 36.5, "lon": 127.5, "accuracy_m": 12.3},
        },
        "attributes": [{"name": "upper_colour", "word": "red", "confidence": 0.9}],
        "photo_ref": "canary-photo",
    }
    try:
        gateway.start()
        wait_until(lambda: house.ask("GET", "")[0] == 200, 30.0, 0.2)
        assert house.ask("POST", "", {**body, "ground": "other"})[0] == 403
        status, opened = house.ask("POST", "", body)
        assert status == 201, opened
        assert house.ask("POST", "", body) == (201, opened), "whom no answer reached asks again"
        status, known = house.ask("POST", "", {**body, "requester": "canary-other"})
        assert (status, known["code"], known["case_id"]) == (409, "case-known", opened["case_id"])
        path = f"/{opened['case_id']}"
        case_key = house.keys.key(opened["case_id"])
        assert case_key is not None
        publisher = Publisher(CITY, "persons", bootstrap=cluster.kafka, wire=city.wire)
        publisher.publish(sealed(a_candidate(opened["case_id"]), case_key))
        wait_until(lambda: house.ask("GET", f"{path}/candidates")[1]["candidates"] != [], 10.0, 0.1)
        (one,) = house.ask("GET", f"{path}/candidates")[1]["candidates"]
        assert (one["sighting_id"], one["crop"]["ref"]) == ("canary-sighting", "canary-crop")
        answer = {"answer": "confirm", "revision": 0, "note": "canary-note"}
        assert house.ask("POST", f"{path}/candidates/c-1/answers", answer)[0] == 202
        (action,) = city.values("core.action")
        assert (action["action"], action["case_id"]) == ("confirm", opened["case_id"])
        assert clear_in(city) == []

        assert house.ask("POST", f"{path}/close", {"reason": "found"})[0] == 200
        begun = time.monotonic()
        assert house.ask("GET", f"{path}/candidates")[0] == 404
        assert house.ask("GET", f"{path}/route")[0] == 404
        assert time.monotonic() - begun < GONE_WITHIN_S
        assert house.keys.key(opened["case_id"]) is None
        assert clear_in(city) == []
        acts = city.values("core.access")
        words = [one["act"] for one in acts]
        assert words.count("case_refused") == words.count("case_opened") == words.count("key_destroyed") == 1
        assert {"cases", "candidates"} <= {one["reason"] for one in acts if one["act"] == "case_read"}
        publisher.publish(a_candidate("in-clear"))  # so that this search can find something
        assert clear_in(city) != [] or given()  # a broker elsewhere keeps its files for itself
    finally:
        gateway.stop()
        city.remove()
