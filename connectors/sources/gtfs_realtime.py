"""GTFS-realtime: where buses and trains are, how late they are, and their operator's alerts.

A feed is one protobuf: positions of vehicles become ``mobility.position``; updates of trips and alerts
``mobility.trip``, an alert about no single trip under its own id. A ``static`` schedule fills what the feed leaves
out: route, direction, headsign, what runs on the route, a trip named by its start only, stops and their order. Where
the feed contradicts it, the schedule is of other times and fills nothing.

A state is stale if it was older than ``stale_after_s`` on arrival; in a file without a time of arrival, when the feed
was made. A state that is no newer than the last of its vehicle or trip gives no event, so no vehicle goes backwards; an
alert is published when it changes. Plates of vehicles are not read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as gtfs
from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.records import plausible_time, set_aside
from connectors.sources._gtfs_entities import (
    OTHER_TIMES,
    alert_fields,
    check_texts,
    contradicts,
    delays,
    measured,
    moment_ms,
    relationship,
    said,
    said_id,
    scheduled,
    trip_fields,
    word,
)
from connectors.subjects.plausible import known_id, time_if_known
from connectors.subjects.schedules import load_schedule
from connectors.subjects.vehicles import POSITION, TRIP, Telemetry
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from schemas.errors import Invalid
from schemas.names import AgencyName

REMEMBERED = 10_000
"""Vehicles, trips and alerts remembered: a large city's peak. One that is forgotten counts as new."""


class Config(PageOrFileSettings):
    """Settings of a source of type ``gtfs_realtime``. Without url and path it is only played or pushed."""

    static: Path | None = Field(None, description="the GTFS schedule it refers to: a zip or a folder")
    operator: AgencyName | None = Field(
        None, min_length=1, description="who runs it; none: the schedule's agency, or the source's name"
    )
    vehicle_type: str = Field(
        "other", min_length=1, description="what the vehicles are, where no schedule says it: bus, rail …"
    )
    language: str | None = Field(
        None, description="of an alert's texts, where there are several; none: the first"
    )
    stale_after_s: float = Field(90, gt=0, description="seconds after which what a feed says is stale")


class GtfsRealtime:
    """A ``PolledSource``. The schedule is read once, when it is made."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._schedule = load_schedule(config.static)
        self._operator = config.operator or self._schedule.agency or context.source
        self._asked = PageOrFile(context.source, config)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        try:
            feed = _feed(heard.body)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        hearing = _Hearing(self._context, heard.at_ms, feed.header, dict(place.get("said", {})))
        for entity in feed.entity:
            try:
                self._entity(entity, hearing)
            except Invalid as error:
                original = entity.SerializeToString(deterministic=True)
                hearing.aside.append(set_aside(original, error, _around(feed.header, original)))
        return hearing.reading({"said": hearing.remembered} if hearing.remembered else place)

    def _entity(self, entity: Any, hearing: _Hearing) -> None:
        check_texts(entity)
        if entity.is_deleted:
            hearing.skipped["deleted"] += 1
            return
        kinds = [kind for kind in ("vehicle", "trip_update", "alert") if entity.HasField(kind)]
        if not kinds:
            hearing.skipped["entity of another kind"] += 1
        if "vehicle" in kinds:
            self._vehicle(entity, hearing)
        if "trip_update" in kinds:
            self._trip(entity.trip_update, hearing)
        if "alert" in kinds:
            self._alert(entity, hearing)

    def _vehicle(self, entity: Any, hearing: _Hearing) -> None:
        vehicle, where = entity.vehicle, entity.vehicle.position
        vehicle_id = said_id(vehicle.vehicle, "id", hearing.noted)
        if vehicle_id is None:
            hearing.noted["vehicle without an id: its entity's taken"] += 1
            vehicle_id = known_id(entity.id, "entity.id")
        event_ms, is_stale = self._when(vehicle, hearing)
        trip_id, known = scheduled(vehicle.trip, self._schedule, hearing)
        fields = trip_fields(vehicle.trip, trip_id, known, hearing.noted)
        sequence = measured(vehicle, "current_stop_sequence", "stop_sequence", hearing.noted)
        stop_id = said_id(vehicle, "stop_id", hearing.noted)
        if known is not None and sequence is None and stop_id is not None:
            sequence = known.sequence_of(stop_id)
        elif known is not None and stop_id is None and sequence is not None:
            stop_id = known.stop_at(sequence)
        value = {
            **fields,
            "vehicle_id": vehicle_id,
            "vehicle_type": self._schedule.types.get(fields["route_id"] or "", self._config.vehicle_type),
            "operator": self._operator,
            "label": said(vehicle.vehicle, "label"),
            "is_stale": is_stale,
            "speed_mps": hearing.speed_mps(said(where, "speed")),
            "bearing_deg": hearing.bearing_deg(said(where, "bearing")),
            "odometer_m": measured(where, "odometer", "odometer", hearing.noted),
            "relationship": word(vehicle.trip, "schedule_relationship", hearing.noted),
            "stop_sequence": sequence,
            "stop_id": stop_id,
            "current_status": word(vehicle, "current_status", hearing.noted),
            "congestion": word(vehicle, "congestion_level", hearing.noted),
            "occupancy": word(vehicle, "occupancy_status", hearing.noted),
            "occupancy_percent": measured(
                vehicle, "occupancy_percentage", "occupancy_percent", hearing.noted
            ),
        }
        position = hearing.position(said(where, "latitude"), said(where, "longitude"))
        if hearing.is_new(f"v:{vehicle_id}", event_ms, is_stale):
            hearing.tell(POSITION, (event_ms, is_stale), event_ms=event_ms, position=position, said=value)

    def _trip(self, update: Any, hearing: _Hearing) -> None:
        event_ms, is_stale = self._when(update, hearing)
        trip_id, known = scheduled(update.trip, self._schedule, hearing)
        if trip_id is None:
            raise Invalid(
                "the trip has no id, and no schedule names it", field="trip.trip_id", expected="an id"
            )
        if known is not None and contradicts(update.stop_time_update, known):
            hearing.noted[OTHER_TIMES] += 1
            known = None
        value = {
            **trip_fields(update.trip, trip_id, known, hearing.noted),
            "vehicle_id": said_id(update.vehicle, "id", hearing.noted),
            "vehicle_label": said(update.vehicle, "label"),
            "relationship": relationship(update.trip, hearing.noted),
            "operator": self._operator,
            "is_stale": is_stale,
            "delay_s": measured(update, "delay", "delay", hearing.noted),
            "delays": delays(update.stop_time_update, known, hearing.noted),
        }
        run = (update.trip.start_date, update.trip.start_time)
        if hearing.is_new(":".join(("t", trip_id, *run)), event_ms, is_stale):
            hearing.tell(TRIP, (*run, event_ms, is_stale), event_ms=event_ms, position=None, said=value)

    def _alert(self, entity: Any, hearing: _Hearing) -> None:
        event_ms, is_stale = self._when(None, hearing)
        value = {
            **alert_fields(entity.alert, entity.id, self._config.language, hearing.noted),
            "operator": self._operator,
            "is_stale": is_stale,
        }
        digest = hashlib.blake2b(orjson.dumps(value), digest_size=8).hexdigest()
        if hearing.is_other(f"a:{entity.id}", digest):
            hearing.tell(TRIP, (entity.id, digest, event_ms), event_ms=event_ms, position=None, said=value)

    def _when(self, message: Any, hearing: _Hearing) -> tuple[int, bool]:
        """The time of *message*, its own or else its feed's; and whether it was too old on arrival."""
        stated = None if message is None else time_if_known(message.timestamp, "timestamp", hearing.noted)
        seconds = hearing.made_s if stated is None else stated
        if not seconds and hearing.at_ms is None:
            raise Invalid(
                "neither it nor its feed says when", field="timestamp", expected="seconds since 1970"
            )
        event_ms = moment_ms(seconds, "timestamp") if seconds else hearing.at_ms or 0
        now_ms = hearing.made_s * 1000 if hearing.at_ms is None else hearing.at_ms
        is_stale = now_ms - event_ms > self._config.stale_after_s * 1000
        return plausible_time(event_ms, hearing.at_ms, "timestamp"), is_stale


