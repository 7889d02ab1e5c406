"""The contract between the gateway's reading routes and what follows the log for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from connectors.gateway.shelf import ShelfRow


class Readings(Protocol):
    """The city as the log tells it: the newest revisions of situations, alerts, grants and cameras."""

    @property
    def trouble(self) -> str | None:
        """Why not all of the log is read; ``None`` once it is."""

    def rows(self, contract: str, *, now_ms: int) -> Sequence[ShelfRow]:
        """The rows of a delivered contract, the newest changed first."""

    def row(self, contract: str, key: str, *, now_ms: int) -> ShelfRow | None:
        """The row of that key; ``None`` for one that is unknown or forgotten."""

    def of_situation(self, contract: str, situation_id: str, *, now_ms: int) -> Sequence[ShelfRow]:
        """The rows of that situation."""

    def cameras_near(
        self, lat: float, lon: float, radius_m: float
    ) -> Sequence[tuple[float, Mapping[str, Any]]]:
        """(distance in metres, JSON form) of each camera within *radius_m*, nearest first; ties by ``camera_id``."""
