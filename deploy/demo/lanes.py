"""Places of the demo's rounds: the seed decides them, and nothing else. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from connectors.simulation.chance import moved
from streams.speed.cells import cell_at, centre_of

LANES = 4
"""Places in the city: each round takes the next."""
BETWEEN_M = 260.0
"""Metres from one camera that reads plates to the next."""
MIDDLE = (36.3505, 127.3848)
Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lane:
    """The places of one round."""

    number: int
    crash: Spot
    fire: Spot
    underpass: Spot
    school: Spot
    fall: Spot
    plates: tuple[Spot, ...]
    lines: Spot

    def cameras(self) -> Iterator[tuple[str, str, Spot]]:
        """(source, camera, where) of each camera of the lane that sends metadata."""
        n = self.number
        yield "cctv-onvif", f"onvif-{n}", self.fire
        yield "cctv-onvif", f"onvif-{n}-yard", self.fall
        yield "cctv-frigate", f"frigate-{n}", moved(*self.fire, north_m=50, east_m=30)
        yield "cctv-frigate", f"frigate-{n}-yard", moved(*self.fall, north_m=-30, east_m=40)
        for step, at in enumerate(self.plates, start=1):
            yield "cctv-plates", f"plates-{n}-{step}", at


def lanes(seed: int) -> list[Lane]:
    """The places of a city with that *seed*, far enough from each other that nothing joins by chance."""
    chance = random.Random(f"{seed}:field")  # noqa: S311 - repeatable on purpose
    found = []
    for number in range(LANES):
        north = (number - LANES / 2) * 2_600 + chance.uniform(-300, 300)

        def at(east_m: float, north: float = north) -> Spot:
            return moved(*MIDDLE, north_m=north + chance.uniform(-150, 150), east_m=east_m)

        gate = at(3_600)
        found.append(
            Lane(
                number,
                crash=centre_of(cell_at(*at(-5_400))),
                fire=at(-3_600),
                underpass=at(-1_800),
                school=at(0),
                fall=at(1_800),
                plates=tuple(moved(*gate, north_m=0, east_m=step * BETWEEN_M) for step in range(3)),
                lines=at(5_400),
            )
        )
    return found
