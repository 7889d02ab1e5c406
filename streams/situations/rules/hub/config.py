"""The settings and the words of the rule ``hub``."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import model_validator

from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "hub", "1"
MINUTE_MS = 60_000
MANY = "many"
Cause = Literal[
    "empty",
    "full",
    "charger_faulty",
    "charger_silent",
    "tipped_over",
    "pavement",
    "battery_low",
    "pickup_late",
]

default = defaults_beside(__file__)


class Words(Templates):
    """The texts of what is wrong, and of its end, in one language."""

    places: ClassVar = {"kind": "", "place": "", "count": 1}
    empty: str
    full: str
    charger_faulty: str
    charger_silent: str
    tipped_over: str
    pavement: str
    battery_low: str
    pickup_late: str
    many: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "hub"`` of a city's file may give."""

    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    battery_percent: float = default("battery_percent", ge=0, le=100)
    battery_over_percent: float = default("battery_over_percent", ge=0, le=100)
    over_after_min: float = default("over_after_min", ge=0, le=1_440)
    silent_h: float = default("silent_h", gt=0, le=720)
    hour_max: int = default("hour_max", ge=1, le=1_000)
    members_max: int = default("members_max", ge=1, le=5_000)
    things_max: int = default("things_max", ge=1, le=200_000)
    causes: dict[Cause, float] = default("causes")
    kinds: dict[Cause | Literal["many"], str] = default("kinds")
    agencies: dict[str, str] = default("agencies")
    headlines: dict[str, Words] = headlines_of(NAME)

    @model_validator(mode="after")
    def _sound(self) -> Numbers:
        if self.battery_over_percent < self.battery_percent:
            raise ValueError("battery_over_percent must not be below battery_percent")
        if any(minutes < 0 for minutes in self.causes.values()):
            raise ValueError("causes: minutes must not be below 0")
        return self

    def after_ms(self, cause: str) -> int:
        return round(self.causes[cause] * MINUTE_MS)  # type: ignore[index]  # a cause, as only those are looked for

    @property
    def over_ms(self) -> int:
        return round(self.over_after_min * MINUTE_MS)

    @property
    def silent_ms(self) -> int:
        return round(self.silent_h * 60 * MINUTE_MS)

    def kind_of(self, cause: str) -> str:
        return self.kinds.get(cause, "service")  # type: ignore[call-overload,no-any-return]  # as above
