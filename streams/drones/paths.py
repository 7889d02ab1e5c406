"""The places that a drone has passed, to know them again where a frame is sent a second time. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from streams.drones.numbers import DroneNumbers
from streams.drones.sights import Hearing, Sight, metres

Place = tuple[float, float]
Passed = tuple[Place, int, Hearing]
"""A place, its time, and who heard it first."""


@dataclass(frozen=True, slots=True)
class Path:
    """Each place once, in the order of the first hearing. *begin*: the number of the first that is kept.

    *run*: the numbers of those heard again, in order. *newest_ms*: the latest time heard.
    """

    begin: int = 0
    passed: tuple[Passed, ...] = ()
    run: tuple[int, ...] = ()
    newest_ms: int = -(2**62)

    def heard(self, sight: Sight, numbers: DroneNumbers) -> Path:
        """Return it with *sight*."""
        if sight.place is None or (self.run and self._at(self.run[-1]) == sight.place):
            return self
        newest_ms = max(self.newest_ms, sight.event_ms)
        found = next((i for i, one in enumerate(self.passed) if one[0] == sight.place), None)
        if found is None:
            passed = (*self.passed, (sight.place, sight.event_ms, sight.hearing))[-numbers.path_max :]
            begin = self.begin + len(self.passed) + 1 - len(passed)
            return Path(begin, passed, (), newest_ms)
        if not self._is_again(self.passed[found], sight, numbers):
            return replace(self, run=(), newest_ms=newest_ms)
        number = self.begin + found
        goes_on = bool(self.run) and 0 < number - self.run[-1] <= 1 + numbers.replay_skipped
        run = (*self.run, number)[-numbers.path_max :] if goes_on else (number,)
        return replace(self, run=run, newest_ms=newest_ms)

    def is_replayed(self, numbers: DroneNumbers) -> bool:
        """Whether so many places came again in their order that it is no chance."""
        if len(self.run) < numbers.replay_places:
            return False
        first, last = self._at(self.run[0]), self._at(self.run[-1])
        return first is None or last is None or metres(first, last) >= numbers.replay_span_m

    def _is_again(self, passed: Passed, sight: Sight, numbers: DroneNumbers) -> bool:
        """Whether a place is told as of another time, or by the same receiver after it has heard later ones."""
        _, event_ms, hearing = passed
        after_ms = numbers.replay_after_s * 1000
        is_new_time = abs(sight.event_ms - event_ms) >= after_ms
        return is_new_time or (hearing == sight.hearing and self.newest_ms - event_ms >= after_ms)

    def _at(self, number: int) -> Place | None:
        found = number - self.begin
        return self.passed[found][0] if 0 <= found < len(self.passed) else None
