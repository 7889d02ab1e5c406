"""Aircraft that ADS-B hears, as JSON: state rows (OpenSky's names) or ``aircraft.json`` of dump1090 and readsb.

Each state becomes a ``mobility.position`` of a manned aircraft, never of a drone: category B6 is counted. ``vehicle_id`` is
the address, ``label`` the callsign, ``trip_id`` the row's ``flight_id``. Its heights, climb and squawk are left out, for
``mobility.position`` has no place for them.

- Rows may stand in any order, and a list may be asked again and again: no aircraft goes backwards, repeats are counted.
- ``aircraft.json`` says how old a place is in tenths of a second, so one place seems to move by a tenth or two between two
  polls: a place that is less than 0.25 s newer than its aircraft's last is a repeat.
- A receiver hears far beyond the city: what is outside it is counted, not set aside. So is an address that is none of
  ICAO's (``~``: a relayed or made-up one).
- A place of 0,0, a speed beyond 800 m/s, a track beyond the compass are null, and noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import around_record, json_records, json_value, originals
from connectors.formats.records import a_number, a_text, id_or_none, plausible_time, read_each, set_aside
from connectors.subjects.aircraft import (
    NO_POSITION,
    NOT_AN_ADDRESS,
    AircraftSettings,
    AircraftState,
    address_of,
    callsign_of,
    keep_aircraft_forward,
    tell_aircraft,
)
from connectors.subjects.in_order import OLDER
from connectors.subjects.vehicles import Telemetry
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from schemas.errors import Invalid

LIST = "aircraft"
STEP_MS = 250
"""Twice the tenth by which two answers may place one moment apart, and a little; a transponder says two places a second."""
RELAYED = "~"


class Config(PageOrFileSettings, AircraftSettings):
    """Settings of a source of type ``adsb_json``. Without url and path it is only played or pushed."""


class AdsbJson:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._asked = PageOrFile(context.source, config)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        newest: Mapping[str, int] = place.get("newest", {})
        try:
            now_s = _now_s(heard.body)
            path = None if now_s is None else LIST
            records = json_records(heard.body, path)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        around = around_record(path)
        if now_s is not None:
            around = (b'{"now":' + orjson.dumps(now_s) + b"," + around[0].lstrip(b"{"), around[1])
        _, told.aside, _ = read_each(
            records,
            lambda row: self._row(row, now_s, newest, told),
            originals(heard.body, path),
            around,
        )
        kept = keep_aircraft_forward(told, newest)
        return told.reading({"newest": kept} if kept else place)

    def _row(self, row: Any, now_s: float | None, newest: Mapping[str, int], told: Telemetry) -> None:
        if not isinstance(row, dict):
            raise Invalid("a state is no object", field="", expected="an object")
        if now_s is None:
            tell_aircraft(told, self._config, _of_row(row, told.at_ms))
            return
        if a_text(row.get("hex"), "hex").startswith(RELAYED):
            told.skipped[NOT_AN_ADDRESS] += 1
        elif row.get("lat") is None and row.get("lon") is None:
            told.skipped[NO_POSITION] += 1
        else:
            state = _of_receiver(row, now_s, told.at_ms)
            before = newest.get(state.address)
            if before is not None and before < state.at_ms < before + STEP_MS:
                told.skipped[OLDER] += 1
            else:
                tell_aircraft(told, self._config, state)


def _now_s(body: bytes) -> float | None:
    """The moment of an ``aircraft.json``; ``None`` for a list of rows."""
    value = json_value(body, LIST, None)
    if not isinstance(value, dict):
        return None
    if LIST not in value or "now" not in value:
        raise Invalid(
            "there is neither a list of rows nor an aircraft.json",
            field="",
            expected="a list, or now and aircraft",
        )
    return a_number(value["now"], "now")


def _of_row(row: Mapping[str, Any], at_ms: int | None) -> AircraftState:
    return AircraftState(
        address=address_of(a_text(row.get("icao24"), "icao24")),
        at_ms=plausible_time(round(a_number(row.get("timestamp"), "timestamp")), at_ms, "timestamp"),
        lat=row.get("latitude"),
        lon=row.get("longitude"),
        speed_kn=_number(row, "groundspeed"),
        track_deg=_number(row, "track"),
        callsign=_callsign(row, "callsign"),
        category=_category(row),
        flight=id_or_none(row.get("flight_id"), "flight_id"),
    )


def _of_receiver(row: Mapping[str, Any], now_s: float, at_ms: int | None) -> AircraftState:
    age_s = _number(row, "seen_pos")
    if age_s is None:
        age_s = _number(row, "seen") or 0.0
    return AircraftState(
        address=address_of(a_text(row.get("hex"), "hex")),
        at_ms=plausible_time(round((now_s - age_s) * 1000), at_ms, "now"),
        lat=row.get("lat"),
        lon=row.get("lon"),
        speed_kn=_number(row, "speed" if row.get("gs") is None else "gs"),  # as older ones call it
        track_deg=_number(row, "track"),
        callsign=_callsign(row, "flight"),
        category=_category(row),
    )


def _number(row: Mapping[str, Any], field: str) -> float | None:
    value = row.get(field)
    return None if value in (None, "") else a_number(value, field)


def _callsign(row: Mapping[str, Any], field: str) -> str | None:
    word = row.get(field)
    return callsign_of(word) if isinstance(word, str) else None


def _category(row: Mapping[str, Any]) -> str | None:
    word = row.get("category")
    return word if isinstance(word, str) else None


SOURCE = AdsbJson
