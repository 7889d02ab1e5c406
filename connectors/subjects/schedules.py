"""A schedule of public transport as GTFS publishes it: what its realtime feeds refer to, and often leave out."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sys import intern

from schemas.errors import Fatal

TYPES = {0: "tram", 1: "subway", 2: "rail", 3: "bus", 4: "ferry", 5: "cable_tram", 6: "aerial_lift",
         7: "funicular", 11: "trolleybus", 12: "monorail", 405: "monorail"}  # fmt: skip
HUNDREDS = {1: "rail", 2: "bus", 4: "subway", 7: "bus", 8: "trolleybus", 9: "tram", 10: "ferry", 12: "ferry",
            13: "aerial_lift", 14: "funicular"}  # fmt: skip
"""The extended route types, by their hundreds → our words."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ADDED = "1"
"""calendar_dates: the service runs on this day beside; 2: it does not."""


@dataclass(frozen=True, slots=True)
class Trip:
    """A trip of a schedule; *stops* are (sequence, stop id) in order."""

    route_id: str
    service_id: str
    direction_id: int | None
    headsign: str | None
    starts: str | None
    stops: tuple[tuple[int, str], ...]

    def stop_at(self, sequence: int) -> str | None:
        return next((stop for number, stop in self.stops if number == sequence), None)

    def sequence_of(self, stop_id: str) -> int | None:
        """``None`` where the trip does not come by, or comes twice."""
        found = [number for number, stop in self.stops if stop == stop_id]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Schedule:
    """*types*: route → our word for what runs on it. *starting*: (route, direction, clock) → trips that start then."""

    agency: str | None
    trips: Mapping[str, Trip]
    types: Mapping[str, str]
    starting: Mapping[tuple[str, int | None, str], tuple[str, ...]]
    services: Mapping[str, Service]

    def trip_starting(self, route_id: str, direction_id: int | None, date: str, clock: str) -> str | None:
        """The only trip of *route_id* that starts at *clock* (HH:MM:SS) on *date* (YYYYMMDD); ``None`` for none or more."""
        found = [
            trip_id
            for direction in ((0, 1, None) if direction_id is None else (direction_id, None))
            for trip_id in self.starting.get((route_id, direction, _clock(clock)), ())
            if self._runs(self.trips[trip_id].service_id, date)
        ]
        return found[0] if len(found) == 1 else None

    def _runs(self, service_id: str, date: str) -> bool:
        service = self.services.get(service_id)
        return service is not None and service.runs(date)


@dataclass(frozen=True, slots=True)
class Service:
    """On which days trips run."""

    weekdays: tuple[bool, ...]
    first: str
    last: str
    exceptions: Mapping[str, str]

    def runs(self, date: str) -> bool:
        """*date* as YYYYMMDD."""
        if date in self.exceptions:
            return self.exceptions[date] == ADDED
        try:
            weekday = datetime.strptime(date, "%Y%m%d").weekday()  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            return False
        return self.first <= date <= self.last and self.weekdays[weekday]


NOTHING = Schedule(None, {}, {}, {}, {})
"""Where a city has none."""


def load_schedule(path: Path | None) -> Schedule:
    """The schedule in a zip or a folder; ``NOTHING`` without *path*. ``Fatal`` where it cannot be read."""
    if path is None:
        return NOTHING
    try:
        return _load(path)
    except (OSError, zipfile.BadZipFile, csv.Error, UnicodeDecodeError, ValueError, KeyError) as error:
        raise Fatal(
            f"{path}: no GTFS schedule: {type(error).__name__}: {error}",
            hint="name a GTFS zip, or the folder it was unpacked to",
        ) from None


def _load(path: Path) -> Schedule:
    stops: dict[str, list[tuple[int, str]]] = defaultdict(list)
    leaves: dict[str, tuple[int, str]] = {}
    for row in _rows(path, "stop_times.txt"):
        trip_id, sequence = row["trip_id"], int(row["stop_sequence"])
        stops[trip_id].append((sequence, intern(row["stop_id"])))
        if row.get("departure_time", "").strip() and sequence <= leaves.get(trip_id, (sequence, ""))[0]:
            leaves[trip_id] = (sequence, _clock(row["departure_time"]))
    trips = {
        row["trip_id"]: Trip(
            intern(row["route_id"]),
            intern(row["service_id"]),
            int(row["direction_id"]) if row.get("direction_id", "").strip() else None,
            intern(row.get("trip_headsign", "").strip()) or None,
            leaves[row["trip_id"]][1] if row["trip_id"] in leaves else None,
            tuple(sorted(stops.get(row["trip_id"], ()))),
        )
        for row in _rows(path, "trips.txt")
    }
    starting: dict[tuple[str, int | None, str], tuple[str, ...]] = {}
    for trip_id, trip in trips.items():
        if trip.starts is not None:
            key = (trip.route_id, trip.direction_id, trip.starts)
            starting[key] = (*starting.get(key, ()), trip_id)
    types = {row["route_id"]: _type(int(row["route_type"])) for row in _rows(path, "routes.txt")}
    agencies = [row["agency_name"].strip() for row in _rows(path, "agency.txt")]
    return Schedule(agencies[0] if len(agencies) == 1 else None, trips, types, starting, _services(path))


def _services(path: Path) -> dict[str, Service]:
    days: dict[str, dict[str, str]] = defaultdict(dict)
    for row in _rows(path, "calendar_dates.txt"):
        days[row["service_id"]][row["date"].strip()] = row["exception_type"].strip()
    weeks = {row["service_id"]: row for row in _rows(path, "calendar.txt")}
    return {
        name: Service(
            tuple(weeks[name][day].strip() == "1" for day in DAYS) if name in weeks else (False,) * 7,
            weeks[name]["start_date"].strip() if name in weeks else "",
            weeks[name]["end_date"].strip() if name in weeks else "",
            days.get(name, {}),
        )
        for name in {*weeks, *days}
    }


def _type(number: int) -> str:
    return TYPES.get(number) or HUNDREDS.get(number // 100, "other")


def _clock(text: str) -> str:
    """A time of the day with its hours in two digits: schedules write 5:00:00 and 05:00:00."""
    return text.strip().rjust(8, "0")


def _rows(path: Path, name: str) -> Iterator[dict[str, str]]:
    """The rows of one file; none where one that may be missing is. ``KeyError`` where a needed one is."""
    with _opened(path, name) as file:
        if file is None and not name.startswith("calendar"):
            raise KeyError(name)
        if file is not None:
            yield from csv.DictReader(file, skipinitialspace=True, restval="")


@contextmanager
def _opened(path: Path, name: str) -> Iterator[io.TextIOBase | None]:
    if path.is_dir():
        if not (path / name).is_file():
            yield None
            return
        with (path / name).open(encoding="utf-8-sig", newline="") as file:
            yield file
        return
    with zipfile.ZipFile(path) as archive:
        found = next((one for one in archive.namelist() if one.rpartition("/")[2] == name), None)
        if found is None:
            yield None
            return
        with archive.open(found) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
            yield file
