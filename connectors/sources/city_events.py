"""Events in the platform's own words, as JSON or Avro: for agencies that write their own sender.

One record, a list, or one a line, as JSON with the fields of the contract (times as ISO 8601 with offset or in
milliseconds); or Avro, a file of many or single objects, in any version of the contract.

- ``city``, ``source`` and ``received_time`` are set by the platform: a record that names another city or source is refused.
- ``agency`` is one of those for which the source speaks (``speaks_for``); a record of another is refused.
- ``incident_id`` is derived from source and case number, and from the agency where the source speaks for several. What a
  record says there is no id of ours, and passed over: nobody names another's incident.
- ``event_id`` is derived: from incident and revision, or from what the record gives as its own, or from all that it says.
- ``ids`` binds what else a record names: the cameras, sensors, vehicles or entries that are this source's own.
- Of a ride on demand it tells what its operator decided: an assignment in a dispatcher's name is the gateway's to write.
- What may be null may be left out.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.avro import AvroBodies, Payload, is_avro
from connectors.formats.empty_body import Nothing
from connectors.formats.json import BOM, json_records, originals
from connectors.formats.records import a_text, plausible_time, position, readable, set_aside
from connectors.subjects.speakers import checked_agency, own_agencies
from schemas.catalogue import load_catalogue
from schemas.errors import Invalid
from schemas.event import CheckedEvent, Event, case_id, derived_id, event_fields
from schemas.json_form import from_json_value, shown_otherwise
from schemas.kinds import OTHER
from schemas.parts import stated
from schemas.rows import RowCodec

DOMAINS = ("fire.", "police.", "civil.", "cctv.", "mobility.", "drone.", "place.")
NOT_BY_PUSH = ("police.missing", "cctv.person")
"""A case is opened at the gateway, where the law is asked; a sighting is told by the sources that name its words."""
SAID_BY_US = ("city", "source", "received_time", "event_id")
OF_DISPATCHERS = ("assigned_by", "command_id")
"""Only the gateway says that a dispatcher assigned a ride, with its account and its command."""
IN_A_LIST = (b"[", b"]")

PUSHED_ONLY = True
"""Nothing is read by itself: its agency pushes it to the gateway, or it is played."""


class Config(BaseModel):
    """Settings of a source of type ``city_events``. It is pushed or played."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    contract: str = Field(description="which events it brings: police.incident, cctv.detection, …")
    ids: tuple[str, ...] = Field(
        (), description="the ids (of cameras, sensors, …) that are its own, * for any part; empty: all"
    )

    @field_validator("contract")
    @classmethod
    def _contract(cls, name: str) -> str:
        known = [
            one
            for one in load_catalogue()
            if one.startswith(DOMAINS) and not one.endswith(".dlq") and one not in NOT_BY_PUSH
        ]
        if name not in known:
            raise ValueError(f"one of {', '.join(known)}")
        return name

    def agencies_of(self, context: SourceContext) -> tuple[str, ...]:
        """The agencies for which the source speaks; none where its events name no agency."""
        names_one = any(
            field["name"] == "agency" for field in load_catalogue()[self.contract].newest["fields"]
        )
        return own_agencies(context, domain=self.contract.partition(".")[0]) if names_one else ()


