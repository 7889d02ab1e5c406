"""The interface of readers of the fast topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from schemas.catalogue import load_catalogue, topic_name
from streams.match.core.batch import ObservationBatch
from streams.match.core.cells import Filter
from streams.match.core.flow import Partition
from streams.match.core.forms import FORMS

Assigned = Callable[[Sequence[Partition]], Mapping[Partition, int]]
"""Gets the partitions assigned to us; returns the offset to begin with of each."""
Revoked = Callable[[], None]
"""Called when partitions are revoked: the last moment to commit."""
Lost = Callable[[], None]
"""Called when another member has the partitions already."""
SPAN_S_MAX = 60.0
"""The limit for the next record of a span that is read again."""
FAST = {"queued.min.messages": 20_000, "queued.max.messages.kbytes": 32_768, "fetch.wait.max.ms": 250}
"""The broker answers a fetch at once when there are records; without any, after this wait: each answer names every
partition, and costs a millisecond."""


def fast_topics(city: str) -> list[str]:
    """Return the fast topics that are in the catalogue."""
    return [topic_name(city, form.contract) for form in FORMS if form.contract in load_catalogue()]


class Reader(Protocol):
    """A member of a consumer group that reads observations. Used by one thread; the callbacks are called
    within ``read``.
    """

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None: ...

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> ObservationBatch | None:
        """Return the next batch; ``None`` after *timeout_s* without one. *sieve*: returns the filter that
        gives its passing rows.
        """

    def between(self, place: Partition, first: int, end: int) -> Iterator[ObservationBatch]:
        """Yield the records of *place* from offset *first* to before *end* again, beside the group's reading."""

    def begin_of(self, place: Partition) -> int:
        """Return the first offset of *place* that is not deleted."""

    def end_of(self, place: Partition) -> int | None:
        """Return the end of *place* as last reported by the broker; ``None`` if not known yet."""

    def group_metadata(self) -> Any:
        """Return the metadata for the transaction that commits the offsets."""

    def close(self) -> None: ...
