"""Times as people write them on the command line."""

from __future__ import annotations

from datetime import UTC, datetime

from deploy.faults import UsageFault
from schemas.iso_time import iso_time


def epoch_ms(text: str) -> int:
    """ISO 8601 to epoch milliseconds; without an offset it is UTC."""
    try:
        return iso_time(text).utc_ms()
    except ValueError:
        raise UsageFault(f"{text}: not a time", hint="write ISO 8601, such as 2024-05-16T23:00:00Z") from None


def iso(time_ms: int) -> str:
    """Epoch milliseconds as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).isoformat()
