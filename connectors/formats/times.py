"""Times as systems write them: ISO 8601, seconds or milliseconds since 1970, or a form of ``strptime``. Every source reads
them here, so that one text is one time whoever says it.

Whatever the form: digits are ASCII's, fractions are rounded to the nearest millisecond, a half upwards, 24:00:00 is the next
day, and a second of 60 is the next minute.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator

from connectors.formats.records import a_number, a_text
from schemas.errors import Invalid
from schemas.iso_time import IsoTime, epoch_ms_of, iso_time

NAMED_FORMS = ("iso", "epoch_s", "epoch_ms")
EPOCHS = {"epoch_s": 1000, "epoch_ms": 1}
TIME_MS_MAX = 253_402_300_799_999
"""The end of the year 9999."""
LEAP = "second 60: told as the next minute"
_DIRECTIVE = re.compile(r"%(.)|(\s+)|(.)", re.DOTALL)
_WIDTHS = {"Y": r"\d{4}", "j": r"\d{3}", "f": r"\d{1,6}"} | dict.fromkeys("mdHMSyI", r"\d\d")


@dataclass(frozen=True, slots=True)
class RowTime:
    """A time read. *is_ambiguous*: its hour came twice, and the earlier one was taken; *is_leap*: its second was 60."""

    ms: int
    is_ambiguous: bool = False
    is_leap: bool = False

    def note(self, noted: Counter[str] | None) -> int:
        """The time itself; a leap second is counted in *noted*."""
        if self.is_leap and noted is not None:
            noted[LEAP] += 1
        return self.ms


def a_time_form(form: str) -> str:
    """*form* itself, for a setting. ``ValueError`` for none that can be read."""
    if form not in NAMED_FORMS:
        if "%" not in form:
            raise ValueError(f"{', '.join(NAMED_FORMS)}, or a form with % as of strptime")
        day = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        datetime.strptime(day.strftime(form), form)  # noqa: DTZ007 - only whether it can be read
    return form


def a_zone_name(name: str) -> str:
    """*name* itself, for a setting. ``ValueError`` for no zone."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("an IANA time zone such as Asia/Seoul") from error


TimeForm = Annotated[str, AfterValidator(a_time_form)]
ZoneName = Annotated[str, AfterValidator(a_zone_name)]


def row_time(text: str, form: str, zone: ZoneInfo, field: str = "time") -> RowTime:
    """*text* of the form that a setting names. *zone* is of times that name none.

    ``Invalid`` for text of another form, and for a time that does not exist.
    """
    if form in EPOCHS:
        return RowTime(epoch_ms(text, field, form))
    if form != "iso":
        return local_time(text, form, zone, field)
    read = _iso(text, field, "2026-06-01T12:00:00+09:00")
    return RowTime(read.utc_ms(), False, read.is_leap) if read.has_offset else _in_zone(read, zone, field)


def iso_ms(text: object, field: str, *, is_utc: bool = False, noted: Counter[str] | None = None) -> int:
    """Epoch ms of ISO 8601 with an offset; *is_utc*: without one it is UTC by its name.

    A leap second is counted in *noted*. ``Invalid`` for anything else.
    """
    read = _iso(text, field, "ISO 8601 with offset")
    if not is_utc and not read.has_offset:
        raise Invalid(f"{field} has no offset", field=field, expected="ISO 8601 with offset")
    return RowTime(read.utc_ms(), False, read.is_leap).note(noted)


def iso_ms_or_none(text: object, *, noted: Counter[str] | None = None) -> int | None:
    """As ``iso_ms``, but anything else is ``None``."""
    try:
        return iso_ms(text, "", noted=noted)
    except Invalid:
        return None


def epoch_ms(value: object, field: str, unit: str = "epoch_s") -> int:
    """Epoch ms of a number since 1970, or of its digits, in *unit*. ``Invalid`` for anything else."""
    a_number(value, field)
    exact = Decimal(str(value).strip()) * EPOCHS[unit]
    if not 0 <= exact <= TIME_MS_MAX:
        expected = "seconds since 1970" if unit == "epoch_s" else "milliseconds since 1970"
        raise Invalid(f"{field} is no time since 1970", field=field, expected=expected)
    return int(exact.to_integral_value(ROUND_HALF_UP))


def local_time(text: object, form: str, zone: ZoneInfo, field: str = "event_time") -> RowTime:
    """A time of a *form* as of ``strptime``; *zone* is of times that name no offset.

    ``Invalid`` for text of another form and for a time that the change to summer time left out.
    """
    said = a_text(text, field)
    try:
        if any(letter.isdecimal() and not letter.isascii() for letter in said):
            raise ValueError("digits beyond ASCII")  # strptime takes them
        plain, later, is_leap = _plain(said, form)
        at = datetime.strptime(plain, form) + later  # noqa: DTZ007 - the zone is the city's, or the form has %z
        read = IsoTime(at, is_leap)
        return RowTime(read.utc_ms(), False, is_leap) if read.has_offset else _in_zone(read, zone, field)
    except (ValueError, OverflowError):
        raise Invalid(f"{field} is no time of the form {form}", field=field, expected=form) from None


def _plain(text: str, form: str) -> tuple[str, timedelta, bool]:
    """*text* without an hour of 24 or a second of 60, which ``strptime`` refuses; what to add; whether it was the latter."""
    if "24" not in text and "60" not in text:
        return text, timedelta(0), False
    found = re.fullmatch(_pattern(form), text, re.ASCII | re.IGNORECASE)
    said = {} if found is None else found.groupdict()
    if (
        found is not None
        and said.get("H") == "24"
        and not int((said.get("M") or "0") + (said.get("S") or "0"))
    ):
        return _instead(text, found, "H", "00"), timedelta(days=1), False
    if found is not None and said.get("S") == "60":
        return _instead(text, found, "S", "59"), timedelta(seconds=1), True
    return text, timedelta(0), False


def _instead(text: str, found: re.Match[str], name: str, digits: str) -> str:
    start, end = found.span(name)
    return text[:start] + digits + text[end:]


def _pattern(form: str) -> str:
    """A pattern of *form* that names its hour, minute and second."""
    parts, named = [], set[str]()
    for directive, space, letter in _DIRECTIVE.findall(form):
        if directive == "%":
            parts.append("%")
        elif directive:
            width = _WIDTHS.get(directive, ".+?")
            is_first = directive in "HMS" and directive not in named
            parts.append(f"(?P<{directive}>{width})" if is_first else width)
            named.add(directive)
        else:
            parts.append(r"\s+" if space else re.escape(letter))
    return "".join(parts)


def _iso(text: object, field: str, expected: str) -> IsoTime:
    try:
        return iso_time(text)
    except ValueError:
        raise Invalid(f"{field} is no time", field=field, expected=expected) from None


def _in_zone(read: IsoTime, zone: ZoneInfo, field: str) -> RowTime:
    """A local time of *zone*; of an hour that comes twice the earlier."""
    naive = read.at
    if not 1900 <= naive.year < 9999:  # beyond them there is no UTC to turn it into
        raise Invalid(f"{field} lies outside the years 1900 to 9998", field=field, expected="1900 to 9998")
    at = naive.replace(tzinfo=zone)
    if at.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive:
        raise Invalid(
            f"{field} does not exist: clocks went forward", field=field, expected="an existing local time"
        )
    ambiguous = at.utcoffset() != at.replace(fold=1).utcoffset()
    return RowTime(epoch_ms_of(at), ambiguous, read.is_leap)
