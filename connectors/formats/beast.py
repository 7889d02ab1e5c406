"""Frames of the Beast format, in which a Mode S receiver passes on what it heard. Pure.

A frame is 0x1A, a type, six bytes of a counter of 12 MHz, one of the signal, and the message: type 1 is Mode A/C
(2 bytes), 2 Mode S short (7), 3 Mode S long (14). A byte 0x1A within a frame stands twice. The counter starts with the
receiver, so it gives only the time between frames.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ESCAPE = 0x1A
MESSAGE_BYTES = {0x31: 2, 0x32: 7, 0x33: 14}
HEAD_BYTES = 7
TICKS_A_SECOND = 12_000_000
STEP_S_MAX = 600
"""A counter that jumps farther, or back, was started anew, or has a mark in its place: no time is taken from it."""
OTHER, BETWEEN = "frame of another type", "bytes between frames"
CUT, UNFINISHED = "frame cut by another", "frame that does not end"


@dataclass(frozen=True, slots=True)
class BeastFrame:
    """A message as it was heard. *ticks*: the receiver's counter. *signal*: of 255, the root of its power."""

    ticks: int
    signal: int
    message: bytes


def beast_frames(body: bytes, skipped: Counter[str]) -> list[BeastFrame]:
    """The frames of *body*; what is none is counted in *skipped*."""
    found: list[BeastFrame] = []
    for _, content, fault in _parts(body):
        if content is None:
            skipped[fault] += 1
        else:
            found.append(BeastFrame(int.from_bytes(content[:6]), content[6], content[HEAD_BYTES:]))
    return found


def whole_bytes(body: bytes) -> int:
    """The number of bytes of *body* before a frame that has only begun."""
    for begin, _, fault in _parts(body):
        if fault == UNFINISHED:
            return begin
    return len(body)


def times_ms(frames: Sequence[BeastFrame], *, last_ms: int) -> list[int]:
    """When each of *frames* was heard, the last at *last_ms*: by the steps of the counter."""
    found, at_ms = [last_ms] * len(frames), float(last_ms)
    for index in range(len(frames) - 2, -1, -1):
        at_ms -= step_s(frames[index], frames[index + 1]) * 1000
        found[index] = round(at_ms)
    return found


def step_s(one: BeastFrame, following: BeastFrame) -> float:
    """The seconds between two frames; 0 where the counter does not say."""
    seconds = (following.ticks - one.ticks) / TICKS_A_SECOND
    return seconds if 0 <= seconds <= STEP_S_MAX else 0.0


def _parts(body: bytes) -> Iterator[tuple[int, bytes | None, str]]:
    """Each part of *body*: where it begins, a frame's content without escapes or ``None``, and why it is none."""
    at = 0
    while at < len(body):
        begin = at
        if body[at] != ESCAPE:
            at = body.find(ESCAPE, at)
            yield begin, None, BETWEEN
            if at < 0:
                return
            continue
        content, at, fault = _frame(body, begin)
        yield begin, content, fault


def _frame(body: bytes, begin: int) -> tuple[bytes | None, int, str]:
    """The content of the frame at *begin*, where what follows begins, and why it is none."""
    if begin + 1 == len(body):
        return None, len(body), UNFINISHED
    length = MESSAGE_BYTES.get(body[begin + 1])
    if length is None:
        return None, begin + 2, OTHER
    content, at = bytearray(), begin + 2
    while len(content) < HEAD_BYTES + length:
        is_escape = at < len(body) and body[at] == ESCAPE
        if at + is_escape >= len(body):
            return None, len(body), UNFINISHED
        if is_escape and body[at + 1] != ESCAPE:
            return None, at, CUT
        content.append(body[at])
        at += 1 + is_escape
    return bytes(content), at, ""
