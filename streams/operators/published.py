"""The city's alerts, read from ``core.alert`` for what the gateway serves in CAP."""

from __future__ import annotations

from collections.abc import Sequence

from connectors.gateway.published import CONTRACT, PublishedAlerts
from schemas.catalogue import topic_name
from schemas.wire import Wire
from streams.runtime.follower import Follower, Following
from streams.runtime.records import Record
from streams.runtime.row_reader import RowReader


class FollowedAlerts:
    """Keeps *alerts* equal to the topic. A record that cannot be read is left out."""

    def __init__(
        self,
        city: str,
        alerts: PublishedAlerts,
        following: Following,
        *,
        wire: Wire,
    ) -> None:
        self._alerts = alerts
        self._reader = RowReader(wire, f"{city}.gateway.alerts")
        self._follower = Follower(
            "alerts", topic_name(city, CONTRACT), following, begin=alerts.clear, take=self._take
        )

    @property
    def trouble(self) -> str | None:
        return self._follower.trouble

    def _take(self, records: Sequence[Record], _is_all: bool) -> None:
        for value in self._reader.values(records):
            self._alerts.put(value)
