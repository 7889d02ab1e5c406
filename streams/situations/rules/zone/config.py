"""The settings and the words of the rule ``zone``."""

from __future__ import annotations

from typing import ClassVar, Literal

from schemas.heights import Bound, Terrain
from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "zone", "1"

default = defaults_beside(__file__)


class Words(Templates):
    """The texts of a breach and its ends in one language."""

    places: ClassVar = {"kind": "", "zone": "", "time": ""}
    inside: str
    possible: str
    outside: str
    lost: str
    over: str
    jump: str
    speed: str
    two_places: str
    operator_far: str
    operator_follows: str
    bad_serial: str
    replayed: str
    frozen: str
    too_high: str
    address_changed: str
    plausible: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "zone"`` of a city's file may give."""

    applies_to: tuple[str, ...] = default("applies_to")
    kinds: dict[str, str] = default("kinds")
    severity: Severity = default("severity")
    possible_severity: Severity = default("possible_severity")
    urgency: Urgency = default("urgency")
    hysteresis_m: float = default("hysteresis_m", ge=0, le=5_000)
    tell_every_s: float = default("tell_every_s", ge=1, le=3_600)
    implausible_kind: str = default("implausible_kind")
    implausible_s: float = default("implausible_s", gt=0, le=86_400)
    silent_s: float = default("silent_s", gt=0, le=86_400)
    move_m: float = default("move_m", ge=0)
    view_m: float = default("view_m", ge=0, le=5_000)
    evidence_max: int = default("evidence_max", ge=1, le=200)
    zones_max: int = default("zones_max", ge=1, le=20_000)
    things_max: int = default("things_max", ge=1, le=50_000)
    zone_things_max: int = default("zone_things_max", ge=1, le=5_000)
    per_second_max: int = default("per_second_max", ge=1, le=5_000)
    seed_after_s: float = default("seed_after_s", gt=0, le=120)
    use: str = default("use")
    forward_to: dict[str, str] = default("forward_to")
    drones: dict[str, Literal["own", "registered"]] = default("drones")
    ground_m: tuple[float, float] = default("ground_m")
    geoid_m: tuple[float, float] = default("geoid_m")
    headlines: dict[str, Words] = headlines_of(NAME)

    @property
    def terrain(self) -> Terrain:
        return Terrain(Bound(*self.ground_m), Bound(*self.geoid_m))

    def kind_of(self, label: str) -> str:
        return self.kinds.get(label, "intrusion")
