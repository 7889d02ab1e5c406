"""The boards of hubs, worked out anew at each time from the list of all rows. It shares no code with the stage's fold."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import shapely

from schemas.event import derived_id
from tests.hub_day import SAME_AS, STOPS, Input, Row

TTL_S = {"mobility.hub": 300, "mobility.position": 300, "mobility.trip": 90, "alert": 600}
SLOW_TTL_S = 1200
"""Of the source 'slow'."""
HELD_S = {"mobility.hub": 86_400, "mobility.position": 900, "mobility.trip": 900, "alert": 86_400}
CHARGERS = {
    "available": "free",
    "charging": "busy",
    "reserved": "busy",
    "blocked": "busy",
    "out_of_order": "faulty",
}


class Report:
    """The newest row of one thing, by hand: how old it is, and until when it is live and held."""

    def __init__(self, kind: str, row: Row) -> None:
        repeats = kind in ("mobility.hub", "mobility.position")
        own = min(row["event_time"], row["received_time"])
        self.kind, self.row = kind, row
        self.order = row["received_time"] if repeats else own
        self.as_of = row["received_time"] if repeats and not row["is_stale"] else own
        ttl_s = SLOW_TTL_S if row["source"] == "slow" else TTL_S[kind]
        self.ends = self.as_of + ttl_s * 1000
        self.gone = self.as_of + max(ttl_s, HELD_S[kind]) * 1000
        self.stops = _stops(row) if kind == "mobility.trip" else []
        self.on_demand = row["source"] == "drt"
        self.hubs = _hubs(kind, row)

    def live(self, now: int) -> bool:
        return not self.row["is_stale"] and now <= self.ends


class Ride:
    """A ride as the rows of the log tell it, one after the other."""

    LASTS_S = 7200
    STEPS = ("requested", "assigned", "picked_up", "over")

    def __init__(self, row: Row) -> None:
        self.step, self.changes, self.told = self._step(row), 1, row
        self.told_revision = int(row["revision"])
        self.vehicle = None if row["state"] == "requested" else row["vehicle_id"]
        self.commands: set[str] = set()
        self.as_of = min(row["event_time"], row["received_time"])

    def _step(self, row: Row) -> int:
        return self.STEPS.index("over" if row["state"] in ("dropped", "cancelled") else row["state"])

    def take(self, row: Row) -> None:
        changed = self._command(row) if row["command_id"] and row["source"] == "gateway" else self._told(row)
        if changed:
            self.changes += 1
            self.as_of = max(self.as_of, min(row["event_time"], row["received_time"]))

    def _command(self, row: Row) -> bool:
        is_new = row["command_id"] not in self.commands
        self.commands.add(row["command_id"])
        if not is_new or self.step != 0 or row["revision"] != self.changes:
            return False
        self.step, self.vehicle = 1, row["vehicle_id"] or ""
        return True

    def _told(self, row: Row) -> bool:
        if row["revision"] <= self.told_revision:
            return False
        self.told_revision = int(row["revision"])
        if self.step == 3:
            return False
        keeps = row["state"] == "requested" or (row["state"] == "assigned" and self.vehicle is not None)
        self.vehicle = self.vehicle if keeps else row["vehicle_id"] or self.vehicle
        self.step, self.told = max(self.step, self._step(row)), row
        return True


class Coming:
    """A ride as it is to the boards: an arrival like a trip's."""

    def __init__(self, ride: Ride, sites: list[tuple[str, Row]]) -> None:
        told = ride.told
        ends = [("dropoff", 2), ("pickup", 1)]
        legs = [(told[end], told[f"{end}_at"]) for end, last in ends if 1 <= ride.step <= last]
        found = [(_nearest(place, sites), at) for place, at in legs if place and at is not None]
        self.kind, self.on_demand = "mobility.trip", True
        self.stops = [(hub, at) for hub, at in found if hub is not None]
        self.hubs = {hub for hub, _ in self.stops}
        trip_id = derived_id("ride-to-hub", told["source"], told["booking_id"], ride.vehicle or "")
        self.row = {"trip_id": trip_id, "route_id": None, "source": told["source"]}
        self.as_of, self.gone = ride.as_of, ride.as_of + ride.LASTS_S * 1000

    def live(self, now: int) -> bool:
        is_live: bool = now <= self.gone
        return is_live


Said = Report | Coming


def _nearest(place: Row, sites: list[tuple[str, Row]]) -> str | None:
    """The nearest hub within 100 m; all lie on one meridian, on which a degree is 111.2 km."""
    reached = [(round(abs(at["lat"] - place["lat"]) * 111_195, 2), hub) for hub, at in sites]
    return min((one for one in reached if one[0] <= 100), default=(0, None))[1]


