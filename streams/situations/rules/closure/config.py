"""The settings and the words of the rule ``closure``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency, is_a

NAME, VERSION = "closure", "1"
HOUR_MS = 3_600_000

default = defaults_beside(__file__)


class Words(Templates):
    """The texts of what is told of closures in one language."""

    places: ClassVar = {"kind": "", "ride": "", "reason": "", "count": 1}
    reason: str
    around: str
    over: str
    vehicles: str
    many: str
    done: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "closure"`` of a city's file may give."""

    severities: tuple[Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"], ...] = default(
        "severities"
    )
    urgencies: tuple[Literal["Immediate", "Expected", "Future", "Past", "Unknown"], ...] = default(
        "urgencies"
    )
    certainties: tuple[str, ...] = default("certainties")
    kinds: tuple[str, ...] = default("kinds")
    ride_kind: str = default("ride_kind")
    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    fleet_kind: str = default("fleet_kind")
    fleet_severity: Severity = default("fleet_severity")
    vehicle_types: tuple[str, ...] = default("vehicle_types", max_length=50)
    gather_s: float = default("gather_s", gt=0, le=3_600)
    vehicles_max: int = default("vehicles_max", ge=1, le=20_000)
    fleets_max: int = default("fleets_max", ge=1, le=1_000)
    hour_max: int = default("hour_max", ge=1, le=1_000)
    moved_m: float = default("moved_m", ge=0, le=10_000)
    rides_max: int = default("rides_max", ge=1, le=50_000)
    silent_h: float = default("silent_h", gt=0, le=720)
    forget_h: float = default("forget_h", gt=0, le=8_760)
    agencies: dict[str, str] = default("agencies")
    headlines: dict[str, Words] = headlines_of(NAME)

    @property
    def gather_ms(self) -> int:
        return round(self.gather_s * 1000)

    @property
    def silent_ms(self) -> int:
        return round(self.silent_h * HOUR_MS)

    @property
    def forget_ms(self) -> int:
        return round(self.forget_h * HOUR_MS)

    def closes(self, kind: str, warning: Mapping[str, Any] | None) -> bool:
        """Whether a warning of that kind closes its area. One without an area closes nothing."""
        if warning is None or warning["geometry"] is None:
            return False
        is_kind = not self.kinds or any(is_a(kind, one) for one in self.kinds)
        is_sure = not self.certainties or warning["certainty"] in self.certainties
        return (
            is_kind
            and is_sure
            and warning["severity"] in self.severities
            and warning["urgency"] in self.urgencies
        )
