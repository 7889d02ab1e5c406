"""Server-sent events of the real gateway on the real bus: cut and resumed from memory and from the log, and reset."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from httpx_sse import ServerSentEvent, connect_sse

from connectors.gateway.live_place import NUMBER, Place
from deploy.settings import Endpoints
from schemas.errors import BongsuError
from streams.operators.event_log import CityEventLog
from tests.a_gateway import PushedCity
from tests.living_city import ANSWERS, LivingCity, wait_until
from tests.unit.gateway.test_door import NO_CERTIFICATES

pytestmark = pytest.mark.cluster

WAIT_S = 20.0
RECENT = 8
FILE = f"""
name = "{{name}}"
timezone = "Asia/Seoul"
law = "kr"
[bounds]
south = 36.0
west = 127.0
north = 37.0
east = 128.0
[gateway]
port = {{port}}
recent_events_max = {RECENT}
[[source]]
name = "reports"
type = "city_events"
contract = "police.incident"
push = true
[[rule]]
name = "joint-incident"
"""


@pytest.fixture
def gateway(
    cluster: Endpoints, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[PushedCity, str, str]]:
    made = PushedCity(LivingCity("streamed", tmp_path_factory.mktemp("streamed"), cluster), form=FILE)
    agency, reader = made.key("--source", "reports"), made.user("desk", "viewer")
    with made.city.running():
        wait_until(lambda: made.status("GET", "/readyz") == 200, WAIT_S)
        yield made, agency, reader
    made.city.remove()


@contextmanager
def stream(gateway: PushedCity, key: str, **asked: str) -> Iterator[Iterator[ServerSentEvent]]:
    url = f"http://127.0.0.1:{gateway.port}/v1/{gateway.city.name}/events"
    sent = {"authorization": f"Bearer {key}"}
    with (
        httpx.Client(verify=NO_CERTIFICATES, timeout=WAIT_S) as client,
        connect_sse(client, "GET", url, headers=sent, params=asked) as source,
    ):
        yield (one for one in source.iter_sse() if one.data)


def push(gateway: PushedCity, key: str, first: int, count: int) -> None:
    reports = [
        {
            "agency": "112",
            "agency_case_no": f"P-{number}",
            "kind": "crash.vehicle",
            "kind_text": "교통사고",
            "status": "open",
            "units": [],
            "revision": 1,
            "event_time": int(time.time() * 1000) - 5_000,
            "position": {"lat": 36.1 + number / 50, "lon": 127.5},
        }
        for number in range(first, first + count)
    ]
    status, said = gateway.push(key, "reports", reports)
    assert status == 202, said


def place_of(event: ServerSentEvent) -> tuple[str, int]:
    """The contract and offset of *event*, by its id."""
    place = Place.of(event.id)
    assert place is not None, event.id
    return event.event, place.offsets[NUMBER[event.event]] - 1


def kept(city: LivingCity) -> dict[tuple[str, int], dict[str, Any]]:
    """Every record of the delivered topics by contract and offset."""
    return {
        (contract, record.offset): city.wire.decode(record.topic, record.value or b"")
        for contract in ANSWERS
        for record in city.records(contract)
    }


def test_a_cut_stream_resumes_without_a_gap_or_a_double_and_a_lost_place_gets_what_stands(
    gateway: tuple[PushedCity, str, str],
) -> None:
    city, agency, reader = gateway
    seen: list[tuple[str, int]] = []
    last = "s0.a0.g0"
    for first in range(0, 12, 3):
        push(city, agency, first, 3)
        with stream(city, reader, last_event_id=last) as events:
            for event in (next(events), next(events), next(events)):
                seen.append(place_of(event))
                last = event.id
    wait_until(lambda: len(city.city.situations()) == 12, WAIT_S, every_s=0.2)
    whole = kept(city.city)
    assert len(whole) > RECENT + 2
    with stream(city, reader, last_event_id=last) as events:
        seen += [place_of(next(events)) for _ in range(len(whole) - len(seen))]
    assert sorted(seen) == sorted(whole)

    with stream(city, reader, **{"from": "beginning"}) as events:  # more than memory holds
        told = [next(events) for _ in whole]
    assert sorted(map(place_of, told)) == sorted(whole)
    assert all(
        event.json()["data"]["event_id"] == whole[place_of(event)]["event_id"]
        and event.json()["type"] == f"bongsu.{event.event}"
        for event in told
    )
    for contract in ANSWERS:
        offsets = [offset for name, offset in map(place_of, told) if name == contract]
        assert all(one < next_one for one, next_one in pairwise(offsets))

    middle = sorted(offset for name, offset in whole if name == "core.situation")[5]
    admin = AdminClient({"bootstrap.servers": city.city.places.kafka, "log_level": 3})
    place = TopicPartition(city.city.topic("core.situation"), 0, middle)
    for future in admin.delete_records([place]).values():
        future.result()
    log = CityEventLog(city.city.name, bootstrap=city.city.places.kafka, wire=city.city.wire)
    with pytest.raises(BongsuError), closing(log.reading(Place((1, 0, 0, 0)))) as reading:
        while reading.next(Place((middle, 0, 0, 0))) is not None:
            pass
    with stream(city, reader, last_event_id="s1.a0.g0") as events:
        reset = next(events)
        assert reset.event == "reset" and "older" in reset.json()["reason"]
        snapshot = [next(events) for _ in range(reset.json()["snapshot"])]
        standing = {one["situation_id"]: one["event_id"] for one in city.city.situations().values()}
        told_situations = [one.json()["data"] for one in snapshot if one.event == "core.situation"]
        assert {one["situation_id"]: one["event_id"] for one in told_situations} == standing
        push(city, agency, 20, 1)
        assert next(events).id.startswith("s")
