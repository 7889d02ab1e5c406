"""Subscribers to situations, alerts and grants outside Kafka: which rows each may read, and which fields of them. Pure.

One rule for every way out: REST, server-sent events, webhooks and all other sinks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from schemas.masking import masked

DELIVERED = ("core.situation", "core.alert", "core.grant")
"""The contracts that leave by HTTP and by sinks. Persons, detections and vehicles leave by neither."""
BOARD = "core.hub"
STREAMED = (*DELIVERED, BOARD)
"""The contracts of the stream of server-sent events. Boards of hubs are for every subscriber: they name no person."""
ALL = "*"
PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A subscriber to the delivered contracts.

    *audience*: an agency as alerts and grants name it, such as ``119``: it reads its own rows; ``*``: every row; ``None``:
    public alerts alone. *is_cleared*: it reads for a purpose that the law names, so identifying fields are shown.
    *contracts*: those that an agreement names; ``None``: all.
    """

    audience: str | None = None
    is_cleared: bool = False
    contracts: frozenset[str] | None = None

    def may_read(self, contract: str, value: Mapping[str, Any]) -> bool:
        """Whether this row is for the subscriber. *value*: the event's, in either form."""
        if contract not in STREAMED or (self.contracts is not None and contract not in self.contracts):
            return False
        if contract == BOARD:
            return True
        if self.audience == ALL or (contract == "core.alert" and value["audience"] == PUBLIC):
            return True
        return self.audience is not None and self.audience in _concerned(contract, value)

    def shown(self, contract: str, value: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON form *value* without the fields that the subscriber may not see; these are null.

        The public sees an alert's area and no other place.
        """
        is_public = self.audience is None
        return masked(
            contract,
            value,
            identifying=self.is_cleared and not is_public,
            located=not is_public,
            kept=("area",) if contract == "core.alert" else (),
        )


def _concerned(contract: str, value: Mapping[str, Any]) -> Collection[str]:
    """The audiences whose row this is. A grant to a unit is its agency's."""
    if contract == "core.situation":
        return tuple(value["agencies"])
    if contract == "core.alert":
        return (value["audience"],)
    return (str(value["granted_to"]).partition("/")[0],)


def is_cleared(purposes: Collection[str], of_law: Collection[str]) -> bool:
    """Whether one of a reader's *purposes* is one that the law names (``[uses]`` in its file)."""
    return not set(purposes).isdisjoint(of_law)


def too_wide(
    audience: str | None, purposes: Collection[str], *, of_audience: str | None, of_purposes: Collection[str]
) -> str | None:
    """The field, ``audience`` or ``purposes``, that asks for more than what an account has; ``None`` where none does."""
    if audience is not None and of_audience not in (ALL, audience):
        return "audience"
    return None if set(purposes) <= set(of_purposes) else "purposes"
