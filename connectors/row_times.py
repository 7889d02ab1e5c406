"""Times as columns write them: ISO 8601, seconds or milliseconds since 1970, or a form of ``strptime``."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from connectors.records import a_number, local_time
from schemas.errors import Invalid

NAMED_FORMS = ("iso", "epoch_s", "epoch_ms")
EPOCHS = {"epoch_s": 1000, "epoch_ms": 1}
TIME_MS_MAX = 253_402_300_799_999
"""The end of the year 9999."""


def a_time_form(form: str) -> str:
    """*form* itself, for a setting. ``ValueError`` for none that can be read."""
    if form not in NAMED_FORMS:
        if "%" not in form:
            raise ValueError(f"{', '.join(NAMED_FORMS)}, or a form with % as of strptime")
        day = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        datetime.strptime(day.strftime(form), form)  # noqa: DTZ007 - only whether it can be read
    return form


def a_zone_name(name: str | None) -> str | None:
    """*name* itself, for a setting. ``ValueError`` for no zone."""
    try:
        return name if name is None else ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError("an IANA time zone such as Asia/Seoul") from error


def row_time(text: str, form: str, zone: ZoneInfo) -> tuple[int, bool]:
    """*text* as (epoch ms, whether its local hour came twice and the earlier one was taken).

    *zone* is of times that name none. ``Invalid`` for text of another form, and for a time that does not exist.
    """
    if form in EPOCHS:
        return _epoch_ms(text, EPOCHS[form]), False
    if form == "iso":
        return _iso_ms(text, zone)
    return _by_form_ms(text, form, zone)


def _epoch_ms(text: str, scale: int) -> int:
    ms = a_number(text, "time") * scale
    if not 0 <= ms <= TIME_MS_MAX:
        raise Invalid(
            "time is no time since 1970", field="time", expected="seconds or milliseconds since 1970"
        )
    return round(ms)


def _iso_ms(text: str, zone: ZoneInfo) -> tuple[int, bool]:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("time is no ISO 8601", field="time", expected="2026-06-01T12:00:00+09:00") from None
    if at.tzinfo is not None:
        return _ms(at), False
    return local_time(at.isoformat(sep=" ", timespec="microseconds"), "%Y-%m-%d %H:%M:%S.%f", zone, "time")


def _by_form_ms(text: str, form: str, zone: ZoneInfo) -> tuple[int, bool]:
    if "%z" not in form:
        return local_time(text, form, zone, "time")
    try:
        return _ms(datetime.strptime(text, form)), False  # noqa: DTZ007 - the form has %z
    except ValueError:
        raise Invalid(f"time is no time of the form {form}", field="time", expected=form) from None


def _ms(at: datetime) -> int:
    try:
        return math.floor(at.astimezone(UTC).timestamp() * 1000 + 0.5)
    except OverflowError:
        raise Invalid("time is beyond all calendars", field="time", expected="a time of our days") from None
