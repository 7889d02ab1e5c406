"""One hub: what is held of it by its feeds, what that shows at a time, and when this changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from streams.hubs.hub_numbers import HubNumbers
from streams.hubs.parts import arrivals_part, chargers_part, docks_part, notices_part, vehicles_part
from streams.hubs.pieces import NEVER, Piece, Row, changes_of, changes_of_notice, changes_of_trip

Key = tuple[str, ...]
PARTS = ("vehicles", "docks", "chargers", "arrivals", "notices")


@dataclass(frozen=True, slots=True)
class HeldHub:
    """The pieces of one hub, by the feed's key of each piece, and what was last told of it."""

    places: Mapping[str, Row] = field(default_factory=dict)
    counts: Mapping[Key, Piece] = field(default_factory=dict)
    vehicles: Mapping[Key, Piece] = field(default_factory=dict)
    trips: Mapping[Key, Piece] = field(default_factory=dict)
    notices: Mapping[Key, Piece] = field(default_factory=dict)
    told: Mapping[str, Any] | None = None
    told_ms: int = NEVER
    revision: int = 0
    wake_ms: int = NEVER

    @property
    def is_empty(self) -> bool:
        return not (self.places or self.counts or self.vehicles or self.trips or self.notices)

    def with_pieces(self, part: str, pieces: Mapping[Key, Piece]) -> HeldHub:
        """Return it with *pieces* in place of those of *part*."""
        changed: dict[str, Any] = {part: pieces}
        return replace(self, **changed)

    def held_at(self, now_ms: int) -> HeldHub:
        """Return it without what is forgotten by *now_ms*."""
        return replace(
            self,
            counts=_held(self.counts, now_ms),
            vehicles=_held(self.vehicles, now_ms),
            trips=_held(self.trips, now_ms),
            notices=_held(self.notices, now_ms),
        )

    def board(self, hub_id: str, now_ms: int, numbers: HubNumbers) -> dict[str, Any]:
        """Return the fields that it shows at *now_ms*."""
        rows = [self.places[hub] for hub in sorted(self.places, key=lambda one: (one != hub_id, one))]
        rows += [self.counts[key].said for key in sorted(self.counts)]
        return {
            "position": next((dict(row["position"]) for row in rows if row["position"] is not None), None),
            "name": next((row["name"] for row in rows if row["name"] is not None), None),
            "vehicles": vehicles_part(self.counts, self.vehicles, now_ms),
            "docks": docks_part(self.counts, now_ms),
            "chargers": chargers_part(self.counts, now_ms),
            "arrivals": arrivals_part(self.trips, now_ms, numbers),
            "notices": notices_part(self.notices, now_ms, numbers),
        }

    def next_change_ms(self, now_ms: int) -> int:
        """Return the first time after *now_ms* at which it may show something else, if nothing is heard."""
        later = [time for one in (*self.counts.values(), *self.vehicles.values()) for time in changes_of(one)]
        later += [time for one in self.trips.values() for time in changes_of_trip(one)]
        later += [time for one in self.notices.values() for time in changes_of_notice(one)]
        return min((time for time in later if time > now_ms), default=-NEVER)


def _held(pieces: Mapping[Key, Piece], now_ms: int) -> Mapping[Key, Piece]:
    if all(one.is_held(now_ms) for one in pieces.values()):
        return pieces
    return {key: one for key, one in pieces.items() if one.is_held(now_ms)}


def without_times(board: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a board says, without the times at which feeds said it."""
    bare = {name: _bare(board[name]) if name in PARTS else board[name] for name in board}
    if bare["notices"] is not None:
        bare["notices"]["texts"] = [_bare(one) for one in bare["notices"]["texts"]]
    return bare


def _bare(part: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if part is None else {name: value for name, value in part.items() if name != "as_of"}
