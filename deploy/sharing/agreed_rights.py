"""Rights in Kafka that agreements give, and how they differ from those of a cluster. Pure.

An agency is the principal ``<city>.<agency>``. Its groups and transactional ids begin with that name and a dot: those of
``new`` are none of ``new-york``. A right to a topic is for that topic alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from confluent_kafka.admin import AclBinding, AclOperation, ResourcePatternType, ResourceType

from deploy.rights import platform_of, right, rights_of_platform
from deploy.sharing.agreements import Agreement, Sharing, is_agency
from schemas.catalogue import topic_name

USER = "User:"
Act = Literal["remove right", "remove user", "add user", "add right", "revoke key", "remove subscription"]
ORDER: tuple[Act, ...] = ("remove right", "remove user", "add user", "add right")
"""Removals go first."""


@dataclass(frozen=True, slots=True)
class RightChange:
    """One thing to do: to the *principal*, to one of its rights or to its key or subscription *about*, and why."""

    act: Act
    principal: str
    why: str
    right: AclBinding | None = None
    about: str = ""

    @property
    def words(self) -> str:
        what = told(self.right) if self.right else self.about
        return f"{self.act} {self.principal}{f' {what}' if what else ''}: {self.why}"


@dataclass(frozen=True, slots=True)
class RightsThere:
    """All that a cluster has. *users*: those of SCRAM. *ours*: principals whose password this home has."""

    rights: Collection[AclBinding]
    users: Collection[str]
    ours: Collection[str]


def rights_of(entry: Agreement) -> list[AclBinding]:
    """The rights that one agreement gives while it holds."""
    principal, own = USER + entry.principal, f"{entry.principal}."
    is_read = entry.may == "read"
    to_topics = (AclOperation.READ if is_read else AclOperation.WRITE, AclOperation.DESCRIBE)
    found = [
        right(
            ResourceType.TOPIC, topic_name(entry.city, one), ResourcePatternType.LITERAL, principal, operation
        )
        for one in entry.topics
        for operation in to_topics
    ]
    kind = ResourceType.GROUP if is_read else ResourceType.TRANSACTIONAL_ID
    return found + [right(kind, own, ResourcePatternType.PREFIXED, principal, one) for one in to_topics]


def rights_agreed(sharing: Sharing, now: datetime) -> Mapping[AclBinding, Agreement]:
    """Each right with the agreement that gives it, the one that ends last where there are several."""
    by_end = sorted(sharing.in_force(now), key=lambda one: one.valid_until)
    return {each: one for one in by_end for each in rights_of(one)}


def changes(sharing: Sharing, found: RightsThere, *, now: datetime) -> list[RightChange]:
    """All that makes the cluster have what the agreements say, removals first; empty: it has.

    Principals of agencies are those of cities with an agreement, and those that this home made. A city's own services keep
    their rights; no right of anybody else is touched.
    """
    agreed = rights_agreed(sharing, now)
    cities = {*sharing.cities, *(one.city for one in sharing.entries)}
    principals = {one.principal: one for one in agreed.values()}

    def is_managed(principal: str) -> bool:
        return is_agency(principal) and (principal.partition(".")[0] in cities or principal in found.ours)

    planned = [
        RightChange("remove right", name, _why_not(sharing, name, one, now), one)
        for one in found.rights
        if is_managed(name := one.principal.removeprefix(USER)) and one not in agreed
    ]
    planned += [
        RightChange("remove user", name, _why_not(sharing, name, None, now))
        for name in {*found.users, *(one for one in found.ours if is_agency(one))}
        if is_managed(name) and name not in principals
    ]
    planned += [
        RightChange("add user", name, _why(entry))
        for name, entry in principals.items()
        if name not in found.users or name not in found.ours
    ]
    planned += [
        RightChange("add right", entry.principal, _why(entry), one)
        for one, entry in agreed.items()
        if one not in found.rights
    ]
    planned += [
        RightChange("add right", platform_of(city), "the city's own services", one)
        for city in cities
        if platform_of(city) in found.users
        for one in rights_of_platform(city)
        if one not in found.rights
    ]
    return sorted(planned, key=lambda one: (ORDER.index(one.act), one.principal, told(one.right)))


def _why(entry: Agreement) -> str:
    return f"{entry.title} until {entry.valid_until.isoformat()}"


def _why_not(sharing: Sharing, principal: str, one: AclBinding | None, now: datetime) -> str:
    """The agreement that gave it, with its end; or that there is none."""
    ended = [
        entry
        for entry in sharing.entries
        if entry.principal == principal and not entry.holds(now) and (one is None or one in rights_of(entry))
    ]
    if not ended:
        return "no agreement covers it"
    last = max(ended, key=lambda entry: entry.valid_until)
    return f"{last.title} ended {last.valid_until.isoformat()}"


def told(one: AclBinding | None) -> str:
    """A right in words: ``READ TOPIC demo.core.alert``."""
    if one is None:
        return ""
    star = "*" if one.resource_pattern_type == ResourcePatternType.PREFIXED else ""
    denied = "" if one.permission_type.name == "ALLOW" else f"{one.permission_type.name} "
    host = "" if one.host == "*" else f" from {one.host}"
    return f"{denied}{one.operation.name} {one.restype.name} {one.name}{star}{host}"
