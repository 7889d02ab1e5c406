"""The receivers of an alert, and how far each is with it, by the rows of ``core.delivery``. Pure.

A row says how far a receiver is in the topic, not what it took: an offset below its place was delivered or set aside. What
was written before a subscription was made is not for it, unless it begins with all that the log has. One of the city's file
has no such time: as long as it has taken nothing at all, nothing counts as received.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from connectors.gateway.deliveries import ALERT, AlertReceiver, DeliveryState, WrittenRevision
from streams.deliver.subscriptions import Subscription

Row = Mapping[str, Any]


def receivers_of(
    subscriptions: Iterable[Subscription],
    rows: Mapping[str, Row],
    revisions: Sequence[WrittenRevision],
    *,
    topic: str,
    purposes: Collection[str],
    held: Mapping[str, str | None],
) -> list[AlertReceiver]:
    """The receivers of the alert with *revisions* (oldest first), by name. *rows*: the row of each; *topic*: that of
    alerts; *purposes*: those of the law; *held*: why nothing is delivered for it.
    """
    found = []
    for one in sorted(subscriptions, key=lambda it: it.name):
        reader = one.reader(purposes)
        wanted = [
            it
            for it in revisions
            if (one.from_beginning or it.written_ms >= one.created_at)
            and one.wants(ALERT, it.value, reader=reader)
        ]
        if wanted:
            row = rows.get(one.name)
            its = row if row is not None and row["begun_at"] == one.created_at else None
            found.append(_receiver(one, its, wanted, topic, why_held=held.get(one.name)))
    return found


def _receiver(
    one: Subscription, row: Row | None, wanted: Sequence[WrittenRevision], topic: str, *, why_held: str | None
) -> AlertReceiver:
    about: Row = row or {}
    done = [it for it in wanted if row is not None and _is_done(row, topic, it.offset)]
    state: DeliveryState = "waiting"
    if done and done[-1] is wanted[-1]:
        state = "received"
    elif one.state == "paused" or why_held is not None:
        state = "paused"
    elif about.get("attempts") or about.get("state") == "dead":
        state = "failed"
    is_failed = state == "failed"
    return AlertReceiver(
        one.name,
        one.account_id,
        one.sink,
        state,
        revision=int(wanted[-1].value["revision"]),
        received=int(done[-1].value["revision"]) if done else None,
        set_aside=about.get("set_aside", 0),
        attempts=about.get("attempts", 0),
        failing_since=about.get("failing_since") if is_failed else None,
        why=why_held if state == "paused" else about.get("last_error") if is_failed else None,
        as_of=about.get("event_time"),
    )


def _is_done(row: Row, topic: str, offset: int) -> bool:
    if not row["delivered"] and not row["set_aside"]:
        return False
    return any(
        place["topic"] == topic and (offset < place["next_offset"] or offset in place["done_above"])
        for place in row["places"]
    )
