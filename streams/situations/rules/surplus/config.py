"""The settings and the words of the rule ``surplus``."""

from __future__ import annotations

from datetime import time
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from schemas.names import AgencyName
from streams.situations.rules.parts.settings import Templates, defaults_beside, headlines_of
from streams.situations.terms import Severity, Strict, Urgency

NAME, VERSION = "surplus", "1"
PUBLIC = "public"
"""The audience of alerts that anybody may read."""

default = defaults_beside(__file__)


class Words(Templates):
    """The texts of a window of surplus energy and its ends, in one language."""

    places: ClassVar = {"kind": "", "area": "", "hours": "", "reward": ""}
    eve: str
    today: str
    changed: str
    withdrawn: str
    over: str


class Numbers(Strict):
    """The settings that ``[[rule]] name = "surplus"`` of a city's file may give."""

    kind: str = default("kind")
    severity: Severity = default("severity")
    urgency: Urgency = default("urgency")
    eve_at: time = default("eve_at")
    day_at: time = default("day_at")
    price: Annotated[Decimal, Field(ge=0, max_digits=24, decimal_places=12)] = default("price")
    currency: Annotated[str, Field(max_length=20)] = default("currency")
    operators: tuple[AgencyName, ...] = default("operators", max_length=200)
    is_public: bool = default("is_public")
    changes_max: int = default("changes_max", ge=1, le=100)
    windows_max: int = default("windows_max", ge=1, le=10_000)
    headlines: dict[str, Words] = headlines_of(NAME)

    @property
    def audiences(self) -> tuple[str, ...]:
        """The audiences that are told."""
        return tuple(sorted({*self.operators, *([PUBLIC] if self.is_public else [])}))
