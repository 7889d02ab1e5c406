"""What the loop needs of whoever reads the fast topics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from schemas.catalogue import load_catalogue, topic_name
from streams.match.batch import Batch
from streams.match.cells import Filter
from streams.match.flow import Partition
from streams.match.forms import FORMS

Assigned = Callable[[Sequence[Partition]], Mapping[Partition, int]]
"""Given the partitions that are ours from now on; answers where to begin each."""
Revoked = Callable[[], None]
"""They are being taken away: the last moment to commit."""
Lost = Callable[[], None]
"""They are another's already."""
SPAN_S_MAX = 60.0
"""How long the next record of a span may take that is read once more."""
FAST = {"queued.min.messages": 20_000, "queued.max.messages.kbytes": 32_768, "fetch.wait.max.ms": 50}


def fast_topics(city: str) -> list[str]:
    """The topics that are matched, as far as they are in the catalogue."""
    return [topic_name(city, form.contract) for form in FORMS if form.contract in load_catalogue()]


class Reader(Protocol):
    """A member of a consumer group that reads observations. Called from one thread; the callbacks come from ``read``."""

    def subscribe(self, assigned: Assigned, revoked: Revoked, lost: Lost) -> None: ...

    def read(self, timeout_s: float, sieve: Callable[[], Filter]) -> Batch | None:
        """What is there; ``None`` when nothing was within *timeout_s*. *sieve*: what its rows may be sifted by."""

    def between(self, place: Partition, first: int, end: int) -> Iterator[Batch]:
        """The records of *place* from offset *first* to before *end*, once more, beside the group's own reading."""

    def begin_of(self, place: Partition) -> int:
        """The first offset that still stands in *place*."""

    def end_of(self, place: Partition) -> int | None:
        """The end of *place* as far as the broker has told; ``None``: not yet."""

    def group_metadata(self) -> Any:
        """For the transaction that carries the offsets."""

    def close(self) -> None: ...
