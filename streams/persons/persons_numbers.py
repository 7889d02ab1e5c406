"""The numbers of the stage ``persons``, which a city sets as ``[persons]``."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from streams.persons.analytic_table import ATTRIBUTES
from streams.persons.route_numbers import RouteNumbers

Share = Annotated[float, Field(gt=0, lt=1)]
ClockError = Annotated[float, Field(ge=0, le=3_600)]


class PersonsNumbers(BaseModel):
    """The settings of ``[persons]``; ``route`` are those of the search itself (``numbers.toml``)."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    clock_s: ClockError = Field(10.0, description="seconds by which a camera's clock may be off")
    clocks_s: dict[str, ClockError] = Field({}, description="camera → seconds of its own")
    within_m: float = Field(
        30.0, ge=0, le=500, description="metres from a camera within which it sees people"
    )
    rank_s: float = Field(5.0, ge=1, le=60, description="seconds after which candidates are ranked again")
    told_max: int = Field(
        300, ge=1, le=5_000, description="the most open candidates of a case, the likeliest"
    )
    stops_max: int = Field(
        300, ge=0, le=2_000, description="the most stops where a person may change to a bus"
    )
    analytics: dict[str, dict[str, Share]] = Field(
        {}, description="analytic → attribute → how often its word is right; else as in analytics.toml"
    )
    route: RouteNumbers = Field(default_factory=lambda: RouteNumbers.model_validate({}))

    @model_validator(mode="after")
    def _attributes(self) -> Self:
        unknown = {name for rights in self.analytics.values() for name in rights} - {*ATTRIBUTES}
        if unknown:
            raise ValueError(f"analytics: no attribute {', '.join(sorted(unknown))}")
        return self
