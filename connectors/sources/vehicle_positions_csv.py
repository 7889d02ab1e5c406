"""Positions of vehicles as rows of a CSV, whose columns the city's file maps: a day's history, or a list of now.

Rows may stand in any order: they are published in order of their time, and no vehicle goes backwards. A position
that is no newer than its vehicle's last in an earlier body is left out and counted; so a list that is polled again
and again gives each position once.

Nothing is guessed. A place of 0,0, a cell that the city's file calls unknown, a speed or an odometer beyond its bounds
and a bearing beyond the compass are null, and noted; a place outside the bounds and a vehicle without a name or a time
are set aside.
A position is stale if it was older than ``stale_after_s`` on arrival; in a file without a time of arrival none is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.csv import CsvRow, headed_rows, named_cells, under_heading
from connectors.formats.json import BOM
from connectors.formats.pages import ListForm
from connectors.formats.records import a_number, a_text, note_unknown, plausible_time, read_each, set_aside
from connectors.formats.times import TimeForm, ZoneName, row_time
from connectors.subjects.in_order import keep_forward
from connectors.subjects.plausible import id_if_known, known_id
from connectors.subjects.vehicles import POSITION, Telemetry
from connectors.transport.page_or_file import PagedSettings, PageOrFile
from schemas.errors import Invalid
from schemas.names import AgencyName

Name = Annotated[str, Field(min_length=1)]
AMBIGUOUS_ACCURACY_S = 3600.0
VEHICLES_MAX = 10_000
"""Vehicles remembered: no city's buses are as many. One that is forgotten counts as new."""


class Columns(BaseModel):
    """The column of each field. A field without one is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vehicle_id: Name = Field(description="the vehicle")
    time: Name = Field(description="when it was there")
    lat: Name = Field(description="latitude, degrees")
    lon: Name = Field(description="longitude, degrees")
    speed: Name | None = Field(None, description="speed, in speed_unit")
    bearing: Name | None = Field(None, description="degrees clockwise from north")
    vehicle_type: Name | None = Field(None, description="the operator's word for its type")
    trip_id: Name | None = Field(None, description="the trip that it serves")
    route_id: Name | None = Field(None, description="the route that it serves")
    headsign: Name | None = Field(None, description="where it goes, as its passengers are told")
    label: Name | None = Field(None, description="what stands on it for its passengers")
    stop_id: Name | None = Field(None, description="the stop that it comes to")
    odometer: Name | None = Field(None, description="metres that it has gone")
    accuracy: Name | None = Field(None, description="radius in metres within which it is")


TEXTS, IDS = ("headsign", "label"), ("trip_id", "route_id", "stop_id")


class Config(PagedSettings):
    """Settings of a source of type ``vehicle_positions_csv``. Without url and path it is only played or pushed."""

    operator: AgencyName = Field(description="who runs the vehicles")
    vehicle_type: str = Field("bus", min_length=1, description="what they are, where no column says it")
    vehicle_types: dict[str, str] = Field({}, description="the operator's words → ours; empty: as they are")
    columns: Columns = Field(description="which column is which field")
    encoding: Literal["utf-8", "cp949", "iso-8859-1"] = Field("utf-8", description="character set")
    delimiter: str = Field(",", min_length=1, max_length=1, description="between the cells")
    time_format: TimeForm = Field(
        "iso", min_length=1, description="iso, epoch_s, epoch_ms, or as of strptime: %Y%m%d%H%M%S"
    )
    timezone: ZoneName | None = Field(None, description="zone of times that name none; none: the city's")
    speed_unit: Literal["m/s", "km/h", "mph", "knots", "ft/s"] = Field("m/s", description="unit of speed")
    unknown: dict[str, tuple[str, ...]] = Field(
        {}, description="column → cells that mean not known, beside nothing: { speed = ['-1', '255'] }"
    )
    stale_after_s: float = Field(90, gt=0, description="seconds after which a position is stale")


class VehiclePositionsCsv:
    """A ``PolledSource``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config
        self._zone = context.timezone if config.timezone is None else ZoneInfo(config.timezone)
        self._unknown = {name: {spelt(cell) for cell in cells} for name, cells in config.unknown.items()}
        self._asked = PageOrFile(context.source, config, ListForm("rows"))

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told, config = Telemetry(self._context, heard.at_ms), self._config
        needed = {name for name in config.columns.model_dump().values() if name} | set(config.unknown)
        try:
            heading, rows = headed_rows(
                heard.body.removeprefix(BOM), config.encoding, needed, delimiter=config.delimiter
            )
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body, error)])
        _, told.aside, _ = read_each(
            rows,
            lambda row: self._row(row, heading, told),
            lambda _, row: row.original.rstrip(b"\r\n"),
            under_heading(heading, config.encoding, delimiter=config.delimiter),
        )
        newest = keep_forward(told, place.get("newest", {}), VEHICLES_MAX)
        return told.reading({"newest": newest} if newest else place)

    def _row(self, row: CsvRow, heading: list[str], told: Telemetry) -> None:
        cells, columns = named_cells(row, heading), self._config.columns
        known = self._known(cells)
        vehicle_id = known_id(a_text(known(columns.vehicle_id), "vehicle_id"), "vehicle_id")
        read = row_time(a_text(known(columns.time), "time"), self._config.time_format, self._zone)
        event_ms = plausible_time(read.note(told.noted), told.at_ms, "time")
        position = told.position(known(columns.lat), known(columns.lon))
        if position is not None:
            position["accuracy_m"] = told.plausible(self._number(known, "accuracy"), "accuracy")
        said = {
            "vehicle_id": vehicle_id,
            "vehicle_type": self._type(known(columns.vehicle_type), told),
            "operator": self._config.operator,
            "speed_mps": told.speed_mps(self._number(known, "speed"), self._config.speed_unit),
            "bearing_deg": told.bearing_deg(self._number(known, "bearing")),
            "odometer_m": told.plausible(self._number(known, "odometer"), "odometer"),
            "is_stale": told.is_older_than(event_ms, self._config.stale_after_s),
            **{name: known(getattr(columns, name)) for name in TEXTS},
            **{name: id_if_known(known(getattr(columns, name)), name, told.noted) for name in IDS},
        }
        accuracy_s = AMBIGUOUS_ACCURACY_S if read.is_ambiguous else None
        told.tell(
            POSITION, (event_ms,), event_ms=event_ms, position=position, said=said, accuracy_s=accuracy_s
        )

    def _known(self, cells: Mapping[str, str]) -> Callable[[str | None], str | None]:
        """A function that returns a column's value; ``None`` for nothing and for a word that means not known."""

        def known(name: str | None) -> str | None:
            text = "" if name is None else cells[name].strip()
            if name is None or not text or spelt(text) in self._unknown.get(name, ()):
                return None
            return text

        return known

    def _number(self, known: Callable[[str | None], str | None], field: str) -> float | None:
        cell = known(getattr(self._config.columns, field))
        return None if cell is None else a_number(cell, field)

    def _type(self, word: str | None, told: Telemetry) -> str:
        if word is None:
            return self._config.vehicle_type
        if self._config.vehicle_types and word not in self._config.vehicle_types:
            note_unknown(told.noted, "vehicle type", word)
            return "other"
        return self._config.vehicle_types.get(word, word)


def spelt(cell: str) -> float | str:
    """A cell as it is compared: -1, -1.0 and " -1" are one."""
    try:
        return float(cell)
    except ValueError:
        return cell.strip().casefold()


SOURCE = VehiclePositionsCsv
