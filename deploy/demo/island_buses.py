"""Forty trips of buses between the hubs of the simulated Jeju, told as GTFS-realtime tells them. Pure.

A bus leaves on each of the ten lines every six minutes, needs fourteen to its end, and up to four more where it is late. The
trips that are told depend on the time alone, their delays on the seed as well.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from google.transit import gtfs_realtime_pb2 as gtfs

from deploy.demo.island_places import ROUTES, Hub, Spot, between, on_route

SEOUL = timezone(timedelta(hours=9))
EVERY_S, LEG_S = 360, 210
TOLD = 4
"""Of each line: the next to leave, and three before it."""
DELAY_S_MAX = 240
DIVERTED = ("hub-12", "520")
"""The stop and the line of which the closure's notice tells."""


@dataclass(frozen=True, slots=True)
class Run:
    """One trip: its line and when it left its first hub, by schedule."""

    line: str
    starts_s: int

    @property
    def trip_id(self) -> str:
        return f"{self.line}-{self.starts_s // 60}"

    @property
    def hubs(self) -> tuple[Hub, ...]:
        return on_route(self.line)

    def delay_s(self, seed: int) -> int:
        return random.Random(f"{seed}:{self.trip_id}").randrange(0, DELAY_S_MAX)  # noqa: S311 - repeatable on purpose

    def arrives_s(self, stop: int, seed: int) -> int:
        """When it comes to its hub number *stop*; its delay grows along the way."""
        return self.starts_s + stop * LEG_S + self.delay_s(seed) * stop // (len(self.hubs) - 1)


def runs(now_s: int) -> list[Run]:
    """The trips under way, or about to leave, at a time."""
    found = []
    for number, line in enumerate(ROUTES):
        offset = number * EVERY_S // len(ROUTES)
        newest = (now_s - offset) // EVERY_S * EVERY_S + offset
        found += [Run(line, newest - back * EVERY_S) for back in range(-1, TOLD - 1)]
    return found


def feed(seed: int, now_ms: int, *, is_shut: bool = False) -> bytes:
    """The feed at *now_ms*: updates of trips, positions of buses and, while the closure holds, a notice."""
    now_s = now_ms // 1000
    message = gtfs.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = now_s
    for run in runs(now_s):
        _update(message.entity.add(), run, seed, now_s)
        _vehicle(message.entity.add(), run, seed, now_s)
    if is_shut:
        _notice(message.entity.add(), now_s)
    said: bytes = message.SerializeToString(deterministic=True)
    return said


def _trip(descriptor: gtfs.TripDescriptor, run: Run) -> None:
    descriptor.trip_id = run.trip_id
    descriptor.route_id = run.line
    descriptor.start_date = datetime.fromtimestamp(run.starts_s, SEOUL).strftime("%Y%m%d")


def _update(entity: gtfs.FeedEntity, run: Run, seed: int, now_s: int) -> None:
    entity.id = f"t-{run.trip_id}"
    update = entity.trip_update
    _trip(update.trip, run)
    update.vehicle.id = f"bus-{run.trip_id}"
    update.timestamp = now_s
    for number, hub in enumerate(run.hubs):
        arrives_s = run.arrives_s(number, seed)
        if arrives_s < now_s and number < len(run.hubs) - 1:
            continue
        stop = update.stop_time_update.add()
        stop.stop_sequence = number + 1
        stop.stop_id = hub.stops[0]
        stop.arrival.time = arrives_s
        stop.arrival.delay = arrives_s - run.starts_s - number * LEG_S


def _vehicle(entity: gtfs.FeedEntity, run: Run, seed: int, now_s: int) -> None:
    entity.id = f"v-{run.trip_id}"
    _trip(entity.vehicle.trip, run)
    entity.vehicle.vehicle.id = f"bus-{run.trip_id}"
    lat, lon = place_of(run, seed, now_s)
    entity.vehicle.position.latitude, entity.vehicle.position.longitude = lat, lon
    entity.vehicle.timestamp = now_s


def place_of(run: Run, seed: int, now_s: int) -> Spot:
    """Where it is: on the straight line between two of its hubs."""
    times = [run.arrives_s(number, seed) for number in range(len(run.hubs))]
    for number in range(len(times) - 1):
        if now_s < times[number + 1]:
            share = max(0.0, (now_s - times[number]) / (times[number + 1] - times[number]))
            return between(run.hubs[number].at, run.hubs[number + 1].at, share)
    return run.hubs[-1].at


def _notice(entity: gtfs.FeedEntity, now_s: int) -> None:
    entity.id = f"notice-{DIVERTED[0]}"
    alert = entity.alert
    alert.cause, alert.effect = gtfs.Alert.WEATHER, gtfs.Alert.DETOUR
    alert.active_period.add().start = now_s
    for stop_id in (f"stop-{DIVERTED[0].removeprefix('hub-')}{side}" for side in "ab"):
        alert.informed_entity.add().stop_id = stop_id
    translation = alert.header_text.translation.add()
    translation.text, translation.language = f"{DIVERTED[1]}번 우회 운행", "ko"
