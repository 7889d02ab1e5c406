"""The ages of what receivers do not have yet, and the lag of the deliveries' own reader, as metrics."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

from streams import metrics
from streams.deliver.offset_times import OffsetTimes
from streams.runtime.lag import StageLag
from streams.runtime.records import Record


class DeliveryAges:
    """Knows when records were put into Kafka, by samples; shows the age of the oldest one that a receiver lacks.

    Records that lie before all those read in this process count as old as the oldest of these, until they are read.
    """

    def __init__(self, city: str, group: str, now_ms: Callable[[], int]) -> None:
        self._city = city
        self._group = group
        self._now_ms = now_ms
        self._times: dict[str, OffsetTimes] = defaultdict(OffsetTimes)  # one for each delivered topic
        self._shown: set[str] = set()
        self._lag = StageLag(group, now_ms)

    def saw(self, records: Sequence[Record]) -> None:
        """Note new records, before they are offered to the receivers."""
        for record in records:
            self._times[record.topic].saw(record.offset, record.timestamp_ms)
            metrics.records_taken.labels(self._group, record.topic).inc()
        if records:
            self._lag.took(min(record.timestamp_ms for record in records))

    def offered(self) -> None:
        """Note that all records of the last ``saw`` are offered."""
        self._lag.finished()

    def saw_first(self, records: Sequence[Record]) -> None:
        """Note the oldest of each topic among records read again for a receiver that is behind."""
        first: dict[str, Record] = {}
        for record in records:
            known = first.setdefault(record.topic, record)
            first[record.topic] = min(known, record, key=lambda one: one.offset)
        for topic, record in first.items():
            self._times[topic].saw(record.offset, record.timestamp_ms)

    def show(self, receiver: str, undelivered: Mapping[str, int]) -> None:
        """Show the age of a receiver. *undelivered*: topic → the first offset that it lacks; empty if it has all."""
        found = [self._times[topic].at(offset) for topic, offset in undelivered.items()]
        known = [at_ms for at_ms in found if at_ms is not None]
        age_s = max(0, self._now_ms() - min(known)) / 1000 if known else 0.0
        metrics.delivery_age.labels(self._city, receiver).set(age_s)
        self._shown.add(receiver)

    def forget_all_but(self, receivers: Collection[str]) -> None:
        """Show nothing more of receivers that are no more: their last age would stand for ever."""
        for name in self._shown - set(receivers):
            metrics.delivery_age.remove(self._city, name)
            metrics.receiver_lag.remove(self._city, name)
        self._shown &= set(receivers)
