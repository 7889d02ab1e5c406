"""A stage: what is done with a batch of records, apart from threads, channels and the life of the worker."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streams.runtime.records import Batch


class Stage(Protocol):
    """Takes batches and answers them, each in a transaction. Called from one thread only."""

    @property
    def topics(self) -> Sequence[str]:
        """The full names of the topics it reads."""

    @property
    def beside(self) -> Sequence[str]:
        """Full names of topics of which whoever has the partitions of ``topics`` reads every partition, too."""

    @property
    def group(self) -> str: ...

    def assigned(self) -> None:
        """The partitions are ours: fence whoever had them, and rebuild the state from the log."""

    def revoked(self) -> None:
        """They are another's now: forget the state."""

    def take(self, batch: Batch) -> None:
        """Answer one batch. ``Retriable``: call ``assigned``, then this again with the same batch. ``Fatal``: stop."""
