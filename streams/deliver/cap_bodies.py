"""Alerts as the CAP messages that receivers get: the same messages as in the city's feed, with all earlier ones named. Pure.

The earlier revisions of an alert are kept, bounded as for the feed, since a message names those in force.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from connectors.base import Delivery
from connectors.formats.cap_feed import CAP_TYPE
from connectors.formats.cap_out import CapMessage
from connectors.gateway.published import PublishedAlerts
from schemas.errors import Invalid
from streams.deliver.subscriptions import ALERT

SIGNED_KEPT = 100
"""The newest signed messages are kept: one signature for all receivers and for each one's tries."""


class CapBodies:
    """The messages of *alerts*. *sign*: signs a document. *is_whole*: whether the alerts there were have been put."""

    def __init__(self, alerts: PublishedAlerts, *, sign: Callable[[bytes], bytes] | None = None) -> None:
        self.is_whole = False
        self._alerts = alerts
        self._sign = sign
        self._signed: OrderedDict[bytes, bytes] = OrderedDict()

    def put(self, value: Mapping[str, Any]) -> None:
        """Keep a ``core.alert``, which later messages of its alert name. Safe between threads."""
        self._alerts.put(value)

    def delivery(self, value: Mapping[str, Any]) -> Delivery:
        """The delivery of a ``core.alert``. ``Invalid`` for one that CAP cannot carry."""
        return Delivery(
            event_id=value["event_id"],
            topic=ALERT,
            contract=ALERT,
            key=value["situation_id"],
            body=self._document(self._message(value)),
            media_type=CAP_TYPE,
            time_ms=value["event_time"],
        )

    def _message(self, value: Mapping[str, Any]) -> CapMessage:
        found = self._alerts.made(value["alert_id"], value["revision"])
        if found is None:  # dropped meanwhile, for a receiver that is far behind
            self._alerts.put(value)
            found = self._alerts.made(value["alert_id"], value["revision"])
        if found is None:
            raise Invalid(
                "the alert's id is none that CAP can carry",
                field="alert_id",
                expected="no space, comma, <, &",
            )
        return found

    def _document(self, message: CapMessage) -> bytes:
        if self._sign is None:
            return message.body
        if (known := self._signed.get(message.body)) is None:
            known = self._signed[message.body] = self._sign(message.body)
        while len(self._signed) > SIGNED_KEPT:
            self._signed.popitem(last=False)
        return known
