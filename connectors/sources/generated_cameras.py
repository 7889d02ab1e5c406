"""Cameras for a city that publishes none: generated from a seed, and marked ``generated`` in every event."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from typing import Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.records import set_aside
from connectors.simulation.chance import Disc, Spot, somewhere, spread
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields
from schemas.validation import faults_of

SINCE_MS = 1_577_836_800_000
"""2020-01-01: generated cameras have stood since before anything is played, and no clock decides when."""

COUNT_MAX = 50_000


class Config(BaseModel):
    """Settings of a source of type ``generated_cameras``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(1, description="the same seed gives the same cameras on every machine")
    count: int = Field(500, ge=0, le=COUNT_MAX, description="how many cameras, where there are no discs")
    around: tuple[Spot, ...] = Field((), description="discs in which they stand; none: anywhere in the city")
    discs: tuple[Disc, ...] = Field(
        (), description="parts of the city, each with a name and its own count of cameras, spread evenly"
    )
    share_dead: float = Field(0.03, ge=0, le=1, description="share of cameras out of order, 0 to 1")
    purposes: tuple[tuple[str, ...], ...] = Field(
        (("crime-prevention", "fire-safety", "traffic"),),
        min_length=1,
        description="sets of purposes, each as frequent as the others",
    )
    prefix: str = Field(
        "generated",
        pattern="^[a-z0-9-]+$",
        description="in each camera's id: another one for a second such source",
    )
    owner: str = Field("generated", min_length=1, description="who owns the cameras, as stated in each event")

    @model_validator(mode="after")
    def _says_once_where(self) -> Self:
        told = self.model_fields_set & {"count", "around"}
        if self.discs and told:
            raise ValueError(
                f"discs say how many cameras stand where: {' and '.join(sorted(told))} would not be heeded"
            )
        if sum(disc.count for disc in self.discs) > COUNT_MAX:
            raise ValueError(f"the discs have more than {COUNT_MAX:,} cameras together")
        return self


class GeneratedCameras:
    """A ``PolledSource`` whose body is its settings; reading them gives the cameras."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config

    async def poll(self, place: Place) -> Heard:
        unheeded = {"count", "around"} if self._config.discs else {"discs"}
        if self._config.prefix == "generated":  # as it was before there were others
            unheeded.add("prefix")
        settings = self._config.model_dump(mode="json", exclude=unheeded)
        return Heard(orjson.dumps(settings, option=orjson.OPT_SORT_KEYS), at_ms=None)

    async def close(self) -> None:
        """Nothing is ever open."""

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if place.get("digest") == digest:
            return Reading((), place)
        try:
            config = Config.model_validate_json(heard.body)
        except ValidationError as error:
            first = faults_of(error)[0]
            return Reading((), place, aside=[set_aside(heard.body, Invalid(first.what, field=first.name))])
        chance = random.Random(config.seed)  # noqa: S311 - repeatable on purpose
        events = [
            self._camera(number, where, chance, config)
            for number, where in enumerate(self._places(chance, config), start=1)
        ]
        return Reading(events, {"digest": digest})

    def _places(self, chance: random.Random, config: Config) -> Iterator[tuple[float, float, str | None]]:
        """The place of each camera, with the name of its disc; drawn as it is asked for, between its other draws."""
        bounds = self._context.bounds
        for disc in config.discs:
            yield from ((lat, lon, disc.name) for lat, lon in spread(chance, disc) if bounds.holds(lat, lon))
        for _ in range(0 if config.discs else config.count):
            yield *somewhere(chance, bounds, config.around), None

    def _camera(
        self, number: int, where: tuple[float, float, str | None], chance: random.Random, config: Config
    ) -> Event:
        lat, lon, part = where
        camera_id = f"{self._context.city}-{config.prefix}-{number:05d}"
        about = {
            "camera_id": camera_id,
            "name": f"Generated camera {number}" + (f", {part}" if part else ""),
            "owner": config.owner,
            "purposes": list(config.purposes[int(chance.random() * len(config.purposes))]),
            "azimuth_deg": float(int(chance.random() * 360)),
            "status": "faulty" if chance.random() < config.share_dead else "ok",
            "generated": True,
        }
        value = event_fields(
            self._context.city,
            self._context.source,
            event_id=derived_id(self._context.city, self._context.source, lat, lon, *about.values()),
            event_time_ms=SINCE_MS,
            received_ms=SINCE_MS,
            position={"lat": lat, "lon": lon, "accuracy_m": None},
        )
        return Event("place.camera", camera_id, value | about)


SOURCE = GeneratedCameras
