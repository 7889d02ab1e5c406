"""The rule ``traffic-impact`` learns: the level of each cell, minute by minute, and where hubs stand. All is bounded."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from streams.geo import distance_m
from streams.situations.entry import Entry
from streams.situations.memory import beneath, memory_of, name_of
from streams.situations.model import Position
from streams.situations.rule import Step
from streams.situations.rules.traffic_impact.config import NAME
from streams.situations.rules.traffic_impact.pace import CELL, Pace
from streams.situations.rules.traffic_impact.turn import DAY_MS, HUB_OF, Hub, Turn


class LastHeard(Struct, frozen=True, gc=False):
    """Of a cell's memory, only when it was last heard of."""

    heard: int


def learnt(turn: Turn, entry: Entry) -> Position | None:
    """Take a cell's minute into its level, unless an impact is on there, and return where the cell is. ``None`` where the
    minute is known already, or where there is no room for the cell."""
    value = entry.value
    cell, minute = value["cell"], value["event_time"]
    before, centre = turn.paces.of(cell), Position(value["position"]["lat"], value["position"]["lon"])
    if before is not None and minute <= before.heard:
        return None  # told twice
    if before is None and not _has_room(turn):
        return None
    event = (value["event_id"], entry.topic, entry.partition, entry.offset)
    pace = Pace(minute, event) if before is None else replace(before, event=event)
    turn.fresh[cell] = pace.heard_of(
        minute,
        value["vehicles"],
        value["mean_speed_mps"],
        numbers=turn.numbers,
        is_frozen=_is_frozen(turn, centre),
        zone=turn.city.zone,
    )
    return centre


def _has_room(turn: Turn) -> bool:
    register = turn.register()
    if register.cells >= turn.numbers.cells_max:
        turn.leaves_out("cells")
        return False
    turn.registered(replace(register, cells=register.cells + 1))
    return True


def _is_frozen(turn: Turn, at: Position) -> bool:
    """Whether an impact is on at that place."""
    causes = (turn.cause(one) for one, impact in turn.impacts.items() if impact.is_on)
    places = (one.view.position for one in causes if one is not None)
    return any(
        distance_m(at.lat, at.lon, one.lat, one.lon) <= turn.numbers.radius_m
        for one in places
        if one is not None
    )


def hub_placed(turn: Turn, entry: Entry) -> Step:
    """Remember where a hub stands; forget one that has no place, or is of a kind that is not told."""
    value, at = entry.value, entry.value["position"]
    key = HUB_OF + value["hub_id"]
    is_known = name_of(NAME, key) in turn.city.memories
    register = turn.register()
    if at is None or value["kind"] not in turn.numbers.hub_kinds:
        if is_known:
            turn.registered(replace(register, hubs=register.hubs - 1))
            turn.forgets.append(name_of(NAME, key))
        return Step(memories=turn.memories, forgets=turn.forgets)
    if not is_known and register.hubs >= turn.numbers.hubs_max:
        turn.leaves_out("hubs")
        return Step(memories=turn.memories)
    if not is_known:
        turn.registered(replace(register, hubs=register.hubs + 1))
    return Step(memories=[*turn.memories, memory_of(NAME, key, Hub(at["lat"], at["lon"]))])


def swept(turn: Turn) -> Step:
    """Forget, once a day, the cells in which nobody was seen for as long as anything is remembered."""
    oldest = turn.city.now_ms - turn.numbers.memory_days * DAY_MS
    cells = beneath(turn.city.memories, NAME, CELL)
    gone = sorted(one.name for _, one in cells if one.read(LastHeard).heard < oldest)
    register = turn.register()
    turn.registered(replace(register, cells=register.cells - len(gone)))
    return Step(memories=turn.memories, forgets=gone)
