"""The 10,500 chargers of the simulated Jeju, all made: 10,450 told as OCPI tells them, 50 that speak OCPP. Pure.

The first location of each of the 23 hubs stands beside it; the others lie inland of the hubs. The 50 are in a list of their
own, and OCPI does not tell them: so nothing counts a charger twice.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from connectors.simulation.chance import moved
from deploy.demo.island_places import FAULTY, HUBS, Hub, Spot, inland

CHARGERS, SPEAKING = 10_500, 50
COUNTRY, PARTY = "KR", "JEJ"
OPERATOR, SPEAKING_OPERATOR = "jeju-charge", "jeju-ocpp"
AT_HUB, AT_LOCATION_MAX = 6, 8
PAGE = 500
"""Locations in one answer: about 900 kB."""
INLAND_MIN, INLAND_MAX, ASIDE_M = 0.04, 0.35, 300
FAULT_FROM_S, FAULT_UNTIL_S = 50, 100
SESSIONS_EVERY_S = 15
FAULT = "OUTOFORDER"


@dataclass(frozen=True, slots=True)
class Location:
    """A place with so many chargers; *hub*: the hub that it belongs to."""

    number: int
    at: Spot
    chargers: int
    hub: Hub | None

    @property
    def location_id(self) -> str:
        return f"L{self.number:04}"

    @property
    def hub_id(self) -> str:
        """The id under which the platform knows it."""
        return f"{COUNTRY}*{PARTY}*{self.location_id}"


@dataclass(frozen=True, slots=True)
class Speaking:
    """A charger that speaks OCPP."""

    charger_id: str
    at: Spot
    hub: Hub


@lru_cache(4)
def locations(seed: int) -> tuple[Location, ...]:
    """All locations that OCPI tells: those of the hubs first."""
    chance = random.Random(f"{seed}:chargers")  # noqa: S311 - repeatable on purpose
    found = [
        Location(number, moved(*hub.at, north_m=-25, east_m=20), AT_HUB, hub)
        for number, hub in enumerate(HUBS, start=1)
    ]
    left = CHARGERS - SPEAKING - AT_HUB * len(HUBS)
    while left > 0:
        count = min(left, chance.randint(1, AT_LOCATION_MAX))
        hub = HUBS[chance.randrange(len(HUBS))]
        at = inland(hub.at, chance.uniform(INLAND_MIN, INLAND_MAX), chance.uniform(-ASIDE_M, ASIDE_M))
        found.append(Location(len(found) + 1, at, count, None))
        left -= count
    return tuple(found)


def speaking() -> tuple[Speaking, ...]:
    """The chargers that speak OCPP: two or three at each hub."""
    return tuple(
        Speaking(
            f"JEJU-{number + 1:04}",
            moved(*HUBS[number % len(HUBS)].at, north_m=15 + 3 * (number // len(HUBS)), east_m=-18),
            HUBS[number % len(HUBS)],
        )
        for number in range(SPEAKING)
    )


def speaking_list() -> bytes:
    """They as a CSV: id, operator, lat, lon, hub."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("id", "operator", "lat", "lon", "hub"))
    rows.writerows((one.charger_id, SPEAKING_OPERATOR, *one.at, one.hub.hub_id) for one in speaking())
    return text.getvalue().encode()


# -- OCPI --------------------------------------------------------------------------------------------------------


def pages(seed: int, now_ms: int) -> Iterator[bytes]:
    """All locations, in the pages of an answer."""
    found = locations(seed)
    for first in range(0, len(found), PAGE):
        yield answer([ocpi(one, seed, 0, now_ms) for one in found[first : first + PAGE]], now_ms)


def changed(seed: int, second: float, now_ms: int) -> bytes:
    """The locations of the hubs, of which something changed."""
    return answer([ocpi(one, seed, second, now_ms) for one in locations(seed)[: len(HUBS)]], now_ms)


def answer(found: list[dict[str, Any]], now_ms: int) -> bytes:
    return orjson.dumps({"data": found, "status_code": 1000, "timestamp": _iso(now_ms)})


def ocpi(location: Location, seed: int, second: float, now_ms: int) -> dict[str, Any]:
    """The location as it is at a second of any round, which is at *now_ms*."""
    return {
        "country_code": COUNTRY,
        "party_id": PARTY,
        "id": location.location_id,
        "publish": True,
        "name": f"충전소 {location.number} (가상)",
        "address": "가상로 1",
        "city": "제주",
        "country": "KOR",
        "coordinates": {"latitude": f"{location.at[0]:.6f}", "longitude": f"{location.at[1]:.6f}"},
        "operator": {"name": OPERATOR},
        "time_zone": "Asia/Seoul",
        "opening_times": {"twentyfourseven": True},
        "evses": [_evse(location, one, seed, second, now_ms) for one in range(location.chargers)],
        "last_updated": _iso(now_ms),
    }


def state_of(location: Location, charger: int, seed: int, second: float) -> str:
    """Its state in the words of OCPI. Sessions begin and end every so many seconds; one charger fails in each round."""
    is_planted = location.hub is not None and location.hub.hub_id == FAULTY and charger == 0
    if is_planted and FAULT_FROM_S <= second < FAULT_UNTIL_S:
        return FAULT
    slot = int(second // SESSIONS_EVERY_S) if location.hub is not None else 0
    drawn = random.Random(f"{seed}:{location.number}:{charger}:{slot}").random()  # noqa: S311 - as above
    return "CHARGING" if drawn < 0.3 else "AVAILABLE"


def _evse(location: Location, charger: int, seed: int, second: float, now_ms: int) -> dict[str, Any]:
    is_fast = charger % 3 == 0
    return {
        "uid": f"{location.location_id}-{charger + 1}",
        "evse_id": f"{COUNTRY}*{PARTY}*E{location.number:04}{charger + 1:02}",
        "status": state_of(location, charger, seed, second),
        "connectors": [
            {
                "id": "1",
                "standard": "IEC_62196_T1_COMBO" if is_fast else "IEC_62196_T1",
                "format": "CABLE",
                "power_type": "DC" if is_fast else "AC_1_PHASE",
                "max_voltage": 500 if is_fast else 220,
                "max_amperage": 200 if is_fast else 32,
                "last_updated": _iso(now_ms),
            }
        ],
        "last_updated": _iso(now_ms),
    }


def _iso(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
