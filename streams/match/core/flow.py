"""Flow control: a limit on the evidence of one watch in one second of event time. Matches beyond it are counted.

The count is per partition, whose order is fixed in the log, so a worker that reads the same records again
keeps and leaves out the same ones. A watch may thus have its limit times the number of partitions per second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from streams.match.core.watches import Watch

PER_SECOND_MAX = 20
SECOND_MS = 1_000

Partition = tuple[str, int]


@dataclass(slots=True)
class Second:
    """The matches of one watch in one second of one partition. *kept*: the ids of published observations, at
    most the limit.
    """

    watch: Watch
    second_ms: int
    place: Partition
    kept: set[bytes] = field(default_factory=set)
    left_out: int = 0
    last_offset: int = 0


@dataclass(slots=True)
class Flow:
    """The open seconds: evidence of them may still be published."""

    per_second_max: int = PER_SECOND_MAX
    seconds: dict[Partition, dict[int, dict[str, Second]]] = field(default_factory=dict)

    def kept(
        self,
        watches: Sequence[Watch],
        times: Iterable[int],
        places: Iterable[Partition],
        offsets: Iterable[int],
        observation_ids: Iterable[bytes],
    ) -> list[int]:
        """Return the rows of matches to publish.

        The others are counted as left out; a repeated observation (twice in the log) is skipped without a
        count.
        """
        rows: list[int] = []
        latest: tuple[Partition, int] | None = None
        at: dict[str, Second] = {}
        for row, (watch, time_ms, place, offset, observation_id) in enumerate(
            zip(watches, times, places, offsets, observation_ids, strict=True)
        ):
            second_ms = time_ms - time_ms % SECOND_MS
            if latest != (place, second_ms):
                latest, at = (place, second_ms), self.seconds.setdefault(place, {}).setdefault(second_ms, {})
            second = at.get(watch.watch_id)
            if second is None:
                second = at[watch.watch_id] = Second(watch, second_ms, place)
            kept = second.kept
            if observation_id in kept:
                continue
            second.last_offset = max(second.last_offset, offset)
            if len(kept) < (watch.per_second_max or self.per_second_max):
                kept.add(observation_id)
                rows.append(row)
            else:
                second.left_out += 1
        return rows

    def closed(self, place: Partition, horizon_ms: int) -> list[Second]:
        """Forget the seconds of *place* that end by *horizon_ms*. Return, in order, those in which matches
        were left out.
        """
        seconds = self.seconds.get(place)
        if not seconds or min(seconds) + SECOND_MS > horizon_ms:
            return []
        over = sorted(second_ms for second_ms in seconds if second_ms + SECOND_MS <= horizon_ms)
        watches = [seconds.pop(second_ms) for second_ms in over]
        return [one for by_id in watches for _, one in sorted(by_id.items()) if one.left_out]

    def forget(self, place: Partition) -> None:
        """Forget a partition that was revoked."""
        self.seconds.pop(place, None)
