"""Houston's live list of active fire, EMS and police-traffic incidents, in both forms it has had.

Today's form is ArcGIS's (``features``); the form of 2022 (``ActiveIncidentDataTable``) has local time without
zone and micro-degrees as strings. Agency F becomes ``fire.incident``, P becomes ``police.incident``.

The list's words for the life cycle: units beside an incident mean *dispatched*, none *open*; leaving the list
for two polls means *closed*. It has no word for *arrived*. There is no case number on it either, nor any
other id: ours is derived from the key under which an incident was first seen (``_active_list`` says why the
key is not the incident).
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.empty_body import Nothing
from connectors.formats.json import json_value, originals
from connectors.formats.pages import ListForm
from connectors.formats.records import (
    a_number,
    a_text,
    an_id,
    note_unknown,
    plausible_time,
    position,
    read_each,
    set_aside,
    text_or_none,
)
from connectors.formats.times import RowTime, local_time
from connectors.sources._active_list import Change, Followed, Key, Row, Unread, follow
from connectors.transport.page_or_file import Paged, PageSettings
from connectors.transport.web_page import WebPage
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.kinds import load_kinds
from schemas.parts import Known, kind_of

AGENCIES = {
    "F": ("fire.incident", "hfd", "houston-fire"),
    "P": ("police.incident", "hpd", "houston-police"),
}
"""The list's letter → topic, agency, table of words."""
ANOTHER = "civil.incident"
"""The topic of a letter that the list has not had so far: its incidents go by the letter, their words by their parts."""
TODAY, LEGACY = "features", "ActiveIncidentDataTable"
CALL_TIME_ACCURACY_S = 60.0
AMBIGUOUS_ACCURACY_S = 3600.0


class Config(PageSettings, Paged):
    """Settings of a source of type ``houston_active_incidents``."""

    url: str = Field(pattern="^https?://", description="where the list is asked for, as JSON")


class _Line:
    """One record of either form, read field by field."""

    def __init__(self, raw: object) -> None:
        if isinstance(raw, dict) and "attributes" in raw:
            raw = raw["attributes"]
        if not isinstance(raw, dict):
            raise Invalid("a record is no object", field="", expected="an object")
        self._raw: dict[str, Any] = raw
        self._is_legacy = "CallTimeOpened" in raw or "YCoord" in raw

    def agency(self) -> str:
        return a_text(self._raw.get("Agency"), "Agency")

    def type(self) -> str:
        return a_text(self._raw.get("IncidentType"), "IncidentType")

    def uid(self) -> str:
        """The row's id of sorts: the latitude in micro-degrees, or the address where there is no latitude."""
        name = "YCoord" if self._is_legacy else "UID"
        uid = self._raw.get(name)
        if self._is_legacy and uid == "":
            return self.address() or "nowhere"
        digits = an_id(uid, name)
        if not re.fullmatch(r"-?[0-9]+", digits):
            raise Invalid(f"{name} is missing or no whole number", field=name, expected="a whole number")
        return digits

    def call(self, zone: ZoneInfo) -> RowTime:
        """When it was called in, and whether that hour came twice."""
        if self._is_legacy:
            return local_time(self._raw.get("CallTimeOpened"), "%m/%d/%Y %H:%M", zone, "CallTimeOpened")
        call_ms = self._raw.get("CALL_TIME")
        if isinstance(call_ms, bool) or not isinstance(call_ms, int):
            raise Invalid("CALL_TIME is missing or no whole number", field="CALL_TIME", expected="epoch ms")
        return RowTime(call_ms)

    def units(self) -> list[str]:
        """The units sent, in alphabetical order: the list's own order changes without meaning."""
        stated = text_or_none(self._raw.get("Units"), "Units") or ""
        return sorted({unit.strip() for unit in re.split("[,;]", stated)} - {""})

    def address(self) -> str | None:
        parts = [text_or_none(self._raw.get(name), name) for name in ("Address", "CrossStreet")]
        return " / ".join(part for part in parts if part) or None

    def priority(self) -> str | None:
        """The number of alarms struck, where any was."""
        alarms = self._raw.get("AlarmLevel" if self._is_legacy else "ALARM_LEVEL")
        level = int(a_number(alarms, "ALARM_LEVEL")) if alarms not in (None, "") else 0
        return f"alarm {level}" if level > 0 else None

    def position(self, context: SourceContext) -> dict[str, Any] | None:
        lat, lon = (
            self._raw.get(n) for n in (("YCoord", "XCoord") if self._is_legacy else ("LATITUDE", "LONGITUDE"))
        )
        if self._is_legacy and (lat, lon) != ("", ""):
            lat, lon = a_number(lat, "YCoord") / 1e6, a_number(lon, "XCoord") / 1e6
        return position(context, lat, lon)


def _row(context: SourceContext, raw: object, received_ms: int | None) -> Row:
    line = _Line(raw)
    called = line.call(context.timezone)
    key = Key(
        line.agency(), line.uid(), plausible_time(called.ms, received_ms, "CALL_TIME"), line.type().upper()
    )
    at, units = line.position(context), line.units()
    says: dict[str, Any] = {
        "type": line.type(),
        "units": units,
        "address": line.address(),
        "priority": line.priority(),
        "at": [at["lat"], at["lon"]] if at else None,
    }
    return Row(key, says | {"twice": True} if called.is_ambiguous else says)


