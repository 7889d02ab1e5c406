"""The numbers by which energy is counted: ``numbers.toml``, changed by ``[energy]`` of a city's file."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from streams.energy.registers import MeterLimits

DEFAULTS = Path(__file__).with_name("numbers.toml")
Exact = Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=12)]
Pattern = Annotated[str, Field(min_length=1, max_length=200)]
Corner = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
AreaName = Annotated[str, Field(pattern=r"^[^\s*][^*]{0,99}$")]


@lru_cache(1)
def usual_numbers() -> dict[str, Any]:
    """Return what ``numbers.toml`` says."""
    return tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))


def _usual(name: str, **bounds: Any) -> Any:
    """Return a field within *bounds* whose default is the number of that *name*."""
    return Field(default_factory=lambda: usual_numbers()[name], validate_default=True, **bounds)


class AreaFile(BaseModel):
    """An area of the grid, under ``[energy.areas.NAME]``: its chargers by their names, by a polygon, or by both."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    chargers: tuple[Pattern, ...] = Field(
        (), max_length=10_000, description="charger ids; * stands for any text"
    )
    polygon: tuple[Corner, ...] = Field(
        (),
        max_length=1_000,
        description="corners [lon, lat]: chargers of which the place is known lie inside",
    )


class ChargerType(BaseModel):
    """A type of charger, one of ``[[energy.charger_types]]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    chargers: tuple[Pattern, ...] = Field(max_length=10_000, description="charger ids; * stands for any text")
    power_max_w: Exact | None = Field(None, gt=0, description="watts that it gives at the most")
    modulus_wh: Exact | None = Field(
        None,
        gt=0,
        description="its register starts again from 0 at so many Wh; absent: a fall is not guessed",
    )
    slack_wh: Exact | None = Field(None, description="its register may be ahead by so much, as it is rounded")


class EnergyNumbers(BaseModel):
    """The settings of ``[energy]``; what it leaves out is as in ``numbers.toml``, which explains each."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    price: Exact = _usual("price", description="reward for a kWh where the window says none")
    settle_s: float = _usual("settle_s", ge=0, le=604_800, description="seconds until a window is settled")
    silent_s: float = _usual("silent_s", gt=0, description="seconds after which a silent session is over")
    revise_h: float = _usual("revise_h", gt=0, le=720, description="hours for which rewards are revised")
    forget_h: float = _usual("forget_h", gt=0, le=720, description="hours after which a session is forgotten")
    sessions_max: int = _usual("sessions_max", ge=1, le=1_000_000, description="the most sessions held")
    power_max_w: Exact = _usual("power_max_w", gt=0, description="watts that any charger gives at the most")
    slack_wh: Exact = _usual("slack_wh", description="Wh by which it may be ahead, being rounded")
    areas: dict[AreaName, AreaFile] = Field({}, description="areas of the grid, by name")
    charger_types: tuple[ChargerType, ...] = Field(
        (), max_length=1_000, description="limits of chargers; the first that fits"
    )

    def limits_of(self, charger_id: str) -> MeterLimits:
        """The limits of a charger's meter."""
        its = next((one for one in self.charger_types if is_among(charger_id, one.chargers)), None)
        if its is None:
            return MeterLimits(self.power_max_w, self.slack_wh)
        power = self.power_max_w if its.power_max_w is None else its.power_max_w
        return MeterLimits(power, self.slack_wh if its.slack_wh is None else its.slack_wh, its.modulus_wh)


def is_among(charger_id: str, patterns: tuple[str, ...]) -> bool:
    """Whether one of *patterns* is the charger's."""
    return any(fnmatchcase(charger_id, one) for one in patterns)
