"""One case's search with all that its rows on the log need: what was told, which candidate is which sighting. Pure."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from schemas.errors import Fatal, Invalid
from schemas.event import derived_id
from streams.cases.judge import Allowed
from streams.geo import distance_m
from streams.persons.answers import Verdict
from streams.persons.looks import UNSAID
from streams.persons.persons_numbers import PersonsNumbers
from streams.persons.route_search import RouteSearch
from streams.persons.sightings_held import Seen, on_foot
from streams.persons.travel import Calls
from streams.sightings.case_view import CaseView
from streams.sightings.sighting_columns import EVENT, SightingColumns
from streams.sightings.sighting_kernel import text_number
from streams.sightings.told_rows import Row, differs, gaps, is_moved, out_of_place, position

STATES: Mapping[str, str] = {
    "confirm": "confirmed",
    "reject": "rejected",
    "unsure": "unsure",
    "part": "parted",
}
OPEN, DROPPED = "open", "dropped"
NEXT_MAX = 100
OVERLOOKED_MAX = 10
"""So many unlikely candidates are told at once while no likely one is left and the person must have been recorded."""
ANSWERED_MAX = 10_000
"""The most answers of a case that are told twice apart; the oldest are forgotten first."""


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """A person's answer, as ``core.action`` has it, opened."""

    action_id: str
    candidate_id: str
    verdict: Verdict
    account_id: str


