"""The form of what a city's file says of its air: the bounds of its ground, and the drones that it knows."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.heights import WORLD_GEOID, WORLD_GROUND, Bound, Terrain


class TerrainFile(BaseModel):
    """Bounds in metres. What is absent is bounded by the whole world: then only heights of one reference compare exactly."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    ground_m: tuple[float, float] = Field(
        (WORLD_GROUND.low, WORLD_GROUND.high), description="the lowest and highest ground above the sea"
    )
    geoid_m: tuple[float, float] = Field(
        (WORLD_GEOID.low, WORLD_GEOID.high),
        description="the geoid above the WGS-84 ellipsoid, lowest and highest",
    )

    @field_validator("ground_m", "geoid_m")
    @classmethod
    def _in_order(cls, said: tuple[float, float]) -> tuple[float, float]:
        if said[0] > said[1]:
            raise ValueError("the lowest first, then the highest")
        return said

    @property
    def terrain(self) -> Terrain:
        return Terrain(Bound(*self.ground_m), Bound(*self.geoid_m))


class DroneFile(BaseModel):
    """One drone, by the id under which it is heard."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, max_length=64)
    known_as: Literal["own", "registered"]
    agency: str | None = Field(None, description="whose it is")
