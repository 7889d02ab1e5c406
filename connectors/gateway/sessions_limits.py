"""Limits of attempts to sign in, by address and by name. Time comes from outside. Pure."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

CALLERS_MAX = 10_000


@dataclass(slots=True)
class Attempts:
    """*burst* attempts at once, then one each *every_s* seconds; an attempt that succeeded does not count."""

    burst: int
    every_s: float
    _used: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    """Caller → attempts used, as of when. The longest unused goes first."""

    def wait_s(self, caller: str, now_s: float) -> float:
        """0 if an attempt may be made (it is counted), else the seconds until one may."""
        used = self._now_used(caller, now_s)
        is_allowed = used + 1 <= self.burst
        self._keep(caller, used + 1 if is_allowed else used, now_s)
        return 0.0 if is_allowed else (used + 1 - self.burst) * self.every_s

    def give_back(self, caller: str, now_s: float) -> None:
        """The attempt succeeded."""
        self._keep(caller, max(0.0, self._now_used(caller, now_s) - 1), now_s)

    def _now_used(self, caller: str, now_s: float) -> float:
        used, at_s = self._used.get(caller, (0.0, now_s))
        return max(0.0, used - (now_s - at_s) / self.every_s)

    def _keep(self, caller: str, used: float, now_s: float) -> None:
        self._used[caller] = (used, now_s)
        self._used.move_to_end(caller)
        if len(self._used) > CALLERS_MAX:
            self._used.popitem(last=False)
