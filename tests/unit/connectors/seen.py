"""Helpers for tests of detections: a city, sources in it, and their readings."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from connectors.base import Bounds, Heard, Reading, SourceContext
from connectors.discovery import load_source

SPRINGFIELD = SourceContext("springfield", "cctv", ZoneInfo("UTC"), Bounds(29.4, -95.95, 30.2, -94.95))
SANTA_CLARA = SourceContext("santa-clara", "cctv", ZoneInfo("UTC"), Bounds(37.3, -122.1, 37.5, -121.8))
NOON = 1_772_971_200_000
"""2026-03-08 12:00 UTC"""


def source(type_name: str, city: SourceContext = SPRINGFIELD, **config: Any) -> Any:
    return load_source(type_name, city, config)


def read(listener: Any, body: bytes, at_ms: int | None = None, place: Any = None) -> Reading:
    reading: Reading = listener.read(Heard(body, at_ms), place or {})
    return reading


def values(reading: Reading) -> list[Any]:
    return [event.value for event in reading.events]
