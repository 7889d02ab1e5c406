"""Frames of a central system as a simulated charger reads them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.formats.ocpp_calls import CALL, ERROR, RESULT


@dataclass(frozen=True, slots=True)
class CentralMessage:
    """A frame: *kind* is CALL, RESULT or ERROR; *action* of a CALL."""

    kind: int
    unique_id: str
    payload: Mapping[str, Any]
    action: str = ""


@dataclass(frozen=True, slots=True)
class HeardFrame:
    """The outcome of a frame: *reply* to an order, or *action* whose answer it was."""

    reply: bytes | None = None
    action: str | None = None


def read_message(frame: str | bytes) -> CentralMessage | None:
    """The message in *frame*; ``None`` where it is none."""
    try:
        message = json.loads(frame, parse_float=Decimal)
    except ValueError:
        return None
    match message:
        case [kind, str(unique_id), str(action), dict(payload)] if kind == CALL:
            return CentralMessage(CALL, unique_id, payload, action)
        case [kind, str(unique_id), dict(payload)] if kind == RESULT:
            return CentralMessage(RESULT, unique_id, payload)
        case [kind, str(unique_id), *_] if kind == ERROR:
            return CentralMessage(ERROR, unique_id, {})
    return None
