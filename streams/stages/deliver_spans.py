"""The span of a try to deliver: the last of a trace. The header itself does not go to receivers.

The trace is named after the event that began it, so it would tie together events of which a receiver may see one alone.
"""

from __future__ import annotations

from typing import Literal

from streams.deliver.receivers import Item
from streams.deliver.subscriptions import Subscription
from streams.spans import TracedSpan, place_of
from streams.traces import traces

Outcome = Literal["delivered", "retried", "set_aside", "refused"]


def try_span(city: str, subscription: Subscription, item: Item, outcome: Outcome, begun_ns: int) -> None:
    """Export the span of a try of *item* that is over, with its *outcome*."""
    if not traces.is_on or (answer := place_of(item.traceparent)) is None:
        return
    contract = item.delivery.contract
    traces.put(
        TracedSpan(
            f"deliver {contract}",
            "CLIENT",
            answer.next("deliver", subscription.name, begun_ns),
            answer,
            begun_ns,
            traces.now_ns(),
            {
                "city": city,
                "topic": contract,
                "event_id": item.delivery.event_id,
                "situation_id": item.delivery.key,
                "subscription": subscription.name,
                "sink": subscription.sink,
                "outcome": outcome,
            },
            is_failed=outcome != "delivered",
        )
    )
