"""An operator closes an area over HTTP: the hub in it is told as closed, also by a restarted stage, and then as open.

A vehicle in it is disabled in GBFS meanwhile.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from tests.a_gateway import FILE, PushedCity
from tests.hub_bus import HubBus, whole
from tests.hub_day import Row, a_row
from tests.living_city import LivingCity, wait_until

pytestmark = pytest.mark.cluster

CITY, VEHICLES = "closedhubs", "closedvehicles"
AREA = [[127.49, 36.49], [127.51, 36.49], [127.51, 36.51], [127.49, 36.51], [127.49, 36.49]]
WITHIN_S = 10.0
"""The bar is seconds; a tick comes with each look."""


class Closing:
    """The city's gateway, an operator, and the boards; each look brings the city a tick."""

    def __init__(self, gateway: PushedCity, bus: HubBus, key: str, city: str = CITY) -> None:
        self._gateway, self._bus, self._key, self._city = gateway, bus, key, city

    def post(self, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        headers = {"content_type": "application/json", "authorization": f"Bearer {self._key}"}
        sent = None if body is None else orjson.dumps(body)
        status, answer = self._gateway.ask("POST", f"/v1/{self._city}/closures{path}", sent, **headers)
        return status, orjson.loads(answer)

    def closed(self) -> dict[str, Any]:
        """Hub → the closure that its newest board tells, by reason."""
        self._bus.put(whole([("core.tick", CITY, a_row("core.tick", now_ms()))]))
        newest = {hub: boards[-1] for hub, boards in self._bus.boards().items()}
        return {hub: (one["closed"] or {}).get("reason") for hub, one in newest.items() if one is not None}


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def a_hub(name: str, lat: float) -> tuple[str, str, Row]:
    return ("place.hub", name, a_row("place.hub", now_ms(), hub_id=name, position={"lat": lat, "lon": 127.5}))


def test_a_closed_area_closes_its_hub_alone_and_a_killed_stage_does_not_open_it(
    cluster: Endpoints, tmp_path: Path
) -> None:
    form = FILE.replace("[gateway]", "[hubs]\n[gateway]")
    gateway = PushedCity(LivingCity(CITY, tmp_path, cluster), form=form)
    city = gateway.city
    ensure_topics(cluster.kafka, [CITY])
    bus = HubBus(CITY, cluster.kafka, city.wire)
    closing = Closing(gateway, bus, gateway.user("desk-1", "operator"))
    try:
        gateway.start()
        bus.put(whole([a_hub("inside", 36.5), a_hub("outside", 36.6)]))
        with city.running("--stage", "hubs") as worker:
            wait_until(lambda: closing.closed() == {"inside": None, "outside": None}, 60.0, 0.3)
            status, told = closing.post(
                "", {"geometry": {"type": "Polygon", "coordinates": [AREA]}, "reason": "flood"}
            )
            assert status == 200, told
            wait_until(lambda: closing.closed() == {"inside": "flood", "outside": None}, WITHIN_S, 0.3)
            os.killpg(worker.pid, signal.SIGKILL)
            worker.wait()
        with city.running("--stage", "hubs"):
            bus.put(whole([a_hub("third", 36.505)]))  # a hub that is new within the area
            wait_until(lambda: closing.closed().get("third") == "flood", 60.0, 0.3)
            assert closing.closed() == {"inside": "flood", "outside": None, "third": "flood"}
            assert closing.post(f"/{told['closure_id']}/end")[0] == 200
            wait_until(lambda: {*closing.closed().values()} == {None}, WITHIN_S, 0.3)
            assert closing.post(f"/{told['closure_id']}/end")[0] in (200, 409)  # over already, and said so
    finally:
        gateway.stop()
        city.remove()


def disabled(gateway: PushedCity, key: str) -> dict[float, bool]:
    """Latitude of a vehicle → whether GBFS tells it as disabled; none while the log is not read to its end."""
    path = f"/v1/{VEHICLES}/gbfs/vehicle_status.json"
    status, body = gateway.ask("GET", path, authorization=f"Bearer {key}")
    told = orjson.loads(body)["data"]["vehicles"] if status == 200 else []
    return {one["lat"]: one["is_disabled"] for one in told}


def a_scooter(name: str, lat: float) -> tuple[str, str, Row]:
    at = {"lat": lat, "lon": 127.5}
    row = a_row("mobility.position", now_ms(), vehicle_id=name, vehicle_type="electric_scooter", position=at)
    return "mobility.position", name, row


def test_a_closed_area_disables_its_vehicle_alone_in_gbfs_until_it_is_ended(
    cluster: Endpoints, tmp_path: Path
) -> None:
    gateway = PushedCity(LivingCity(VEHICLES, tmp_path, cluster))
    ensure_topics(cluster.kafka, [VEHICLES])
    bus = HubBus(VEHICLES, cluster.kafka, gateway.city.wire)
    key = gateway.user("desk-1", "operator")
    closing = Closing(gateway, bus, key, VEHICLES)
    try:
        gateway.start()
        bus.put(whole([a_scooter("s-1", 36.5), a_scooter("s-2", 36.6)]))
        wait_until(lambda: disabled(gateway, key) == {36.5: False, 36.6: False}, 60.0, 0.3)
        area = {"type": "Polygon", "coordinates": [AREA]}
        status, told = closing.post("", {"geometry": area, "reason": "flood"})
        assert status == 200, told
        wait_until(lambda: disabled(gateway, key) == {36.5: True, 36.6: False}, WITHIN_S, 0.3)
        assert closing.post(f"/{told['closure_id']}/end")[0] == 200
        wait_until(lambda: disabled(gateway, key) == {36.5: False, 36.6: False}, WITHIN_S, 0.3)
    finally:
        gateway.stop()
        gateway.city.remove()
