"""Settings of ``mapped_rows``: columns and words of cases or of sensors' values, as the city's file maps them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.base import SourceContext
from connectors.formats.numbers import ASCII, DIGITS_TOLD, Digits
from connectors.formats.pages import Form, ListForm
from connectors.formats.positions import AXES_TOLD, COORDINATES_TOLD, DEGREES, MICRO, Axes, Coordinates
from connectors.formats.times import EPOCHS, TimeForm, ZoneName
from connectors.subjects.incidents import REMEMBERED, Domain, Status
from connectors.subjects.own_words import KindsOf, WordTable
from connectors.transport.page_or_file import Charset, PagedSettings, refuse_unheeded
from schemas.names import AgencyName

Sign = Literal[-1, 1]
Name = Annotated[str, Field(min_length=1)]


TIME = "when it was reported or measured; several columns are joined by a space"
POINT = "both in one column, a list or a text of two numbers: (35.1, 129.0)"


class CaseColumns(BaseModel):
    """The column of each field of an incident. A field without one is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case_no: Name = Field(description="the agency's case number")
    time: Name | tuple[Name, ...] = Field(description=TIME)
    kind_text: Name = Field(description="the agency's word for what it is")
    lat: Name | None = Field(None, description="latitude")
    lon: Name | None = Field(None, description="longitude")
    point: Name | None = Field(None, description=POINT)
    status: Name | None = Field(None, description="the agency's word for how far it is")
    units: Name | None = Field(None, description="units sent, a list or a text")
    address: tuple[Name, ...] = Field((), description="columns of the address, joined by ' / '")
    priority: Name | None = Field(None, description="priority, as the agency puts it")
    filing_id: Name | None = Field(None, description="the platform's filing that the case answers")
    agency: Name | None = Field(None, description="the agency, where rows of several stand in one list")

    @model_validator(mode="after")
    def _sound(self) -> CaseColumns:
        _check_place(self)
        return self


