"""What goes into the spool and comes out of it, and its two ways to say no."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Reading
from schemas.errors import Invalid, Retriable

FULL_RETRY_S = 10.0


class Full(Retriable):
    """The spool is at its bound, or the disk is."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, hint="see whether Kafka answers, or give it more room", retry_after_s=FULL_RETRY_S
        )


class Differs(Invalid):
    """A mark that was given to something else within ``REPEAT_MS``: no repeat, and what it brings is not kept."""


@dataclass(frozen=True, slots=True)
class Push:
    """One body. *mark* tells a repeat (the same mark from the same source); ``None``: whatever is said counts.

    *wish*: digest of all that the caller asked for under its mark, where the caller chose the mark: the mark with another
    wish is refused (``Differs``). *reading* is kept beside it in memory only, and not for ever: whoever drains it reads it
    again where it is gone.
    """

    source: str
    at_ms: int
    body: bytes
    mark: bytes | None = None
    reading: Reading | None = None
    wish: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A push as it lies in the spool; *is_whole*: its bytes are those that were pushed."""

    seq: int
    at_ms: int
    body: bytes
    is_whole: bool
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Under which number a push is kept; *is_repeat*: it already was."""

    seq: int
    is_repeat: bool


@dataclass(slots=True)
class Depth:
    """What waits of a source."""

    pushes: int = 0
    bytes: int = 0
