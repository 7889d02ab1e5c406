"""Where a partition stood at which time of its own, so that a restart can begin a while before. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streams.speed.minutes import MINUTE_MS, NEVER


@dataclass(frozen=True, slots=True)
class Marks:
    """*clock* is the latest time heard in it, *heard_s* when it was last heard of. *stood* are (its time, the first
    offset that may be younger), a minute apart at least."""

    clock: int = NEVER
    heard_s: float = 0.0
    stood: tuple[tuple[int, int], ...] = ()

    def seen(self, first: int, clock: int, now_s: float) -> Marks:
        """With records from *first* on, the latest of which was heard at *clock*."""
        is_apart = not self.stood or self.clock >= self.stood[-1][0] + MINUTE_MS
        stood = (*self.stood, (self.clock, first)) if is_apart else self.stood
        return Marks(max(self.clock, clock), now_s, stood)

    def since(self, time: int) -> Marks:
        """Without what lies before all that was heard since *time*."""
        old = sum(at < time for at, _ in self.stood)
        return Marks(self.clock, self.heard_s, self.stood[max(0, old - 1) :])

    @property
    def begin(self) -> int:
        """The offset from which on a restart reads."""
        return self.stood[0][1]
