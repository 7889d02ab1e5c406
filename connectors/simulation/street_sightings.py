"""Sightings of people by cameras at crossings: missed ones, ones of nobody, wrong words, clocks that are off. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from connectors.simulation.street_grid import Crossing, StreetCamera
from connectors.simulation.street_people import SHARES, Passing, Words, dressed
from schemas.event import derived_id

NOBODY = "nobody"
SEEN_FROM_AFAR = ("sleeves", "upper_colour", "lower_kind", "lower_colour", "bag", "backpack")
"""Attributes that an analytic tells of everybody; the rest only of those who face the camera."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Shares of what goes wrong. *facing*: of the sightings in which sex, age, hair and hat are told."""

    right: float = 0.95
    missed: float = 0.1
    false: float = 0.01
    facing: float = 0.7


@dataclass(frozen=True, slots=True)
class SeenPerson:
    """One sighting. *who* is the truth, which no camera says."""

    camera: StreetCamera
    object_id: int
    true_s: float
    words: Words
    who: str

    @property
    def clock_s(self) -> float:
        """The second by the camera's clock."""
        return self.true_s + self.camera.clock_off_s


def sightings_of(
    who: str,
    looks: Words,
    passed: Iterable[Passing],
    cameras: Mapping[Crossing, StreetCamera],
    errors: Errors,
    seed: int,
) -> Iterator[SeenPerson]:
    """Sightings of one person by cameras, with the false sightings that happen beside them."""
    for number, (crossing, at_s) in enumerate(passed):
        camera = cameras.get(crossing)
        if camera is None:
            continue
        chance = random.Random(f"{seed}:{who}:{number}")  # noqa: S311 - repeatable on purpose
        if chance.random() >= errors.missed:
            yield _seen(camera, at_s, _said(chance, looks, errors), who, (seed, who, number))
        if chance.random() < errors.false:
            said = _said(chance, dressed(chance), errors)
            yield _seen(camera, at_s + chance.uniform(1, 60), said, NOBODY, (seed, who, number, NOBODY))


def _seen(
    camera: StreetCamera, at_s: float, said: Words, who: str, identity: tuple[int | str, ...]
) -> SeenPerson:
    object_id = int(derived_id("object", camera.camera_id, *identity)[:7], 16)
    return SeenPerson(camera, object_id, at_s, said, who)


def _said(chance: random.Random, looks: Words, errors: Errors) -> dict[str, str]:
    """The words that the analytic says: each right with that share, else another word of the attribute."""
    is_facing = chance.random() < errors.facing
    said = {}
    for name, word in looks.items():
        draw, other = chance.random(), chance.choice([one for one in SHARES[name] if one != word])
        if is_facing or name in SEEN_FROM_AFAR:
            said[name] = word if draw < errors.right else other
    return said
