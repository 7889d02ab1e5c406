"""The clock of a city: its time, its place in the journal, the numbers in force, and counts. One row carries them."""

from __future__ import annotations

from dataclasses import dataclass

from streams.situations.state.rows import body_of, clock_from


@dataclass(slots=True)
class Clock:
    """The time and place in the journal. *sequence* counts the entries taken. *rules_digest* is that of the numbers in
    force, ``None`` before any; *opening* that of those among them by which cameras open.

    *gone* counts the situations that were let go early, for want of room; *gone_to* is when the latest report of them was
    made. *unwatched* counts those that opened without a watch, for want of room; *left_out* the cameras that units sent
    could not see, *units_left_out* the units that could see none, for want of room.

    *kept_at* is the time of the newest snapshot in the journal, 0 without one. The rules do not see it, and no snapshot
    has it.
    """

    now_ms: int = 0
    sequence: int = 0
    rules_digest: str | None = None
    opening: str | None = None
    gone: int = 0
    gone_to: int = 0
    unwatched: int = 0
    left_out: int = 0
    units_left_out: int = 0
    kept_at: int = 0

    def set_clock(self, body: bytes) -> None:
        """Take the clock of a row. A row of before has fewer fields: they get their defaults."""
        clock = clock_from(body)
        self.now_ms, self.sequence = clock["now_ms"], clock["sequence"]
        self.rules_digest, self.opening = clock["rules"], clock.get("opening")
        self.gone, self.gone_to = clock.get("gone", 0), clock.get("gone_to", 0)
        self.unwatched, self.left_out = clock.get("unwatched", 0), clock.get("left_out", 0)
        self.units_left_out, self.kept_at = clock.get("units_left_out", 0), clock.get("kept_at", 0)

    def clock_body(self) -> bytes:
        """The clock as its row carries it."""
        return body_of(self.rules_clock() | ({"kept_at": self.kept_at} if self.kept_at else {}))

    def rules_clock(self) -> dict[str, int | str | None]:
        """The part that the rules know: it follows from the journal's entries alone."""
        clock: dict[str, int | str | None] = {"now_ms": self.now_ms, "sequence": self.sequence}
        clock |= {"rules": self.rules_digest}
        clock |= {"gone": self.gone, "gone_to": self.gone_to}
        clock |= {"unwatched": self.unwatched, "left_out": self.left_out, "opening": self.opening}
        clock |= {"units_left_out": self.units_left_out}
        return clock
