"""Flow control: how much evidence a watch may have of one second of event time. The rest is counted and told once.

It counts by partition, whose order the log has decided, so a worker that starts again and reads the same again keeps and
leaves out the same. A watch can thus have at most its bound times the number of partitions a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.match.watches import Watch

PER_SECOND_MAX = 20
SECOND_MS = 1_000

Partition = tuple[str, int]


@dataclass(slots=True)
class Second:
    """One watch in one second of one partition. *kept* are the ids of what was told of, at most the bound."""

    watch: Watch
    second_ms: int
    place: Partition
    kept: set[str] = field(default_factory=set)
    left_out: int = 0
    last_offset: int = 0


@dataclass(slots=True)
class Flow:
    """The open seconds: those of which something may still be told."""

    per_second_max: int = PER_SECOND_MAX
    seconds: dict[Partition, dict[int, dict[str, Second]]] = field(default_factory=dict)

    def keeps(self, watch: Watch, time_ms: int, place: Partition, offset: int, observation_id: str) -> bool:
        """Whether this match is told. If not, it was told before (the same observation stands in the log twice) or is
        counted."""
        second_ms = time_ms - time_ms % SECOND_MS
        watches = self.seconds.setdefault(place, {}).setdefault(second_ms, {})
        second = watches.get(watch.watch_id)
        if second is None:
            second = watches[watch.watch_id] = Second(watch, second_ms, place)
        if observation_id in second.kept:
            return False
        second.last_offset = max(second.last_offset, offset)
        if len(second.kept) < (watch.per_second_max or self.per_second_max):
            second.kept.add(observation_id)
            return True
        second.left_out += 1
        return False

    def closed(self, place: Partition, horizon_ms: int) -> list[Second]:
        """Forget the seconds of *place* that end by *horizon_ms*, as nothing more is told of them; in order the ones of
        which something was left out."""
        seconds = self.seconds.get(place)
        if not seconds or min(seconds) + SECOND_MS > horizon_ms:
            return []
        over = sorted(second_ms for second_ms in seconds if second_ms + SECOND_MS <= horizon_ms)
        watches = [seconds.pop(second_ms) for second_ms in over]
        return [one for by_id in watches for _, one in sorted(by_id.items()) if one.left_out]

    def forget(self, place: Partition) -> None:
        """That partition is another worker's now."""
        self.seconds.pop(place, None)
