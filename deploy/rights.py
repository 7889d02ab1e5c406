"""The rights of a principal in Kafka, derived from its name. Pure.

``<city>.platform`` is all services of a city on one machine: it may do everything to what begins with ``<city>.``, and
nothing to anything else. The dot belongs to the prefix: ``new.`` is no prefix of ``new-york.``.
"""

from __future__ import annotations

from collections.abc import Sequence

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    ResourcePatternType,
    ResourceType,
)

PLATFORM = "platform"
CLUSTER = "kafka-cluster"
ANYWHERE = "*"
KINDS = (ResourceType.TOPIC, ResourceType.GROUP, ResourceType.TRANSACTIONAL_ID)


def platform_of(city: str) -> str:
    """The principal of the services of *city*."""
    return f"{city}.{PLATFORM}"


def rights_of_platform(city: str) -> Sequence[AclBinding]:
    """All of a city's topics, groups and transactional ids; and to read the broker's settings, for session timeouts."""
    principal = f"User:{platform_of(city)}"
    own = [
        right(kind, f"{city}.", ResourcePatternType.PREFIXED, principal, AclOperation.ALL) for kind in KINDS
    ]
    settings = right(
        ResourceType.BROKER,
        CLUSTER,
        ResourcePatternType.LITERAL,
        principal,
        AclOperation.DESCRIBE_CONFIGS,
    )
    return [*own, settings]


def right(
    kind: ResourceType, name: str, pattern: ResourcePatternType, principal: str, operation: AclOperation
) -> AclBinding:
    """The rule that lets *principal* do *operation*, from anywhere."""
    return AclBinding(kind, name, pattern, principal, ANYWHERE, operation, AclPermissionType.ALLOW)


def exactly(one: AclBinding) -> AclBindingFilter:
    """A filter that this right alone passes."""
    return AclBindingFilter(
        one.restype,
        one.name,
        one.resource_pattern_type,
        one.principal,
        one.host,
        one.operation,
        one.permission_type,
    )
