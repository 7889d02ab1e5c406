"""A gateway with boards of hubs and shared vehicles in memory: the real routes, without Kafka."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from connectors.formats.areas import distance_m
from connectors.gateway import gbfs_paths, hub_reads
from connectors.gateway.app import app_of
from connectors.gateway.gbfs_feeds import GbfsSystem, HubWord, gbfs_types
from connectors.gateway.gbfs_paths import GbfsPart
from connectors.gateway.read_documents import example_of
from connectors.gateway.shared_fleet import ParkedVehicle, SharedFleet, key_of
from deploy.assembly.gateway_hubs import part_ttl_ms
from schemas.catalogue import load_catalogue
from schemas.json_form import from_json_value
from streams.hubs.hub_numbers import HubNumbers
from tests.unit.gateway.a_closure_log import ClosureLog
from tests.unit.gateway.a_reading_city import CITY, Reader, a_reading_city
from tests.unit.gateway.an_app import NOON_MS

TTL_MS = part_ttl_ms(HubNumbers.model_validate({}))
DAY_MS = 86_400_000
SYSTEM = GbfsSystem(CITY, "Springfield", "ko", "Asia/Seoul", "gbfs@springfield.invalid", NOON_MS - 60_000)
OPERATORS_ID = "operators-own-id-17"


def a_board(hub_id: str = "H-1", *, at_ms: int = NOON_MS, **about: Any) -> dict[str, Any]:
    """The example's board, said at *at_ms*; nothing of it is stale yet."""
    found = from_json_value(
        load_catalogue()["core.hub"].newest, {**example_of("core.hub"), "hub_id": hub_id, "city": CITY}
    )
    found |= {"event_time": at_ms, "received_time": at_ms}
    for name in ("vehicles", "docks", "chargers", "arrivals", "notices"):
        found[name] = {**found[name], "as_of": at_ms, "is_stale": False}
    found["notices"]["texts"] = [
        {**one, "as_of": at_ms, "is_stale": False} for one in found["notices"]["texts"]
    ]
    return {**found, **about}


def a_row(vehicle_id: str = OPERATORS_ID, *, at_ms: int = NOON_MS, **about: Any) -> dict[str, Any]:
    """A row of ``mobility.position`` of a shared vehicle that stands."""
    schema = load_catalogue()["mobility.position"].newest
    row: dict[str, Any] = {one["name"]: None for one in schema["fields"]}
    return row | {
        "event_id": "0" * 32,
        "city": CITY,
        "source": "bikes",
        "operator": "bikes",
        "event_time": at_ms,
        "received_time": at_ms,
        "vehicle_id": vehicle_id,
        "vehicle_type": "electric_bicycle",
        "position": {"lat": 33.5, "lon": 126.5, "accuracy_m": None},
        "is_stale": False,
        **about,
    }


def a_fleet(secret: bytes = b"s" * 32, **about: Any) -> SharedFleet:
    return SharedFleet(
        key_of(secret, CITY),
        day_of=lambda ms: ms // DAY_MS,
        ttl_of=lambda _source: 300_000,
        types=frozenset(gbfs_types()),
        **about,
    )


@dataclass
class MemoryHubs:
    """Boards of hubs (``connectors.gateway.hub_boards.HubReadings``) and what stands (``FleetReadings``)."""

    trouble: str | None = None
    known: dict[str, dict[str, Any]] = field(default_factory=dict)
    fleet: SharedFleet = field(default_factory=a_fleet)
    said: dict[str, HubWord] = field(default_factory=dict)
    closures: ClosureLog = field(default_factory=ClosureLog)

    def put(self, *boards: dict[str, Any]) -> None:
        self.known |= {one["hub_id"]: one for one in boards}

    def boards(self) -> Sequence[Mapping[str, Any]]:
        return [self.known[name] for name in sorted(self.known)]

    def board(self, hub_id: str) -> Mapping[str, Any] | None:
        return self.known.get(hub_id)

    def near(self, lat: float, lon: float, radius_m: float) -> Sequence[tuple[float, Mapping[str, Any]]]:
        placed = [one for one in self.boards() if one["position"] is not None]
        away = [
            (distance_m((lat, lon), (one["position"]["lat"], one["position"]["lon"])), one) for one in placed
        ]
        return sorted((one for one in away if one[0] <= radius_m), key=lambda one: (one[0], one[1]["hub_id"]))

    def wait(self) -> None: ...

    def parked(self, now_ms: int) -> list[ParkedVehicle]:
        return self.fleet.parked(now_ms)

    def words(self) -> Mapping[str, HubWord]:
        return self.said


@contextmanager
def a_hub_city(folder: Path, *, is_public: bool = False) -> Iterator[tuple[Reader, MemoryHubs, GbfsPart]]:
    with a_reading_city(folder) as reader:
        hubs = MemoryHubs()
        part = GbfsPart(SYSTEM, hubs, hubs, TTL_MS, hubs.closures.desk(), is_public=is_public)
        parts = [
            partial(hub_reads.add, hubs=hubs, ttl_ms=TTL_MS),
            partial(gbfs_paths.add, part=part),
        ]
        reader.here.app = app_of(reader.here.gateway, None, parts)
        yield reader, hubs, part
