"""The settings of the match: ``[match]`` in a city's file."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from streams.match.core.flow import PER_SECOND_MAX, SECOND_MS

MB = 1 << 20


class MatchConfig(BaseModel):
    """The settings of ``[match]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lateness_s: int = Field(
        60,
        ge=0,
        le=3_600,
        description="an observation older than this, against the newest of its partition, is only counted",
    )
    look_back_s: int = Field(
        300, ge=0, le=86_400, description="how long observations are kept for watches that open later"
    )
    look_back_mb: int = Field(
        1_024,
        ge=1,
        le=65_536,
        description="the most memory, in MiB, that kept observations take, the newest as they were read (about 220 bytes "
        "each), the rest compressed: 85 bytes x observations a second x look_back_s; 1024 holds 300 s at 40,000 a second",
    )
    per_second_max: int = Field(
        PER_SECOND_MAX,
        ge=1,
        le=10_000,
        description="evidence of a watch, second and partition; the rest is counted",
    )
    reader: Literal["auto", "plain"] = Field(
        "auto",
        description="how observations are read; plain: never by the fast reader, even where it is available",
    )
    transaction_ms: int = Field(80, ge=1, le=5_000, description="how long a transaction may take under load")

    @property
    def lateness_ms(self) -> int:
        return self.lateness_s * SECOND_MS

    @property
    def keep_ms(self) -> int:
        """The time for which observations are kept, in ms: at least as long as a second is open, so that a
        restart continues its counts.
        """
        return max(self.look_back_s, self.lateness_s + 1) * SECOND_MS

    @property
    def look_back_bytes(self) -> int:
        return self.look_back_mb * MB
