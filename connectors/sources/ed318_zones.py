"""Geographical zones for drones as EUROCAE's ED-318 has them (``features``); ED-269's list is read, too.

What becomes of them is in ``_uas_zones``.
"""

from __future__ import annotations

from connectors.sources._uas_zones import UasZones, UasZoneSettings


class Config(UasZoneSettings):
    """Settings of a source of type ``ed318_zones``."""


class Ed318Zones(UasZones):
    """A ``PolledSource``."""


SOURCE = Ed318Zones
