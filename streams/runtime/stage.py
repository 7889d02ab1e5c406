"""The interface of a stage: it processes batches, without threads, channels and the worker's start and end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from streams.runtime.records import RecordBatch


class Stage(Protocol):
    """Takes batches and publishes results, each batch in a transaction. Called from one thread only."""

    @property
    def topics(self) -> Sequence[str]:
        """Return the full names of the topics it reads."""

    @property
    def beside(self) -> Sequence[str]:
        """Return the full names of topics of which the owner of ``topics`` reads every partition."""

    @property
    def group(self) -> str: ...

    def assigned(self) -> None:
        """Called after an assignment: fence the former owner, and rebuild the state from the log.

        ``Retriable`` or ``Unreachable``: call it again.
        """

    def revoked(self) -> None:
        """Called after a revocation: forget the state."""

    def take(self, batch: RecordBatch) -> None:
        """Process one batch. ``Retriable`` or ``Unreachable``: call ``assigned``, then this again with the same batch.
        Any other ``Fatal``: stop.
        """
