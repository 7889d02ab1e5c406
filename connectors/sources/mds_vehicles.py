"""Vehicles of the Mobility Data Specification 2: ``/vehicles``, ``/vehicles/status``, ``/events/recent``, ``/telemetry``.

- ``/vehicles`` says what a device is; it is remembered and gives no event. A device that it has not named is of
  ``vehicle_type``, noted.
- A status, an event or a point of telemetry is a position. Event and telemetry of one device and moment are one.
- ``vehicle_id`` is the device's own id, which stays the same as long as it lives; ``label`` what stands on the vehicle.
- A device's timestamps keep their order: a body is told in order of time, and what is no newer than its device's last
  position is counted and gives no event. Its state is remembered all the same and told with the next position.
- Nothing is guessed: ``tipped_over`` is null where nobody says so, though the standard calls false its default.
- A vehicle outside the city, as one that is ``elsewhere``, is counted. Rides' ids are left out: they are their riders'.
- Agencies' own form, a bare list of such records, is read too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import around_record, at_path, json_records, json_value, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import read_each, set_aside
from connectors.sources._mds_vehicle import Moment, is_vehicle, moments, vehicle_of
from connectors.subjects.in_order import keep_forward
from connectors.subjects.vehicles import POSITION, Telemetry
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.names import AgencyName

LISTS = ("vehicles_status", "vehicles", "events", "telemetry")
PATHS = tuple(f"{above}{name}" for name in LISTS for above in ("", "data."))
DEVICES_MAX = 10_000
"""Devices remembered: the largest fleets of a city. One that is forgotten counts as new, and as unnamed."""
ELSEWHERE, UNNAMED = "vehicle outside the city", "vehicle that /vehicles has not named"
REAL_TIME_S = 300.0
"""The standard: a status is never more than 5 minutes out of date."""


class Config(PagedSettings):
    """Settings of a source of type ``mds_vehicles``."""

    url: str | None = Field(None, pattern="^https?://", description="one of the four endpoints")
    operator: AgencyName | None = Field(
        None, description="who runs the vehicles; none: as operators says, or the source's name"
    )
    operators: dict[str, AgencyName] = Field(
        {}, description='provider_id → who that is: { "c20e…" = "kick" }'
    )
    vehicle_type: str = Field(
        "other", min_length=1, description="what a device is that /vehicles has not named"
    )
    stale_after_s: float = Field(
        REAL_TIME_S, gt=0, description="seconds after which a position is stale on arrival"
    )
    headers: dict[str, str] = Field(
        {}, description='HTTP headers to send: { Accept = "application/vnd.mds+json;version=2.0" }'
    )


class MdsVehicles:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        self._asked = PageOrFile(context.source, config, ListForm("list", (*PATHS, "")))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        named, states = dict(place.get("named", {})), dict(place.get("states", {}))
        try:
            path = _path(json_value(heard.body, *PATHS, None))
            records = json_records(heard.body, path)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        read, told.aside, _ = read_each(
            records,
            lambda record: self._record(record, told, named),
            originals(heard.body, path),
            around_record(path),
        )
        for moment in _in_order([moment for found in read for moment in found]):
            self._tell(moment, named, states, told)
        newest = keep_forward(told, place.get("newest", {}), DEVICES_MAX)
        kept = {"named": _newest(named), "states": _newest(states), "newest": newest}
        return told.reading({name: value for name, value in kept.items() if value} or place)

    def _record(self, record: object, told: Telemetry, named: dict[str, Any]) -> list[Moment]:
        if not isinstance(record, dict):
            raise Invalid("the record is no object", field="", expected="an object")
        if is_vehicle(record):
            device_id, fields = vehicle_of(record, told.noted)
            named.pop(device_id, None)
            named[device_id] = fields
            return []
        return list(moments(record, told))

    def _tell(
        self, moment: Moment, named: Mapping[str, Any], states: dict[str, Any], told: Telemetry
    ) -> None:
        device_id = moment.device_id
        known = states.get(device_id)
        if moment.state is not None and (known is None or moment.at_ms >= known[1]):
            states.pop(device_id, None)
            known = states[device_id] = [moment.state, moment.at_ms]
        if moment.is_elsewhere:
            told.skipped[ELSEWHERE] += 1
            return
        state = moment.state or (known[0] if known is not None and known[1] <= moment.at_ms else None)
        if device_id not in named:
            told.noted[UNNAMED] += 1
        said = {
            "vehicle_type": self._config.vehicle_type,
            **named.get(device_id, {}),
            **moment.fields,
            "vehicle_id": device_id,
            "operator": self._operator(moment.provider_id),
            "state": state,
            "is_reserved": None if state is None else state == "reserved",
            "is_disabled": None if state is None else state == "non_operational",
            "is_stale": told.is_older_than(moment.at_ms, self._config.stale_after_s),
        }
        told.tell(POSITION, (moment.at_ms,), event_ms=moment.at_ms, position=moment.where, said=said)

    def _operator(self, provider_id: str | None) -> str:
        stated = self._config.operators.get(provider_id or "")
        return stated or self._config.operator or self._context.source


def _path(value: Any) -> str | None:
    """Where the list of records stands; ``None``: the body is the list, or one record."""
    return next((path for path in PATHS if isinstance(at_path(value, path), list)), None)


def _in_order(found: list[Moment]) -> list[Moment]:
    """The moments in order of time; those of one device and time are one, a later record's words before an earlier's."""
    merged: dict[tuple[str, int], Moment] = {}
    for moment in found:
        key = moment.device_id, moment.at_ms
        if (before := merged.get(key)) is not None:
            fields = {**before.fields, **{k: v for k, v in moment.fields.items() if v is not None}}
            provider, where = moment.provider_id or before.provider_id, moment.where or before.where
            is_elsewhere = moment.is_elsewhere and before.is_elsewhere
            merged[key] = Moment(*key, where, fields, provider, is_elsewhere)
        else:
            merged[key] = moment
    return sorted(merged.values(), key=lambda one: one.at_ms)


def _newest(known: dict[str, Any]) -> dict[str, Any]:
    return dict(list(known.items())[-DEVICES_MAX:])


SOURCE = MdsVehicles
