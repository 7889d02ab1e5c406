"""A piece of work for the spool's one writer thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from connectors.gateway.spool_values import Differs


@dataclass(slots=True)
class Job:
    """Work for the writer, part of its next commit.

    *ended* is called with the result (``None``: it failed) before *done* is set. *size*: the bytes that it adds;
    ``None``: it adds none and is repeated until it succeeds.
    """

    work: Callable[[sqlite3.Connection], Any]
    ended: Callable[[Any], None] = lambda _result: None
    size: int | None = None
    done: Future[Any] = field(default_factory=Future)

    def __post_init__(self) -> None:
        self.done.set_running_or_notify_cancel()  # a caller cannot cancel it any more

    def succeed(self, result: object) -> None:
        if isinstance(result, Differs):
            self.fail(result)
            return
        self.ended(result)
        self.done.set_result(result)

    def fail(self, error: Exception) -> None:
        self.ended(None)
        self.done.set_exception(error)