@dataclass(slots=True)
class Pursuit:
    """A fold over sightings and answers. *value_of*: the whole row of a frame of ``cctv.person``."""

    view: CaseView
    search: RouteSearch
    numbers: PersonsNumbers
    value_of: Any
    told: dict[str, Row] = field(default_factory=dict)
    """Candidate → its newest row."""
    route: Row | None = None
    calls: Calls | None = None
    """The calls of buses that are known by now; ``None``: as before."""
    _frames: dict[int, bytes] = field(default_factory=dict)
    _keys: dict[str, int] = field(default_factory=dict)
    _confirmed_by: dict[int, str] = field(default_factory=dict)
    _answered: dict[str, None] = field(default_factory=dict)
    _rest: list[Seen] = field(default_factory=list)

    @property
    def case_id(self) -> str:
        return self.view.case.case_id

    def see(self, many: SightingColumns, verdict: Allowed, now_ms: int) -> int:
        """Take up what the case may see of *many*; returns how many that are."""
        rows, camera = self.view.allowed(many, verdict, now_ms)
        if len(rows):
            seen = self.view.seen(many, rows, camera)
            alike = self.search.pool.looks.log_ratio(seen.words) >= self.numbers.route.looks_floor
            alike &= self.search.can_ever(seen)
            for row in rows[alike].tolist():
                self._frames[int(many.numbers[row, EVENT])] = many.frames[row]
            if len(self._frames) > self.numbers.route.candidates_max:
                raise Fatal("a case holds too many sightings", hint="make its area or time smaller")
            self._rest.append(seen)
        return len(rows)

    def take_up(self) -> None:
        """Give the search all that was seen since the last time, and the calls of buses."""
        if self._rest:
            self.search.see(Seen.joined(self._rest))
            self._rest.clear()
        if self.calls is not None:
            self.search.know(self.calls)

    def answer(self, one: PersonAnswer) -> str | None:
        """Take an answer; returns its candidate, ``None`` if it is none of this case or was taken before."""
        if one.action_id in self._answered or one.candidate_id not in self.told:
            return None
        self.take_up()
        key = self._key(one.candidate_id)
        try:
            self.search.answer(key, one.verdict)
        except Invalid:
            return None
        self._answered[one.action_id] = None
        if len(self._answered) > ANSWERED_MAX:
            del self._answered[next(iter(self._answered))]
        if one.verdict == "confirm":
            self._confirmed_by[key] = one.account_id
        self.told[one.candidate_id] = {
            **self.told[one.candidate_id],
            "state": STATES[one.verdict],
            "worth": None,
        }
        return one.candidate_id

    def restore(self, told: Iterable[Row], route: Row | None) -> None:
        """Know again what was told before, the oldest first."""
        for row in told:
            self.told[row["candidate_id"]] = row
        self.route = route

    def hold_lost(self, present: Container[int]) -> None:
        """Hold each candidate that people answered and whose sighting is none of *present*: it has left the log."""
        rows = [one for one in self.told.values() if one["state"] not in (OPEN, DROPPED)]
        at = {one.camera_id: number for number, one in enumerate(self.view.cameras)}
        lost = [one for one in rows if self._key(one["candidate_id"]) not in present]
        lost = [one for one in lost if one["camera_id"] in at]
        if lost:
            width = self.search.pool.looks.table.shape[0]
            self.search.see(
                Seen(
                    np.array([self._key(one["candidate_id"]) for one in lost], np.int64),
                    np.array([at[one["camera_id"]] for one in lost], np.int64),
                    np.array([one["seen_at"] / 1000 for one in lost]),
                    np.full((len(lost), width), UNSAID, np.int64),
                    on_foot(len(lost)),
                )
            )

    def _key(self, candidate_id: str) -> int:
        return text_number(self.told[candidate_id]["sighting_id"])

    def changed(self, *, answered: str | None = None) -> list[Row]:
        """The rows of candidates that are not as they were told, each with its next revision; they count as told."""
        self.take_up()
        ranks: dict[int, int] = {}
        found, now_open = list[Row](), set[str]()
        asked = self.search.asking(self.numbers.told_max)
        worths = {one.key: worth for one, worth in asked}
        likely = [one for one in self.search.ranked() if one.probability >= self.numbers.route.show]
        if not likely and self.search.is_overlooked():
            likely = self.search.ranked(ahead=True)[:OVERLOOKED_MAX]
        told = {
            one.key for one in sorted(likely, key=lambda one: one.key not in worths)[: self.numbers.told_max]
        }
        for one in likely:
            if one.key not in told:
                continue
            ranks[one.camera] = ranks.get(one.camera, 0) + 1
            row = self._row(one.key, one.camera, one.time_s, one.probability, ranks[one.camera])
            if row is None:
                continue
            row["worth"] = worths.get(one.key)
            now_open.add(row["candidate_id"])
            if differs(self.told.get(row["candidate_id"]), row):
                found.append(row)
        for candidate_id, row in self.told.items():
            worth = worths.get(text_number(row["sighting_id"]))
            if row["state"] == OPEN and candidate_id not in now_open:
                found.append({**row, "state": DROPPED, "worth": None})
            elif row["state"] not in (OPEN, DROPPED) and (
                candidate_id == answered or is_moved(row["worth"], worth)
            ):
                found.append({**row, "worth": worth})
        found += out_of_place(asked, self.told.values(), found, worths)
        for row in found:
            known = self.told.get(row["candidate_id"])
            row["revision"] = 0 if known is None else known["revision"] + 1
            self.told[row["candidate_id"]] = row
        return [dict(row) for row in found]

    def _row(self, key: int, camera: int, time_s: float, probability: float, rank: int) -> Row | None:
        frame = self._frames.get(key)
        if frame is None:
            return None
        try:
            value = self.value_of(frame)
        except Invalid:
            return None
        where = self.view.cameras[camera]
        looks = self._looks_of(key)
        p = min(max(probability, 1e-12), 1 - 1e-12)
        return {
            "position": position(where.lat, where.lon),
            "case_id": self.case_id,
            "candidate_id": derived_id("candidate", self.case_id, value["event_id"]),
            "revision": 0,
            "state": OPEN,
            "rank": rank,
            "sighting_id": value["event_id"],
            "camera_id": where.camera_id,
            "track_id": value["track_id"],
            "seen_at": round(time_s * 1000),
            "appearance_log_ratio": round(looks, 3),
            "travel_log_ratio": round(math.log(p / (1 - p)) - looks, 3),
            "score": value["score"],
            "attributes": value["attributes"],
            "crop": value["crop"],
            "worth": None,
            "sealed": None,
        }

    def _looks_of(self, key: int) -> float:
        pool = self.search.pool
        found = np.flatnonzero(pool.seen.key == key)
        return float(pool.log_looks[found[0]]) if len(found) else 0.0

    def new_route(self) -> Row | None:
        """The route's next revision; ``None`` if it is as it was told. Without a hop there is none before the first."""
        found = self.search.route()
        hops = self._hops(found)
        known = self.route
        if known is None and not hops:
            return None
        row: Row = {
            "position": hops[-1]["position"] if hops else None,
            "case_id": self.case_id,
            "revision": 0 if known is None else known["revision"] + 1,
            "hops": hops,
            "gaps": gaps(hops, self.numbers.route.gap_s),
            "next_cameras": self._next(found.next_cameras, hops),
            "sealed": None,
        }
        if known is not None and all(known[name] == row[name] for name in ("hops", "gaps", "next_cameras")):
            return None
        self.route = row
        return dict(row)

    def _hops(self, found: Any) -> list[Row]:
        by_key = {text_number(row["sighting_id"]): row for row in self.told.values()}
        ridden = {round(leave.time_s) for _, leave in found.ridden}
        hops = list[Row]()
        for hop in found.hops:
            row = by_key[hop.key]
            rode = any(hops and hops[-1]["seen_at"] < time * 1000 <= row["seen_at"] for time in ridden)
            hops.append(
                {
                    "candidate_id": row["candidate_id"],
                    "camera_id": row["camera_id"],
                    "seen_at": row["seen_at"],
                    "position": row["position"],
                    "confirmed_by": self._confirmed_by.get(hop.key, ""),
                    "mode": None if not hops else "vehicle" if rode else "on_foot",
                }
            )
        return hops

    def _next(self, cameras: Sequence[int], hops: Sequence[Row]) -> list[Row]:
        """The cameras that the person may reach, the soonest first; at most ``NEXT_MAX``."""
        start = self.search.start
        lat, lon, at_ms = start.lat, start.lon, round(start.time_s * 1000)
        if hops:
            lat, lon, at_ms = hops[-1]["position"]["lat"], hops[-1]["position"]["lon"], hops[-1]["seen_at"]
        found = []
        for number in cameras[:NEXT_MAX]:
            one = self.view.cameras[number]
            away_m = max(0.0, distance_m(lat, lon, one.lat, one.lon) - 2 * self.numbers.within_m)
            earliest_ms = at_ms + math.floor(1000 * away_m / self.numbers.route.foot_mps)
            found.append(
                {
                    "camera_id": one.camera_id,
                    "position": position(one.lat, one.lon),
                    "earliest_at": earliest_ms,
                }
            )
        return sorted(found, key=lambda one: (one["earliest_at"], one["camera_id"]))
