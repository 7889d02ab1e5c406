"""Agencies with an agreement as users of Strimzi, with the rights and the quota that the agreements give. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from confluent_kafka.admin import AclBinding, AclOperation, ResourceType

from deploy.manifests.kubernetes_kafka import API, OF_CLUSTER
from deploy.manifests.kubernetes_objects import Object, one
from deploy.sharing.agreed_rights import USER, rights_agreed
from deploy.sharing.agreements import Sharing
from deploy.sharing.shares import shares_of

KINDS = {
    ResourceType.TOPIC: "topic",
    ResourceType.GROUP: "group",
    ResourceType.TRANSACTIONAL_ID: "transactionalId",
}
OPERATIONS = {AclOperation.READ: "Read", AclOperation.WRITE: "Write", AclOperation.DESCRIBE: "Describe"}


def users_of(sharing: Sharing, city: str, now: datetime) -> list[Object]:
    """A user for each agency of *city* that has an agreement at *now*, by its name."""
    agreed = rights_agreed(sharing, now)
    shares = shares_of(sharing, now)
    principals = sorted({each.principal for each in agreed.values() if each.city == city})
    found = []
    for principal in principals:
        ends = [each.valid_until for each in sharing.in_force(now) if each.principal == principal]
        spec: dict[str, Any] = {
            "authentication": {"type": "tls"},
            "authorization": {
                "type": "simple",
                "acls": _acls(right for right in agreed if right.principal == USER + principal),
            },
        }
        if (share := shares.get(principal)) is not None:
            spec["quotas"] = {"consumerByteRate": share, "producerByteRate": share}
        labels = {"bongsu/city": city, "bongsu/agency": principal.partition(".")[2], **OF_CLUSTER}
        notes = {"bongsu/render-again": f"at the first end of an agreement: {min(ends).isoformat()}"}
        found.append(one(API, "KafkaUser", principal, labels, spec, notes))
    return found


def _acls(rights: Iterable[AclBinding]) -> list[Object]:
    """The rights, those to one thing together, in an order that stays."""
    by_thing: dict[tuple[str, str, str], list[str]] = {}
    for each in rights:
        pattern = each.resource_pattern_type.name.lower().removesuffix("ed")
        thing = (KINDS[each.restype], each.name, pattern)
        by_thing.setdefault(thing, []).append(OPERATIONS[each.operation])
    return [
        {
            "resource": {"type": kind, "name": name, "patternType": pattern},
            "operations": sorted(operations),
            "host": "*",
        }
        for (kind, name, pattern), operations in sorted(by_thing.items())
    ]
