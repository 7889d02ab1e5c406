"""The police's list, plates and people's calls over the real bus: a hit with its image, and no data of other people."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import orjson
import pytest

from connectors.base import Bounds, Heard, SourceContext
from connectors.discovery import load_source
from connectors.subjects.plates import plate_key, plate_token
from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue
from schemas.event import Event
from tests.living_city import LivingCity, wait_until
from tests.match_city import Bus, Seen
from tests.match_oracle import LAT, LON, Sight

pytestmark = pytest.mark.cluster

SETTLED_S = 60.0
KEY = "a key of more than sixteen bytes"
WANTED, MISREAD, ANOTHER = "12가3456", "12가3458", "77버7777"
RULES = '\n[[rule]]\nname = "wanted"\n\n[[rule]]\nname = "vulnerable"\n'


def token(plate: str) -> str:
    return plate_token(plate_key(KEY, "test"), plate)


def the_list(city: str, entry: dict[str, Any]) -> list[Event]:
    """The events of the police's list, as its source publishes them."""
    context = SourceContext(city, "wanted", ZoneInfo("Asia/Seoul"), Bounds(36.28, 127.30, 36.42, 127.46))
    source = load_source("wanted_vehicles", context, {"key": KEY, "agency": "112"})
    return list(source.read(Heard(orjson.dumps(entry), now_ms()), {}).events)


def now_ms() -> int:
    return int(time.time() * 1000)


def a_plate(name: str, plate: str, camera: str) -> Seen:
    at = now_ms()
    sight = Sight(LAT, LON, at, "licence_plate", token(plate), None, 0.9, "cctv.plate")
    return Seen(sight, name, camera, received=at)


def a_call(city: str, consent: str | None) -> Event:
    value = {
        "event_id": f"call {consent}",
        "city": city,
        "source": "carrier",
        "event_time": now_ms(),
        "event_time_accuracy_s": None,
        "received_time": now_ms(),
        "position": {"lat": LAT, "lon": LON, "accuracy_m": None},
        "person_ref": "person-17",
        "cause": "button",
        "consent_ref": consent,
        "guardian_ref": "guardian-2",
        "photo_ref": "photo-4",
        "carrier": None,
    }
    return Event("civil.vulnerable", "person-17", value)


def alerts(city: LivingCity, rule: str) -> list[tuple[str, str, list[str]]]:
    return [
        (one["audience"], one["kind"], [its["reference"] for its in one["references"]])
        for one in city.values("core.alert")
        if one["rule"] == rule
    ]


def test_a_hit_reaches_112_with_its_image_and_no_other_plate_leaves_a_trace(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity(f"notices-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    city.file.write_text(city.file.read_text(encoding="utf-8") + RULES, encoding="utf-8")
    ensure_topics(cluster.kafka, [city.name])
    bus = Bus(city.name, cluster.kafka, city.wire)
    entry = {
        "entry_id": "W-1",
        "plate": WANTED,
        "offence": "robbery",
        "legal_ground": "order 1",
        "listed_at": "2026-03-08T11:00:00+09:00",
    }
    try:
        with city.running("--stage", "situations"), city.running("--stage", "match"):
            bus.put(the_list(city.name, entry))
            bus.put([a_call(city.name, None), a_call(city.name, "consent-9")])
            wait_until(lambda: len(city.values("core.watch")) == 1, SETTLED_S, 0.2)
            bus.see([a_plate("other", ANOTHER, "cam-1"), a_plate("near", MISREAD, "cam-1")])
            wait_until(lambda: len(alerts(city, "wanted")) == 1, SETTLED_S, 0.2)
            bus.see([a_plate("hit", WANTED, "cam-2")])
            wait_until(lambda: len(alerts(city, "wanted")) == 3, SETTLED_S, 0.2)
            bus.put(
                the_list(city.name, {**entry, "is_listed": False, "listed_at": "2026-03-08T11:30:00+09:00"})
            )
            wait_until(lambda: len(alerts(city, "wanted")) == 5, SETTLED_S, 0.2)
            wait_until(lambda: len(city.values("civil.vulnerable.dlq")) == 1, SETTLED_S, 0.2)
        assert alerts(city, "wanted")[:3] == [
            ("operator", "wanted.candidate", ["picture of near"]),
            ("112", "wanted", ["picture of hit"]),
            ("operator", "wanted", ["picture of hit"]),
        ]
        assert alerts(city, "vulnerable") == [
            ("operator", "vulnerable", []),
            ("protection-centre", "vulnerable", ["photo-4", "guardian-2"]),
        ]
        (refused,) = city.values("civil.vulnerable.dlq")
        assert refused["field"] == "consent_ref"
        for contract in load_catalogue():
            if contract.startswith("core."):
                frames = [(one.key or b"") + (one.value or b"") for one in city.records(contract)]
                assert not any(token(ANOTHER).encode() in frame for frame in frames), contract
                assert not any(plate.encode() in frame for plate in (WANTED, MISREAD) for frame in frames)
        assert "byte-identical" in city.bongsu("replay", str(city.file), "--verify").stdout
    finally:
        city.remove()
