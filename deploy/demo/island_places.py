"""Places of the simulated Jeju: 23 hubs of three regional types, their stops, and the lines of buses between them. Pure.

The hubs are made: they stand at public places, to about ten metres, where no such hub may stand. Stops, routes and
everything that happens there is made, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from connectors.simulation.chance import METRES_PER_DEGREE, moved

Spot = tuple[float, float]
Region = Literal["city", "coast", "upland"]
MIDDLE: Spot = (33.375, 126.545)
"""Somewhere in the middle of the island: from any coast, this way is inland."""
DOCKS: dict[Region, int] = {"city": 14, "coast": 10, "upland": 6}
"""Docks for bicycles and kickboards, by the type of its region."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A mobility hub: what it is called, where it is, and which type of region that is."""

    hub_id: str
    name: str
    region: Region
    at: Spot

    @property
    def docks(self) -> int:
        return DOCKS[self.region]

    @property
    def stops(self) -> tuple[str, str]:
        """The stops of buses at it, one for each direction."""
        number = self.hub_id.removeprefix("hub-")
        return f"stop-{number}a", f"stop-{number}b"


def _hubs() -> tuple[Hub, ...]:
    found: tuple[tuple[Region, str, float, float], ...] = (
        ("city", "제주공항", 33.5033, 126.4956),
        ("city", "제주시청", 33.5000, 126.5320),
        ("city", "제주도청", 33.4888, 126.4981),
        ("city", "한라도서관", 33.4763, 126.5161),
        ("city", "제주대학교병원", 33.4671, 126.5457),
        ("city", "제주대학교", 33.4553, 126.5616),
        ("city", "서귀포시청", 33.2541, 126.5602),
        ("city", "월드컵경기장", 33.2481, 126.5110),
        ("coast", "성산일출봉", 33.4621, 126.9363),
        ("coast", "중문컨벤션센터", 33.2414, 126.4245),
        ("coast", "해녀박물관", 33.5235, 126.8635),
        ("coast", "정방폭포", 33.2448, 126.5732),
        ("coast", "용머리해안", 33.2341, 126.3142),
        ("coast", "한림공원", 33.3895, 126.2397),
        ("coast", "함덕", 33.5366, 126.6746),
        ("coast", "애월", 33.4621, 126.3297),
        ("upland", "비자림", 33.4913, 126.8114),
        ("upland", "조랑말체험공원", 33.3764, 126.7448),
        ("upland", "붉은오름", 33.3959, 126.6698),
        ("upland", "유리의성", 33.3148, 126.2735),
        ("upland", "영어교육도시", 33.2877, 126.2820),
        ("upland", "노루생태공원", 33.4444, 126.6266),
        ("upland", "영실", 33.3699, 126.5556),
    )
    return tuple(
        Hub(f"hub-{number:02}", name, region, (lat, lon))
        for number, (region, name, lat, lon) in enumerate(found, start=1)
    )


HUBS = _hubs()
BY_ID = {hub.hub_id: hub for hub in HUBS}
EMPTY, FULL, FAULTY = "hub-02", "hub-07", "hub-01"
"""The hub that runs empty of vehicles, the one whose docks fill, and the one at which a charger fails."""
SHUT = ("hub-12", "hub-07")
"""The hubs in the closure: between a waterfall and the town above it."""
ROUTES: dict[str, tuple[int, ...]] = {
    "101": (1, 2, 15, 11, 9),
    "102": (1, 16, 14, 20, 21),
    "181": (1, 2, 6, 22, 7),
    "182": (1, 3, 10, 8, 7),
    "201": (2, 15, 11, 9, 17),
    "202": (3, 16, 14, 13, 10),
    "231": (2, 6, 19, 18, 7),
    "240": (3, 4, 23, 10, 8),
    "365": (1, 3, 4, 5, 6),
    "520": (8, 7, 12, 18, 19),
}
"""A line → the numbers of its hubs in order."""


def on_route(line: str) -> tuple[Hub, ...]:
    return tuple(HUBS[number - 1] for number in ROUTES[line])


def between(one: Spot, other: Spot, share: float) -> Spot:
    """The place at that share of the way, to a tenth of a metre."""
    lat, lon = (a + (b - a) * share for a, b in zip(one, other, strict=True))
    return round(lat, 6), round(lon, 6)


def inland(at: Spot, share: float, aside_m: float) -> Spot:
    """The place at *share* of the way from *at* to the island's middle, and *aside_m* metres beside it."""
    north = (MIDDLE[0] - at[0]) * METRES_PER_DEGREE
    east = (MIDDLE[1] - at[1]) * METRES_PER_DEGREE * math.cos(math.radians(at[0]))
    way = math.hypot(north, east)
    return moved(*between(at, MIDDLE, share), north_m=-east / way * aside_m, east_m=north / way * aside_m)


def ring_around(hub_ids: tuple[str, ...], metres: float) -> tuple[Spot, ...]:
    """A closed rectangle that reaches so many metres beyond the hubs."""
    lats = [BY_ID[one].at[0] for one in hub_ids]
    lons = [BY_ID[one].at[1] for one in hub_ids]
    south, west = moved(min(lats), min(lons), north_m=-metres, east_m=-metres)
    north, east = moved(max(lats), max(lons), north_m=metres, east_m=metres)
    return (south, west), (south, east), (north, east), (north, west), (south, west)
