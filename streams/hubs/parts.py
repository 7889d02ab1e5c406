"""The parts of a board at a time, in the form of ``core.hub``. Pure.

Vehicles, docks, chargers and arrivals are those of the live pieces. Where none is live, they are those of all that are
held, and the part is stale. So nothing stale is ever counted among what is live. Notices are shown all, each with its age.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.hubs.hub_numbers import HubNumbers
from streams.hubs.pieces import CHARGERS, FREE, RIDE, Piece, alert_id, is_active

Part = dict[str, Any]
TEXT_MAX = 500
"""The most characters of a notice's text; a longer address is left out: cut, it would lead elsewhere."""
UNKNOWN = "unknown"
KINDS = (FREE, "busy", "faulty", UNKNOWN)


def _chosen(pieces: Iterable[Piece], now_ms: int) -> tuple[list[Piece], bool]:
    """Return the live ones, else all that are held, and whether these are stale."""
    held = [one for one in pieces if one.is_held(now_ms)]
    live = [one for one in held if one.is_live(now_ms)]
    return live or held, not live


def _part(pieces: Sequence[Piece], is_stale: bool, said: Part) -> Part:
    return {"as_of": min(one.as_of_ms for one in pieces), "is_stale": is_stale, **said}


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [one for one in numbers if one is not None]
    return sum(known) if known else None


def vehicles_part(counts: Mapping[Any, Piece], vehicles: Mapping[Any, Piece], now_ms: int) -> Part | None:
    """Return the vehicles by type. Of a type that the hub counts, single vehicles say only how many are not to be had."""
    counted = [
        one for one in counts.values() if one.said["available"] or one.said["vehicles_disabled"] is not None
    ]
    single = set(map(id, vehicles.values()))
    chosen, is_stale = _chosen([*counted, *vehicles.values()], now_ms)
    if not chosen:
        return None
    available: Counter[str] = Counter()
    states: dict[str, Counter[str]] = {}
    disabled: list[int | None] = []
    for piece in chosen:
        if id(piece) in single:
            states.setdefault(piece.said["vehicle_type"], Counter())[_state(piece.said)] += 1
        else:
            disabled.append(piece.said["vehicles_disabled"])
            for one in piece.said["available"]:
                available[one["vehicle_type"]] += one["count"]
    types = [_of_type(word, available, states) for word in sorted({*available, *states})]
    return _part(chosen, is_stale, {"types": types, "disabled": _sum(disabled)})


def _state(vehicle: Mapping[str, Any]) -> str:
    return "disabled" if vehicle["is_disabled"] else "reserved" if vehicle["is_reserved"] else "available"


def _of_type(word: str, available: Mapping[str, int], states: Mapping[str, Counter[str]]) -> Part:
    seen = states.get(word)
    return {
        "vehicle_type": word,
        "available": available[word] if word in available else seen["available"] if seen else None,
        "reserved": seen["reserved"] if seen else None,
        "disabled": seen["disabled"] if seen else None,
    }


def docks_part(counts: Mapping[Any, Piece], now_ms: int) -> Part | None:
    """Return the docks of all feeds of the hub."""
    said = [one for one in counts.values() if one.said["docks"] is not None]
    chosen, is_stale = _chosen(said, now_ms)
    if not chosen:
        return None
    docks = [one.said["docks"] for one in chosen]
    total = {name: _sum(one[name] for one in docks) for name in ("free", "total")}
    return _part(chosen, is_stale, total)


def chargers_part(counts: Mapping[Any, Piece], now_ms: int) -> Part | None:
    """Return the chargers of all feeds of the hub."""
    chosen, is_stale = _chosen([one for one in counts.values() if one.said["chargers"]], now_ms)
    if not chosen:
        return None
    number = dict.fromkeys(KINDS, 0)
    for piece in chosen:
        for one in piece.said["chargers"]:
            kind = CHARGERS.get(one["state"], UNKNOWN)
            if kind is not None:
                number[kind] += one["count"]
    return _part(chosen, is_stale, number)


def arrivals_part(trips: Mapping[Any, Piece], now_ms: int, numbers: HubNumbers) -> Part | None:
    """Return the next arrivals, the soonest first.

    Beside a feed's trips, rides do not make the part old: a ride is told when it changes, a feed says its trips again.
    """
    coming = [one for one in trips.values() if any(arrival.at_ms >= now_ms for arrival in one.said)]
    rides = {id(one) for key, one in trips.items() if key[0] == RIDE}
    chosen, is_stale = _chosen(coming, now_ms)
    listed = [(arrival, piece) for piece in chosen for arrival in piece.said if arrival.at_ms >= now_ms]
    listed.sort(key=lambda one: (one[0].at_ms, one[0].trip_id, one[0].route_id or "", one[1].as_of_ms))
    listed = listed[: numbers.arrivals_max]
    if not listed:
        return None
    following = [
        {
            "route_id": one.route_id,
            "trip_id": one.trip_id,
            "arrives_at": one.at_ms,
            "on_demand": one.is_on_demand,
        }
        for one, _ in listed
    ]
    pieces = [piece for _, piece in listed]
    of_feeds = [one for one in pieces if id(one) not in rides]
    return _part(of_feeds or pieces, is_stale, {"next": following})


def notices_part(notices: Mapping[Any, Piece], now_ms: int, numbers: HubNumbers) -> Part | None:
    """Return the newest notices that are to be shown now; stale as soon as one is."""
    shown = [one for one in notices.values() if one.is_held(now_ms) and is_active(one.said, now_ms)]
    shown.sort(key=lambda one: (-one.as_of_ms, alert_id(one.said), one.said["source"]))
    shown = shown[: numbers.notices_max]
    if not shown:
        return None
    texts = [
        {
            "alert_id": alert_id(one.said),
            "header_text": (one.said["header_text"] or "")[:TEXT_MAX] or None,
            "url": one.said["url"] if len(one.said["url"] or "") <= TEXT_MAX else None,
            **{name: one.said[name] for name in ("severity", "effect")},
            "as_of": one.as_of_ms,
            "is_stale": not one.is_live(now_ms),
        }
        for one in sorted(shown, key=lambda one: (alert_id(one.said), one.said["source"]))
    ]
    return _part(shown, any(one["is_stale"] for one in texts), {"texts": texts})