class _Hearing(Telemetry):
    """One feed, as it is being read, and the last state of each vehicle, trip and alert."""

    def __init__(
        self, context: SourceContext, at_ms: int | None, header: Any, before: dict[str, Any]
    ) -> None:
        super().__init__(context, at_ms)
        self.made_s = time_if_known(header.timestamp, "header.timestamp", self.noted) or 0
        self._before = before

    @property
    def remembered(self) -> Mapping[str, Any]:
        """The newest last, within the bound."""
        return dict(list(self._before.items())[-REMEMBERED:])

    def is_new(self, key: str, event_ms: int, is_stale: bool) -> bool:
        """Whether it is newer than the last state under *key*, or has become stale since."""
        newest_ms, was_stale = self._before.get(key, (-1, False))
        if event_ms < newest_ms:
            self.skipped["older than what was said before"] += 1
            return False
        if event_ms == newest_ms and (was_stale or not is_stale):
            self.skipped["said before"] += 1
            return False
        self._before.pop(key, None)
        self._before[key] = [event_ms, is_stale]
        return True

    def is_other(self, key: str, digest: str) -> bool:
        """Whether it differs from the last state under *key*."""
        if self._before.get(key) == digest:
            self.skipped["said before"] += 1
            return False
        self._before.pop(key, None)
        self._before[key] = digest
        return True


def _feed(body: bytes) -> Any:
    feed = gtfs.FeedMessage()
    try:
        feed.ParseFromString(body)
    except DecodeError as error:
        raise Invalid(f"the body is no GTFS-realtime: {error}", field="", expected="a FeedMessage") from None
    if not feed.header.gtfs_realtime_version:
        raise Invalid("the feed names no version", field="header", expected="gtfs_realtime_version")
    return feed


def _around(header: Any, original: bytes) -> tuple[bytes, bytes]:
    """The bytes that make a feed of its own of one entity: the header, and the entity's tag and length."""
    size, length = len(original), b""
    while size > 0x7F:
        length, size = length + bytes([size & 0x7F | 0x80]), size >> 7
    head: bytes = gtfs.FeedMessage(header=header).SerializeToString()
    return head + b"\x12" + length + bytes([size]), b""


SOURCE = GtfsRealtime
