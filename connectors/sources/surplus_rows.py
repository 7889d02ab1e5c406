"""A list of windows of surplus energy, CSV or JSON, whose columns the city's file maps: ``energy.surplus``. No code.

- A row is told when it is new or says something else than before; a list that comes again gives no event.
- A window that left the list is not withdrawn by that: many lists show today's alone. A word of ``withdrawn`` withdraws it.
- Times have the zone of the list, else the city's. Amounts are decimals, never floats: "12500.5" stays so.
- A row without a column ``time`` was announced when the list was asked for.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.json import BOM
from connectors.formats.records import a_text, an_id, plausible_time, set_aside
from connectors.formats.times import row_time
from connectors.sources._mapping import Name, RowSettings
from connectors.sources._rows import OTHERS, Row, RowReader
from connectors.subjects.vehicles import Telemetry
from connectors.transport.page_or_file import PageOrFile, refuse_unheeded
from schemas.errors import Invalid
from schemas.event import derived_id
from schemas.kinds import spoken

SURPLUS = "energy.surplus"
EVERYWHERE = "*"
WINDOWS_MAX = 5_000
"""Windows remembered of a list; the first told go first."""
LIMIT_MAX_W = 10**7
_DECIMAL = re.compile(r"[0-9]{1,24}(\.[0-9]{1,12})?")


class SurplusColumns(BaseModel):
    """The column of each field of a window. A field without one is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_id: Name | None = Field(None, description="the window; none: its area and its begin name it")
    area: Name | None = Field(None, description="the area of the grid; none: area of the source")
    begins_at: Name = Field(description="from when on")
    ends_at: Name = Field(description="until when")
    kwh: Name | None = Field(None, description="surplus that is forecast, kWh")
    price: Name | None = Field(None, description="reward for a kWh, in the city's currency")
    limit_w: Name | None = Field(None, description="power to which a charger is held, watts")
    state: Name | None = Field(None, description="the list's word for its state; see withdrawn")
    time: Name | tuple[Name, ...] = Field((), description="when it was announced")
    lat: None = Field(None, description="an area has no place here")
    lon: None = Field(None, description="an area has no place here")
    point: None = Field(None, description="an area has no place here")


class Config(RowSettings):
    """Settings of a source of type ``surplus_rows``. Without url and path it is only played or pushed."""

    columns: SurplusColumns = Field(description="which column is which field")
    area: Name = Field(EVERYWHERE, description="the area of rows that name none; * is the whole city")
    withdrawn: tuple[str, ...] = Field((), description="words of columns.state for a withdrawn window")

    def agencies_of(self, context: SourceContext) -> tuple[str, ...] | None:
        """None: a window speaks for no agency."""
        return ()

    @model_validator(mode="after")
    def _sound(self) -> Config:
        refuse_unheeded(self, self.heeded(self.columns))
        if (self.columns.state is None) != (not self.withdrawn):
            raise ValueError("columns.state and withdrawn go together")
        return self


class SurplusRows:
    """A ``PolledSource`` of ``energy.surplus``."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context, self._config = context, config
        columns = config.columns
        numbers = (
            columns.window_id,
            columns.begins_at,
            columns.ends_at,
            columns.kwh,
            columns.price,
            columns.limit_w,
        )
        self._rows = RowReader(context, config, columns, *numbers)
        self._withdrawn = {spoken(word) for word in config.withdrawn}
        self._asked = PageOrFile(context.source, config, config.list_form)

    async def poll(self, place: Place) -> Heard:
        return await self._asked.ask()

    async def close(self) -> None:
        await self._asked.close()

    def read(self, heard: Heard, place: Place) -> Reading:
        told = Telemetry(self._context, heard.at_ms)
        known: dict[str, str] = dict(place.get("windows", {}))
        try:
            read, told.aside = self._rows.read_all(
                heard.body, lambda row: self._window(row, heard.at_ms, told.noted)
            )
        except Invalid as error:
            return Reading((), place, aside=[set_aside(heard.body.removeprefix(BOM), error)])
        if others := read.count(None):
            told.skipped[OTHERS] += others
        for window in read:
            if window is None:
                continue
            event_ms, said = window
            key = derived_id(said["area"], said["window_id"])
            digest = derived_id(*(f"{name}={said[name]}" for name in sorted(said)))
            if known.get(key) == digest:
                continue
            known[key] = digest
            told.tell(SURPLUS, (event_ms, digest), event_ms=event_ms, position=None, said=said)
        return told.reading({**place, "windows": dict(list(known.items())[-WINDOWS_MAX:])})

    def _window(self, row: Row, at_ms: int | None, noted: Counter[str]) -> tuple[int, dict[str, Any]]:
        """When it was announced, and its fields."""
        columns = self._config.columns
        begins, ends = self._moment(row, columns.begins_at, noted), self._moment(row, columns.ends_at, noted)
        if not begins < ends:
            raise Invalid(
                "the window ends before it begins",
                field=columns.ends_at,
                expected=f"after {columns.begins_at}",
            )
        area = self._rows.text(row, columns.area) or self._config.area
        own_id = (
            None
            if columns.window_id is None
            else an_id(self._rows.cell(row, columns.window_id), columns.window_id)
        )
        stated = self._rows.text(row, columns.state)
        said = {
            "area": area,
            "window_id": own_id or derived_id(area, begins),
            "state": "withdrawn" if stated is not None and spoken(stated) in self._withdrawn else "planned",
            "begins_at": begins,
            "ends_at": ends,
            "kwh": self._decimal(row, columns.kwh),
            "price": self._decimal(row, columns.price),
            "limit_w": self._limit(row),
        }
        if columns.time:
            event_ms, _ = self._rows.time(row, noted)
            return plausible_time(event_ms, at_ms, "time"), said
        return begins if at_ms is None else at_ms, said

    def _moment(self, row: Row, name: str, noted: Counter[str]) -> int:
        zone = self._rows.zone
        return row_time(a_text(self._rows.text(row, name), name), self._config.time_format, zone).note(noted)

    def _decimal(self, row: Row, name: str | None) -> str | None:
        text = self._rows.text(row, name)
        if text is not None and not _DECIMAL.fullmatch(text):
            raise Invalid(
                f"{name} is no amount",
                field=str(name),
                expected="digits, and a point where it has a fraction",
            )
        return text

    def _limit(self, row: Row) -> int | None:
        text = self._decimal(row, self._config.columns.limit_w)
        if text is None:
            return None
        watts = int(text.partition(".")[0])
        if watts > LIMIT_MAX_W:
            raise Invalid(
                "the limit cannot be",
                field=str(self._config.columns.limit_w),
                expected=f"at most {LIMIT_MAX_W} W",
            )
        return watts


SOURCE = SurplusRows
