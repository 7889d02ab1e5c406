"""Lists of places, CSV or JSON, whose columns the city's file maps: cameras, or hubs such as charging stations. No code.

- Since when a row holds: its own column, ``as_of``, or when the list was asked for. A list that says none is set aside.
- 0,0 and what the city's file calls unknown are no place; a place outside the city sets the row aside.
- A word for a camera's status or use that the city's file does not name sets the row aside: nothing is guessed.
- Rows that ``only`` leaves out are counted. The same list again says nothing.
- Names of JSON columns are dotted paths (``geometry.coordinates.1``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.csv_rows import headed_rows, named_cells, under_heading
from connectors.json_records import BOM, around_record, at_path, json_records, originals
from connectors.page_or_file import PageOrFile
from connectors.records import a_number, a_text, read_each, set_aside
from connectors.row_times import a_time_form, a_zone_name, row_time
from connectors.sources.zones_geojson import in_utf8, since_ms
from connectors.vehicles import Telemetry
from schemas.errors import Invalid
from schemas.event import derived_id

Name = Annotated[str, Field(min_length=1)]
OTHERS = "left to others"
STATUSES = Literal["ok", "faulty", "retired"]


class Columns(BaseModel):
    """Which column is which field. What is not named is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name | tuple[Name, ...] = Field(description="the place's id; several columns together make one")
    lat: Name = Field(description="latitude, degrees")
    lon: Name = Field(description="longitude, degrees")
    name: Name | None = Field(None, description="what people call it")
    time: Name | None = Field(None, description="since when the row holds")
    owner: Name | None = Field(None, description="who owns the camera, or runs the hub")
    azimuth: Name | None = Field(None, description="where a camera looks, degrees from north")
    purpose: Name | None = Field(None, description="the list's word for what a camera is for")
    status: Name | None = Field(None, description="the list's word for a camera's status")
    address: tuple[Name, ...] = Field((), description="a hub's address, columns joined by ' / '")
    capacity: Name | None = Field(None, description="how many vehicles a hub takes")
    opening_hours: tuple[Name, ...] = Field((), description="when a hub is open, columns joined by '-'")


