"""The chapters of the story of the simulated Jeju: what topics and the gateway tell in its first round. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from deploy.demo.chapter import Chapter
from deploy.demo.happenings import BATTERY_LOW_PERCENT
from deploy.demo.island_desk import ASSIGN, GBFS, HUBS
from deploy.demo.island_speaking import SOURCE
from schemas.catalogue import load_catalogue
from streams.chargers.rows import charger_of, memory_of

Value = Mapping[str, Any]
SESSIONS_MAX = 1_000


class Sessions:
    """The registers with which sessions of charging began. Bounded: the oldest is forgotten first."""

    def __init__(self) -> None:
        self._began: OrderedDict[tuple[str, str], Decimal] = OrderedDict()

    def is_whole(self, value: Value) -> bool:
        """Whether *value* ends a session of which the begin was heard, and something was charged."""
        key = value["charger_id"], value["transaction_id"]
        if value["register_wh"] is None:
            return False
        if value["kind"] == "started":
            self._began[key] = Decimal(value["register_wh"])
            if len(self._began) > SESSIONS_MAX:
                self._began.popitem(last=False)
        return value["kind"] == "ended" and key in self._began and self.kwh(value) > 0

    def kwh(self, value: Value) -> Decimal:
        began = self._began[value["charger_id"], value["transaction_id"]]
        return (Decimal(value["register_wh"]) - began) / 1_000


class ShutHubs:
    """The hubs that were told as closed, so that one is known when it opens again."""

    def __init__(self) -> None:
        self._names: set[str] = set()

    def is_shut(self, board: Value) -> bool:
        if board["closed"] is not None:
            self._names.add(board["hub_id"])  # a city has few hubs
        return board["closed"] is not None

    def is_open_again(self, board: Value) -> bool:
        self.is_shut(board)  # every board is looked at, also after the chapter of the first closed one
        return board["closed"] is None and board["hub_id"] in self._names


def island_chapters() -> tuple[Chapter, ...]:
    """The chapters; the one of a session of charging remembers how each began."""
    found = (*_feeds(), *_boards(), *_charging(), *_dispatching(), *_faults(), *_warned())
    told = {HUBS, GBFS, ASSIGN, *load_catalogue()}
    return tuple(one for one in found if one.contract in told)


def _feeds() -> tuple[Chapter, ...]:
    return (
        Chapter(
            "place.hub",
            lambda v: v["kind"] == "hub",
            lambda v: f"{v['name']}: a hub, with {v['capacity']} docks ({v['source']})",
            "a hub",
        ),
        Chapter(
            "mobility.trip",
            lambda v: len(v["delays"]) > 1,
            lambda v: f"bus {v['route_id']} comes by {len(v['delays'])} more hubs ({v['source']})",
            "a trip of a bus",
        ),
        Chapter(
            "core.situation",
            lambda v: v["kind"].startswith("crash") and len(v["agencies"]) > 1,
            lambda v: f"119 and 112 report one crash, one situation: {v['reason']}",
            "a crash that 119 and 112 report",
        ),
        Chapter(
            "mobility.position",
            lambda v: bool(v["tipped_over"]),
            lambda v: f"{v['label']} lies on its side: {v['location_type']} ({v['source']})",
            "a vehicle on its side",
        ),
        Chapter(
            "mobility.position",
            lambda v: v["battery_percent"] is not None and v["battery_percent"] < BATTERY_LOW_PERCENT,
            lambda v: f"a battery is at {v['battery_percent']:.0f} % ({v['source']})",
            "a low battery",
        ),
    )


def _boards() -> tuple[Chapter, ...]:
    return (
        Chapter("core.hub", _is_whole, _board_words, "a hub's board with all its parts"),
        Chapter(
            HUBS,
            lambda v: any(_is_whole(one["hub"]) for one in v["hubs"]),
            lambda v: f"the gateway shows {len(v['hubs'])} boards of hubs",
            "the boards at the gateway",
        ),
        Chapter(
            GBFS,
            lambda v: any(one["num_vehicles_available"] > 0 for one in v["data"]["stations"]),
            lambda v: f"GBFS {v['version']} of the city: {len(v['data']['stations'])} stations",
            "the city's own GBFS",
        ),
        Chapter(
            "core.hub",
            lambda v: _is_whole(v) and _available(v) == 0,
            lambda v: f"{v['name']} is empty of vehicles ({v['source']})",
            "an empty hub",
        ),
        Chapter(
            "core.hub",
            lambda v: v["docks"] is not None and v["docks"]["free"] == 0,
            lambda v: f"{v['name']} is full: none of {v['docks']['total']} docks is free ({v['source']})",
            "a full hub",
        ),
    )


def _charging() -> tuple[Chapter, ...]:
    sessions = Sessions()
    return (
        Chapter(
            "mobility.charge",
            sessions.is_whole,
            lambda v: f"{v['charger_id']} charged {sessions.kwh(v)} kWh, by its meter ({v['source']})",
            "a session of charging, with its kWh",
        ),
        Chapter(
            "mobility.hub",
            lambda v: v["source"] == SOURCE and _is_faulty(v),
            lambda v: f"charger {v['hub_id']} is out of order, over OCPP ({v['source']})",
            "a charger out of order",
        ),
        Chapter(
            "energy.surplus",
            lambda v: v["state"] == "planned" and v["limit_w"] is not None,
            lambda v: f"{v['area']} has {v['kwh']} kWh too much, {v['price']} for a kWh ({v['source']})",
            "a window of surplus",
        ),
        Chapter(
            "source.place",
            lambda v: _profile(v) is not None,
            _profile_words,
            "a charger's profile of that window",
        ),
        Chapter(
            "energy.reward",
            lambda v: Decimal(v["kwh"]) > 0,
            lambda v: f"{v['charger_id']} took {v['kwh']} kWh in the window: reward {v['reward']}",
            "a reward for charging in that window",
        ),
    )


def _dispatching() -> tuple[Chapter, ...]:
    return (
        Chapter(
            "mobility.booking",
            lambda v: v["state"] == "requested",
            lambda v: f"ride {v['booking_id']} is asked for, {v['passengers']} ride ({v['source']})",
            "a ride that is asked for",
        ),
        Chapter(
            ASSIGN,
            lambda v: sorted(one["status"] for one in v["answers"]) == [200, 409],
            lambda v: (
                f"two dispatchers assign {v['booking_id']}: {v['answers'][0]['vehicle_id']} has it,"
                " the other gets 409"
            ),
            "two dispatchers who assign one ride",
        ),
    )


def _faults() -> tuple[Chapter, ...]:
    """The situations of the rule of hubs, whose operators are told."""
    return tuple(
        Chapter("core.situation", _tells(reason), _situation_words, f"the situation '{reason}'")
        for reason in (
            "empty",
            "full",
            "charger faulty",
            "tipped over",
            "battery low",
            "pickup late",
        )
    )


def _warned() -> tuple[Chapter, ...]:
    shut = ShutHubs()
    return (
        Chapter(
            "civil.incident",
            lambda v: v["status"] == "open",
            lambda v: f"a warning: {v['kind_text']} at {v['address']} ({v['source']})",
            "a warning by CAP",
        ),
        Chapter(
            "mobility.trip",
            lambda v: v["relationship"] == "alert",
            lambda v: f"buses are led round it: {v['header_text']} ({v['source']})",
            "a notice of the buses",
        ),
        Chapter(
            "core.closure",
            lambda v: v["state"] == "open",
            lambda v: f"the warning closes its area: {v['reason']} ({v['source']})",
            "a closure by that warning",
        ),
        Chapter(
            "core.hub",
            shut.is_shut,
            lambda v: f"{v['name']} is closed: {v['closed']['reason']} ({v['source']})",
            "a closed hub",
        ),
        Chapter(
            "core.closure",
            lambda v: v["state"] == "over",
            lambda v: f"the warning is cancelled, and the closure over ({v['source']})",
            "the end of that closure",
        ),
        Chapter(
            "core.hub",
            shut.is_open_again,
            lambda v: f"{v['name']} is open again ({v['source']})",
            "a hub that is open again",
        ),
    )


def _tells(reason: str) -> Callable[[Value], bool]:
    return lambda v: v["rule"] == "hub" and v["reason"] == reason


def _situation_words(value: Value) -> str:
    return f"{', '.join(value['agencies'])} is told, {value['kind']}: {value['reason']}"


def _available(board: Value) -> int | None:
    """Vehicles to be had; ``None`` where one of its counts is unknown."""
    counts = [one["available"] for one in board["vehicles"]["types"]]
    return None if not counts or None in counts else sum(counts)


def _is_whole(board: Value) -> bool:
    return all(board[part] is not None for part in ("vehicles", "docks", "chargers", "arrivals"))


def _board_words(board: Value) -> str:
    chargers, coming = board["chargers"], board["arrivals"]["next"]
    return (
        f"board of {board['name']}: {_available(board)} vehicles, {board['docks']['free']} docks and"
        f" {chargers['free']} chargers free, {len(coming)} arrivals ({board['source']})"
    )


def _is_faulty(value: Value) -> bool:
    return any(one["state"] == "out_of_order" and one["count"] for one in value["chargers"])


def _profile(value: Value) -> tuple[str, list[float]] | None:
    """The charger and the window for which it has answered a profile: begin and end in ms, watts."""
    charger = charger_of(SOURCE, value["source"])
    window = None if charger is None else (memory_of(value).get("asked") or {}).get("window")
    return None if charger is None or window is None else (charger, window)


def _profile_words(value: Value) -> str:
    charger, (_, end_ms, watts) = _profile(value) or ("", [0, 0, 0])
    until = datetime.fromtimestamp(end_ms / 1000, UTC)
    return f"charger {charger} has its profile: {watts:.0f} W at most until {until:%H:%M:%S} UTC"
