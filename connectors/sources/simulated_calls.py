"""A simulated city's 119 calls or 112 reports: one record each time a case changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import json_value
from connectors.formats.records import a_text, note_unknown, plausible_time, position, set_aside
from connectors.formats.times import iso_ms
from connectors.simulation.chance import Spot
from connectors.simulation.scenario import City, Domain, scenario
from connectors.subjects.incidents import UNKNOWN_STATUS
from connectors.transport.web_page import wall_clock_ms
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.kinds import load_kinds
from schemas.parts import kind_of

AGENCIES: dict[Domain, tuple[str, str, str]] = {
    "fire": ("fire.incident", "119", "kr-119"),
    "police": ("police.incident", "112", "kr-112"),
}
"""Domain → topic, agency, table of words."""
OPEN_MAX = 1_000
"""Cases remembered as open; the oldest is forgotten beyond it."""


class Config(BaseModel):
    """Settings of a source of type ``simulated_calls``. Sources with one seed report the same happenings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    domain: Domain = Field(description="fire: 119 calls; police: 112 reports")
    seed: int = Field(1, description="the same seed and the same time give the same happenings")
    around: tuple[Spot, ...] = Field((), description="discs in which things happen; none: the whole city")
    pace_s: float = Field(6, ge=0.05, le=3600, description="seconds from one happening to the next")
    life: float = Field(
        1, gt=0, le=60, description="how slowly cases live; 1: about a minute from call to end"
    )


class SimulatedCalls:
    """A ``Source`` that makes its own reports, by the wall's clock."""

    def __init__(
        self,
        context: SourceContext,
        config: Config,
        *,
        now_ms: Callable[[], int] = wall_clock_ms,
        wait: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._context = context
        self._config = config
        self._now_ms = now_ms
        self._wait = wait
        kinds = load_kinds()
        self._topic, self._agency, table = AGENCIES[config.domain]
        self._kinds, self._statuses = kinds.words[table], kinds.statuses[table]

    @property
    def city(self) -> City:
        """The settings that ``scenario`` needs."""
        c = self._config
        return City(c.seed, self._context.bounds, c.around, c.pace_s, c.life)

    async def listen(self) -> AsyncIterator[Heard]:
        """Each record when its time comes, no two in one millisecond. Cases that began before go on."""
        start_ms = self._now_ms()
        said_ms = 0
        for at_ms, record in scenario(self.city, self._config.domain, start_ms):
            if (ahead_ms := at_ms - self._now_ms()) > 0:
                await self._wait(ahead_ms / 1000)
            said_ms = max(self._now_ms(), said_ms + 1)
            yield Heard(orjson.dumps(record), said_ms)

    async def close(self) -> None:
        """Nothing is ever open."""

    def read(self, heard: Heard, place: Place) -> Reading:
        try:
            record = json_value(heard.body)
            if not isinstance(record, dict):
                raise Invalid("the record is no object", field="", expected="an object")
            event, noted = self._event(record, heard)
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        sequences: dict[str, int] = dict(place.get("open", {}))
        case_no, sequence = event["agency_case_no"], event["revision"]
        if sequence > 1 and case_no not in sequences:
            return Reading((), place, skipped={"began before we listened": 1})
        if sequence <= sequences.get(case_no, 0):
            return Reading((), place, skipped={"said before": 1})
        sequences.pop(case_no, None)
        if event["status"] != "closed":
            sequences[case_no] = sequence
        for oldest in list(sequences)[: max(0, len(sequences) - OPEN_MAX)]:
            del sequences[oldest]
        return Reading([Event(self._topic, event["incident_id"], event)], {"open": sequences}, noted=noted)

    def _event(self, record: dict[str, Any], heard: Heard) -> tuple[dict[str, Any], dict[str, int]]:
        case_no, word = a_text(record.get("case_no"), "case_no"), a_text(record.get("type"), "type")
        stated, noted = a_text(record.get("status"), "status"), Counter[str]()
        status = self._statuses.get(stated)
        if status is None:
            status = UNKNOWN_STATUS
            note_unknown(noted, "status", stated)
        reported_ms = iso_ms(record.get("reported_at"), "reported_at")
        plausible_time(reported_ms, heard.at_ms, "reported_at")
        received_ms = (
            heard.at_ms if heard.at_ms is not None else iso_ms(record.get("changed_at"), "changed_at")
        )
        incident_id = derived_id(self._context.city, self._context.source, case_no)
        sequence, kind = _sequence(record.get("sequence")), kind_of(self._kinds, word)
        value = event_fields(
            self._context.city,
            self._context.source,
            event_id=derived_id(incident_id, sequence),
            event_time_ms=reported_ms,
            received_ms=received_ms,
            position=position(self._context, record.get("lat"), record.get("lon")),
        )
        value |= {
            "incident_id": incident_id,
            "agency": self._agency,
            "agency_case_no": case_no,
            **kind.fields,
            "kind_text": word,
            "priority": None,
            "status": status,
            "units": _units(record.get("units")),
            "address": None,
            "revision": sequence,
            "closed_reason": "closed by the agency" if status == "closed" else None,
            "filing_id": None,
        }
        return value, noted + Counter(kind.notes(word))


def _sequence(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 2**31 - 1:
        raise Invalid("sequence is no count", field="sequence", expected="1, 2, …")
    return value


def _units(value: object) -> list[str]:
    if not isinstance(value, list):
        raise Invalid("units is no list", field="units", expected="a list of names")
    return [a_text(unit, "units") for unit in value]


SOURCE = SimulatedCalls