class ValueColumns(BaseModel):
    """The column of each field of a measured value. A field without one is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sensor_id: Name = Field(description="the sensor, as its owner lists it")
    time: Name | tuple[Name, ...] = Field(description=TIME)
    value: Name = Field(description="the value; a row without one is counted")
    lat: Name | None = Field(None, description="latitude")
    lon: Name | None = Field(None, description="longitude")
    point: Name | None = Field(None, description=POINT)
    quantity: Name | None = Field(None, description="what is measured, where a list has several")
    unit: Name | None = Field(None, description="the value's unit")
    threshold: Name | None = Field(None, description="from which value on its owner holds it to be dangerous")
    place_name: Name | None = Field(None, description="a public place's name, such as an underpass'")

    @model_validator(mode="after")
    def _sound(self) -> ValueColumns:
        _check_place(self)
        return self


Columns = CaseColumns | ValueColumns


class MappedColumns(Protocol):
    """The columns of any rows: those of time and place are read in one way."""

    @property
    def time(self) -> str | tuple[str, ...]: ...
    @property
    def lat(self) -> str | None: ...
    @property
    def lon(self) -> str | None: ...
    @property
    def point(self) -> str | None: ...
    def model_dump(self) -> dict[str, Any]: ...


def _check_place(columns: Columns) -> None:
    if (columns.lat is None) != (columns.lon is None) or (
        columns.lat is not None and columns.point is not None
    ):
        raise ValueError("name lat and lon, or point, or none of them")


class RowSettings(PagedSettings):
    """Settings of any rows: their form, and how times and places are written."""

    format: Literal["csv", "json", "jsonl"] = Field("csv", description="csv, json, or jsonl: one JSON a line")
    digits: Digits = Field(ASCII, description=DIGITS_TOLD)
    encoding: Charset = Field("utf-8", description="character set of the body; cp949 for many of Korea")
    delimiter: str = Field(",", min_length=1, max_length=1, description="between the cells of a CSV")
    records: str | None = Field(
        None,
        min_length=1,
        description="dotted path of the list in a JSON body; none: the body is it, or one row",
    )
    only: dict[str, tuple[str, ...]] = Field(
        {}, description="column → the words of rows that are read; others are left to others and counted"
    )
    time_format: TimeForm = Field(
        "iso", min_length=1, description="iso, epoch_s, epoch_ms, or as of strptime: %Y%m%d%H%M%S"
    )
    timezone: ZoneName | None = Field(None, description="zone of times that name none; none: the city's")
    time_accuracy_s: float | None = Field(
        None, ge=0, description="how exactly the time is known, 86400: the day"
    )
    coordinates: Coordinates = Field(DEGREES, description=COORDINATES_TOLD)
    axes: Axes = Field("lat lon", description=f"{AXES_TOLD} (of point: point_order)")
    latitude_sign: Sign = Field(1, description="-1 where the list leaves out the sign of degrees south")
    longitude_sign: Sign = Field(1, description="-1 where the list leaves out the sign of degrees west")
    point_order: Literal["lat-lon", "lon-lat"] = Field(
        "lat-lon", description="what comes first in point; GeoJSON: lon-lat"
    )
    unknown: tuple[str, ...] = Field(
        (), description="cells that mean not known, beside nothing: N/A, -1, 999.0"
    )

    @property
    def list_form(self) -> ListForm:
        """Where the records of a page stand."""
        form: dict[str, Form] = {"csv": "rows", "json": "list", "jsonl": "lines"}
        return ListForm(form[self.format], (self.records or "",), self.encoding)

    def heeded(self, columns: MappedColumns) -> dict[str, tuple[bool, str]]:
        """Setting → whether it has an effect here, and where it has one."""
        has_place = columns.lat is not None or columns.point is not None
        signs = (self.coordinates in (DEGREES, MICRO), "with coordinates in degrees or micro-degrees")
        return {
            "delimiter": (self.format == "csv", 'with format = "csv"'),
            "records": (self.format == "json", 'with format = "json"'),
            "point_order": (columns.point is not None, "with columns.point"),
            "coordinates": (has_place, "with columns.lat and columns.lon, or columns.point"),
            "axes": (columns.lat is not None, "with columns.lat and columns.lon"),
            "latitude_sign": signs,
            "longitude_sign": signs,
            "timezone": (self.time_format not in EPOCHS, "where time_format is no epoch"),
        }


class Config(RowSettings):
    """Settings of rows that become incidents. Without url and path the source is only played or pushed."""

    becomes: Literal["incident", "observation"] = Field(
        "incident",
        description="incident; observation: civil.observation, with settings of its own (connectors/README.md)",
    )
    domain: Domain = Field(
        description="fire: 119 dispatches; police: 112 and crime reports; civil: all others (disaster room, 110)"
    )
    agency: AgencyName = Field(description="our word for the agency, of rows that name none")
    agencies: dict[str, str] = Field(
        {}, description="the list's words for agencies → ours; empty: as they are"
    )
    columns: CaseColumns = Field(description="which column is which field")
    kinds: KindsOf = Field({}, description="the agency's words → kinds, before those of words")
    words: WordTable = Field(None, description="an agency's table of words in schemas/kinds.toml")
    statuses: dict[str, Status] = Field(
        {}, description="the agency's words → open, dispatched, arrived or closed; needed with columns.status"
    )
    status: Status = Field("open", description="status of rows that say none")
    units_separator: str = Field(",", min_length=1, description="between units in a text")
    row_per_unit: bool = Field(
        False, description="true where a case has one row a unit in each list: their units are joined"
    )
    remember: int = Field(
        REMEMBERED, ge=0, le=50_000, description="cases remembered that the newest list does not hold"
    )

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """The agencies for which the source speaks; ``None``: any that a row names."""
        if context.speaks_for or self.columns.agency is None:
            return context.speaks_for or (self.agency,)
        return None

    @model_validator(mode="after")
    def _sound(self) -> Config:
        units = (self.columns.units is not None, "with columns.units")
        refuse_unheeded(self, {**self.heeded(self.columns), "units_separator": units})
        if (self.columns.status is None) != (not self.statuses):
            raise ValueError("columns.status and statuses go together")
        return self


class ValueConfig(RowSettings):
    """Settings of rows that become measured values."""

    becomes: Literal["observation"] = Field(description="observation: civil.observation")
    columns: ValueColumns = Field(description="which column is which field")
    quantity: Name | None = Field(
        None, description="what is measured, where no column says it: water-level, rain, tilt"
    )
    quantities: dict[str, Name] = Field({}, description="the list's words → ours; empty: as they are")
    unit: Name | None = Field(None, description="the unit, where no column says it")
    threshold: float | None = Field(
        None,
        allow_inf_nan=False,
        description="the threshold of rows that name none; none: the city's rule has one",
    )

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """None: a sensor speaks for no agency."""
        return ()

    @model_validator(mode="after")
    def _sound(self) -> ValueConfig:
        words = (self.columns.quantity is not None, "with columns.quantity")
        refuse_unheeded(self, {**self.heeded(self.columns), "quantities": words})
        if self.quantity is None and self.columns.quantity is None:
            raise ValueError("a value has a quantity: write quantity, or columns.quantity")
        return self


def config_of(raw: Mapping[str, Any]) -> type[Config] | type[ValueConfig]:
    """The model of the settings *raw*, by what they say that the rows become."""
    return ValueConfig if raw.get("becomes") == "observation" else Config
