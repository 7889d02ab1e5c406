"""Closures and areas for tests."""

from __future__ import annotations

import json
from typing import Any

from streams.closures.closure_table import Closure


def a_closure(geometry: dict[str, Any] | str, closure_id: str = "c-1", **about: Any) -> Closure:
    """An open closure of that area from the beginning of time."""
    usual: dict[str, Any] = {
        "closure_id": closure_id,
        "geometry": geometry if isinstance(geometry, str) else json.dumps(geometry),
        "starts_at": 0,
        "ends_at": None,
        "reason": "flood",
        "opened_by": "action-1",
        "ended_by": None,
        "account_id": None,
        "situation_id": None,
        "revision": 1,
        "state": "open",
    }
    return Closure(**{**usual, **about})
