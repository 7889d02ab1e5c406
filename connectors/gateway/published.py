"""The alerts of a city as its gateway serves them in CAP: what is kept of each revision, and the messages made of it.

Bounded: alerts older than their topic keeps them are dropped, and beyond `REVISIONS_MAX` those that changed longest ago.
Safe between threads: one puts, others read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.formats.cap_out import CapMessage, Publisher, cap_message, identifier_of
from connectors.gateway.published_order import Listed, PublishedOrder
from connectors.subscribers import Subscriber
from schemas.errors import Invalid

CONTRACT = "core.alert"
KEPT = (
    "event_time",
    "alert_id",
    "revision",
    "situation_id",
    "message_type",
    "audience",
    "headline",
    "headlines",
    "kind",
    "severity",
    "urgency",
    "certainty",
    "area",
)
"""The fields of which a message is made; nothing else of an alert is held."""
REVISIONS_MAX = 100_000
MESSAGES_MAX = 10_000
"""The number of messages that are kept as XML; others are made again."""
RETENTION_MS = 30 * 86_400_000
"""As long as the topic keeps an alert."""

Value = Mapping[str, Any]


@dataclass(slots=True)
class _Alert:
    """The revisions of one alert, when it last changed, and its newest one's place among the messages."""

    audience: str
    changed_ms: int
    revisions: dict[int, Value] = field(default_factory=dict)
    newest: int = 0
    listed: Listed | None = None


class PublishedAlerts:
    """The alerts of one city, and their messages as *publisher* sends them."""

    def __init__(self, publisher: Publisher, *, revisions_max: int = REVISIONS_MAX) -> None:
        self.publisher = publisher
        self._revisions_max = revisions_max
        self._alerts: OrderedDict[str, _Alert] = OrderedDict()
        self._count = 0
        self._order = PublishedOrder(publisher.lasts_ms)
        self._messages: OrderedDict[tuple[str, int], CapMessage] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """The number of revisions held."""
        return self._count

    def clear(self) -> None:
        with self._lock:
            self._alerts.clear()
            self._messages.clear()
            self._order.clear()
            self._count = 0

    def put(self, value: Value) -> None:
        """Add a revision of an alert."""
        with self._lock:
            alert = self._alerts.setdefault(value["alert_id"], _Alert(value["audience"], value["event_time"]))
            self._count += value["revision"] not in alert.revisions
            alert.revisions[value["revision"]] = {name: value[name] for name in KEPT if name in value}
            alert.changed_ms = max(alert.changed_ms, value["event_time"])
            self._messages.pop((value["alert_id"], value["revision"]), None)
            self._alerts.move_to_end(value["alert_id"])
            alert.newest = max(alert.newest, value["revision"])
            self._list(alert)
            self._drop(value["event_time"] - RETENTION_MS)

    def _drop(self, before_ms: int) -> None:
        while len(self._alerts) > 1:
            oldest = next(iter(self._alerts))
            if self._count <= self._revisions_max and self._alerts[oldest].changed_ms >= before_ms:
                return
            gone = self._alerts.pop(oldest)
            self._count -= len(gone.revisions)
            self._order.remove(gone.listed)
        alert = next(iter(self._alerts.values()))
        while self._count > self._revisions_max:  # one alert alone has too many
            del alert.revisions[min(alert.revisions)]
            self._count -= 1

    def _list(self, alert: _Alert) -> None:
        """Give *alert* its place among the messages: that of its newest revision."""
        self._order.remove(alert.listed)
        newest = alert.revisions[alert.newest]
        alert.listed = None
        if (identifier := identifier_of(newest)) is not None:
            is_cancel = newest["message_type"] == "cancel"
            sent_s = alert.changed_ms // 1000  # no revision is sent before an earlier one
            alert.listed = Listed(
                -sent_s, identifier, newest["alert_id"], alert.newest, alert.audience, is_cancel
            )
        self._order.put(alert.listed)

    def current(
        self, subscriber: Subscriber | None, *, now_ms: int, start: int = 0, count: int | None = None
    ) -> tuple[list[CapMessage], bool]:
        """The messages that tell *subscriber* (``None``: anybody) something now, newest first as ``cap_feed.current`` has
        them: *count* of them behind the first *start*, and whether more follow. No other message is made."""
        with self._lock:
            audiences = [one for one in self._order.audiences if self._may_read(subscriber, one)]
            found = self._order.part(audiences, now_ms=now_ms, start=start, count=count)
        more = count is not None and len(found) > count
        made = (self.made(one.alert_id, one.revision) for one in found[:count])
        return [one for one in made if one is not None], more

    def message(self, identifier: str, subscriber: Subscriber | None) -> CapMessage | None:
        """The message of that CAP identifier; ``None`` where *subscriber* may not read it, as where there is none."""
        alert_id, _, revision = identifier.rpartition("-")
        if not (revision.isascii() and revision.isdecimal() and len(revision) <= 9):
            return None
        with self._lock:
            alert = self._alerts.get(alert_id)
            if alert is None or not self._may_read(subscriber, alert.audience):
                return None
        made = self.made(alert_id, int(revision))
        return made if made is not None and made.identifier == identifier else None

    def _may_read(self, subscriber: Subscriber | None, audience: str) -> bool:
        if audience in self.publisher.public:
            return True
        return subscriber is not None and subscriber.may_read(CONTRACT, {"audience": audience})

    def made(self, alert_id: str, revision: int) -> CapMessage | None:
        """The message of that revision, of the kept ones or made now; ``None`` for one that CAP cannot carry."""
        with self._lock:
            if (made := self._messages.get((alert_id, revision))) is not None:
                self._messages.move_to_end((alert_id, revision))
                return made
            alert = self._alerts.get(alert_id)
            if alert is None or revision not in alert.revisions:
                return None
            value = alert.revisions[revision]
            earlier = [one for number, one in alert.revisions.items() if number < revision]
        try:
            made = cap_message(value, earlier, self.publisher)
        except Invalid:
            return None
        with self._lock:
            if self._alerts.get(alert_id) is alert and alert.revisions.get(revision) is value:
                self._messages[alert_id, revision] = made
            while len(self._messages) > MESSAGES_MAX:
                self._messages.popitem(last=False)
        return made
