"""The offsets of a partition at certain times of its own, so that a restart can begin some time back. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from streams.speed.minutes import MINUTE_MS, NEVER


@dataclass(frozen=True, slots=True)
class Marks:
    """The progress of a partition. *clock*: its latest received time; *heard_s*: our time of its last record.
    *stood*: pairs of (its time, the first offset that may be younger), at least a minute apart.
    """

    clock: int = NEVER
    heard_s: float = 0.0
    stood: tuple[tuple[int, int], ...] = ()

    def seen(self, first: int, clock: int, now_s: float) -> Marks:
        """Return it with records from *first* on, of which *clock* is the latest received time."""
        is_apart = not self.stood or self.clock >= self.stood[-1][0] + MINUTE_MS
        stood = (*self.stood, (self.clock, first)) if is_apart else self.stood
        return Marks(max(self.clock, clock), now_s, stood)

    def since(self, time: int) -> Marks:
        """Return it without the pairs before the last one older than *time*."""
        old = sum(at < time for at, _ in self.stood)
        return Marks(self.clock, self.heard_s, self.stood[max(0, old - 1) :])

    @property
    def begin(self) -> int:
        """The offset from which a restart reads."""
        return self.stood[0][1]