def _unread(context: SourceContext, raw: object) -> Unread:
    """The legible part of an unreadable record, so that its incident is not taken to have left."""
    try:
        line = _Line(raw)
    except Invalid:
        return Unread()
    agency, call_ms, marks = None, None, set[str | None]()
    with contextlib.suppress(Invalid):
        agency = line.agency()
    with contextlib.suppress(Invalid):
        call_ms = line.call(context.timezone).ms
    with contextlib.suppress(Invalid):
        marks.add(line.uid())
    with contextlib.suppress(Invalid):
        marks.update(line.units())
    with contextlib.suppress(Invalid):
        marks.add(line.address())
    return Unread(agency, call_ms, frozenset(mark for mark in marks if mark))


def _opened(text: bytes) -> tuple[dict[str, Any], str, list[Any]]:
    """The body, the name of its list, and the list. ``Invalid`` for anything else."""
    body = json_value(text, TODAY, LEGACY)
    if not isinstance(body, dict):
        raise Invalid(f"the body is a JSON {type(body).__name__}", field="", expected="a JSON object")
    form = LEGACY if LEGACY in body else TODAY
    listed = body.get(form)
    if not isinstance(listed, list):
        raise Invalid(f"{form!r} holds a {type(listed).__name__}", field=form, expected="a list")
    return body, form, listed


def _part_of_a_list(form: str) -> tuple[bytes, bytes]:
    """Around a record that is retried: a list marked as not whole, so that nothing counts as having left it."""
    return b'{"exceededTransferLimit": true, "' + form.encode() + b'": [', b"]}"


def _case_no(first: Key) -> str:
    """A case number for an incident, since the list has none. Stable: the first key never changes."""
    called = datetime.fromtimestamp(first.call_ms / 1000, UTC)
    return f"{first.agency}-{called:%y%m%d-%H%M}-{derived_id(*first)[:6]}"


class HoustonActiveIncidents:
    """A ``PolledSource``: every poll reads the whole list."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._page = WebPage(
            config.url,
            timeout_s=config.timeout_s,
            headers=config.headers,
            paging=config.paging(ListForm("list", (LEGACY, TODAY))),
        )
        self._kinds = load_kinds()

    async def poll(self, place: Place) -> Heard:
        return await self._page.get()

    async def close(self) -> None:
        await self._page.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        try:
            body, form, listed = _opened(heard.body)
            rows, aside, unread = self._rows(listed, heard, form)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        if not listed:
            raise Nothing("the list is empty: nothing has left it")
        received_ms = (
            heard.at_ms if heard.at_ms is not None else max((r.key.call_ms for r in rows), default=0)
        )
        after, changes = follow(
            Followed.from_place(place),
            rows,
            unread=unread,
            is_whole=not heard.missing and body.get("exceededTransferLimit") is not True,  # ArcGIS cut it
        )
        events = [self._event(change, received_ms) for change in changes]
        noted = Counter[str]()
        for row in rows:
            noted.update(self._kind(row.key.agency, row.says["type"]).notes(row.says["type"]))
            if row.key.agency not in AGENCIES:
                note_unknown(noted, "agency", row.key.agency)
        return Reading(events, after.to_place(), aside=aside, noted=noted)

    def _rows(
        self, raw: Sequence[object], heard: Heard, form: str
    ) -> tuple[list[Row], list[SetAside], list[Unread]]:
        rows, aside, unread = read_each(
            raw,
            lambda record: _row(self._context, record, heard.at_ms),
            originals(heard.body, form),
            _part_of_a_list(form),
        )
        return rows, aside, [_unread(self._context, record) for record in unread]

    def _kind(self, agency: str, word: str) -> Known:
        return kind_of(self._kinds.words[AGENCIES[agency][2]] if agency in AGENCIES else None, word)

    def _event(self, change: Change, received_ms: int) -> Event:
        incident, said = change.incident, change.incident.said
        letter = incident.key.agency
        topic, agency = AGENCIES[letter][:2] if letter in AGENCIES else (ANOTHER, letter)
        incident_id = derived_id(self._context.city, self._context.source, *incident.first)
        value = event_fields(
            self._context.city,
            self._context.source,
            event_id=derived_id(incident_id, incident.revision),
            event_time_ms=incident.first.call_ms,
            received_ms=received_ms,
            position=_position(said["at"]),
            accuracy_s=AMBIGUOUS_ACCURACY_S if said.get("twice") else CALL_TIME_ACCURACY_S,
        )
        value |= {
            "incident_id": incident_id,
            "agency": agency,
            "agency_case_no": _case_no(incident.first),
            **self._kind(incident.key.agency, said["type"]).fields,
            "kind_text": said["type"],
            "priority": said["priority"],
            "status": "closed" if change.is_closed else "dispatched" if said["units"] else "open",
            "units": list(said["units"]),
            "address": said["address"],
            "revision": incident.revision,
            "closed_reason": "left the list" if change.is_closed else None,
            "filing_id": None,
        }
        return Event(topic, incident_id, value)


def _position(at: Sequence[float] | None) -> dict[str, Any] | None:
    return None if at is None else {"lat": at[0], "lon": at[1], "accuracy_m": None}


SOURCE = HoustonActiveIncidents
