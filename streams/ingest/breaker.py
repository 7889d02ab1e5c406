"""Whether a source's channel may go on: it stops when over half of its last records are bad. Pure.

HEARING ──over half of the last 200 are bad──▶ STOPPED ──cool-down over, or a person resumes──▶ TRIAL
   ▲                                              ▲                                               │
   └────────────half or more of a reading are good└────over half of a reading are bad─────────────┘

What counts is what is new: a bad row that stands in every poll of a list is one bad record.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW = 200
COOL_DOWN_MS, COOL_DOWN_MS_MAX = 5 * 60_000, 60 * 60_000
SAMPLES = 20
"""The number of bad records kept from a reading that stops the channel."""

HEARING, STOPPED, TRIAL = "hearing", "stopped", "trial"


@dataclass(slots=True)
class Breaker:
    """The circuit breaker of one source. *trials*: the number of trials in a row that were bad; each doubles
    the cool-down.
    """

    state: str = HEARING
    since_ms: int = 0
    trials: int = 0
    reason: str | None = None
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def judge(self, *, good: int, bad: int, now_ms: int, reason: str = "") -> bool:
        """Count a reading of *good* and *bad* records; return whether the channel may go on. *reason*: the most
        frequent fault.

        A reading given to a stopped channel counts as its trial.
        """
        if good + bad == 0:
            return True
        self.resume(now_ms)
        self._count(good, bad)
        is_bad = bad > good if self.state == TRIAL else sum(self._recent) > WINDOW // 2
        if is_bad:
            self.trials = self.trials + 1 if self.state == TRIAL else 0
            self._become(STOPPED, now_ms, reason or None)
        elif self.state == TRIAL:
            self._become(HEARING, now_ms, None)
            self.trials = 0
        return not is_bad

    def try_at_ms(self) -> int | None:
        """Return when a stopped channel starts a trial by itself, in ms; ``None`` if it is not stopped."""
        if self.state != STOPPED:
            return None
        return self.since_ms + min(COOL_DOWN_MS << min(self.trials, 8), COOL_DOWN_MS_MAX)

    def may_hear(self, now_ms: int) -> bool:
        """Return whether the source may be read now. A stopped channel starts a trial once its cool-down is over."""
        try_at_ms = self.try_at_ms()
        if try_at_ms is not None and now_ms >= try_at_ms:
            self.resume(now_ms)
        return self.state != STOPPED

    def resume(self, now_ms: int) -> None:
        """Start a trial, if the channel is stopped."""
        if self.state == STOPPED:
            self._become(TRIAL, now_ms, self.reason)

    def _become(self, state: str, now_ms: int, reason: str | None) -> None:
        self.state, self.since_ms, self.reason = state, now_ms, reason
        # records from before the change must not decide about the new state
        self._recent.clear()

    def _count(self, good: int, bad: int) -> None:
        """Add a reading to the window. A reading longer than the window adds its share of bad records, as
        their order is unknown.
        """
        if good + bad > WINDOW:
            bad = round(WINDOW * bad / (good + bad))
            good = WINDOW - bad
        self._recent.extend([False] * good)
        self._recent.extend([True] * bad)
