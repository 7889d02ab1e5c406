"""Builders for Houston's list: a test spells out only what matters."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import orjson

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.formats.empty_body import guarded
from connectors.sources.houston_active_incidents import Config, HoustonActiveIncidents

HOUSTON = SourceContext(
    "houston", "active-incidents", ZoneInfo("America/Chicago"), Bounds(29.40, -95.95, 30.20, -94.95)
)
NOON = 1_717_243_200_000
"""2024-06-01 12:00 UTC"""
MINUTE = 60_000


def a_line(**changed: Any) -> dict[str, Any]:
    """A record of today's form."""
    line = {
        "UID": 29_700_001,
        "Agency": "F",
        "Address": "MADE UP ST",
        "CrossStreet": None,
        "CALL_TIME": NOON - 10 * MINUTE,
        "IncidentType": "EMS EVENT",
        "ALARM_LEVEL": 0,
        "NO_UNITS": 1,
        "Units": "X001",
        "LONGITUDE": -95.4,
        "LATITUDE": 29.700001,
    }
    return {"attributes": {key: value for key, value in (line | changed).items() if value is not ...}}


def another(**changed: Any) -> dict[str, Any]:
    """A record of another incident far from that of ``a_line``, so that a list is never empty."""
    line = {"UID": 29_900_009, "LATITUDE": 29.900009, "Units": "X999", "Address": "OTHER ST"}
    return a_line(**{**line, "IncidentType": "GAS LEAK", **changed})


def a_legacy_line(**changed: Any) -> dict[str, Any]:
    """A record of the form of 2022."""
    line = {
        "Agency": "F",
        "Address": "MADE UP ST",
        "CrossStreet": "BLK NOWHERE DR",
        "XCoord": "-95400000",
        "YCoord": "29700001",
        "CallTimeOpened": "06/01/2024 06:50",
        "IncidentType": "Ems Event",
        "AlarmLevel": "0",
        "NumberOfUnits": "1",
        "Units": "X001;",
    }
    return {key: value for key, value in (line | changed).items() if value is not ...}


class Listener:
    """Reads polls, a quarter of an hour apart, and carries the place."""

    def __init__(self) -> None:
        self.source = guarded(HoustonActiveIncidents(HOUSTON, Config(url="http://127.0.0.1:1/")))
        self.place: Any = {}
        self.at_ms = NOON

    def hears_body(self, body: bytes, **heard: Any) -> Reading:
        reading = self.source.read(Heard(body, self.at_ms, **heard), self.place)
        self.place, self.at_ms = reading.place, self.at_ms + 15 * MINUTE
        return reading

    def hears(self, *lines: Any, **body: Any) -> Reading:
        return self.hears_body(orjson.dumps({"features": lines} | body))

    def hears_legacy(self, *lines: Any) -> Reading:
        return self.hears_body(orjson.dumps({"ActiveIncidentDataTable": lines}))


def told(reading: Reading) -> list[tuple[str, str, int]]:
    """The new events: (kind, status, revision)."""
    return [(e.value["kind"], e.value["status"], e.value["revision"]) for e in reading.events if e.value]
