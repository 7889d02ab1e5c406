"""``GET /v1/{city}/surplus``: windows of surplus energy by the log's last word. All may read them; who announced one is
personal."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from connectors.gateway.log_lists import LogList, log_list, state_among
from connectors.gateway.reads import LogReads
from connectors.gateway.service import Gateway
from connectors.gateway.surplus_desk import PLANNED, WITHDRAWN, SurplusDesk, SurplusRow
from connectors.subscribers import Subscriber

CONTRACT = "energy.surplus"
STATES = (PLANNED, WITHDRAWN)
STATE = state_among(
    STATES,
    "planned or withdrawn; may come several times. Without it: both.",
    usual=STATES,
    example=["planned"],
)


def add(app: FastAPI, gateway: Gateway, desk: SurplusDesk) -> None:
    """Add the route to *app*."""
    listing = LogList(
        "surplus",
        CONTRACT,
        STATE,
        desk.windows,
        lambda row: row.window_id,
        _shown,
        description="Check the account, then list a page.",
    )
    log_list(app, LogReads(gateway, desk), listing)


def _shown(reader: Subscriber, row: SurplusRow) -> dict[str, Any]:
    return reader.shown(CONTRACT, row.value())
