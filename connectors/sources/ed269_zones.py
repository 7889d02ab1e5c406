"""Geographical zones for drones as EUROCAE's ED-269 has them (``UASZoneList``); ED-318's list is read, too.

What becomes of them is in ``_uas_zones``.
"""

from __future__ import annotations

from connectors.sources._uas_zones import UasZones, UasZoneSettings


class Config(UasZoneSettings):
    """Settings of a source of type ``ed269_zones``."""


class Ed269Zones(UasZones):
    """A ``PolledSource``."""


SOURCE = Ed269Zones
