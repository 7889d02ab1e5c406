"""Times in the bodies of requests: a day and a time with its offset, as RFC 3339 has them, and never a number."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field

BEGINS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}")


def said_time(said: Any) -> Any:
    """Return *said*. ``ValueError`` for another form: pydantic takes numbers, also as text, as seconds since 1970."""
    if said is not None and (not isinstance(said, str) or BEGINS.match(said) is None):
        raise ValueError("no day and time, such as 2026-03-08T12:00:00+09:00")
    return said


SaidTime = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(said_time)]
"""Not strict: behind a validator pydantic knows no more that the text came as JSON, and strictly a text is no time."""
