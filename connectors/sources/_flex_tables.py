"""Tables of a GTFS zip that say where and when rides on demand are had, in both forms of GTFS-Flex. Pure."""

from __future__ import annotations

import csv
import io
import lzma
import struct
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.formats.empty_body import Nothing
from connectors.formats.json import json_records
from connectors.formats.json_parts import Unreadable
from schemas.errors import Invalid

Row = Mapping[str, str]
LOCATIONS = "locations.geojson"
FEATURES = "features"
OPENS, CLOSES = "start_pickup_drop_off_window", "end_pickup_drop_off_window"
BYTES_MAX = 512 * 1024 * 1024
"""Of one unpacked table: the stop times of the largest countries."""
ROWS_MAX = 200_000
"""Rows kept of one table: each beyond is of no city's rides on demand."""
FAULTS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, RuntimeError, csv.Error,
    ValueError, NotImplementedError,
)  # fmt: skip
"""Of a zip that is cut, encrypted or packed in another way, and of a table in it that is none."""


@dataclass(frozen=True, slots=True)
class FlexTables:
    """The rows that concern rides on demand. *locations*: features, or what cannot be read in the place of one.

    *windows*: rows of stop_times with a window. *members*: group → the locations and stops in it.
    """

    locations: list[dict[str, Any] | Unreadable]
    windows: list[Row]
    trips: Mapping[str, Row]
    routes: Mapping[str, Row]
    agencies: Mapping[str, Row]
    calendar: Mapping[str, Row]
    dates: Mapping[str, list[Row]]
    booking_rules: list[Row]
    members: Mapping[str, list[str]]
    group_names: Mapping[str, str]
    stops: Mapping[str, Row]


def flex_tables(body: bytes) -> FlexTables:
    """The tables of the zip *body*. ``Invalid`` where it is no GTFS zip, or a table that is needed is missing."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return _tables(archive)
    except Invalid:
        raise
    except FAULTS as error:
        raise Invalid(
            f"it is no GTFS zip that can be read: {type(error).__name__}", expected="a zip of tables in UTF-8"
        ) from None


def _tables(archive: zipfile.ZipFile) -> FlexTables:
    windows = _bounded(row for row in _rows(archive, "stop_times", is_needed=True) if row.get(OPENS))
    used = {row.get("trip_id", "") for row in windows}
    trips = _by(
        "trip_id", (row for row in _rows(archive, "trips", is_needed=True) if row.get("trip_id") in used)
    )
    members: dict[str, list[str]] = defaultdict(list)
    for name, group in (("stop_areas", "area_id"), ("location_group_stops", "location_group_id")):
        for row in _bounded(_rows(archive, name)):
            members[row.get(group, "")].append(row.get("stop_id", ""))
    grouped = {one for several in members.values() for one in several}
    dates: dict[str, list[Row]] = defaultdict(list)
    served = {row.get("service_id") for row in trips.values()}
    for row in _bounded(one for one in _rows(archive, "calendar_dates") if one.get("service_id") in served):
        dates[row["service_id"]].append(row)
    return FlexTables(
        locations=_locations(archive),
        windows=windows,
        trips=trips,
        routes=_by("route_id", _rows(archive, "routes")),
        agencies=_by("agency_id", _rows(archive, "agency")),
        calendar=_by("service_id", _rows(archive, "calendar")),
        dates=dates,
        booking_rules=_bounded(_rows(archive, "booking_rules")),
        members=members,
        group_names={
            row[f"{name}_id"]: row.get(f"{name}_name", "")
            for table, name in (("areas", "area"), ("location_groups", "location_group"))
            for row in _bounded(_rows(archive, table))
            if f"{name}_id" in row
        },
        stops=_by("stop_id", (row for row in _rows(archive, "stops") if row.get("stop_id") in grouped)),
    )


def _locations(archive: zipfile.ZipFile) -> list[Any]:
    found = _found(archive, LOCATIONS)
    try:
        return [] if found is None else json_records(archive.read(found), FEATURES)
    except Nothing:  # groups of stops may be all that there is
        return []


def _rows(archive: zipfile.ZipFile, name: str, *, is_needed: bool = False) -> Iterator[Row]:
    """The rows of a table, cells without spaces around; none where it is missing, ``Invalid`` where it *is_needed*."""
    found = _found(archive, f"{name}.txt")
    if found is None:
        if is_needed:
            raise Invalid(f"the zip has no {name}.txt", expected="the tables of GTFS-Flex")
        return
    with archive.open(found) as raw, io.TextIOWrapper(raw, "utf-8-sig", newline="") as file:
        reader = csv.reader(file, skipinitialspace=True)
        heading = [cell.strip() for cell in next(reader, [])]
        for cells in reader:
            yield {key: cell.strip() for key, cell in zip(heading, cells, strict=False)}


def _found(archive: zipfile.ZipFile, name: str) -> zipfile.ZipInfo | None:
    found = next((one for one in archive.infolist() if one.filename.rpartition("/")[2] == name), None)
    if found is not None and found.file_size > BYTES_MAX:
        raise Invalid(
            f"{name} is larger than {BYTES_MAX} bytes", expected="the tables of one city's agencies"
        )
    return found


def _by(key: str, rows: Iterator[Row]) -> dict[str, Row]:
    return {row.get(key, ""): row for row in _bounded(rows)}


def _bounded(rows: Iterator[Row]) -> list[Row]:
    kept: list[Row] = []
    for row in rows:
        if len(kept) >= ROWS_MAX:
            raise Invalid(
                f"a table has more than {ROWS_MAX} rows", expected="the tables of one city's agencies"
            )
        kept.append(row)
    return kept
