"""Lists of places, CSV or JSON, whose columns the city's file maps: cameras, hubs, or sites crews must know of. No code.

- Since when a row holds: its own column, ``as_of``, or when the list was asked for. A list that says none is set aside.
- 0,0 and what the city's file calls unknown are no place; a place outside the city sets the row aside.
- A word that the city's file does not name is noted and costs the row nothing: a camera of an unknown status counts as
  one whose list says none, one of an unknown use may be used for nothing, and a site is what the list calls it.
- A site that ends before it starts is set aside.
- Rows that ``only`` leaves out are counted. The same list again gives no event.
- Names of JSON columns are dotted paths (``geometry.coordinates.1``).
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import orjson

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.csv import headed_rows, named_cells, under_heading
from connectors.formats.json import BOM, around_record, at_path, in_utf8, json_records, originals
from connectors.formats.numbers import NumberCells
from connectors.formats.positions import PlaceForm
from connectors.formats.records import a_number, a_text, an_id, note_unknown, read_each, set_aside
from connectors.formats.times import row_time
from connectors.sources._place_mapping import Config
from connectors.sources.zones_geojson import since_ms
from connectors.subjects.plausible import bearing, known_id, plausible
from connectors.subjects.vehicles import NO_PLACE, Telemetry
from connectors.transport.page_or_file import PageOrFile
from schemas.errors import Invalid
from schemas.event import derived_id

T = TypeVar("T")
OTHERS = "left to others"


class MappedPlaces:
    """A ``PolledSource`` of places that are mapped by configuration alone."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._zone = context.timezone if config.timezone is None else ZoneInfo(config.timezone)
        self._unknown = {"", *(text.strip().casefold() for text in config.unknown)}
        self._statuses = {_spoken(word): status for word, status in config.statuses.items()}
        self._purposes = {_spoken(word): uses for word, uses in config.purpose_words.items()}
        self._kinds = {_spoken(word): kind for word, kind in config.kind_words.items()}
        self._said = {"camera": self._camera, "hub": self._hub, "site": self._site}[config.becomes]
        self._numbers = NumberCells(config.digits, config.columns.of_numbers(*config.chargers.values()))
        self._places = PlaceForm(config.coordinates, is_swapped=config.axes == "lon lat")
        self._asked = PageOrFile(context.source, config, config.list_form)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if place.get("digest") == digest:
            return Reading((), place)
        told = Telemetry(self._context, heard.at_ms)
        try:
            told.aside = (
                self._json(heard.body, told) if self._config.format == "json" else self._csv(heard.body, told)
            )
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        return told.reading({"digest": digest})

    def _csv(self, body: bytes, told: Telemetry) -> list[Any]:
        config = self._config
        heading, rows = headed_rows(
            body.removeprefix(BOM), config.encoding, self._named(), delimiter=config.delimiter
        )
        _, aside, _ = read_each(
            rows,
            lambda row: self._row(named_cells(row, heading).get, told),
            lambda _, row: row.original.rstrip(b"\r\n"),
            under_heading(heading, config.encoding, delimiter=config.delimiter),
        )
        return aside

    def _json(self, body: bytes, told: Telemetry) -> list[Any]:
        text, path = in_utf8(body.removeprefix(BOM), self._config.encoding), self._config.records
        _, aside, _ = read_each(
            json_records(text, path),
            lambda record: self._row(_of_json(record), told),
            originals(text, path, self._config.encoding),
            around_record(path, self._config.encoding),
        )
        return aside

    def _named(self) -> set[str]:
        """All columns that the city's file names."""
        said = self._config.columns.model_dump().values()
        names = {name for value in said for name in ((value,) if isinstance(value, str) else value or ())}
        return names | set(self._config.only) | set(self._config.chargers.values())

    def _row(self, cell: Callable[[str], Any], told: Telemetry) -> None:
        config, columns = self._config, self._config.columns

        def known(name: str | None) -> Any:
            """The value of a column; ``None`` for nothing and for a word that means not known."""
            value = None if name is None else self._numbers.read(name, cell(name))
            return None if value is None or str(value).strip().casefold() in self._unknown else value

        if any(str(known(name) or "").strip() not in words for name, words in config.only.items()):
            told.skipped[OTHERS] += 1
            return
        where = self._places.position(self._context, known(columns.lat), known(columns.lon))
        if where is None:
            told.noted[NO_PLACE] += 1
        event_ms = self._since(known, told)
        said = self._said(known, told.noted)
        said |= {"name": _text(known(columns.name))}
        says = orjson.dumps([said, where], option=orjson.OPT_SORT_KEYS)
        told.tell(f"place.{config.becomes}", (says,), event_ms=event_ms, position=where, said=said)

    def _since(self, known: Callable[[str | None], Any], told: Telemetry) -> int:
        since = self._time(known(self._config.columns.time), told.noted)
        return since_ms(self._config.as_of, told.at_ms) if since is None else since

    def _time(self, cell: Any, noted: Counter[str]) -> int | None:
        if cell is None:
            return None
        return row_time(str(cell).strip(), self._config.time_format, self._zone).note(noted)

    def _id(self, known: Callable[[str | None], Any]) -> str:
        named = self._config.columns.id
        if isinstance(named, str):
            return known_id(an_id(known(named), named), named)
        cells = [known_id(an_id(known(name), name), name) for name in named]
        return derived_id(self._context.city, self._context.source, *cells)

    def _camera(self, known: Callable[[str | None], Any], noted: Counter[str]) -> dict[str, Any]:
        columns = self._config.columns
        azimuth = known(columns.azimuth)
        stated = None if azimuth is None else a_number(azimuth, "azimuth_deg")
        degrees = bearing(stated, noted, "azimuth_deg")
        return {
            "camera_id": self._id(known),
            "owner": _text(known(columns.owner)) or self._config.owner,
            "purposes": list(self._uses(_text(known(columns.purpose)), noted)),
            "azimuth_deg": None if degrees is None else degrees % 360,
            "status": self._status(_text(known(columns.status)), noted),
        }

    def _uses(self, word: str | None, noted: Counter[str]) -> tuple[str, ...]:
        return self._config.purposes if word is None else _meant(self._purposes, word, "purpose", (), noted)

    def _status(self, word: str | None, noted: Counter[str]) -> str:
        return "ok" if word is None else _meant(self._statuses, word, "status", "ok", noted)

    def _hub(self, known: Callable[[str | None], Any], noted: Counter[str]) -> dict[str, Any]:
        config, columns = self._config, self._config.columns
        counted = [(kind, _count(known(name), str(name), noted)) for kind, name in config.chargers.items()]
        chargers = [{"kind": kind, "count": count} for kind, count in counted if count]
        capacity = _count(known(columns.capacity), "capacity", noted)
        if capacity is None and chargers:
            capacity = sum(count for _, count in counted if count)
        return {
            "hub_id": self._id(known),
            "kind": config.kind or "hub",
            "operator": _text(known(columns.owner)) or config.owner,
            "address": _joined(known, columns.address, " / "),
            "capacity": capacity,
            "chargers": chargers,
            "opening_hours": _joined(known, columns.opening_hours, "-"),
        }

    def _site(self, known: Callable[[str | None], Any], noted: Counter[str]) -> dict[str, Any]:
        config, columns = self._config, self._config.columns
        word = _text(known(columns.kind))
        kind = config.kind if word is None else _meant(self._kinds, word, "kind of site", word, noted)
        starts, ends = (self._time(known(name), noted) for name in (columns.starts, columns.ends))
        if starts is not None and ends is not None and ends < starts:
            raise Invalid("a site ends before it starts", field="ends_at", expected="a later time")
        return {
            "site_id": self._id(known),
            "kind": a_text(kind, "kind"),
            "detail": _joined(known, columns.detail, " / "),
            "operator": _text(known(columns.owner)) or config.owner,
            "address": _joined(known, columns.address, " / "),
            "starts_at": starts,
            "ends_at": ends,
        }


