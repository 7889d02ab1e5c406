"""The ledger of a city's energy: rows of sessions and windows in, revisions of rewards out. Pure.

A reward is told once its window is over for the session (the session ended, something was read behind the window, or
``settle_s`` passed), and again whenever a late row changes it. The same rewards follow from the same rows in any split.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from streams.energy.charger_areas import areas_of
from streams.energy.energy_numbers import EnergyNumbers
from streams.energy.rewards import Reward, reward_id_of, reward_of, reward_of_row
from streams.energy.sessions import Session, begun, heard, is_another
from streams.energy.windows import Window, WindowTable, spans_of

NEVER = -(2**62)
TOLD_MAX = 200_000
"""Rewards of which the last revision is remembered, the newest told."""
HOUR_MS = 3_600_000
SessionKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RewardRevision:
    """A revision of a reward. *before*: the revision before it; ``None`` for the first."""

    reward: Reward
    revision: int
    at_ms: int
    before: Reward | None = None
    position: Mapping[str, Any] | None = None


class RewardLedger:
    """Sessions and windows as the log told them, and the last revision of each reward."""

    def __init__(self, numbers: EnergyNumbers) -> None:
        self._numbers = numbers
        self.sessions: OrderedDict[SessionKey, Session] = OrderedDict()
        self.windows = WindowTable()
        self.told: OrderedDict[str, tuple[int, Reward]] = OrderedDict()
        self.clock_ms = NEVER
        self._settled_ms = NEVER
        self.dropped = 0

    def remember(self, row: Mapping[str, Any]) -> None:
        """Take a row of ``energy.reward`` that was published before a restart."""
        self._keep(row["revision"], reward_of_row(row))

    def restore_charge(self, row: Mapping[str, Any]) -> None:
        """Take a row of ``mobility.charge`` of which the rewards were published before a restart."""
        self._session(row)

    def take_charge(self, row: Mapping[str, Any]) -> list[RewardRevision]:
        """Take the next row of ``mobility.charge``; return the revisions that follow."""
        session = self._session(row)
        return [] if session is None else list(self._revisions(session, self._windows_of(session)))

    def take_surplus(self, row: Mapping[str, Any]) -> list[RewardRevision]:
        """Take the next row of ``energy.surplus``; return the revisions that follow. ``Invalid`` for one that cannot be."""
        self.windows.take(row)
        return [
            one
            for session in self.sessions.values()
            for one in self._revisions(session, self._windows_of(session))
        ]

    def pass_time(self, now_ms: int) -> list[RewardRevision]:
        """Return the revisions that follow as it is now *now_ms*, and forget what is old."""
        before, self.clock_ms = self._settled_ms, max(self.clock_ms, now_ms)
        lags = (self._ms(self._numbers.settle_s), self._ms(self._numbers.silent_s))
        due = [
            one for one in self.windows if any(before < one.ends_ms + lag <= self.clock_ms for lag in lags)
        ]
        self._settled_ms = self.clock_ms
        if not due:
            return []
        told = [
            one
            for session in self.sessions.values()
            for one in self._revisions(session, self._windows_of(session))
        ]
        self._forget()
        return told

    # -- sessions --------------------------------------------------------------------------------------------

    def _session(self, row: Mapping[str, Any]) -> Session | None:
        self.clock_ms = max(self.clock_ms, row["received_time"])
        if row["transaction_id"] is None:
            return None
        key = (row["charger_id"], row["transaction_id"])
        before = self.sessions.get(key)
        is_new = before is None or is_another(before, row)
        session = begun(row) if before is None or is_new else heard(before, row)
        self.sessions[key] = session
        self.sessions.move_to_end(key)
        if len(self.sessions) > self._numbers.sessions_max:
            self.sessions.popitem(last=False)
            self.dropped += 1
        return session

    def _forget(self) -> None:
        oldest = self.clock_ms - round(self._numbers.forget_h * HOUR_MS)
        while self.sessions and next(iter(self.sessions.values())).heard_ms < oldest:
            self.sessions.popitem(last=False)

    def _windows_of(self, session: Session) -> list[Window]:
        return self.windows.of(areas_of(self._numbers, session.charger_id, session.position))

    # -- rewards ---------------------------------------------------------------------------------------------

    def _revisions(self, session: Session, windows: list[Window]) -> Iterator[RewardRevision]:
        is_over = session.has_ended or session.heard_ms + self._ms(self._numbers.silent_s) <= self.clock_ms
        limits = self._numbers.limits_of(session.charger_id)
        for window in windows:
            revision, before = self.told.get(reward_id_of(session, window), (0, None))
            if self._is_closed(window) or (before is None and not self._is_due(session, window)):
                continue
            spans = spans_of(window, windows)
            reward = reward_of(
                session, window, spans, limits, usual_price=self._numbers.price, is_over=is_over
            )
            if reward == before or (before is None and reward.kwh_max == "0"):
                continue
            self._keep(revision + 1, reward)
            yield RewardRevision(reward, revision + 1, self.clock_ms, before, session.position)

    def _is_closed(self, window: Window) -> bool:
        """Whether *window* was over for so long that nothing revises its rewards any more."""
        settled_ms = window.ends_ms + self._ms(self._numbers.settle_s)
        return self.clock_ms > settled_ms + round(self._numbers.revise_h * HOUR_MS)

    def _is_due(self, session: Session, window: Window) -> bool:
        """Whether *session* may have taken energy in *window*, and that is over for it."""
        ended = session.last_ms if session.has_ended else session.last_ms + self._ms(self._numbers.silent_s)
        if session.first_ms >= window.ends_ms or ended < window.begins_ms:
            return False
        is_behind = session.has_ended or session.last_ms >= window.ends_ms
        return is_behind or self.clock_ms >= window.ends_ms + self._ms(self._numbers.settle_s)

    def _keep(self, revision: int, reward: Reward) -> None:
        self.told[reward.reward_id] = (revision, reward)
        self.told.move_to_end(reward.reward_id)
        if len(self.told) > TOLD_MAX:
            self.told.popitem(last=False)

    @staticmethod
    def _ms(seconds: float) -> int:
        return round(seconds * 1000)
