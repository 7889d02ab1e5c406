"""The health of a city by its log (``connectors.gateway.health.Health``): reports of sources, offsets of stages, DLQs."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from schemas.catalogue import load_catalogue, topic_name
from schemas.errors import BongsuError
from schemas.wire import Wire
from streams.log import log
from streams.operators.health import PULSE, AsideLook, Expected, Look, Receivers, StageLook, health
from streams.runtime.follower import Follower, Following
from streams.runtime.group_lag import GroupLook, LogEnds, Place, lag_s, unread
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader

SOURCE, DELIVERY, TICK = "core.source", "core.delivery", "core.tick"
LOOK_EVERY_S = 2.0
ASIDES_MAX = 200
"""The newest offsets of a DLQ of which the reasons are counted."""
REASONS_MAX = 5
TICKED = "situations"
"""The stage that reads the ticks."""
TICKS_BACK = 6
"""Offsets before the end of ``core.tick`` among which its last record lies: a transaction's mark follows each tick."""


class LogHealth:
    """Follows the reports of one city by *following*; looks at Kafka once in ``LOOK_EVERY_S`` at most, and only when asked.

    *stages*: those that have a group. *now_s*: a clock that never goes back.
    """

    def __init__(
        self,
        city: str,
        following: Following,
        *,
        expected: Sequence[Expected],
        stages: Sequence[str],
        ends: LogEnds,
        wire: Wire,
        now_ms: Callable[[], int],
        now_s: Callable[[], float],
    ) -> None:
        self._city, self._stages, self._ends = city, stages, ends
        self._expected, self._now_ms, self._now_s = expected, now_ms, now_s
        self._read = RowReader(wire, f"{city}.gateway.health")
        self._aside_rows = RowReader(wire, f"{city}.gateway.health")
        self._sources: dict[str, Mapping[str, Any]] = {}  # bounded by its topic, which is compacted
        self._receivers = Receivers()
        self._asides: dict[Place, tuple[int, AsideLook]] = {}
        self._dlqs = [
            topic_name(city, f"{name}.dlq")
            for name in (*load_catalogue(), "source")
            if not name.endswith("dlq")
        ]
        self._looking = threading.Lock()
        self._look: tuple[float, Look] | None = None
        self._followers = [
            Follower(
                f"rows of {contract}",
                topic_name(city, contract),
                following,
                begin=kept.clear,
                take=self._taking(kept),
            )
            for contract, kept in ((SOURCE, self._sources), (DELIVERY, self._receivers.rows))
        ]

    def _taking(self, kept: dict[str, Mapping[str, Any]]) -> Callable[[Sequence[Record], bool], None]:
        def take(records: Sequence[Record], _is_all: bool) -> None:
            for row in self._read.rows(records):
                if row.value is None:
                    kept.pop(row.key, None)
                else:
                    kept[row.key] = row.value

        return take

    @property
    def trouble(self) -> str | None:
        return next((one.trouble for one in self._followers if one.trouble is not None), None)

    def told(self) -> dict[str, Any]:
        """The document of now. Waits for Kafka; several askers share one look."""
        look = self._looked()
        now_ms = self._now_ms()
        receivers = Receivers(dict(self._receivers.rows))
        return health(self._expected, dict(self._sources), receivers, look, now_ms=now_ms)

    def end(self) -> None:
        with self._looking:
            self._ends.close()

    def _looked(self) -> Look:
        with self._looking:
            now_s = self._now_s()
            if self._look is None or now_s - self._look[0] >= LOOK_EVERY_S:
                self._look = (now_s, self._look_again())
            return self._look[1]

    def _look_again(self) -> Look:
        now_ms = self._now_ms()
        try:
            return Look(now_ms, self._stage_looks(), self._aside_looks())
        except BongsuError as error:
            log.warning("the lag of the stages cannot be read", why=error.what)
            return Look(now_ms, trouble=error.what)

    def _stage_looks(self) -> list[StageLook]:
        groups = {stage: self._ends.group(f"{self._city}.{stage}") for stage in self._stages}
        tick = (topic_name(self._city, TICK), 0)
        decides = groups.get(TICKED)
        if decides is not None and not decides.committed:  # it has read nothing yet, and each tick waits
            groups[TICKED] = GroupLook(self._ends.beginnings([tick]), decides.workers)
        places = {place for one in groups.values() for place in one.committed} | {tick}
        ends = self._ends.ends(places)
        behind = {stage: unread(one, ends) for stage, one in groups.items()}
        found = [self._pulse(tick, ends.get(tick, 0))]
        for stage, group in groups.items():
            firsts = self._ends.first_records(behind[stage])
            count = sum(ends[place] - first.offset for place, first in firsts.items())
            lag = lag_s(list(firsts.values()), now_ms=self._now_ms()) if group.committed else None
            found.append(StageLook(stage, lag, count, group.workers))
        return found

    def _pulse(self, tick: Place, end: int) -> StageLook:
        """The stage that hears the sources: its clock writes a tick each second."""
        last = (
            self._ends.records({tick: max(0, end - TICKS_BACK)}, at_most=2 * TICKS_BACK)[tick] if end else []
        )
        return StageLook(PULSE, lag_s(last[-1:], now_ms=self._now_ms()) if last else None)

    def _aside_looks(self) -> list[AsideLook]:
        """The DLQs that hold something. Their records are read only where something came since."""
        places = [(topic, 0) for topic in self._dlqs]
        ends, firsts = self._ends.ends(places), self._ends.beginnings(places)
        wanted = {
            place: max(firsts.get(place, 0), end - ASIDES_MAX)
            for place, end in ends.items()
            if end > firsts.get(place, 0) and self._asides.get(place, (None,))[0] != end
        }
        for place, records in self._ends.records(wanted, at_most=ASIDES_MAX).items():
            self._asides[place] = (
                ends[place],
                self._aside_look(place[0], ends[place] - firsts[place], records),
            )
        return [
            look for place, (_, look) in self._asides.items() if ends.get(place, 0) > firsts.get(place, 0)
        ]

    def _aside_look(self, topic: str, count: int, records: Sequence[Record]) -> AsideLook:
        waiting: dict[str, Mapping[str, Any]] = {}
        for value in self._aside_rows.values(records):
            if value["retried_at"] is None:
                waiting[value["event_id"]] = value
            else:
                waiting.pop(value["event_id"], None)
        reasons = Counter(str(one["reason"]) for one in waiting.values()).most_common(REASONS_MAX)
        newest = max((one["last_at"] for one in waiting.values()), default=None)
        return AsideLook(topic, count, newest, reasons)
