"""The values that go into the spool and come out of it, and its two errors."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.base import Reading
from schemas.errors import Invalid, Retriable

FULL_RETRY_S = 10.0


class Full(Retriable):
    """The spool or the disk is full."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, hint="see whether Kafka answers, or give it more room", retry_after_s=FULL_RETRY_S
        )


class Differs(Invalid):
    """The mark was used for another wish within ``REPEAT_MS``. The push is not kept."""


@dataclass(frozen=True, slots=True)
class Push:
    """One body. *mark* identifies a repeat (the same mark of the same source); ``None``: never a repeat.

    *wish*: a digest of the whole request, where the caller chose the mark: the same mark with another wish is refused
    (``Differs``). *reading* is kept in memory only, and may be dropped: the drain then reads the body again.
    """

    source: str
    at_ms: int
    body: bytes
    mark: bytes | None = None
    reading: Reading | None = None
    wish: bytes | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A push in the spool; *is_whole*: its body still has the SHA-256 it was stored with."""

    seq: int
    at_ms: int
    body: bytes
    is_whole: bool
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """The number under which a push is kept; *is_repeat*: it was there already."""

    seq: int
    is_repeat: bool


@dataclass(slots=True)
class Depth:
    """The number and bytes of a source's waiting pushes."""

    pushes: int = 0
    bytes: int = 0
