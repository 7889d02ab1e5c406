"""Agreements by which agencies share, as values: who may read or publish which topics of a city, until when. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from deploy.assembly.stage_names import HTTP_STAGES, STAGES
from deploy.rights import PLATFORM

May = Literal["read", "publish"]
SERVICES = frozenset(
    (*STAGES, *HTTP_STAGES, PLATFORM, "accounts", "audit", "bongsu", "command", "dlq", "effects", "live")
) | {"reader", "redis", "registry", "replay", "rules", "source", "subscriptions"}
"""Words behind a city's name in our own principals, groups and transactional ids: no agency is named so."""
NEVER_SHARED = frozenset({"core.account", "core.journal", "core.subscription"})
"""Contracts for our services alone: hashes of keys, settings of sinks, all that the rules saw."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """One ``[[agreement]]``, the *number*-th of its file, which begins in *line*."""

    number: int
    line: int
    city: str
    agency: str
    may: May
    topics: tuple[str, ...]
    purpose: str
    legal_ground: str
    valid_until: datetime

    @property
    def principal(self) -> str:
        return f"{self.city}.{self.agency}"

    @property
    def title(self) -> str:
        return f"agreement {self.number} (line {self.line})"

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return now < self.valid_until


@dataclass(frozen=True, slots=True)
class CitySharing:
    """``[city.NAME]``. *closed*: at the gateway, who has no agreement may nothing. *bytes_per_s*: the share of all its
    principals together; ``None``: no quota."""

    closed: bool = True
    bytes_per_s: int | None = None


@dataclass(frozen=True, slots=True)
class Sharing:
    """All agreements of a file, and its cities by name."""

    entries: tuple[Agreement, ...] = ()
    cities: Mapping[str, CitySharing] = field(default_factory=dict)

    def of(self, city: str, agency: str) -> Iterator[Agreement]:
        """The agency's agreements, those that have ended among them."""
        return (one for one in self.entries if (one.city, one.agency) == (city, agency))

    def in_force(self, now: datetime) -> Iterator[Agreement]:
        return (one for one in self.entries if one.holds(now))

    def next_end(self, now: datetime) -> datetime | None:
        """The end that comes next."""
        return min((one.valid_until for one in self.in_force(now)), default=None)


def is_agency(principal: str) -> bool:
    """Whether *principal* is named as an agency of a city, not as one of its services."""
    city, dot, name = principal.partition(".")
    return bool(city and dot and name) and name not in SERVICES
