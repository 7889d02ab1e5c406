"""Charging locations of OCPI 2.2.1: each is a hub, with its connectors and the state of its chargers.

- A location, a list of them, or the answer of a platform (``data`` between status and timestamp).
- ``place.hub`` says what it is: its connectors by standard. ``mobility.hub`` says how its EVSEs stand: available, charging,
  reserved, blocked, inoperative, outoforder, planned, unknown. An EVSE that is removed is none.
- A session, a charge detail record, a tariff or a token is no location: left out and counted.
- A location whose owner does not want it published is left out and counted.
- ``last_updated`` is when something last changed, not when it was looked at. Stale is what an answer told more than
  ``stale_after_s`` after its own ``timestamp``.
- The same ``last_updated`` again is the same event; told once while it is remembered. An older one is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import around_record, json_records, json_value, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import (
    a_text,
    an_id,
    note_unknown,
    plausible_time,
    read_each,
    set_aside,
    text_or_none,
)
from connectors.formats.times import iso_ms
from connectors.subjects.plausible import known_id
from connectors.subjects.vehicles import HUB, Telemetry
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.names import AgencyName

PLACE_HUB = "place.hub"
STATES = (
    "AVAILABLE",
    "BLOCKED",
    "CHARGING",
    "INOPERATIVE",
    "OUTOFORDER",
    "PLANNED",
    "RESERVED",
    "UNKNOWN",
)
REMOVED = "REMOVED"
UNPUBLISHED = "not to be published"
REMEMBERED_MAX = 20_000
KIND = "charging"
OTHER_THINGS = {
    "cdr_location": "charge detail record",
    "total_energy": "charge detail record",
    "charging_periods": "session",
    "cdr_token": "session",
    "kwh": "session",
    "auth_method": "session",
    "auth_id": "session",
    "contract_id": "token",
    "elements": "tariff",
}
"""A field that no location has → the object of OCPI (2.1.1 to 2.3) that has it."""


class Config(PagedSettings):
    """Settings of a source of type ``ocpi_locations``."""

    operator: AgencyName | None = Field(
        None, description="who runs locations that name nobody; none: the party, as BE*BEC"
    )
    stale_after_s: float = Field(900, gt=0, description="seconds after an answer's own time when it is stale")
    url: str | None = Field(None, pattern="^https?://", description="the locations endpoint of a platform")
    headers: dict[str, str] = Field({}, description='HTTP headers to send: { Authorization = "Token ${…}" }')


class OcpiLocations:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("list", ("data", "")))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told, known = Telemetry(self._context, heard.at_ms), dict(place.get("known", {}))
        try:
            value = json_value(heard.body, None, "data")
            path = "data" if isinstance(value, dict) and isinstance(value.get("data"), list) else None
            inner = value["data"] if isinstance(value, dict) and isinstance(value.get("data"), dict) else None
            is_stale = self._is_stale(value, heard.at_ms)
            locations = [inner] if inner is not None else json_records(heard.body, path)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        _, told.aside, _ = read_each(
            locations,
            lambda location: self._location(location, told, known, is_stale=is_stale),
            originals(heard.body, path) if inner is None else lambda *_: heard.body,
            around_record(path) if inner is None else (b"", b""),
        )
        return told.reading({"known": dict(list(known.items())[-REMEMBERED_MAX:])} if known else place)

    def _is_stale(self, answer: Any, at_ms: int | None) -> bool:
        stamp = answer.get("timestamp") if isinstance(answer, dict) else None
        if at_ms is None or not isinstance(stamp, str):
            return False
        return at_ms - iso_ms(stamp, "timestamp", is_utc=True) > self._config.stale_after_s * 1000

    def _location(self, said: object, told: Telemetry, known: dict[str, int], *, is_stale: bool) -> None:
        if not isinstance(said, dict):
            raise Invalid("the location is no object", field="", expected="an object")
        if (other := _other_thing(said)) is not None:
            told.skipped[f"{other}, no location"] += 1
            return
        hub_id = "*".join(
            known_id(an_id(said.get(name), name), name) for name in ("country_code", "party_id", "id")
        )
        if said.get("publish") is False:
            told.skipped[UNPUBLISHED] += 1
            return
        updated_ms = plausible_time(
            iso_ms(said.get("last_updated"), "last_updated", is_utc=True, noted=told.noted),
            told.at_ms,
            "last_updated",
        )
        at = said.get("coordinates") or {}
        if not isinstance(at, dict):
            raise Invalid("coordinates are none", field="coordinates", expected="latitude and longitude")
        where = told.position(at.get("latitude"), at.get("longitude"))
        evses = [one for one in _list(said, "evses") if one.get("status") != REMOVED]
        states = Counter(_state(one, told.noted) for one in evses)
        if updated_ms <= known.get(hub_id, -1):
            is_older = updated_ms < known[hub_id]
            told.skipped["older than what was said before" if is_older else "said before"] += 1
            return
        common = {
            "hub_id": hub_id,
            "kind": KIND,
            "name": text_or_none(said.get("name"), "name"),
            "operator": _operator(said) or self._config.operator or hub_id.rpartition("*")[0],
            "address": _address(said),
        }
        standards = Counter(
            a_text(one.get("standard"), "evses.connectors.standard").lower()
            for evse in evses
            for one in _list(evse, "connectors")
        )
        hub = {
            **common,
            "capacity": len(evses) or None,
            "chargers": [{"kind": kind, "count": count} for kind, count in sorted(standards.items())],
            "opening_hours": _hours(said),
            "is_public": True if said.get("publish") is True else None,
        }
        told.tell(PLACE_HUB, (updated_ms,), event_ms=updated_ms, position=where, said=hub)
        now = {
            **common,
            "chargers": [{"state": state, "count": count} for state, count in sorted(states.items())],
            "is_stale": is_stale,
        }
        told.tell(HUB, (updated_ms,), event_ms=updated_ms, position=where, said=now)
        known[hub_id] = updated_ms


def _other_thing(said: Mapping[str, Any]) -> str | None:
    """The name of another object of OCPI that *said* is; ``None`` for a location.

    Sessions, CDRs and tokens name a person's contract: they are counted, and their bytes are not kept.
    """
    return next((name for field, name in OTHER_THINGS.items() if field in said), None)


def _list(said: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Invalid(f"{name} is no list of objects", field=name, expected="a list of objects")
    return found


def _state(evse: Mapping[str, Any], noted: Counter[str]) -> str:
    """One of OCPI's words; one of a later version is its "unknown"."""
    status = a_text(evse.get("status"), "evses.status")
    if status not in STATES:
        note_unknown(noted, "status", status)
        return "unknown"
    return status.lower()


def _operator(said: Mapping[str, Any]) -> str | None:
    operator = said.get("operator")
    return text_or_none(operator.get("name"), "operator.name") if isinstance(operator, dict) else None


def _address(said: Mapping[str, Any]) -> str | None:
    parts = [text_or_none(said.get(name), name) for name in ("address", "postal_code", "city")]
    return ", ".join(part for part in parts if part) or None


def _hours(said: Mapping[str, Any]) -> str | None:
    times = said.get("opening_times")
    if not isinstance(times, dict):
        return None
    if times.get("twentyfourseven") is True:
        return "24/7"
    hours = _list(times, "regular_hours")
    return (
        ", ".join(f"{one.get('weekday')} {one.get('period_begin')}-{one.get('period_end')}" for one in hours)
        or None
    )


SOURCE = OcpiLocations
