"""``GET /v1/{city}/closures``: what is closed as it stands by the log, and what was. Each audience sees all of them."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from connectors.gateway.closure_desk import ClosureDesk, ClosureRow
from connectors.gateway.log_lists import LogList, log_list, state_among
from connectors.gateway.reads import LogReads
from connectors.gateway.service import Gateway
from connectors.subscribers import Subscriber
from schemas.catalogue import load_catalogue
from schemas.json_form import to_json_value
from schemas.masking import masked

CONTRACT = "core.closure"
STATE = state_among(
    ("open", "over"),
    "Where the closure stands; may come several times. Without it: open.",
    usual=["open"],
    example=["open"],
)


def add(app: FastAPI, gateway: Gateway, desk: ClosureDesk) -> None:
    """Add the route to *app*."""
    listing = LogList("closures", CONTRACT, STATE, desk.closures, lambda row: row.closure_id, _shown)
    log_list(app, LogReads(gateway, desk), listing)


def _shown(reader: Subscriber, row: ClosureRow) -> dict[str, Any]:
    """The closure, without the account that acted on it: the public never sees that, others for a purpose of the law."""
    value = to_json_value(load_catalogue()[CONTRACT].newest, row.value)
    is_cleared = reader.is_cleared and reader.audience is not None
    return masked(CONTRACT, value, identifying=is_cleared, located=is_cleared)
