"""Who is in: how many connections there may be, and which one goes when there are too many. Pure.

A caller is a stranger until one of its requests bore a good key. Strangers never keep others out: when there are too many,
the one goes that has waited longest among those of the address with the most. So the bound holds also when everybody comes
from one proxy's address, and whoever sends a request at once is heard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

STRANGERS_MAX = 256
STRANGERS_OF_ADDRESS_MAX = 64
KNOWN_MAX = 1_024
KNOWN_OF_ACCOUNT_MAX = 128


class Caller(Protocol):
    """A connection."""

    @property
    def address(self) -> str:
        """Where it comes from."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing of it is being answered."""

    def send_away(self) -> None:
        """End it, at once."""


@dataclass(slots=True)
class Door:
    """All connections, the strangers and the known ones apart, in the order in which they came or were known.

    *is_proxy*: whether many callers share that address; only the bound of all strangers is theirs.
    """

    is_proxy: Callable[[str], bool] = lambda _address: False
    strangers_max: int = STRANGERS_MAX
    of_address_max: int = STRANGERS_OF_ADDRESS_MAX
    known_max: int = KNOWN_MAX
    of_account_max: int = KNOWN_OF_ACCOUNT_MAX
    _strangers: dict[str, dict[Caller, None]] = field(default_factory=dict)
    _strangers_count: int = 0
    _known: dict[Caller, str] = field(default_factory=dict)
    _of_account: Counter[str] = field(default_factory=Counter)

    @property
    def strangers(self) -> int:
        return self._strangers_count

    @property
    def known(self) -> int:
        return len(self._known)

    def come(self, caller: Caller) -> None:
        """Let a stranger in; who has waited longest goes where there is no room."""
        address = caller.address
        there = self._strangers.setdefault(address, {})
        there[caller] = None
        self._strangers_count += 1
        if len(there) > self.of_address_max and not self.is_proxy(address):
            self._send_away(next(iter(there)))
        elif self._strangers_count > self.strangers_max:
            most = max(self._strangers.values(), key=len)
            self._send_away(next(iter(most)))

    def know(self, caller: Caller, account_id: str) -> bool:
        """*caller* bore a good key: whether there is room for it among the known; an idle one of that account makes some."""
        if (before := self._known.get(caller)) is not None:
            if before != account_id:
                self._of_account[before] -= 1
                self._of_account[account_id] += 1
                self._known[caller] = account_id
            return True
        is_too_many = self._of_account[account_id] >= self.of_account_max
        if is_too_many or len(self._known) >= self.known_max:
            idle = (
                one
                for one, whose in self._known.items()
                if one.is_idle and (whose == account_id or not is_too_many)
            )
            if (longest := next(idle, None)) is None:
                return False
            self._send_away(longest)
        self.leave(caller)
        self._known[caller] = account_id
        self._of_account[account_id] += 1
        return True

    def leave(self, caller: Caller) -> None:
        """It is gone; told twice is told once."""
        if (account_id := self._known.pop(caller, None)) is not None:
            self._of_account[account_id] -= 1
            if not self._of_account[account_id]:
                del self._of_account[account_id]
            return
        there = self._strangers.get(caller.address, {})
        if caller in there:
            del there[caller]
            self._strangers_count -= 1
            if not there:
                del self._strangers[caller.address]

    def _send_away(self, caller: Caller) -> None:
        self.leave(caller)
        caller.send_away()
