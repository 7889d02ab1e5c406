"""Tickets that were used, and viewings that are open: the fold of ``core.access``. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

USED_MS = 3_600_000
"""A used ticket is remembered for so long: more than any ticket lives (``ticket_s``)."""
GRANTS_MAX = 10_000
KINDS_MAX = 256
"""So many kinds of refusals are told apart at once; those beyond are counted by their reason alone."""
MINUTE_MS = 60_000

Row = Mapping[str, Any]
OF_VIEWING = (
    "account_id",
    "grant_id",
    "camera_id",
    "situation_id",
    "purpose",
    "legal_ground",
    "ticket_hash",
)


@dataclass(slots=True)
class Viewings:
    """*open*: ticket hash → the fields of its first use, until its end. Bounded by the grants in force."""

    open: dict[str, dict[str, Any]] = field(default_factory=dict)
    _used: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _grants: OrderedDict[str, None] = field(default_factory=OrderedDict)

    def is_used(self, ticket_hash: str) -> bool:
        return ticket_hash in self._used

    def had_video(self, grant_id: str) -> bool:
        """Whether a ticket of this grant was used before, as far as is remembered."""
        return grant_id in self._grants

    def take(self, row: Row) -> None:
        """Take the next record of the log."""
        if row["act"] == "ended":
            self.open.pop(row["ticket_hash"], None)
        if row["act"] != "first_use":
            return
        self.open[row["ticket_hash"]] = {name: row[name] for name in OF_VIEWING}
        self._used[row["ticket_hash"]] = row["at"]
        self._grants[row["grant_id"]] = None
        while len(self._grants) > GRANTS_MAX:
            self._grants.popitem(last=False)
        while self._used and next(iter(self._used.values())) < row["at"] - USED_MS:
            self._used.popitem(last=False)

    def ended(self, ending: Callable[[str], str | None]) -> Iterator[dict[str, Any]]:
        """The acts that end viewings. *ending*: grant id → why it is not in force; ``None`` while it is."""
        for fields in self.open.values():
            if (why := ending(fields["grant_id"])) is not None:
                yield {"act": "ended", **fields, "reason": why}


@dataclass(slots=True)
class Refusals:
    """Counts like refusals: the first is a record at once, those of the same minute are one record with their count."""

    _kinds: dict[tuple[Any, ...], tuple[int, dict[str, Any], int]] = field(default_factory=dict)
    """kind → (when its record was written, the act, refusals since)."""
    _lock: Lock = field(default_factory=Lock)

    def told(self, act: dict[str, Any], now_ms: int) -> dict[str, Any] | None:
        """The act to write now; ``None`` where it is counted."""
        kind: tuple[Any, ...] = (act["reason"], act.get("account_id"), act.get("grant_id"))
        with self._lock:
            if kind not in self._kinds and len(self._kinds) >= KINDS_MAX:
                kind, act = (act["reason"],), {"act": act["act"], "reason": act["reason"]}
            if kind in self._kinds:
                since, kept, count = self._kinds[kind]
                self._kinds[kind] = since, kept, count + 1
                return None
            self._kinds[kind] = now_ms, act, 0
            return act

    def due(self, now_ms: int) -> list[dict[str, Any]]:
        """The acts that stand for refusals counted a minute ago; kinds that did not come again are forgotten."""
        found = []
        with self._lock:
            for kind, (since, act, count) in list(self._kinds.items()):
                if now_ms < since + MINUTE_MS:
                    continue
                if count:
                    found.append({**act, "count": count})
                    self._kinds[kind] = now_ms, act, 0
                else:
                    del self._kinds[kind]
        return found
