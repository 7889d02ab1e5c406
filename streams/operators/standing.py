"""The situations, alerts and grants that stand: a fold of the delivered topics. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.gateway.live_log import Standing
from connectors.gateway.live_place import Place
from connectors.gateway.live_view import LiveEvent
from connectors.subscribers import BOARD
from schemas.iso_time import iso_time

STANDING_MAX = 10_000
IDS = {
    "core.situation": "situation_id",
    "core.alert": "alert_id",
    "core.grant": "grant_id",
    BOARD: "hub_id",
}


class Fold:
    """Keeps the newest revision of each thing that stands at *now_ms*; beyond *count_max* the oldest are left out. Boards
    of hubs are counted by themselves: many hubs push no situation out."""

    def __init__(self, now_ms: int, count_max: int = STANDING_MAX) -> None:
        self._now_ms = now_ms
        self._count_max = count_max
        self._events: dict[tuple[str, str], LiveEvent] = {}
        self._boards: dict[tuple[str, str], LiveEvent] = {}
        self._is_whole = True

    def take(self, events: Sequence[LiveEvent]) -> None:
        for event in events:
            its_id = (event.contract, str(event.value[IDS[event.contract]]))
            kept = self._boards if event.contract == BOARD else self._events
            kept.pop(its_id, None)
            if stands(event.contract, event.value, now_ms=self._now_ms):
                kept[its_id] = event
                if len(kept) > self._count_max:
                    del kept[next(iter(kept))]
                    self._is_whole = False

    def standing(self, place: Place) -> Standing:
        """The fold as of *place*: situations, alerts, grants, then boards, each in the order of their last revisions."""
        ordered = sorted([*self._events.values(), *self._boards.values()], key=lambda one: one.number)
        return Standing(place, ordered, self._is_whole)


def stands(contract: str, value: Mapping[str, Any], *, now_ms: int) -> bool:
    """Whether a situation is open, an alert not cancelled, a grant neither revoked nor expired. *value*: the JSON form."""
    if contract == BOARD:
        return True
    if contract == "core.situation":
        return value["status"] != "closed" and value["merged_into"] is None
    if contract == "core.alert":
        return bool(value["message_type"] != "cancel")
    expires_at = value["expires_at"]
    is_expired = expires_at is not None and iso_time(expires_at).utc_ms() <= now_ms
    return value["revoked_at"] is None and not is_expired