class Oracle:
    """All newest rows. ``boards(now)`` is what stands at each hub."""

    def __init__(self) -> None:
        self.places: dict[str, Row] = {}
        self.rides: dict[str, Ride] = {}
        self.reports: dict[tuple[Any, ...], Report] = {}
        self.closures: dict[str, Row] = {}

    def take(self, one: Input) -> None:
        topic, key, row = one
        if topic == "place.hub":
            self.places.pop(key, None)
            if row is not None:
                self.places[key] = row
        elif row is not None and topic == "core.closure":
            before = self.closures.get(key)
            is_later = before is None or row["state"] == "over" or row["revision"] > before["revision"]
            if is_later and (before is None or before["state"] == "open"):
                self.closures[key] = row
        elif row is not None and topic == "mobility.booking":
            if key in self.rides:
                self.rides[key].take(row)
            elif not row["command_id"] or row["source"] != "gateway":
                self.rides[key] = Ride(row)
        elif row is not None and topic != "core.tick":
            kind = "alert" if row.get("relationship") == "alert" else topic
            run = (row["trip_start_date"], row["trip_start_clock"]) if kind == "mobility.trip" else ()
            name = (row["alert_id"] or row["trip_id"]) if kind == "alert" else key
            report, thing = Report(kind, row), (kind, row["source"], name, *run)
            if thing not in self.reports or report.order >= self.reports[thing].order:
                self.reports[thing] = report

    def boards(self, now: int) -> dict[str, Row]:
        sites = [
            (SAME_AS.get(hub, hub), row["position"]) for hub, row in self.places.items() if row["position"]
        ]
        coming = [Coming(one, sites) for one in self.rides.values() if 1 <= one.step <= 2]
        known: list[Said] = [*self.reports.values(), *coming]
        held = [one for one in known if now <= one.gone]
        at: dict[str, list[Said]] = {SAME_AS.get(hub, hub): [] for hub in self.places}
        for one in held:
            for hub in one.hubs:
                at.setdefault(hub, []).append(one)
        return {hub: self._board(hub, reports, now) for hub, reports in at.items()}

    def _board(self, hub: str, reports: list[Said], now: int) -> Row:
        places = sorted(
            (row for one, row in self.places.items() if SAME_AS.get(one, one) == hub),
            key=lambda row: (row["hub_id"] != hub, row["hub_id"]),
        )
        counts = [one for one in reports if one.kind == "mobility.hub"]
        counts.sort(key=lambda one: (one.row["source"], one.row["hub_id"]))
        told = [*places, *(one.row for one in counts)]
        position = next((row["position"] for row in told if row["position"]), None)
        return {
            "hub_id": hub,
            "name": next((row["name"] for row in told if row["name"]), None),
            "position": position,
            "vehicles": _vehicles(reports, now),
            "docks": _docks(counts, now),
            "chargers": _chargers(counts, now),
            "arrivals": _arrivals(hub, reports, now),
            "notices": _notices(reports, now),
            "closed": None if position is None else self._closed(position, now),
        }

    def _closed(self, position: Row, now: int) -> Row | None:
        """The closure that holds longest of those around *position*."""
        around: list[tuple[float, str, Row]] = []
        for key, row in self.closures.items():
            until = row["ends_at"] or math.inf
            area = shapely.from_geojson(row["geometry"])
            is_in = area.contains(shapely.Point(position["lon"], position["lat"]))
            if is_in and row["state"] == "open" and row["starts_at"] <= now < until:
                around.append((-until, key, row))
        if not around:
            return None
        _, key, row = min(around, key=lambda one: one[:2])
        return {"closure_id": key, "reason": row["reason"], "until": row["ends_at"]}


def _hubs(kind: str, row: Row) -> set[str]:
    if kind == "mobility.trip":
        return {hub for hub, _ in _stops(row)}
    if kind == "alert":
        return {STOPS[entry["stop_id"]] for entry in row["affected"] if entry["stop_id"] in STOPS}
    hub: str | None = row["hub_id"]
    return set() if hub is None else {SAME_AS.get(hub, hub)}


def _stops(row: Row) -> list[tuple[str, int]]:
    """(hub, time) of each stop of a trip where it is expected."""
    if row["relationship"] == "canceled":
        return []
    found = []
    for stop in row["delays"]:
        at = stop["arrival_time"] if stop["arrival_time"] is not None else stop["departure_time"]
        if stop["stop_id"] in STOPS and at is not None and stop["relationship"] not in ("skipped", "no_data"):
            found.append((STOPS[stop["stop_id"]], at))
    return found


