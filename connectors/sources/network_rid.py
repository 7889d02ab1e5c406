"""Flights of network Remote ID as JSON (ASTM F3411): each flight with its states and its details.

Each state becomes a ``drone.position``. The drone's id is the best of its serial number, registration, UTM id and session,
also where it breaks the form of its kind (``id_verdict``); a flight without one is named by the flight's id.

- What a service writes for "unknown" (speed 255, track 361, vertical 63, heights −1,000) is null. A value that cannot be, or
  a word that the standard does not have, is null too and named in ``faults``; so is what is missing, without a fault.
- A state without a time that can be read, or outside the city, is set aside alone; a ``simulated`` flight is counted.
- A state that is no newer than its flight's last in an earlier body is left out and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import BOM, around_record, json_records, json_value, originals, record_bytes
from connectors.formats.json_parts import Unreadable
from connectors.formats.records import id_or_none, plausible_time, position, read_each, readable, set_aside
from connectors.formats.times import iso_ms
from connectors.sources._network_rid_words import Values, drone_of, operator_fields, state_fields
from connectors.subjects.drone_reports import report_drone
from connectors.subjects.vehicles import Telemetry
from connectors.transport.page_or_file import PageOrFile, PageOrFileSettings
from schemas.errors import Invalid

FLIGHTS, STATES, CURRENT = "flights", "states", "current_state"
FLIGHTS_MAX = 5_000
"""Flights remembered: more than a city has at once. One that is forgotten counts as new."""
OLDER, SIMULATED, EMPTY = "state told before", "simulated flight", "flight without a state"
END = b"]}]}"
Original = Callable[[int, Any], bytes]


class Config(PageOrFileSettings):
    """Settings of a source of type ``network_rid``. Without url and path it is only played or pushed."""


class NetworkRid:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._asked = PageOrFile(context.source, config)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        before: Mapping[str, int] = place.get("newest", {})
        newest = dict(before)
        try:
            flights = _flights(heard.body)
            original = originals(heard.body, FLIGHTS)
            for number, flight in enumerate(flights):
                self._flight(flight, number, original, before, newest, told)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        told.events.sort(key=lambda event: event.value["event_time"] if event.value else 0)
        kept = dict(list(newest.items())[-FLIGHTS_MAX:])
        return told.reading({"newest": kept} if kept else place)

    def _flight(
        self,
        flight: Any,
        number: int,
        original: Original,
        before: Mapping[str, int],
        newest: dict[str, int],
        told: Telemetry,
    ) -> None:
        try:
            details = _details(readable(flight))
        except Invalid as error:
            told.aside.append(
                set_aside(original(number, flight), error, around_record(FLIGHTS), number=number)
            )
            return
        if flight.get("simulated") is True:
            told.skipped[SIMULATED] += 1
            return
        states = flight.get(STATES)
        is_list = isinstance(states, list)
        if not is_list:
            states = [flight[CURRENT]] if flight.get(CURRENT) is not None else []
        if not states:
            told.skipped[EMPTY] += 1
            return
        reader = _FlightReader(self._context, flight, details, before, newest, told)
        heading = {name: value for name, value in flight.items() if name not in (STATES, CURRENT)}
        around = (
            b'{"flights":[' + orjson.dumps(heading)[:-1] + (b"," if heading else b"") + b'"states":[',
            END,
        )
        _, aside, _ = read_each(
            states,
            reader.state,
            originals(lambda: original(number, flight), STATES)
            if is_list
            else lambda _, state: orjson.dumps(state),
            around,
        )
        told.aside += aside


def _flights(body: bytes) -> list[Any]:
    """The flights of *body*. Where a value in it is none of JSON, its state alone is ``Unreadable``, or else its flight.

    ``Invalid`` where none can be read.
    """
    try:
        flights = json_records(body, FLIGHTS)
        if not any(isinstance(one, Unreadable) for one in flights):
            return flights
        error = None
    except Invalid as none_whole:
        error = none_whole
    parts = record_bytes(body, FLIGHTS)
    found = [_flight_of(part) for part in parts]
    if error is not None and (
        parts == [body.removeprefix(BOM)] or all(isinstance(one, Unreadable) for one in found)
    ):
        raise error
    return found


def _flight_of(part: bytes) -> Any:
    try:
        return json_value(part, STATES)
    except Invalid as error:
        return Unreadable(error, part)


def _details(flight: Any) -> Mapping[str, Any]:
    if not isinstance(flight, dict):
        raise Invalid("a flight is no object", field=FLIGHTS, expected="an object")
    details = flight.get("flight_details", flight.get("details"))
    return details if isinstance(details, dict) else {}


class _FlightReader:
    """Tells the states of one flight."""

    def __init__(
        self,
        context: SourceContext,
        flight: Mapping[str, Any],
        details: Mapping[str, Any],
        before: Mapping[str, int],
        newest: dict[str, int],
        told: Telemetry,
    ) -> None:
        self._context, self._told, self._newest = context, told, newest
        flight_id = id_or_none(details.get("id", flight.get("id")), "id")
        self._who = drone_of(details, flight_id)
        self._flight = flight_id or (self._who.text if self._who else "")
        self._before = before.get(self._flight, -1)
        self._faults: list[str] = []
        self._said = operator_fields(flight, details, self._faults)
        self._heard = set[int]()

    def state(self, state: Any) -> None:
        """Tell *state*. ``Invalid`` where it has no time, is outside the city, or is of nobody."""
        if not isinstance(state, dict):
            raise Invalid("a state is no object", field=STATES, expected="an object")
        if self._who is None:
            raise Invalid("the flight has no id", field="flight_details.id", expected="text")
        said_time = state.get("timestamp")
        if isinstance(said_time, dict):  # so the standard's later version writes it
            said_time = said_time.get("value")
        event_ms = plausible_time(
            iso_ms(said_time, "timestamp", noted=self._told.noted), self._told.at_ms, "timestamp"
        )
        if event_ms <= self._before or event_ms in self._heard:
            self._told.skipped[OLDER] += 1
            return
        values = Values(state, list(self._faults))
        at = values.part("position")
        accuracy_m = at.word("accuracy_h")
        where = position(self._context, at.said.get("lat"), at.said.get("lng"), accuracy_m=accuracy_m)
        fields = state_fields(values, at)
        at_ms = self._told.at_ms
        self._heard.add(event_ms)
        self._newest[self._flight] = max(event_ms, self._newest.pop(self._flight, event_ms))
        report_drone(
            self._told,
            self._who,
            (self._flight, event_ms),
            event_ms=event_ms,
            accuracy_s=values.number("timestamp_accuracy", 0, 3_600),
            position=where,
            said={
                **self._said,
                **fields,
                "age_s": None if at_ms is None else (at_ms - event_ms) / 1000,
                "faults": values.faults,
            },
        )


SOURCE = NetworkRid
