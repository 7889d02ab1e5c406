"""The rights that agreements give an agency, by which its keys and subscriptions are narrowed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from connectors.subscribers import DELIVERED, STREAMED


@dataclass(frozen=True, slots=True)
class AgreedRights:
    """The contracts that an agency may read and publish now, and for which purposes it may read.

    *told*: the agreements that say so, or that ended, for messages.
    """

    told: str
    reads: frozenset[str] = frozenset()
    publishes: frozenset[str] = frozenset()
    purposes: frozenset[str] = frozenset()

    @property
    def is_over(self) -> bool:
        """Whether it may nothing at all."""
        return not self.reads and not self.publishes

    def lacks_for_key(
        self, *, subscribes: bool, publishes: bool, purposes: Collection[str] = ()
    ) -> str | None:
        """The first thing in which a key with these rights is wider; ``None`` where it is not."""
        if self.is_over:
            return "nothing is agreed now"
        if subscribes and not self.reads & set(STREAMED):
            return "no reading over HTTP is agreed"
        if publishes and not self.publishes:
            return "no publishing is agreed"
        return self._beyond(purposes)

    def lacks_for_subscription(self, contracts: Collection[str], purposes: Collection[str]) -> str | None:
        """The same for a subscription; it has every delivered contract where it names none."""
        if wide := sorted(set(contracts or DELIVERED) - self.reads):
            return f"to read {' and '.join(wide)} is not agreed"
        return self._beyond(purposes)

    def _beyond(self, purposes: Collection[str]) -> str | None:
        if wide := sorted(set(purposes) - self.purposes):
            return f"the purpose {wide[0]} is not agreed"
        return None


Agreements = Callable[[str, int], AgreedRights | None]
"""An agency and a time in ms → its rights then; ``None`` where no agreement has a say."""


def unbound(_agency: str, _now_ms: int) -> AgreedRights | None:
    """No agreements: keys have the rights that they were made with."""
    return None
