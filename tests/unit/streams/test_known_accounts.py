"""The gateway's accounts in memory: a city's hundred thousand keys fit."""

from __future__ import annotations

from typing import Any

import psutil

from connectors.gateway.accounts import Accounts, new_key
from connectors.gateway.spool import Spool
from schemas.wire import Wire
from streams.operators.accounts import KnownAccounts
from streams.runtime.follower import Following
from streams.runtime.records import Record

KEYS = 5_000
BYTES_EACH_MAX = 2_500


class OneSpool(Spool):
    def __init__(self) -> None:
        """Keep nothing."""


class OneWire(Wire):
    """Decodes each record as the next key's row."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row

    def decode(self, topic: str, value: bytes) -> dict[str, Any]:
        number = int(value)
        return {**self._row, "account_id": f"{number:012x}", "secret_hash": f"{number:064x}"}


def test_a_key_takes_hardly_more_memory_than_its_row() -> None:
    _, event = new_key("town", "agency", ["calls", "units"], now_ms=0)
    assert event.value is not None
    known = KnownAccounts(
        "town",
        Accounts(),
        OneSpool(),
        Following("never started", bootstrap="127.0.0.1:1"),
        wire=OneWire(dict(event.value)),
    )
    records = [
        Record("town.core.account", 0, number, 0, f"{number:012x}".encode(), b"%d" % number, {})
        for number in range(KEYS)
    ]
    before = psutil.Process().memory_info().rss
    known._take(records, False)
    assert len(known._rows) == KEYS
    assert psutil.Process().memory_info().rss - before < KEYS * BYTES_EACH_MAX
