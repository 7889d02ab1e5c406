"""Reading of records, as every source needs it. Pure: no I/O, no clock, no chance."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from connectors.base import SetAside, SourceContext
from connectors.formats.json_parts import Unreadable
from connectors.subjects.plausible import EARLIEST_MS, FUTURE_MS_MAX, LATEST_MS, UNKNOWN_PLACES
from schemas.errors import Invalid

Raw = TypeVar("Raw")
Read = TypeVar("Read")

NOTED_LETTERS_MAX = 60
NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def a_number(value: object, field: str) -> float:
    """*value* as a finite number; a string of ASCII digits is read as one. ``Invalid`` otherwise."""
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        try:
            number = (
                float(value) if not isinstance(value, str) or NUMBER.fullmatch(value.strip()) else math.nan
            )
        except OverflowError:  # an integer beyond all doubles
            number = math.nan
        if math.isfinite(number):
            return number
    raise Invalid(f"{field} is not a number", field=field, expected="a number")


def a_text(value: object, field: str) -> str:
    """*value* as text that holds something, without spaces around. ``Invalid`` otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise Invalid(f"{field} is missing or no text", field=field, expected="text")
    return value.strip()


EXACT_MAX = 2**53
"""Beyond it a number with a fraction or an exponent may have lost digits."""


def an_id(value: object, field: str) -> str:
    """An id: text, or a whole number as its digits, however it is written (``7``, ``7.0``). ``Invalid`` otherwise.

    A number that may have lost digits is refused: two things would become one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_MAX:
        return str(int(value))
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise Invalid(f"{field} is missing or no id", field=field, expected="text or a whole number")


def id_or_none(value: object, field: str) -> str | None:
    """As ``an_id``, but nothing there is ``None``."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return an_id(value, field)


def note_unknown(noted: Counter[str], what: str, word: str) -> None:
    """Note an unknown *word* of a known service (agency, status, later value of an enum); the record is read anyhow."""
    noted[f"{what} unknown: {word[:NOTED_LETTERS_MAX]}"] += 1


def text_or_none(value: object, field: str) -> str | None:
    """As ``a_text``, but nothing there is ``None``."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    return a_text(value, field)


def position(
    context: SourceContext, lat: object, lon: object, *, accuracy_m: float | None = None
) -> dict[str, Any] | None:
    """A position in degrees; ``None`` where the agency does not know it: nothing there, or a pair that
    makers write for that (0,0).

    ``Invalid`` for what is no place on earth or lies outside the city: quarantined, never clamped, never
    guessed.
    """
    if lat in (None, "") and lon in (None, ""):
        return None
    north, east = a_number(lat, "position.lat"), a_number(lon, "position.lon")
    if (north, east) in UNKNOWN_PLACES:
        return None
    if not -90 <= north <= 90:
        raise Invalid(f"latitude {north} is no place on earth", field="position.lat", expected="-90 to 90")
    if not -180 <= east <= 180:
        raise Invalid(f"longitude {east} is no place on earth", field="position.lon", expected="-180 to 180")
    if not context.bounds.holds(north, east):
        raise Invalid("the position lies outside the city", field="position", expected=f"in {context.bounds}")
    return {"lat": north, "lon": east, "accuracy_m": accuracy_m}


def plausible_time(event_ms: int, received_ms: int | None, field: str = "event_time") -> int:
    """*event_ms* itself. ``Invalid`` before 2000, after 9999, or more than 5 min after *received_ms*."""
    if event_ms < EARLIEST_MS:
        raise Invalid(f"{field} lies before the year 2000", field=field, expected="milliseconds since 1970")
    if event_ms > LATEST_MS:
        raise Invalid(f"{field} lies after the year 9999", field=field, expected="milliseconds since 1970")
    if received_ms is not None and event_ms > received_ms + FUTURE_MS_MAX:
        ahead_s = (event_ms - received_ms) // 1000
        raise Invalid(f"{field} lies {ahead_s} s in the future", field=field, expected="at most 300 s ahead")
    return event_ms


ALONE = (b"", b"")
"""Around a record that is a body by itself."""


def set_aside(
    original: bytes, error: Invalid, around: tuple[bytes, bytes] = ALONE, *, number: int | None = None
) -> SetAside:
    """*original* put aside for *error*; *around*: what stands before and after it in a body of its own."""
    before, after = around
    return SetAside(original, str(error), error.field, error.expected, before, after, number)


def readable(record: Raw) -> Raw:
    """*record* itself. ``Invalid`` in the place of one whose bytes are no JSON."""
    if isinstance(record, Unreadable):
        raise record.error
    return record


def read_each(
    records: Iterable[Raw],
    read_one: Callable[[Raw], Read],
    original: Callable[[int, Raw], bytes],
    around: tuple[bytes, bytes] = ALONE,
) -> tuple[list[Read], list[SetAside], list[Raw]]:
    """Every record by itself: what was read, what was set aside with its bytes as they came, and the latter
    raw.

    *original* gives the bytes of the record at an index; it is asked only for what is set aside. *around*: what stands
    before and after a record in a body of its own, so that it can be retried.
    """
    read, aside, unread = [], [], []
    for index, record in enumerate(records):
        try:
            read.append(read_one(readable(record)))
        except Invalid as error:
            aside.append(set_aside(original(index, record), error, around, number=index))
            unread.append(record)
    return read, aside, unread
