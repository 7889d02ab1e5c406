"""Settings of ``mapped_places``: the columns and words of a list of places, as the city's file maps them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.formats.numbers import ASCII, DIGITS_TOLD, Digits
from connectors.formats.pages import Form, ListForm
from connectors.formats.positions import AXES_TOLD, COORDINATES_TOLD, DEGREES, Axes, Coordinates
from connectors.formats.times import EPOCHS, TimeForm, ZoneName
from connectors.transport.page_or_file import Charset, PagedSettings, refuse_unheeded

Name = Annotated[str, Field(min_length=1)]
STATUSES = Literal["ok", "faulty", "retired"]


class Columns(BaseModel):
    """The column of each field. A field without one is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name | tuple[Name, ...] = Field(description="the place's id; several columns together make one")
    lat: Name = Field(description="latitude, degrees")
    lon: Name = Field(description="longitude, degrees")
    name: Name | None = Field(None, description="what people call it")
    time: Name | None = Field(None, description="since when the row holds")
    owner: Name | None = Field(None, description="who owns the camera, or runs the hub or site")
    kind: Name | None = Field(None, description="the list's word for what a site is")
    azimuth: Name | None = Field(None, description="where a camera looks, degrees from north")
    purpose: Name | None = Field(None, description="the list's word for what a camera is for")
    status: Name | None = Field(None, description="the list's word for a camera's status")
    address: tuple[Name, ...] = Field((), description="a hub's or site's address, columns joined by ' / '")
    capacity: Name | None = Field(None, description="how many vehicles a hub takes")
    opening_hours: tuple[Name, ...] = Field((), description="when a hub is open, columns joined by '-'")
    detail: tuple[Name, ...] = Field(
        (), description="what crews must know of a site, columns joined by ' / '"
    )
    starts: Name | None = Field(None, description="from when a site holds; nothing: it stands already")
    ends: Name | None = Field(None, description="until when a site holds; nothing: nobody says")

    def of_numbers(self, *more: str) -> tuple[str | tuple[str, ...] | None, ...]:
        """The columns of numbers, times and ids, and *more*."""
        ours = (self.id, self.lat, self.lon, self.time, self.azimuth, self.capacity, self.starts, self.ends)
        return (*ours, *more)


class Config(PagedSettings):
    """Settings of a source of type ``mapped_places``."""

    becomes: Literal["camera", "hub", "site"] = Field(
        description="camera: place.camera; hub: place.hub; site: place.site"
    )
    columns: Columns = Field(description="which column is which field")
    kind: str | None = Field(
        None,
        min_length=1,
        description="what they are where no column says it; of hubs charging, dock_station, hub, parking",
    )
    kind_words: dict[str, Name] = Field(
        {}, description="the list's words for a site → fuel-station, chemicals, road-closed, works"
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
    coordinates: Coordinates = Field(DEGREES, description=COORDINATES_TOLD)
    axes: Axes = Field("lat lon", description=AXES_TOLD)
    format: Literal["csv", "json"] = Field("csv", description="form of the list")
    records: str | None = Field(
        None, description="dotted path of the list in a JSON body; none: the body is it"
    )
    digits: Digits = Field(ASCII, description=DIGITS_TOLD)
    encoding: Charset = Field(
        "utf-8", description="character set: cp949 for many of Korea, iso-8859-1 for many of Europe"
    )
    delimiter: str = Field(",", min_length=1, max_length=1, description="between the cells of a CSV")
    time_format: TimeForm = Field(
        "iso", min_length=1, description="iso, epoch_s, epoch_ms, or as of strptime"
    )
    timezone: ZoneName | None = Field(None, description="zone of times that name none; none: the city's")
    as_of: date | None = Field(None, description="since when rows hold that name no time")

    @property
    def list_form(self) -> ListForm:
        """Where the records of a page stand."""
        form: dict[str, Form] = {"csv": "rows", "json": "list"}
        return ListForm(form[self.format], (self.records or "",), self.encoding)

    @model_validator(mode="after")
    def _sound(self) -> Config:
        camera, hub, site = (
            (self.becomes == one, f'with becomes = "{one}"') for one in ("camera", "hub", "site")
        )
        refuse_unheeded(
            self,
            {
                "delimiter": (self.format == "csv", 'with format = "csv"'),
                "records": (self.format == "json", 'with format = "json"'),
                "timezone": (self.time_format not in EPOCHS, "where time_format is no epoch"),
                "purposes": camera,
                "purpose_words": camera,
                "statuses": camera,
                "chargers": hub,
                "kind_words": site,
            },
        )
        if self.becomes == "camera" and self.owner is None and self.columns.owner is None:
            raise ValueError("a camera has an owner: write owner, or columns.owner")
        if self.becomes == "site" and self.kind is None and self.columns.kind is None:
            raise ValueError("a site has a kind: write kind, or columns.kind with kind_words")
        return self
