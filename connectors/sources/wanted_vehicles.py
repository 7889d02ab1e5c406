"""The police's list of wanted vehicles, pushed: each plate leaves ``read`` as its token and those of its misreadings.

JSON: one entry, a list, or one a line: ``entry_id``, ``plate``, ``agency``, ``offence``, ``legal_ground``, ``listed_at``
(ISO 8601 with offset), and where it holds ``ends_at``; with ``"is_listed": false`` the entry is taken off, and needs no
plate. The city's law decides whether offence and ground suffice: the rules set aside what it does not allow.

The plate stands in no event, no reason, no log. What is set aside is **masked** (``plates.masked``), so it cannot be fed
again; a spool of this source holds clear text: give it the same care as the key, which is that of the city's cameras.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.base import Heard, Place, Reading, SetAside, SourceContext
from connectors.formats.empty_body import Nothing
from connectors.formats.json import BOM, json_records, originals
from connectors.formats.json_parts import Unreadable
from connectors.formats.records import a_text, an_id, plausible_time, readable, set_aside, text_or_none
from connectors.formats.times import iso_ms
from connectors.subjects.plates import masked, misread_tokens, plate_key, plate_token
from connectors.subjects.plausible import known_id
from connectors.subjects.speakers import checked_agency
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.names import AgencyName

PUSHED_ONLY = True
"""Nothing is read by itself: its agency pushes it to the gateway, or it is played."""


class Config(BaseModel):
    """Settings of a source of type ``wanted_vehicles``. It is pushed or played."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretStr = Field(description="hashes plates: ${NAME} of the same secret as the city's cameras have")
    agency: AgencyName | None = Field(None, description="who looks for a vehicle whose entry does not say")

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """The agencies for which the source speaks; ``None``: any that an entry names."""
        return context.speaks_for or None


class WantedVehicles:
    """A ``Source`` of ``police.wanted``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._agency = config.agency
        self._key = plate_key(config.key.get_secret_value(), f"source {context.source!r}")

    async def listen(self) -> AsyncIterator[Heard]:
        return
        yield  # nothing is sent to it but by push

    async def close(self) -> None:
        """Nothing was opened."""

    def read(self, heard: Heard, place: Place) -> Reading:
        events: list[Event] = []
        aside: list[SetAside] = []
        for number, (record, original) in enumerate(_parts(heard.body)):
            try:
                events.append(self._event(readable(record), heard.at_ms))
            except Invalid as error:
                quiet = Invalid("the entry cannot be taken", field=error.field, expected=error.expected)
                aside.append(set_aside(masked(original()), quiet, number=number))
            except Exception as error:  # a caller that catches it would keep the body as it came
                broke = Invalid(f"the source broke on it: {type(error).__name__}")
                aside.append(set_aside(masked(original()), broke, number=number))
        return Reading(events, place, aside=aside)

    def _event(self, record: Any, at_ms: int | None) -> Event:
        if not isinstance(record, dict):
            raise Invalid("the entry is no object", expected="an object")
        entry_id, is_listed = (
            known_id(an_id(record.get("entry_id"), "entry_id"), "entry_id"),
            record.get("is_listed", True),
        )
        if not isinstance(is_listed, bool):
            raise Invalid("is_listed is no truth", field="is_listed", expected="true or false")
        plate = a_text(record.get("plate"), "plate") if is_listed else None
        listed_ms = plausible_time(iso_ms(record.get("listed_at"), "listed_at"), at_ms, "listed_at")
        ends_at = record.get("ends_at")
        value = event_fields(
            self._context.city,
            self._context.source,
            event_id=derived_id(self._context.city, self._context.source, entry_id, listed_ms, is_listed),
            event_time_ms=listed_ms,
            received_ms=listed_ms if at_ms is None else at_ms,
            position=None,
        )
        value |= {
            "entry_id": entry_id,
            "agency": checked_agency(
                a_text(record.get("agency") or self._agency, "agency"), self._context.speaks_for
            ),
            "is_listed": is_listed,
            "offence": text_or_none(record.get("offence"), "offence"),
            "legal_ground": text_or_none(record.get("legal_ground"), "legal_ground"),
            "tokens": [] if plate is None else [plate_token(self._key, plate)],
            "candidate_tokens": [] if plate is None else misread_tokens(self._key, plate),
            "ends_at": None if ends_at is None else iso_ms(ends_at, "ends_at"),
        }
        return Event("police.wanted", entry_id, value)


def _parts(body: bytes) -> list[tuple[Any, Callable[[], bytes]]]:
    """Its records, each with what gives its bytes; ``Unreadable`` in the place of one that is no JSON."""
    lines = body.removeprefix(BOM).strip()
    is_lines = lines.startswith(b"{") and b"\n{" in lines
    found: list[tuple[Any, Callable[[], bytes]]] = []
    for part in lines.splitlines() if is_lines else [lines]:
        try:
            records, original = json_records(part, None) if part.strip() else [], originals(part, None)
            found += [(record, partial(original, index)) for index, record in enumerate(records)]
        except Nothing:
            continue
        except Invalid as error:
            found.append((Unreadable(error, part), partial(bytes, part)))
    return found


SOURCE = WantedVehicles