class CityEvents:
    """A ``Source`` that only reads what is pushed or played."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._contract = load_catalogue()[config.contract]
        self._ids = config.ids
        self._agencies = config.agencies_of(context)
        self._codec = RowCodec(self._contract.newest, max_bytes=self._contract.max_bytes)
        self._avro = AvroBodies(self._contract)
        self._named = tuple(field["name"] for field in self._contract.newest["fields"])
        self._fields = frozenset(self._named)
        self._shown_otherwise = shown_otherwise(self._contract.newest)
        self._nullable = {
            field["name"]: field["default"] for field in self._contract.newest["fields"] if "default" in field
        }

    async def listen(self) -> AsyncIterator[Heard]:
        return
        yield  # nothing is sent to it but by push

    async def close(self) -> None:
        """Nothing was opened."""

    def read(self, heard: Heard, place: Place) -> Reading:
        events: list[Event] = []
        aside: list[SetAside] = []
        try:
            for told in self._told(heard.body, heard.at_ms):
                events.append(told) if isinstance(told, Event) else aside.append(told)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        return Reading(events, place, aside=aside)

    def _told(self, body: bytes, at_ms: int | None) -> Iterator[Event | SetAside]:
        if is_avro(body):
            for payload in self._avro.records(body):
                yield self._of_avro(payload, at_ms)
            return
        lines = body.removeprefix(BOM).strip()
        if lines.startswith(b"{") and b"\n{" in lines:
            for line in lines.splitlines():
                yield from self._of_json(line, at_ms) if line.strip() else ()
            return
        yield from self._of_json(lines, at_ms)

    def _of_json(self, body: bytes, at_ms: int | None) -> Iterator[Event | SetAside]:
        try:
            records = json_records(body, None)
        except Nothing:
            return
        except Invalid as error:
            yield set_aside(body, error)
            return
        original = originals(body, None)
        for number, record in enumerate(records):
            try:
                yield self._event(self._of_form(readable(record)), at_ms)
            except Invalid as error:
                yield set_aside(original(number, record), error, IN_A_LIST, number=number)

    def _of_avro(self, payload: Payload, at_ms: int | None) -> Event | SetAside:
        try:
            if payload.value is None:
                raise payload.error or Invalid("the record cannot be read")
            return self._event(payload.value, at_ms)
        except Invalid as error:
            return set_aside(payload.original, error)

    def _of_form(self, record: Any) -> dict[str, Any]:
        if not isinstance(record, dict):
            raise Invalid("the record is no object", field="", expected="an object")
        if (
            not record.keys() <= self._fields
        ):  # named by its place: its name is the agency's, and may be about a person
            place = next(number for number, name in enumerate(record, 1) if name not in self._fields)
            raise Invalid(
                f"{self._contract.name} has no such field as the record's number {place}",
                expected=f"one of {', '.join(self._named)}",
            )
        return from_json_value(self._shown_otherwise, record)

    def _event(self, said: Mapping[str, Any], at_ms: int | None) -> Event:
        value = {**self._nullable, **said}
        for name in ("city", "source"):
            if value.get(name) not in (None, "", getattr(self._context, name)):
                raise Invalid(f"{name} is not ours", field=name, expected="left out, or our own")
        for name in OF_DISPATCHERS:
            if name in self._fields and value.get(name) is not None:
                raise Invalid(f"{name} is the gateway's to say", field=name, expected="left out, or null")
        time = value.get("event_time")
        if type(time) is not int:
            raise Invalid(
                "event_time is missing or no time", field="event_time", expected="ISO 8601 with offset"
            )
        plausible_time(time, at_ms)
        value["position"] = self._position(value.get("position"))
        if "agency" in self._fields:
            value["agency"] = checked_agency(a_text(value.get("agency"), "agency"), self._agencies)
        key = self._contract.key
        if key == "incident_id":
            value["incident_id"] = self._incident_id(value)
        else:
            self._check_own(value.get(key), key)
        if "kind_source" in self._fields:
            value |= _known(value)
        value |= event_fields(
            self._context.city,
            self._context.source,
            event_id=self._event_id(value, said),
            event_time_ms=time,
            received_ms=time if at_ms is None else at_ms,
            position=value["position"],
            accuracy_s=value["event_time_accuracy_s"],
        )
        self._codec.check(value)
        return CheckedEvent(self._contract.name, str(value[key]), value, self._contract.name, value)

    def _position(self, said: Any) -> dict[str, Any] | None:
        if said is None:
            return None
        if not isinstance(said, dict):
            raise Invalid("position is no object", field="position", expected="lat, lon and accuracy_m")
        return position(self._context, said.get("lat"), said.get("lon"), accuracy_m=said.get("accuracy_m"))

    def _incident_id(self, value: Mapping[str, Any]) -> str:
        number = a_text(value.get("agency_case_no"), "agency_case_no")
        agency = value["agency"] if len(self._context.speaks_for) > 1 else None
        return case_id(self._context.city, self._context.source, number, agency=agency)

    def _check_own(self, its_id: Any, field: str) -> None:
        """``Invalid`` for an id that is not among those of this source."""
        if self._ids and not any(fnmatchcase(str(its_id), one) for one in self._ids):
            raise Invalid(
                f"{field} is not this source's", field=field, expected="an id that 'ids' of it names"
            )

    def _event_id(self, value: Mapping[str, Any], said: Mapping[str, Any]) -> str:
        if "incident_id" in self._fields and "revision" in value:
            return derived_id(value["incident_id"], value["revision"])
        if said.get("event_id"):
            theirs = a_text(said["event_id"], "event_id")
            return derived_id(self._context.city, self._context.source, self._contract.name, "theirs", theirs)
        says = {field: value[field] for field in sorted(value) if field not in SAID_BY_US}
        about = orjson.dumps(says, default=repr)
        return derived_id(self._context.city, self._context.source, self._contract.name, about)


def _known(value: Mapping[str, Any]) -> dict[str, str]:
    """The kind of an incident: what its agency states in our words, or else what its own word says."""
    kind, word = value.get("kind", OTHER), value.get("kind_text")
    if not isinstance(kind, str) or not isinstance(word, str):
        return {}  # the contract refuses it
    return stated(kind, word).fields


SOURCE = CityEvents
