"""Deliveries of the sink ``webhook`` to a real server, for tests that verify what was sent."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence

from connectors.base import Delivery, SinkContext
from connectors.contract_suite.receivers import Post, a_web_receiver
from connectors.discovery import load_sink

OLD = "whsec_" + base64.b64encode(b"old " * 8).decode()
NEW = "whsec_" + base64.b64encode(b"new " * 8).decode()
STRANGE = "whsec_" + base64.b64encode(b"strange " * 4).decode()


def a_delivery(
    event_id: str = "e-1",
    body: str = '{"id":"e-1","note":"강남역 3번 출구"}',
    media_type: str = "application/json",
) -> Delivery:
    return Delivery(event_id, "core.situation", "core.situation", "s-1", body.encode(), media_type, 0)


def sent(secrets: Sequence[str], *events: Delivery, now_ms: Callable[[], int]) -> list[Post]:
    """The requests by which *events* arrived, signed by *secrets*."""
    with a_web_receiver() as receiver:
        context = SinkContext("daejeon", "police", now_ms, receiver.allow_hosts)

        async def run() -> None:
            sink = load_sink("webhook", {**receiver.settings, "secrets": list(secrets)}, context)
            try:
                await sink.deliver(events)
            finally:
                await sink.close()

        asyncio.run(run())
        return receiver.taken
