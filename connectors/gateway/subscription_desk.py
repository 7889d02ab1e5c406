"""The contract between the gateway's subscription routes and what keeps a city's subscriptions in the log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from connectors.gateway.accounts import Account

Change = Literal["pause", "resume", "retry"]


@dataclass(frozen=True, slots=True)
class KnownSubscription:
    """A subscription as it is now. *account_id*: the account that made it over HTTP; ``None``: an operator did.

    *shown*: what its owner may see of it and of its receiver's progress, as JSON.
    """

    name: str
    account_id: str | None
    created_at: int
    shown: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Issued:
    """A subscription that was made or changed, and its new secret, to be shown once."""

    known: KnownSubscription
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """A test event that was sent. *why*: the reason why it did not arrive, without content; ``None``: it arrived."""

    event_id: str
    why: str | None


class SubscriptionDesk(Protocol):
    """The subscriptions of one city.

    All raise ``Invalid`` for what cannot be, with its field: ``name`` where there is none of that name or one already,
    ``state`` where it cannot be as it stands. ``Retriable``: nothing is known to be done.
    """

    @property
    def trouble(self) -> str | None:
        """Why not all subscriptions are known; ``None`` once they are."""

    def all(self) -> Sequence[KnownSubscription]:
        """All subscriptions, by name."""

    def one(self, name: str) -> KnownSubscription | None: ...

    def create(self, account: Account, wish: Mapping[str, Any]) -> Issued:
        """Keep a new subscription of *account*, which has the rights that *wish* asks for."""

    def change(self, known: KnownSubscription, change: Change) -> KnownSubscription: ...

    def remove(self, known: KnownSubscription) -> None: ...

    def rotate(self, known: KnownSubscription) -> Issued:
        """A new secret; the one before signs too, until the next."""

    async def probe(self, known: KnownSubscription) -> Probe:
        """Send one test event now, through the sink, and return how it was answered."""
