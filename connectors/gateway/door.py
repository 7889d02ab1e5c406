"""Bounds on connections: how many there may be, and which one is closed when there are too many. Pure.

A caller is a stranger until one of its requests has a valid key. Strangers cannot block others: when there are too many,
the oldest connection of the address with the most is closed. So the bound holds also when all callers come from one proxy's
address, and a client that sends its request at once is served.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from connectors.gateway.networks import network_of

STRANGERS_MAX = 256
STRANGERS_OF_ADDRESS_MAX = 64
KNOWN_MAX = 1_024
KNOWN_OF_ACCOUNT_MAX = 128


class Caller(Protocol):
    """A connection, as the door sees it."""

    @property
    def address(self) -> str:
        """The client's IP address."""

    @property
    def is_idle(self) -> bool:
        """Whether no request of it is being answered."""

    def send_away(self) -> None:
        """Close it at once."""


@dataclass(slots=True)
class Door:
    """All connections: strangers in the order in which they connected, known ones in the order of their first valid key.

    *is_proxy*: whether many callers share that address. The bound for one address does not count for it.
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
        """Add a stranger; close the oldest one when there are too many."""
        there = self._strangers.setdefault(network_of(caller.address), {})
        there[caller] = None
        self._strangers_count += 1
        if len(there) > self.of_address_max and not self.is_proxy(caller.address):
            self._send_away(next(iter(there)))
        elif self._strangers_count > self.strangers_max:
            most = max(self._strangers.values(), key=len)
            self._send_away(next(iter(most)))

    def know(self, caller: Caller, account_id: str) -> bool:
        """Make *caller*, which sent a valid key, known, and close an idle connection if it must. ``False``: no room."""
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
        """Remove *caller*; a second call does nothing."""
        if (account_id := self._known.pop(caller, None)) is not None:
            self._of_account[account_id] -= 1
            if not self._of_account[account_id]:
                del self._of_account[account_id]
            return
        network = network_of(caller.address)
        there = self._strangers.get(network, {})
        if caller in there:
            del there[caller]
            self._strangers_count -= 1
            if not there:
                del self._strangers[network]

    def _send_away(self, caller: Caller) -> None:
        self.leave(caller)
        caller.send_away()
