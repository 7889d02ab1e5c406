"""A meter of a simulated charger: active energy that only grows, kept exactly. Pure."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from connectors.simulation.charger_limits import ChargingProfile, allowed_w
from connectors.simulation.charger_plan import ChargingSession

WMS_PER_WH = 3_600_000
"""Watt-milliseconds in a watt-hour: watts and milliseconds are whole numbers, so nothing is rounded on the way."""
THOUSANDTH = Decimal("0.001")


class Meter:
    """The register of a charger, and the profiles that limit what it draws."""

    def __init__(self, register_wh: int, at_ms: int) -> None:
        self._wms = register_wh * WMS_PER_WH
        self._at_ms = at_ms
        self.profiles: list[ChargingProfile] = []  # bounded by who adds to it

    @property
    def register_wh(self) -> Decimal:
        """The register in Wh, with three digits after the point, rounded down."""
        return (Decimal(self._wms * 1_000 // WMS_PER_WH)) * THOUSANDTH

    def power_w(self, session: ChargingSession | None, at_ms: int) -> int:
        """The watts that *session* draws at *at_ms*."""
        if session is None:
            return 0
        limit = allowed_w(self.profiles, at_ms, session.start_ms)
        return session.power_w if limit is None else max(0, min(limit, session.power_w))

    def run_to(self, at_ms: int, session: ChargingSession | None) -> None:
        """Count what *session* draws until *at_ms*."""
        if session is not None and at_ms > self._at_ms:
            edges = {edge for one in self.profiles for edge in one.edges(session.start_ms)}
            inner = sorted(edge for edge in edges if self._at_ms < edge < at_ms)
            for begin, end in pairwise((self._at_ms, *inner, at_ms)):
                self._wms += self.power_w(session, begin) * (end - begin)
        self._at_ms = max(self._at_ms, at_ms)

    def fill_up(self) -> None:
        """Count on to a whole watt-hour, as what the charger itself needs: 1.6 tells beginnings and ends in whole ones."""
        self._wms = -(-self._wms // WMS_PER_WH) * WMS_PER_WH
