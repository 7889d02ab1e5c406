"""Settings of ``mapped_rows``: an agency's columns and words, as the city's file maps them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.base import SourceContext
from connectors.formats.numbers import ASCII, DIGITS_TOLD, Digits
from connectors.formats.pages import Form, ListForm
from connectors.formats.positions import AXES_TOLD, COORDINATES_TOLD, DEGREES, MICRO, Axes, Coordinates
from connectors.formats.times import EPOCHS, TimeForm, ZoneName
from connectors.subjects.incidents import REMEMBERED, Domain, Status
from connectors.transport.page_or_file import Charset, PagedSettings, refuse_unheeded
from schemas.kinds import load_kinds
from schemas.names import AgencyName

Sign = Literal[-1, 1]
Name = Annotated[str, Field(min_length=1)]


class Columns(BaseModel):
    """The column of each field. A field without one is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    case_no: Name = Field(description="the agency's case number")
    time: Name | tuple[Name, ...] = Field(
        description="when it was reported; several columns are joined by a space"
    )
    kind_text: Name = Field(description="the agency's word for what it is")
    lat: Name | None = Field(None, description="latitude")
    lon: Name | None = Field(None, description="longitude")
    point: Name | None = Field(
        None, description="both in one column, a list or a text of two numbers: (35.1, 129.0)"
    )
    status: Name | None = Field(None, description="the agency's word for how far it is")
    units: Name | None = Field(None, description="units sent, a list or a text")
    address: tuple[Name, ...] = Field((), description="columns of the address, joined by ' / '")
    priority: Name | None = Field(None, description="priority, as the agency puts it")
    filing_id: Name | None = Field(None, description="the platform's filing that the case answers")
    agency: Name | None = Field(None, description="the agency, where rows of several stand in one list")

    @property
    def has_place(self) -> bool:
        return self.lat is not None or self.point is not None

    @model_validator(mode="after")
    def _sound(self) -> Columns:
        if (self.lat is None) != (self.lon is None) or (self.lat is not None and self.point is not None):
            raise ValueError("name lat and lon, or point, or none of them")
        return self


class Config(PagedSettings):
    """Settings of a source of type ``mapped_rows``. Without url and path it is only played or pushed."""

    domain: Domain = Field(
        description="fire: 119 dispatches; police: 112 and crime reports; civil: all others (disaster room, 110)"
    )
    agency: AgencyName = Field(description="our word for the agency, of rows that name none")
    agencies: dict[str, str] = Field(
        {}, description="the list's words for agencies → ours; empty: as they are"
    )
    columns: Columns = Field(description="which column is which field")
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
    kinds: dict[str, str] = Field({}, description="the agency's words → kinds, before those of words")
    words: str | None = Field(None, description="an agency's table of words in schemas/kinds.toml")
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

    @property
    def list_form(self) -> ListForm:
        """Where the records of a page stand."""
        form: dict[str, Form] = {"csv": "rows", "json": "list", "jsonl": "lines"}
        return ListForm(form[self.format], (self.records or "",), self.encoding)

    @model_validator(mode="after")
    def _sound(self) -> Config:
        signs = (self.coordinates in (DEGREES, MICRO), "with coordinates in degrees or micro-degrees")
        refuse_unheeded(
            self,
            {
                "delimiter": (self.format == "csv", 'with format = "csv"'),
                "records": (self.format == "json", 'with format = "json"'),
                "point_order": (self.columns.point is not None, "with columns.point"),
                "coordinates": (self.columns.has_place, "with columns.lat and columns.lon, or columns.point"),
                "axes": (self.columns.lat is not None, "with columns.lat and columns.lon"),
                "latitude_sign": signs,
                "longitude_sign": signs,
                "units_separator": (self.columns.units is not None, "with columns.units"),
                "timezone": (self.time_format not in EPOCHS, "where time_format is no epoch"),
            },
        )
        tree = load_kinds()
        if wrong := [kind for kind in self.kinds.values() if kind not in tree]:
            raise ValueError(f"kinds: no kind {wrong[0]!r} in schemas/kinds.toml")
        if self.words is not None and self.words not in tree.words:
            raise ValueError(f"words: no table {self.words!r}; one of {', '.join(tree.words)}")
        if (self.columns.status is None) != (not self.statuses):
            raise ValueError("columns.status and statuses go together")
        return self
