"""A vendor's answer to one case's query: sightings of people who look like the case's person, each with a score.

JSON: one match, a list, or one a line: ``case``, ``camera``, ``time`` (ISO 8601 with offset), ``score`` (0 to 1), and where
there is one ``track`` and ``crop`` (``ref`` and ``expires_at``: where the vendor keeps a picture, and until when).

- A match without a case is set aside: nobody's likeness is told without a query. Whether the case is open is the search's
  to judge.
- A picture, a face or a vector has no field here: a match that has another field is set aside.
- Of a match that is set aside its case, camera, time and track are kept, and the rest is left out: it cannot be fed again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import orjson
from pydantic import Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.empty_body import Nothing
from connectors.formats.json import BOM, json_records, originals
from connectors.formats.json_parts import Unreadable
from connectors.formats.records import a_number, an_id, id_or_none, readable, set_aside
from connectors.formats.times import iso_ms
from connectors.subjects.cameras import Cameras, CameraSettings
from connectors.subjects.detections import Told
from connectors.subjects.plausible import known_id
from connectors.subjects.sightings import Sightings, crop_of
from schemas.errors import Invalid

FIELDS = ("case", "camera", "time", "track", "score", "crop")
KEPT = FIELDS[:4]
"""Of a match that is set aside."""

PUSHED_ONLY = True
"""Nothing is read by itself: the vendor pushes its answers to the gateway, or a file of them is played."""


class Config(CameraSettings):
    """Settings of a source of type ``person_matches``. It is pushed or played."""

    analytic: str = Field(
        "person_matches", min_length=1, description="the analytic by whose scores it answers"
    )


class PersonMatches:
    """A ``Source`` of ``cctv.person`` that answers cases."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._cameras = Cameras(context, config)
        self._sightings = Sightings(context, config.analytic)

    async def listen(self) -> AsyncIterator[Heard]:
        return
        yield  # nothing is sent to it but by push

    async def close(self) -> None:
        """Nothing was opened."""

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Told(heard.at_ms)
        for number, (record, original) in enumerate(_parts(heard.body)):
            try:
                self._match(readable(record), told)
            except Invalid as error:
                told.aside.append(set_aside(_without_person(record, original), error, number=number))
        return told.reading(place)

    def _match(self, record: Any, told: Told) -> None:
        if not isinstance(record, dict):
            raise Invalid("the match is no object", expected="an object")
        if not record.keys() <= {*FIELDS}:
            raise Invalid("the match has a field that none may have", expected=f"of {', '.join(FIELDS)}")
        time, score = record.get("time"), a_number(record.get("score"), "score")
        if not 0 <= score <= 1:
            raise Invalid("the score is no share", field="score", expected="0 to 1")
        event_ms = iso_ms(time, "time")
        self._sightings.tell(
            told,
            self._cameras.named(an_id(record.get("camera"), "camera")),
            event_ms,
            (time,),
            id_or_none(record.get("track"), "track"),
            case_id=known_id(an_id(record.get("case"), "case"), "case"),
            score=score,
            crop=crop_of(record.get("crop"), event_ms),
            said=(score,),
        )


def _without_person(record: Any, original: Callable[[], bytes]) -> bytes:
    """Its bytes: whole where they are no match at all, else what does not describe a person."""
    if not isinstance(record, dict) or record.keys().isdisjoint(FIELDS):
        return original()
    return orjson.dumps({name: record[name] for name in KEPT if isinstance(record.get(name), str)})


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


SOURCE = PersonMatches
