"""Frames of MAVLink 1 and 2, out of a log (``.tlog``) or the datagrams of a link. Pure.

A log has eight bytes before each frame: microseconds since 1970, the highest byte first. That byte is 0 for all times that
can be, and no frame begins with 0, so a body may have both: a frame without a time of its own has the last one before it.
What is no frame is passed over: a frame whose checksum is wrong, and the bytes up to the next that is whole.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pymavlink.dialects.v20 import all as dialect

STAMP = struct.Struct(">Q")
MAGIC_1, MAGIC_2 = 0xFE, 0xFD
HEADER_1, HEADER_2, CHECKSUM, SIGNATURE = 6, 10, 2, 13
SIGNED = 0x01
LATEST_US = 253_402_300_799_999_999

BAD, UNKNOWN, STRAY, SHORT = (
    "frame with a wrong checksum",
    "frame of an unknown message",
    "bytes between frames",
    "frame that is cut off",
)


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """One message: its *name* in MAVLink, who sent it, its fields, and when by the log; ``None`` where no log says."""

    name: str
    system: int
    component: int
    fields: Any
    at_us: int | None


def stamped(datagram: bytes, at_us: int) -> bytes:
    """*datagram* as it stands in a log."""
    return STAMP.pack(at_us) + datagram


def messages_of(body: bytes, skipped: Counter[str]) -> Iterator[LinkMessage]:
    """The messages of *body* in its order; *skipped* counts what is no whole frame."""
    decoder = dialect.MAVLink(None)
    at_us: int | None = None
    begin, stray = 0, 0
    while begin < len(body):
        size = _size(body, begin)
        if size is None:
            stamp = _stamp(body, begin)
            if stamp is not None:
                at_us, begin = stamp, begin + STAMP.size
                continue
            begin, stray = begin + 1, stray + 1
            continue
        frame = body[begin : begin + size]
        message = None
        if len(frame) < size:
            skipped[SHORT] += 1
        else:
            message = _checked(decoder, frame, _begins(body, begin + size), skipped)
        if message is None:
            begin = _next(body, begin + 1)  # its length may be what is wrong: the next may begin within it
            continue
        begin += size
        yield LinkMessage(
            message.get_type(), message.get_srcSystem(), message.get_srcComponent(), message, at_us
        )
    if stray:
        skipped[STRAY] += 1


def _size(body: bytes, begin: int) -> int | None:
    """The length of the frame that seems to begin there; ``None`` where none does."""
    if body[begin] == MAGIC_1 and begin + HEADER_1 <= len(body):
        return HEADER_1 + body[begin + 1] + CHECKSUM
    if body[begin] == MAGIC_2 and begin + HEADER_2 <= len(body):
        signature = SIGNATURE if body[begin + 2] & SIGNED else 0
        return HEADER_2 + body[begin + 1] + CHECKSUM + signature
    return None


def _stamp(body: bytes, begin: int) -> int | None:
    """The time that stands there before a frame; ``None`` where none does."""
    end = begin + STAMP.size
    if body[begin] != 0 or end >= len(body) or body[end] not in (MAGIC_1, MAGIC_2):
        return None
    said: int = STAMP.unpack_from(body, begin)[0]
    return said if 0 < said <= LATEST_US else None


def _next(body: bytes, begin: int) -> int:
    """Where the next frame, with the time before it, may begin."""
    found = [at for magic in (MAGIC_1, MAGIC_2) if (at := body.find(bytes([magic]), begin)) >= 0]
    if not found:
        return len(body)
    at = min(found)
    before = at - STAMP.size
    return before if before >= begin and _stamp(body, before) is not None else at


def _begins(body: bytes, at: int) -> bool:
    """Whether a frame, the time before one, or the end is there."""
    return at == len(body) or body[at] in (MAGIC_1, MAGIC_2) or _stamp(body, at) is not None


def _checked(decoder: Any, frame: bytes, is_followed: bool, skipped: Counter[str]) -> Any:
    """The message in *frame*; ``None``, counted, where its checksum is wrong.

    That of a message which the library does not know cannot be checked: it is whole where another frame follows it.
    """
    try:
        message = decoder.decode(bytearray(frame))
    except (dialect.MAVError, struct.error, UnicodeDecodeError, IndexError, TypeError):
        skipped[BAD] += 1
        return None
    if isinstance(message, dialect.MAVLink_unknown):
        skipped[UNKNOWN if is_followed else BAD] += 1
        return message if is_followed else None
    return message
