"""The settings and the words of the rule ``surge``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_serializer, model_validator

from streams.situations.memory import but, only
from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "surge", "1"
HOURS = 24

default = defaults_beside(__file__)

Hours = Annotated[tuple[float, ...], Field(min_length=HOURS, max_length=HOURS)]


class Family(Strict):
    """Kinds whose calls are counted together, and how many of them an hour are usual."""

    kinds: tuple[str, ...] = Field(min_length=1)
    per_hour: float = Field(ge=0)
    by_hour: Hours | None = None
    floor: int | None = Field(None, ge=1)
    spread: float = Field(1, ge=1, description="variance against mean: 1 for calls that come by themselves")
    severity: Severity | None = None
    carries: tuple[str, ...] | None = Field(
        None, description="kinds that its alert stands for beside its own, each without the kinds beneath it"
    )

    def covers(self, attention: Sequence[str]) -> tuple[str, ...]:
        """The kinds that its alert stands for, as a memory has them. A kind beneath one of its own that the city names in
        its *attention* keeps its alert."""
        graver = [kind for kind in attention if any(kind.startswith(f"{its}.") for its in self.kinds)]
        carried = (only(kind) for kind in self.carries or ())
        return (*self.kinds, *carried, *(but(kind) for kind in graver))

    @model_serializer(mode="wrap")
    def _dumped(self, dump: Callable[[Family], dict[str, Any]]) -> dict[str, Any]:
        return _without_unsaid(dump(self), "carries")


class Words(Templates):
    """The texts of a surge's alert in one language."""

    places: ClassVar = {"kind": "", "count": 1, "minutes": 1, "usual": ""}
    surge: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "surge"`` of a city's file may give."""

    window_min: float = default("window_min", gt=0, le=1_440)
    lag_min: float | None = default("lag_min", ge=0, le=180)
    raise_at: float = default("raise_at", gt=0)
    over_at: float = default("over_at")
    over_after_min: float = default("over_after_min", ge=0)
    floor: int = default("floor", ge=1)
    look_min: float = default("look_min", ge=1)
    grow: float = default("grow", gt=1)
    file_days: float = default("file_days", gt=0)
    memory_days: float = default("memory_days", ge=1)
    guard_h: float = default("guard_h", ge=0, le=48)
    listed_max: int = default("listed_max", ge=0, le=2_000)
    evidence_max: int = default("evidence_max", ge=0, le=200)
    area_share: float = default("area_share", gt=0, le=1)
    area_radius_min_m: float = default("area_radius_min_m", ge=0, le=20_000)
    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    by_hour: Hours = default("by_hour")
    families: dict[str, Family] = Field(min_length=1)
    headlines: dict[str, Words] = headlines_of(NAME)

    @model_validator(mode="before")
    @classmethod
    def _as_then(cls, said: Any) -> Any:
        """A journal has every number of its day. One without ``lag_min`` is from before: its calls count as heard."""
        if (
            isinstance(said, dict)
            and "lag_min" not in said
            and said.keys() >= cls.model_fields.keys() - {"lag_min"}
        ):
            return {**said, "lag_min": None}
        return said

    @model_serializer(mode="wrap")
    def _dumped(self, dump: Callable[[Numbers], dict[str, Any]]) -> dict[str, Any]:
        return _without_unsaid(dump(self), "lag_min")

    @model_validator(mode="after")
    def _sound(self) -> Numbers:
        if self.over_at >= self.raise_at:
            raise ValueError("over_at must lie below raise_at: a surge would end as it begins")
        return self


def _without_unsaid(dumped: dict[str, Any], name: str) -> dict[str, Any]:
    """*dumped* without *name* where it says nothing: numbers of before keep their digest."""
    return {one: said for one, said in dumped.items() if one != name or said is not None}