def _of_json(record: object) -> Callable[[str], Any]:
    if not isinstance(record, Mapping):
        raise Invalid("a row is no object", field="", expected="an object")
    return lambda name: record[name] if name in record else at_path(record, name)


def _text(cell: Any) -> str | None:
    if cell is None:
        return None
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise Invalid("a cell is no text", field="", expected="text")
    return str(cell).strip() or None


def _joined(known: Callable[[str | None], Any], names: tuple[str, ...], between: str) -> str | None:
    return between.join(filter(None, (_text(known(name)) for name in names))) or None


def _meant(words: Mapping[str, T], word: str, field: str, unknown: T, noted: Counter[str]) -> T:
    """The meaning of *word* by the city's file; *unknown*, noted, where the file does not name it."""
    if _spoken(word) not in words:
        note_unknown(noted, field, word)
    return words.get(_spoken(word), unknown)


def _count(cell: Any, field: str, noted: Counter[str]) -> int | None:
    if cell is None:
        return None
    number = a_number(cell, field)
    if not number.is_integer():
        raise Invalid(f"{field} is no count", field=field, expected="a whole number")
    return plausible(int(number), "count", noted, field)


def _spoken(word: str) -> str:
    return " ".join(word.casefold().split())


SOURCE = MappedPlaces