class Config(BaseModel):
    """Settings of a source of type ``mapped_places``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    becomes: Literal["camera", "hub"] = Field(description="camera: place.camera; hub: place.hub")
    columns: Columns = Field(description="which column is which field")
    kind: str = Field(
        "hub", min_length=1, description="what hubs they are: charging, dock_station, hub, parking"
    )
    owner: str | None = Field(
        None, min_length=1, description="who owns what names no owner; cameras need one"
    )
    purposes: tuple[str, ...] = Field((), description="what cameras may be used for, where no column says it")
    purpose_words: dict[str, tuple[str, ...]] = Field(
        {}, description="the list's words → what for, in the law's words"
    )
    statuses: dict[str, STATUSES] = Field({}, description="the list's words → ok, faulty or retired")
    chargers: dict[str, Name] = Field({}, description="kind of charger → the column with how many there are")
    only: dict[str, tuple[str, ...]] = Field(
        {}, description="column → the words of rows that are read; others are left to others and counted"
    )
    unknown: tuple[str, ...] = Field((), description="cells that mean not known, beside nothing: N/A, -1")
    format: Literal["csv", "json"] = Field("csv", description="form of the list")
    records: str | None = Field(
        None, description="dotted path of the list in a JSON body; none: the body is it"
    )
    encoding: str = Field(
        "utf-8", description="character set: cp949 for many of Korea, iso-8859-1 for many of Europe"
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="between the cells of a CSV")
    time_format: str = Field("iso", min_length=1, description="iso, epoch_s, epoch_ms, or as of strptime")
    timezone: str | None = Field(None, description="zone of times that name none; none: the city's")
    as_of: date | None = Field(None, description="since when rows hold that name no time")
    url: str | None = Field(None, pattern="^https?://", description="where the list is asked for")
    path: Path | None = Field(None, description="a file of it, read when there is no url")
    timeout_s: float = Field(20, gt=0, description="seconds after which a poll has failed")
    headers: dict[str, str] = Field({}, description="HTTP headers to send, an API key say")

    @field_validator("time_format")
    @classmethod
    def _time_form(cls, form: str) -> str:
        return a_time_form(form)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        return a_zone_name(name)

    @field_validator("encoding")
    @classmethod
    def _encoding(cls, name: str) -> str:
        try:
            b"a".decode(name)
        except (LookupError, UnicodeDecodeError) as error:
            raise ValueError("a character set that Python knows and that holds ASCII") from error
        return name

    @model_validator(mode="after")
    def _sound(self) -> Config:
        if self.becomes == "camera" and self.owner is None and self.columns.owner is None:
            raise ValueError("a camera has an owner: write owner, or columns.owner")
        return self


class MappedPlaces:
    """A ``PolledSource`` of places that are mapped by configuration alone."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._zone = context.timezone if config.timezone is None else ZoneInfo(config.timezone)
        self._unknown = {"", *(text.strip().casefold() for text in config.unknown)}
        self._statuses = {_spoken(word): status for word, status in config.statuses.items()}
        self._purposes = {_spoken(word): uses for word, uses in config.purpose_words.items()}
        self._asked = PageOrFile(
            context.source,
            url=config.url,
            path=config.path,
            timeout_s=config.timeout_s,
            headers=config.headers,
        )

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if heard.error is not None or not heard.body.strip() or place.get("digest") == digest:
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
            originals(text, path),
            around_record(path),
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
            """What stands in a column; ``None`` for nothing and for what means not known."""
            value = None if name is None else cell(name)
            return None if value is None or str(value).strip().casefold() in self._unknown else value

        if any(str(known(name) or "").strip() not in words for name, words in config.only.items()):
            told.skipped[OTHERS] += 1
            return
        where = told.position(known(columns.lat), known(columns.lon))
        event_ms = self._since(known, told.at_ms)
        said = self._camera(known) if config.becomes == "camera" else self._hub(known)
        said |= {"name": _text(known(columns.name))}
        says = orjson.dumps([said, where], option=orjson.OPT_SORT_KEYS)
        told.tell(f"place.{config.becomes}", (says,), event_ms=event_ms, position=where, said=said)

    def _since(self, known: Callable[[str | None], Any], at_ms: int | None) -> int:
        text = known(self._config.columns.time)
        if text is None:
            return since_ms(self._config.as_of, at_ms)
        return row_time(str(text).strip(), self._config.time_format, self._zone)[0]

    def _id(self, known: Callable[[str | None], Any]) -> str:
        named = self._config.columns.id
        if isinstance(named, str):
            return a_text(_text(known(named)), named)
        cells = [a_text(_text(known(name)), name) for name in named]
        return derived_id(self._context.city, self._context.source, *cells)

    def _camera(self, known: Callable[[str | None], Any]) -> dict[str, Any]:
        columns = self._config.columns
        azimuth = known(columns.azimuth)
        degrees = None if azimuth is None else a_number(azimuth, "azimuth_deg")
        if degrees is not None and not 0 <= degrees <= 360:
            raise Invalid("the azimuth is no direction", field="azimuth_deg", expected="0 to 360")
        return {
            "camera_id": self._id(known),
            "owner": _text(known(columns.owner)) or self._config.owner,
            "purposes": list(self._uses(_text(known(columns.purpose)))),
            "azimuth_deg": None if degrees is None else degrees % 360,
            "status": self._status(_text(known(columns.status))),
        }

    def _uses(self, word: str | None) -> tuple[str, ...]:
        if word is None:
            return self._config.purposes
        if _spoken(word) not in self._purposes:
            raise Invalid(
                "what it is for is unknown",
                field="purposes",
                expected=" or ".join(self._config.purpose_words),
            )
        return self._purposes[_spoken(word)]

    def _status(self, word: str | None) -> str:
        if word is None:
            return "ok"
        if _spoken(word) not in self._statuses:
            raise Invalid(
                "its status is unknown", field="status", expected=" or ".join(self._config.statuses)
            )
        return self._statuses[_spoken(word)]

    def _hub(self, known: Callable[[str | None], Any]) -> dict[str, Any]:
        config, columns = self._config, self._config.columns
        counted = [(kind, _count(known(name), name)) for kind, name in config.chargers.items()]
        chargers = [{"kind": kind, "count": count} for kind, count in counted if count]
        capacity = _count(known(columns.capacity), "capacity")
        if capacity is None and chargers:
            capacity = sum(count for _, count in counted if count)
        return {
            "hub_id": self._id(known),
            "kind": config.kind,
            "operator": _text(known(columns.owner)) or config.owner,
            "address": " / ".join(filter(None, (_text(known(name)) for name in columns.address))) or None,
            "capacity": capacity,
            "chargers": chargers,
            "opening_hours": "-".join(filter(None, (_text(known(name)) for name in columns.opening_hours)))
            or None,
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


def _count(cell: Any, field: str) -> int | None:
    if cell is None:
        return None
    number = a_number(cell, field)
    if not number.is_integer() or not 0 <= number < 100_000:
        raise Invalid(f"{field} is no count", field=field, expected="a whole number")
    return int(number)


def _spoken(word: str) -> str:
    return " ".join(word.casefold().split())


SOURCE = MappedPlaces
