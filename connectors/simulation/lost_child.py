"""A made town in which a child of seven leaves a playground, walks, rides a bus, and stands where it is found. Pure.

Second 0 is the moment at which the child leaves. Everything is drawn from the seed: streets with cameras, people with
habits and clothes, another child in the same clothes, and what cameras make of them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from connectors.simulation.street_grid import BusLine, Corner, Crossing, Grid, StreetCamera, cameras_on
from connectors.simulation.street_people import Journey, Passing, dressed, journey, person_chance, stroll
from connectors.simulation.street_sightings import Errors, SeenPerson, sightings_of

CHILD, ALIKE = "child", "alike"
COLUMNS, ROWS, BUS_ROW = 20, 18, 8
BOARD, LEAVE = (4, BUS_ROW), (12, BUS_ROW)
CHILD_MPS = 1.15
CHILD_LOOKS = {
    "sex": "female", "age_band": "child", "hair": "long", "sleeves": "short", "upper_colour": "yellow",
    "lower_kind": "shorts", "lower_colour": "blue", "hat": "no", "bag": "no", "backpack": "yes",
}  # fmt: skip
BEFORE_S = 300.0
"""The crowd is out for so long before the child leaves."""
ALIKE_BLOCKS = 3
"""The other child sets out so far from the playground."""


ERRORS = Errors()


@dataclass(frozen=True, slots=True)
class TownSettings:
    """Size of a town, and shares of what its cameras get wrong."""

    cameras: int = 120
    people: int = 540
    clock_error_s: float = 3.0
    errors: Errors = ERRORS
    prefix: str = "street"


@dataclass(frozen=True)
class LostChild:
    """One such town. Two of one seed, corner and settings are equal in everything."""

    seed: int
    corner: Corner
    settings: TownSettings = TownSettings()

    @cached_property
    def grid(self) -> Grid:
        return Grid(self.corner, COLUMNS, ROWS)

    @cached_property
    def line(self) -> BusLine:
        return BusLine(BUS_ROW, COLUMNS)

    @cached_property
    def journey(self) -> Journey:
        chance = person_chance(self.seed, CHILD)
        playground = chance.randint(1, 3), chance.randint(13, 16)
        end = chance.randint(15, 17), chance.randint(1, 4)
        return journey(self.grid, self.line, chance, (playground, BOARD, LEAVE, end), 0.0, CHILD_MPS)

    @property
    def playground(self) -> Crossing:
        return self.journey.passed[0].crossing

    @property
    def end_s(self) -> float:
        """The second from which the child stands still."""
        return self.journey.passed[-1].at_s

    @cached_property
    def cameras(self) -> dict[Crossing, StreetCamera]:
        """The cameras, among them one at each second crossing of the child's way and at its end."""
        way = [one.crossing for one in self.journey.passed]
        also = {*way[1::2], way[-1]}
        s = self.settings
        return cameras_on(
            self.grid, self.seed, count=s.cameras, clock_error_s=s.clock_error_s, also=also, prefix=s.prefix
        )

    @cached_property
    def of_child(self) -> tuple[SeenPerson, ...]:
        """The recorded sightings of the child, in order of time."""
        found = self._seen(CHILD, CHILD_LOOKS, self.journey.passed)
        return tuple(one for one in sorted(found, key=lambda one: one.true_s) if one.who == CHILD)

    def seen(self, from_s: float, until_s: float) -> list[SeenPerson]:
        """All sightings from the one second until before the other, in order of time."""
        found = [one for one in self._all(until_s) if from_s <= one.true_s < until_s]
        return sorted(found, key=lambda one: (one.true_s, one.camera.camera_id, one.object_id))

    def _all(self, until_s: float) -> Iterator[SeenPerson]:
        yield from self._seen(CHILD, CHILD_LOOKS, self.journey.passed)
        column, row = self.playground
        chance = person_chance(self.seed, ALIKE)
        near = (column + ALIKE_BLOCKS, row)
        yield from self._seen(ALIKE, CHILD_LOOKS, stroll(self.grid, chance, -BEFORE_S, until_s, home=near))
        for number in range(self.settings.people):
            who = f"person-{number}"
            chance = person_chance(self.seed, who)
            yield from self._seen(who, dressed(chance), stroll(self.grid, chance, -BEFORE_S, until_s))

    def _seen(self, who: str, looks: dict[str, str], passed: Iterable[Passing]) -> Iterator[SeenPerson]:
        return sightings_of(who, looks, passed, self.cameras, self.settings.errors, self.seed)
