"""Whether a gateway is ready: what it takes will be published, now or when Kafka is back."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from typing import Any

from connectors.gateway.damage import Mangled
from connectors.gateway.service import Gateway
from connectors.gateway.trouble import Trouble


def readiness(gateway: Gateway) -> tuple[int, dict[str, Any]]:
    """Status and body of ``/readyz``: 200 while what is taken will be published, 503 with the reason otherwise."""
    trouble = gateway.unpublished()
    reason = _reason(gateway, trouble)
    try:
        sources = {name: waiting(gateway, name) for name in gateway.sources}
    except Mangled as error:
        sources, reason = {}, error.what
    except sqlite3.Error as error:
        sources, reason = {}, f"the spool cannot be read: {error}"
    told: dict[str, Any] = {
        "ready": reason is None,
        "trouble": reason or (trouble.why if trouble else None),
        "publishing": trouble is None,
        "room_bytes": gateway.spool.room_bytes,
        "sources": sources,
    }
    if trouble is not None:
        since = datetime.fromtimestamp(trouble.since_ms / 1000, UTC)
        told |= {"since": since.isoformat(timespec="milliseconds"), "why": trouble.why}
    return 200 if reason is None else 503, told


def _reason(gateway: Gateway, trouble: Trouble | None) -> str | None:
    if trouble is not None and trouble.is_over:
        return trouble.why
    unknown = gateway.trouble()
    if unknown is not None and not len(gateway.accounts):
        return f"no keys are known yet: {unknown}"
    if gateway.spool.trouble is not None:
        return gateway.spool.trouble
    if gateway.spool.is_full:
        return f"the spool is full: it has room for {gateway.spool.room_bytes} bytes until Kafka takes some"
    return None


def waiting(gateway: Gateway, name: str) -> dict[str, Any]:
    """The pushes of a source that wait in the spool."""
    depth, oldest_ms = gateway.spool.depth(name), gateway.spool.oldest_ms(name)
    age_s = 0.0 if oldest_ms is None else max(0.0, (gateway.now_ms() - oldest_ms) / 1000)
    return {
        "pushes": depth.pushes,
        "bytes": depth.bytes,
        "age_s": age_s,
        "stopped": gateway.sources[name].is_stopped(),
    }
