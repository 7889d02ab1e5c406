"""A rule that comes into force after its list was told: the list is read again, so that what it says holds."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import orjson
import pytest

from deploy.settings import Endpoints
from deploy.topics import ensure_topics
from schemas.catalogue import load_catalogue
from schemas.event import Event, derived_id, event_fields
from tests.living_city import LivingCity, wait_until
from tests.match_city import Bus

pytestmark = pytest.mark.cluster

NOON_MS = 1_772_967_600_000
SETTLED_S = 40.0
STAGES = ("--stage", "situations")


def a_zone(city: str, zone_id: str) -> Event:
    ring = [[127.38, 36.35], [127.39, 36.35], [127.39, 36.36], [127.38, 36.35]]
    value = {one["name"]: one.get("default") for one in load_catalogue()["place.zone"].newest["fields"]}
    value |= event_fields(
        city, "zones", event_id=derived_id(zone_id), event_time_ms=NOON_MS, received_ms=NOON_MS
    )
    geometry = orjson.dumps({"type": "Polygon", "coordinates": [ring]}).decode()
    return Event(
        "place.zone",
        zone_id,
        value | {"zone_id": zone_id, "kind": "park", "sense": "exclusion", "geometry": geometry},
    )


@pytest.mark.long
def test_zones_that_were_told_before_their_rule_are_watched_once_it_is_in_force(
    cluster: Endpoints, tmp_path: Path
) -> None:
    city = LivingCity(f"later-{uuid4().hex[:8]}", tmp_path, cluster, of="demo")
    ensure_topics(cluster.kafka, [city.name])
    bus, text = Bus(city.name, cluster.kafka, city.wire), city.file.read_text(encoding="utf-8")
    try:
        with city.running(*STAGES):
            bus.put([a_zone(city.name, "park"), a_zone(city.name, "river")])
            bus.put([a_zone(city.name, "park")])
            wait_until(lambda: bool(city.records("core.journal")), SETTLED_S, 0.3)  # its rules
            bus.put([Event("place.site", "s", a_site(city.name))])
            wait_until(
                lambda: len(city.records("core.journal")) >= 2, SETTLED_S, 0.3
            )  # read on, past the zones
        assert not city.records("core.watch")
        city.file.write_text(text + '\n[[rule]]\nname = "zone"\n', encoding="utf-8")
        for site in ("t", "u"):  # the second time, the list is not read again
            with city.running(*STAGES):
                told = len(city.records("core.journal"))
                bus.put([Event("place.site", site, {**a_site(city.name), "site_id": site})])
                wait_until(lambda told=told: len(city.records("core.journal")) > told, SETTLED_S, 0.3)
                wait_until(lambda: len(city.records("core.watch")) >= 2, SETTLED_S, 0.3)
        assert sorted(one["rule"] for one in city.values("core.watch")) == ["zone", "zone"]
    finally:
        city.remove()


def a_site(city: str) -> dict[str, object]:
    value = {one["name"]: one.get("default") for one in load_catalogue()["place.site"].newest["fields"]}
    value |= event_fields(city, "sites", event_id=derived_id("s"), event_time_ms=NOON_MS, received_ms=NOON_MS)
    return value | {"site_id": "s", "kind": "closed"}
