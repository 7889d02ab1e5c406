"""Memory of a source of OCPI between two bodies, and the bytes of a session without its driver. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from connectors.sources._ocpi_parts import bounded, is_pushed
from connectors.sources._ocpi_sessions import SESSION_FIELDS, SESSIONS_MAX, without_person

REMEMBERED_MAX = 20_000


@dataclass(slots=True)
class OcpiMemory:
    """Between two bodies: when each location changed last, the newest whole ones, and sessions."""

    known: dict[str, int]
    wholes: dict[str, Any]
    sessions: dict[str, Any]

    def kept(self) -> dict[str, Any]:
        parts = {
            "known": dict(list(self.known.items())[-REMEMBERED_MAX:]),
            "wholes": bounded(self.wholes),
            "sessions": dict(list(self.sessions.items())[-SESSIONS_MAX:]),
        }
        return {name: part for name, part in parts.items() if part}


def impersonal(original: Callable[[int, Any], bytes]) -> Callable[[int, Any], bytes]:
    """The bytes of a record; of what names a driver without that."""

    def of(number: int, record: Any) -> bytes:
        body = record.get("body") if is_pushed(record) else record
        if not isinstance(body, dict) or not any(name in body for name in SESSION_FIELDS):
            return original(number, record)
        plain = without_person(body)
        return orjson.dumps({**record, "body": plain} if is_pushed(record) else plain)

    return of
