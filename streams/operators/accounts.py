"""The gateway's accounts, read from ``core.account`` and kept beside the spool for a start without Kafka."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from connectors.gateway.account_hashes import check_account
from connectors.gateway.accounts import Accounts
from connectors.gateway.spool import Spool
from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import Row, RowReader


class KnownAccounts:
    """Keeps *accounts* equal to the topic: a revoked key is refused within a second. A row that cannot be
    read is ignored.
    """

    def __init__(
        self,
        city: str,
        accounts: Accounts,
        spool: Spool,
        following: Following,
        *,
        wire: Wire,
    ) -> None:
        self._accounts = accounts
        self._spool = spool
        self._reader = RowReader(wire, f"{city}.gateway.accounts", check=check_account)
        self._rows: dict[str, bytes] = {}
        self._follower = Follower(
            "accounts",
            topic_name(city, "core.account"),
            following,
            begin=self._rows.clear,
            take=self._take,
        )

    @property
    def trouble(self) -> str | None:
        return self._follower.trouble

    def load(self) -> None:
        """Load the accounts kept beside the spool. Call before the topic is followed."""
        for kept in self._spool.accounts():
            self._accounts.put(orjson.loads(kept))

    def _take(self, records: Sequence[Record], is_all: bool) -> None:
        for row in self._reader.rows(records):
            self._put(row)
        if is_all:
            self._spool.keep_accounts(sorted(self._rows.items()))

    def _put(self, row: Row) -> None:
        if row.value is None:
            self._rows.pop(row.key, None)
            self._accounts.forget(row.key)
            return
        # The bytes of orjson keep their whole write buffer, about twenty times as large; copy them to their own size.
        self._rows[row.key] = bytes(memoryview(orjson.dumps(row.value)))
        self._accounts.put(row.value)
