"""The settings and the words of the rule ``traffic-impact``."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator

from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "traffic-impact", "1"

default = defaults_beside(__file__)


class Words(Templates):
    """The texts of an impact in one language."""

    places: ClassVar = {"kind": "", "cause": "", "speed": "", "usual": "", "radius": ""}
    slow: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "traffic-impact"`` of a city's file may give."""

    kinds: tuple[str, ...] = default("kinds", min_length=1)
    kind: str = default("kind")
    radius_m: float = default("radius_m", gt=0, le=5_000)
    begin_share: float = default("begin_share", gt=0, lt=1)
    over_share: float = default("over_share", gt=0, le=1)
    over_after_min: float = default("over_after_min", ge=0)
    min_vehicles: int = default("min_vehicles", ge=1)
    min_minutes: int = default("min_minutes", ge=1)
    window_min: float = default("window_min", ge=1, le=60)
    look_min: float = default("look_min", gt=0)
    silent_min: float = default("silent_min", gt=0)
    retell_share: float = default("retell_share", gt=0)
    retell_grow: float = default("retell_grow", gt=1)
    memory_days: float = default("memory_days", ge=1)
    guard_h: float = default("guard_h", ge=0, le=48)
    edge_min: float = default("edge_min", ge=0, le=60)
    usual_minutes_min: float = default("usual_minutes_min", ge=1)
    usual_min_mps: float = default("usual_min_mps", ge=0)
    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    tell: tuple[str, ...] = default("tell")
    hub_kinds: tuple[str, ...] = default("hub_kinds")
    hubs_told_max: int = default("hubs_told_max", ge=0, le=1_000)
    cells_max: int = default("cells_max", ge=1)
    hubs_max: int = default("hubs_max", ge=0)
    impacts_max: int = default("impacts_max", ge=1, le=10_000)
    headlines: dict[str, Words] = headlines_of(NAME)

    @model_validator(mode="after")
    def _sound(self) -> Numbers:
        if self.over_share <= self.begin_share:
            raise ValueError("over_share must lie above begin_share: an impact would end as it begins")
        return self
