"""Charging locations and sessions of OCPI 2.2.1: a location is a hub, with its connectors and the state of its chargers.

- Locations or sessions: one, a list of them, or the answer of a platform (``data`` between status and timestamp).
- What a platform pushes by its address, a location, an EVSE, a connector or a session: ``_ocpi_parts``. Whole locations are
  remembered, so that a part that changes leaves the others as they were.
- ``place.hub`` says what it is: its connectors by standard. ``mobility.hub`` says how its EVSEs stand: available, charging,
  reserved, blocked, inoperative, out_of_order, planned, unknown. An EVSE that is removed is none.
- A session is ``mobility.charge``: ``_ocpi_sessions``. A charge detail record, a tariff or a token is left out and counted.
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
from connectors.sources._ocpi_memory import OcpiMemory, impersonal
from connectors.sources._ocpi_parts import (
    OWNER,
    SESSIONS,
    Pushed,
    changed,
    is_pushed,
    part_time,
    pushed_of,
    reduced,
)
from connectors.sources._ocpi_sessions import is_session, tell_session
from connectors.subjects.plausible import known_id
from connectors.subjects.vehicles import HUB, Telemetry
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.names import AgencyName

PLACE_HUB = "place.hub"
STATES = {
    "AVAILABLE": "available",
    "BLOCKED": "blocked",
    "CHARGING": "charging",
    "INOPERATIVE": "inoperative",
    "OUTOFORDER": "out_of_order",
    "PLANNED": "planned",
    "RESERVED": "reserved",
    "UNKNOWN": "unknown",
}
"""The word of OCPI → of ``mobility.hub``."""
REMOVED = "REMOVED"
UNPUBLISHED = "not to be published"
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
    """A ``PolledSource``. It may be pushed to as well, an object at a time."""

    takes_objects = True

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._asked = PageOrFile(context.source, config, ListForm("list", ("data", "")))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        memory = OcpiMemory(*(dict(place.get(name, {})) for name in ("known", "wholes", "sessions")))
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
            lambda said: self._object(said, told, memory, is_stale=is_stale),
            impersonal(originals(heard.body, path) if inner is None else lambda *_: heard.body),
            around_record(path) if inner is None else (b"", b""),
        )
        return told.reading(memory.kept() or place)

    def _is_stale(self, answer: Any, at_ms: int | None) -> bool:
        stamp = answer.get("timestamp") if isinstance(answer, dict) else None
        if at_ms is None or not isinstance(stamp, str):
            return False
        return at_ms - iso_ms(stamp, "timestamp", is_utc=True) > self._config.stale_after_s * 1000

    def _object(self, said: object, told: Telemetry, memory: OcpiMemory, *, is_stale: bool) -> None:
        if not isinstance(said, dict):
            raise Invalid("the location is no object", field="", expected="an object")
        if is_pushed(said):
            pushed = pushed_of(said)
            if pushed.kind != SESSIONS:
                self._pushed_location(pushed, told, memory)
                return
            before = memory.sessions.get(pushed.object_id)
            if pushed.is_patch and before is None:
                raise Invalid(
                    "the session is not known", field="object", expected="the whole session before (PUT)"
                )
            whole = before["said"] if pushed.is_patch and before is not None else {}
            self._session({**whole, **pushed.body, **pushed.owner}, told, memory)
        elif is_session(said):
            self._session(said, told, memory)
        elif (other := _other_thing(said)) is not None:
            told.skipped[f"{other}, no location"] += 1
        else:
            self._location(said, told, memory, is_stale=is_stale)

    def _session(self, said: dict[str, Any], told: Telemetry, memory: OcpiMemory) -> None:
        hub_id = "*".join(str(said.get(name)) for name in (*OWNER[:2], "location_id"))
        whole = memory.wholes.get(hub_id)
        at = (whole or {}).get("coordinates") or {}
        where = told.position(at.get("latitude"), at.get("longitude")) if at else None
        tell_session(said, told, memory.sessions, where)

    def _pushed_location(self, pushed: Pushed, told: Telemetry, memory: OcpiMemory) -> None:
        before = memory.wholes.get(pushed.object_id)
        whole = changed(before, pushed)
        if len(pushed.ids) == 3 or before is None:
            self._location(whole, told, memory, is_stale=False)
            return
        stated = part_time(before, pushed)
        new_ms, old_ms = (
            None if text is None else iso_ms(text, "last_updated", is_utc=True)
            for text in (pushed.body["last_updated"], stated)
        )
        if new_ms is not None and old_ms is not None and new_ms <= old_ms:
            told.skipped["older than what was said before" if new_ms < old_ms else "said before"] += 1
            return
        for evse in whole["evses"]:
            if str(evse.get("uid")) == pushed.ids[3]:
                evse["last_updated"] = pushed.body["last_updated"]
        self._location(whole, told, memory, is_stale=False, part=(*pushed.ids[3:], new_ms))

    def _location(
        self,
        said: dict[str, Any],
        told: Telemetry,
        memory: OcpiMemory,
        *,
        is_stale: bool,
        part: tuple[object, ...] = (),
    ) -> None:
        """Tell a whole location. *part*: the id and time of the part of it that has changed by itself."""
        known = memory.known
        hub_id = "*".join(known_id(an_id(said.get(name), name), name) for name in OWNER)
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
        if not part and updated_ms <= known.get(hub_id, -1):
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
        told.tell(PLACE_HUB, (updated_ms, *part), event_ms=updated_ms, position=where, said=hub)
        now = {
            **common,
            "chargers": [{"state": state, "count": count} for state, count in sorted(states.items())],
            "is_stale": is_stale,
        }
        told.tell(HUB, (updated_ms, *part), event_ms=updated_ms, position=where, said=now)
        known[hub_id] = updated_ms
        memory.wholes.pop(hub_id, None)
        memory.wholes[hub_id] = reduced(said)


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
    return STATES.get(status, "unknown")


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
