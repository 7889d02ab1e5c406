"""The boards of hubs as they are at the time of reading: what is older than it may be is stale. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

Board = Mapping[str, Any]
"""A row of ``core.hub``, with times in ms."""
RIDES = "rides"
"""The name of the ttl of arrivals of rides on demand alone."""
PARTS = ("vehicles", "docks", "chargers", "arrivals", "notices")


class HubReadings(Protocol):
    """The boards of a city's hubs as they were last told."""

    @property
    def trouble(self) -> str | None:
        """Why not all of the log is read; ``None`` once it is."""

    def boards(self) -> Sequence[Board]:
        """All boards, in the order of ``hub_id``."""

    def board(self, hub_id: str) -> Board | None:
        """The board of that hub; ``None`` where there is none."""

    def near(self, lat: float, lon: float, radius_m: float) -> Sequence[tuple[float, Board]]:
        """(distance in metres, board) of each hub within *radius_m*, the nearest first; ties by ``hub_id``."""


def aged(board: Board, now_ms: int, ttl_ms: Mapping[str, int]) -> dict[str, Any]:
    """Return *board* with the parts that are older than *ttl_ms* (by part) at *now_ms* marked stale.

    The stage that tells boards marks them too. This holds when it is dead: a part never becomes live by reading.
    """
    return {**board, **{name: _aged(board[name], now_ms, ttl_ms[_ttl_name(board, name)]) for name in PARTS}}


def _ttl_name(board: Board, name: str) -> str:
    """The name of the ttl of a part: rides on demand alone are no feed that repeats itself, and have one of their own."""
    part = board[name] if name == "arrivals" else None
    is_of_rides = part is not None and all(one["on_demand"] for one in part["next"])
    return RIDES if is_of_rides else name


def _aged(part: Mapping[str, Any] | None, now_ms: int, ttl_ms: int) -> dict[str, Any] | None:
    if part is None:
        return None
    if "texts" not in part:
        return {**part, "is_stale": _is_stale(part, now_ms, ttl_ms)}
    texts = [{**one, "is_stale": _is_stale(one, now_ms, ttl_ms)} for one in part["texts"]]
    is_stale = bool(part["is_stale"]) or any(one["is_stale"] for one in texts)
    return {**part, "is_stale": is_stale, "texts": texts}


def _is_stale(said: Mapping[str, Any], now_ms: int, ttl_ms: int) -> bool:
    return bool(said["is_stale"]) or now_ms - int(said["as_of"]) > ttl_ms


def has_stale(board: Board) -> bool:
    """Whether a part of *board* is stale."""
    return any(board[name] is not None and board[name]["is_stale"] for name in PARTS)
