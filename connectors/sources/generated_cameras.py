"""Cameras for a city that publishes none: generated from a seed, and marked ``generated`` in every event."""

from __future__ import annotations

import hashlib
import random

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.base import Heard, Place, Reading, SourceContext
from connectors.formats.records import set_aside
from connectors.simulation.chance import Spot, somewhere
from schemas.errors import Invalid
from schemas.event import Event, derived_id, event_fields

SINCE_MS = 1_577_836_800_000
"""2020-01-01: generated cameras have stood since before anything is played, and no clock decides when."""


class Config(BaseModel):
    """Settings of a source of type ``generated_cameras``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(1, description="the same seed gives the same cameras on every machine")
    count: int = Field(500, ge=0, le=50_000, description="how many cameras")
    around: tuple[Spot, ...] = Field((), description="discs in which they stand; none: anywhere in the city")
    share_dead: float = Field(0.03, ge=0, le=1, description="share of cameras out of order, 0 to 1")
    purposes: tuple[tuple[str, ...], ...] = Field(
        (("crime-prevention", "fire-safety", "traffic"),),
        min_length=1,
        description="sets of purposes, each as frequent as the others",
    )
    owner: str = Field("generated", min_length=1, description="who owns the cameras, as stated in each event")


class GeneratedCameras:
    """A ``PolledSource`` whose body is its settings; reading them gives the cameras."""

    def __init__(self, context: SourceContext, config: Config) -> None:
        self._context = context
        self._config = config

    async def poll(self, place: Place) -> Heard:
        return Heard(
            orjson.dumps(self._config.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS), at_ms=None
        )

    async def close(self) -> None:
        """Nothing is ever open."""

    def read(self, heard: Heard, place: Place) -> Reading:
        digest = hashlib.sha256(heard.body).hexdigest()
        if place.get("digest") == digest:
            return Reading((), place)
        try:
            config = Config.model_validate_json(heard.body)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(map(str, first["loc"]))
            return Reading((), place, aside=[set_aside(heard.body, Invalid(first["msg"], field=field))])
        chance = random.Random(config.seed)  # noqa: S311 - repeatable on purpose
        events = [self._camera(number, chance, config) for number in range(1, config.count + 1)]
        return Reading(events, {"digest": digest})

    def _camera(self, number: int, chance: random.Random, config: Config) -> Event:
        lat, lon = somewhere(chance, self._context.bounds, config.around)
        camera_id = f"{self._context.city}-generated-{number:05d}"
        about = {
            "camera_id": camera_id,
            "name": f"Generated camera {number}",
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
