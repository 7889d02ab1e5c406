"""The share of a city divided over its principals: Kafka has quotas for one user, none for all of a city's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from deploy.rights import platform_of
from deploy.sharing.agreements import Sharing

OF_AGENCIES = 0.5
"""The part that all agencies of a city have together; its own services have the rest."""


def shares_of(sharing: Sharing, now: datetime) -> Mapping[str, int]:
    """Bytes a second of each principal, to be read and to be written: those of a city are together within its share."""
    found: dict[str, int] = {}
    for city, about in sharing.cities.items():
        if about.bytes_per_s is None:
            continue
        agencies = sorted({one.principal for one in sharing.in_force(now) if one.city == city})
        for_agencies = int(about.bytes_per_s * OF_AGENCIES) if agencies else 0
        found |= {one: max(1, for_agencies // len(agencies)) for one in agencies}
        found[platform_of(city)] = about.bytes_per_s - sum(found[one] for one in agencies)
    return found