def _live_or_all(reports: Iterable[Said], now: int) -> tuple[list[Said], Row]:
    some = list(reports)
    chosen = [one for one in some if one.live(now)]
    is_stale = not chosen
    chosen = chosen or some
    return chosen, {"as_of": min((one.as_of for one in chosen), default=0), "is_stale": is_stale}


def _total(values: Iterable[int | None]) -> int | None:
    known = [one for one in values if one is not None]
    return sum(known) if known else None


def _vehicles(reports: list[Said], now: int) -> Row | None:
    chosen, part = _live_or_all(
        (
            one
            for one in reports
            if one.kind == "mobility.position"
            or (
                one.kind == "mobility.hub"
                and (one.row["available"] or one.row["vehicles_disabled"] is not None)
            )
        ),
        now,
    )
    stations = [one.row for one in chosen if one.kind == "mobility.hub"]
    singles = [one.row for one in chosen if one.kind == "mobility.position"]
    types = []
    counted = [entry for row in stations for entry in row["available"]]
    for word in sorted(
        {entry["vehicle_type"] for entry in counted} | {row["vehicle_type"] for row in singles}
    ):
        told = [entry["count"] for entry in counted if entry["vehicle_type"] == word]
        seen = [row for row in singles if row["vehicle_type"] == word]
        broken = [row for row in seen if row["is_disabled"]]
        kept = [row for row in seen if row["is_reserved"] and not row["is_disabled"]]
        types.append(
            {
                "vehicle_type": word,
                "available": sum(told) if told else len(seen) - len(broken) - len(kept),
                "reserved": len(kept) if seen else None,
                "disabled": len(broken) if seen else None,
            }
        )
    total = _total(row["vehicles_disabled"] for row in stations)
    return {**part, "types": types, "disabled": total} if chosen else None


def _docks(counts: list[Said], now: int) -> Row | None:
    chosen, part = _live_or_all((one for one in counts if one.row["docks"] is not None), now)
    docks = [one.row["docks"] for one in chosen]
    said = {"free": _total(one["free"] for one in docks), "total": _total(one["total"] for one in docks)}
    return {**part, **said} if chosen else None


def _chargers(counts: list[Said], now: int) -> Row | None:
    chosen, part = _live_or_all((one for one in counts if one.row["chargers"]), now)
    said = {"free": 0, "busy": 0, "faulty": 0, "unknown": 0}
    for one in chosen:
        for entry in one.row["chargers"]:
            if entry["state"] not in ("planned", "removed"):
                said[CHARGERS.get(entry["state"], "unknown")] += entry["count"]
    return {**part, **said} if chosen else None


def _arrivals(hub: str, reports: list[Said], now: int) -> Row | None:
    def coming(one: Said) -> list[int]:
        return [at for where, at in one.stops if where == hub and at >= now]

    chosen, part = _live_or_all((one for one in reports if one.kind == "mobility.trip" and coming(one)), now)
    listed = sorted(
        (at, one.row["trip_id"], one.row["route_id"] or "", one.as_of, one.on_demand, isinstance(one, Coming))
        for one in chosen
        for at in coming(one)
    )[:10]
    if not listed:
        return None
    following = [
        {"route_id": route or None, "trip_id": trip, "arrives_at": at, "on_demand": on_demand}
        for at, trip, route, _, on_demand, _ in listed
    ]
    of_feeds = [one[3] for one in listed if not one[5]]
    return {**part, "as_of": min(of_feeds or [one[3] for one in listed]), "next": following}


def _notices(reports: list[Said], now: int) -> Row | None:
    shown = []
    for one in reports:
        spans = one.row.get("active", [])
        if one.kind == "alert" and (
            not spans
            or any(
                (s["starts_at"] or 0) <= now and (s["ends_at"] is None or s["ends_at"] >= now) for s in spans
            )
        ):
            shown.append(one)
    shown.sort(key=lambda one: (-one.as_of, one.row["alert_id"] or one.row["trip_id"]))
    texts = [
        {
            "alert_id": one.row["alert_id"] or one.row["trip_id"],
            "header_text": one.row["header_text"][:500] if one.row["header_text"] else None,
            "url": one.row["url"] if one.row["url"] and len(one.row["url"]) <= 500 else None,
            "severity": None,
            "effect": None,
            "as_of": one.as_of,
            "is_stale": not one.live(now),
        }
        for one in shown[:10]
    ]
    texts.sort(key=lambda one: one["alert_id"])
    if not texts:
        return None
    return {
        "as_of": min(one["as_of"] for one in texts),
        "is_stale": any(one["is_stale"] for one in texts),
        "texts": texts,
    }
