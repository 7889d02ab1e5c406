"""Times as ISO 8601 and RFC 3339 write them: the one reader of them.

- Date and time with or without ``-`` and ``:``, the day of a week (``2026-W39-1``) too; ``T``, ``t`` or a space between.
- A fraction of any length after a dot or a comma, rounded to the nearest millisecond, a half upwards.
- ``Z``, ``z``, ``UTC``, ``+09:00``, ``+0900`` or ``+09``, a space before it or none; U+2212 is a minus.
- 24:00:00 is the beginning of the next day; a second of 60 (a leap second) is the beginning of the next minute.
- Refused: letters and digits beyond ASCII, years of other than four digits, an hour of one digit, a fraction of a minute.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_MS = 7_258_118_400_000
"""2200: a plan for later is none, and no calendar has the years after 9999."""
_MS = timedelta(milliseconds=1)
_FORM = re.compile(
    r"(?P<year>\d{4})(?:-?W(?P<week>\d\d)(?:-?(?P<weekday>\d))?|-?(?P<month>\d\d)-?(?P<day>\d\d))"
    r"(?:[Tt ](?P<hour>\d\d)(?::?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<fraction>\d+))?)?)?"
    r" ?(?P<offset>[Zz]|UTC|[-+\u2212]\d\d(?::?\d\d(?::?\d\d)?)?)?)?",
    re.ASCII,
)
LETTERS_MAX = 64


@dataclass(frozen=True, slots=True)
class IsoTime:
    """A moment, to the millisecond: *at* bears its offset, where the text named one.

    *is_leap*: its second was 60, and it is given as the beginning of the next minute.
    """

    at: datetime
    is_leap: bool = False

    @property
    def has_offset(self) -> bool:
        return self.at.tzinfo is not None

    def utc_ms(self) -> int:
        """Epoch ms; a time that names no offset is taken for UTC."""
        return epoch_ms_of(self.at if self.at.tzinfo is not None else self.at.replace(tzinfo=UTC))


def epoch_ms_of(at: datetime) -> int:
    """Epoch ms of *at*, which bears its offset, half a millisecond upwards. Exact: no number through a double."""
    return (at - EPOCH + _MS / 2) // _MS


def iso_time(text: object) -> IsoTime:
    """*text* read. ``ValueError`` for what is no time of a calendar, or beyond the years 1 to 9999."""
    found = _FORM.fullmatch(text.strip()) if isinstance(text, str) and len(text) <= LETTERS_MAX else None
    if found is None:
        raise ValueError("no ISO 8601")
    try:
        at, is_leap = _at(found)
        at = at.replace(tzinfo=_zone(found["offset"]))
        if at.tzinfo is not None:
            at.astimezone(UTC)
    except OverflowError:
        raise ValueError("beyond the years 1 to 9999") from None
    return IsoTime(at, is_leap)


def _at(found: re.Match[str]) -> tuple[datetime, bool]:
    day = _day(found)
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    fraction = (found["fraction"] or "").ljust(4, "0")
    ms = int(fraction[:3]) + (fraction[3] >= "5")
    if hour == 24:
        if minute or second or int(fraction):
            raise ValueError("after 24:00:00")
        return datetime(day.year, day.month, day.day) + timedelta(days=1), False  # noqa: DTZ001 - the offset comes after
    is_leap = second == 60
    at = datetime(day.year, day.month, day.day, hour, minute, 59 if is_leap else second)  # noqa: DTZ001 - as above
    return at + timedelta(seconds=is_leap, milliseconds=ms), is_leap


def _day(found: re.Match[str]) -> date:
    if found["week"] is not None:
        return date.fromisocalendar(int(found["year"]), int(found["week"]), int(found["weekday"] or 1))
    return date(int(found["year"]), int(found["month"]), int(found["day"]))


def _zone(offset: str | None) -> timezone | None:
    if offset is None:
        return None
    if offset in ("Z", "z", "UTC"):
        return UTC
    digits = offset[1:].replace(":", "").ljust(6, "0")
    hours, minutes, seconds = int(digits[:2]), int(digits[2:4]), int(digits[4:])
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError("no offset from UTC")
    ahead = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(ahead if offset[0] == "+" else -ahead)
