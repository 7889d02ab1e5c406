"""The accounts that made subscriptions over HTTP: what they may no longer have is paused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from connectors.gateway.account_hashes import check_account
from connectors.gateway.accounts import Accounts
from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.deliver.account_bounds import held
from streams.deliver.subscriptions import Subscription
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader


class AccountBounds:
    """Follows ``core.account`` of one city. *is_read*: whether all of it is known now."""

    def __init__(self, city: str) -> None:
        self.is_read = False
        self._city = city
        self._accounts = Accounts()

    def follow(self, following: Following, wire: Wire, name: str, changed: Callable[[], None]) -> None:
        """Read the accounts by *following*. *changed* is called in its thread."""
        reader = RowReader(wire, name, check=check_account)

        def take(records: Sequence[Record], is_all: bool) -> None:
            for row in reader.rows(records):
                if row.value is None:
                    self._accounts.forget(row.key)
                else:
                    self._accounts.put(row.value)
            self.is_read = (
                is_all  # while it is read again after a fault, a revoked account is good for a moment
            )
            if is_all:
                changed()

        topic = topic_name(self._city, "core.account")
        Follower("accounts", topic, following, begin=self._begin, take=take)

    def _begin(self) -> None:
        self.is_read = False

    def bounded(self, wanted: Mapping[str, Subscription], now_ms: int) -> dict[str, Subscription]:
        """*wanted*, with those paused that are beyond their account."""
        return {
            name: replace(one, state="paused") if self._is_held(one, now_ms) else one
            for name, one in wanted.items()
        }

    def next_end_ms(self, wanted: Mapping[str, Subscription], now_ms: int) -> int | None:
        """When the next account of *wanted* expires; ``None``: none does."""
        accounts = (self._accounts.of_id(one.account_id) for one in wanted.values() if one.account_id)
        ends = (one.expires_at for one in accounts if one is not None and one.expires_at is not None)
        return min((end for end in ends if end > now_ms), default=None)

    def _is_held(self, one: Subscription, now_ms: int) -> bool:
        account = None if one.account_id is None else self._accounts.of_id(one.account_id)
        return held(one, account, now_ms=now_ms) is not None
