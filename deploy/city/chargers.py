"""The form of ``[chargers]`` of a city's file: its central system of OCPP."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

ChargerName = Annotated[str, Field(min_length=1, max_length=48)]


class ChargersFile(BaseModel):
    """``[chargers]``: where chargers connect over OCPP, and which may."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    port: int = Field(
        ge=1, le=65_535, description="where it listens for WebSockets; a proxy with TLS stands before it"
    )
    host: str | None = Field(
        None, description="the address it listens on; none: that of --web-host, 127.0.0.1"
    )
    secret: str = Field(
        pattern=r"^\$\{[A-Z][A-Z0-9_]*\}$",
        description="${NAME}: the variable with the secret of which the chargers' keys are derived, 16 letters or more",
    )
    list: str = Field(
        pattern=r"\S",
        description="a CSV with id, operator, lat, lon, from the folder of this file; others are refused",
    )
    source: str = Field(
        "chargers", pattern=r"^[a-z][a-z0-9-]*$", description="the name under which they speak, as a source's"
    )
    interval_s: int = Field(
        300,
        ge=10,
        le=86_400,
        description="seconds between two heartbeats; silent for three, a charger is told as unknown",
    )
    connections_max: int = Field(
        2_000, ge=1, le=20_000, description="chargers that one process takes at once"
    )
    refused: tuple[ChargerName, ...] = Field((), description="ids of chargers that are shut out")
    serial: dict[ChargerName, Annotated[int, Field(ge=1)]] = Field(
        {}, description="charger → a number that is raised to renew its key; the key before it is refused"
    )
