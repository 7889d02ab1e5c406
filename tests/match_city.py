"""The match's input and output on the real bus: publish watches and sights, read evidence back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from confluent_kafka import Producer

from schemas.event import Event
from schemas.wire import Wire
from streams.match.core.watch_parts import Limit, Ring
from streams.match.core.watches import FOREVER_MS, Watch
from streams.runtime.kafka import read_whole
from tests.match_oracle import LAT, LON, Sight, is_inside, wants

KEYS = {"cctv.detection": "camera_id", "cctv.plate": "camera_id", "mobility.position": "vehicle_id"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A sight as a source publishes it."""

    sight: Sight
    event_id: str
    camera: str = "cam-1"
    source: str = "yard"
    received: int | None = None


def event_of(city: str, seen: Seen) -> Event:
    one = seen.sight
    position = None if one.lat is None else {"lat": one.lat, "lon": one.lon, "accuracy_m": 5.0}
    value: dict[str, Any] = {
        "event_id": seen.event_id,
        "city": city,
        "source": seen.source,
        "event_time": one.time,
        "event_time_accuracy_s": None,
        "received_time": one.time if seen.received is None else seen.received,
        "position": position,
    }
    match one.contract:
        case "cctv.detection":
            value |= {
                "camera_id": seen.camera,
                "track_id": one.thing,
                "label": one.label,
                "confidence": one.confidence,
            }
            value |= dict.fromkeys(["bounding_box", "position_source", "label_text", "speed_mps"])
            value |= {"ended": False, "classes": [], "attributes": []}
        case "cctv.plate":
            value |= {
                "camera_id": seen.camera,
                "plate_token": one.token or "none",
                "confidence": one.confidence,
                "image_ref": f"picture of {seen.event_id}",
            }
            value |= dict.fromkeys(
                [
                    "country",
                    "vehicle_type",
                    "colour",
                    "direction_deg",
                    "speed_mps",
                    "position_source",
                ]
            )
            value |= dict.fromkeys(["track_id", "track_state", "bounding_box"])
        case _:
            raise ValueError(one.contract)
    return Event(one.contract, value[KEYS[one.contract]], value)


def points_of(ring: Ring) -> list[dict[str, float]]:
    return [{"lat": lat, "lon": lon} for lat, lon in ring]


def limit_value(limit: Limit | None) -> dict[str, object] | None:
    if limit is None:
        return None
    return {"low_m": limit.metres.low, "high_m": limit.metres.high, "reference": limit.reference}


def watch_event(city: str, watch: Watch, *, at: int) -> Event:
    """The ``core.watch`` event of *watch*."""
    lat_lon = watch.centre
    value = {
        "event_id": f"{watch.watch_id}-{watch.revision}",
        "city": city,
        "source": "test",
        "event_time": at,
        "event_time_accuracy_s": None,
        "received_time": at,
        "position": None,
        "watch_id": watch.watch_id,
        "revision": watch.revision,
        "situation_id": watch.situation_id,
        "kind": "incident",
        "shape": watch.shape,
        "event": watch.event,
        "centre": {"lat": lat_lon[0], "lon": lat_lon[1]} if lat_lon else None,
        "radius_m": watch.radius_m if lat_lon else None,
        "polygon": points_of(watch.corners),
        "hysteresis_m": watch.hysteresis_m,
        "topics": sorted(watch.topics),
        "labels": sorted(watch.labels),
        "tokens": sorted(watch.tokens),
        "min_confidence": watch.min_confidence or None,
        "opens_at": watch.opens_at,
        "closes_at": None if watch.closes_at == FOREVER_MS else watch.closes_at,
        "since": watch.since,
        "per_second_max": watch.per_second_max,
        "purpose": watch.purpose,
        "rule": None,
        "rule_version": None,
        "areas": [
            {"outline": points_of(one.outline), "holes": [{"corners": points_of(hole)} for hole in one.holes]}
            for one in watch.areas
        ],
        "floor": limit_value(watch.floor),
        "ceiling": limit_value(watch.ceiling),
        "windows": [{"opens_at": opens_at, "closes_at": closes_at} for opens_at, closes_at in watch.windows],
        "inside": [asdict(one) for one in watch.inside],
        "tell_inside_every_s": None
        if watch.tell_inside_every_ms is None
        else watch.tell_inside_every_ms / 1000,
    }
    return Event("core.watch", watch.watch_id, value)


def incident_event(city: str, at: int, revision: int, status: str, *, kind: str = "fire.building") -> Event:
    """A revision of a case of 119."""
    value = {
        "event_id": f"F1-{revision}",
        "city": city,
        "source": "calls-119",
        "event_time": at,
        "event_time_accuracy_s": None,
        "received_time": at,
        "position": {"lat": LAT, "lon": LON, "accuracy_m": None},
        "incident_id": "F1",
        "agency": "119",
        "agency_case_no": "no 1",
        "kind": kind,
        "kind_text": kind,
        "priority": None,
        "status": status,
        "units": [],
        "address": None,
        "revision": revision,
        "closed_reason": None,
    }
    return Event("fire.incident", "F1", value)


class Bus:
    """One city's topics, written and read by a test."""

    def __init__(self, city: str, bootstrap: str, wire: Wire) -> None:
        self._city = city
        self._bootstrap = bootstrap
        self._wire = wire
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20}
        )

    def put(self, events: Iterable[Event]) -> None:
        """Publish *events*, and wait until Kafka has them."""
        for event in events:
            topic, key, value = self._wire.encode(self._city, event)
            self._put(topic, key, value)
        assert self._producer.flush(30) == 0

    def put_bytes(self, contract: str, key: bytes, value: bytes | None) -> None:
        self._put(f"{self._city}.{contract}", key, value)
        assert self._producer.flush(30) == 0

    def see(self, seen: Iterable[Seen]) -> None:
        self.put(event_of(self._city, one) for one in seen)

    def watch(self, watches: Iterable[Watch], *, at: int) -> None:
        self.put(watch_event(self._city, one, at=at) for one in watches)

    def evidence(self) -> list[dict[str, Any]]:
        records = read_whole(self._bootstrap, [f"{self._city}.core.evidence"])
        return [self._wire.decode(one.topic, one.value or b"") for one in records]

    def pairs(self) -> Counter[tuple[str, str]]:
        """(watch id, observation id) → number of evidence records."""
        return Counter(
            (one["watch_id"], one["observation_id"]) for one in self.evidence() if one["kind"] != "left_out"
        )

    def _put(self, topic: str, key: bytes, value: bytes | None) -> None:
        while True:
            try:
                self._producer.produce(topic, value, key=key)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return


def expected(watches: Iterable[Watch], seen: Sequence[Seen]) -> Counter[tuple[str, str]]:
    """The expected evidence: each pair once."""
    return Counter(
        {
            (watch.watch_id, one.event_id): 1
            for watch in watches
            for one in seen
            if wants(watch, one.sight) and is_inside(watch, one.sight)
        }
    )
